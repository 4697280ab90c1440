"""ECG classification with a hybrid CNN-Transformer: what the notebooks of this report call."""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"
# what is there without an import of its own, made when it is first asked for: PyTorch takes seconds to load
_ON_DEMAND = ("predict", "load_pretrained", "pretrained_names")


def __getattr__(name: str) -> object:
    if name not in _ON_DEMAND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = import_module("ecglib.predict")
    return room if name == "predict" else getattr(room, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_ON_DEMAND})
