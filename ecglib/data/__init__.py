"""Beat tables: how they are made, read and split.

The names below are imported when they are first used, so that a machine that only reads a compact table
(`ecglib.data.compact`) needs no Parquet reader.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecglib.data.parquet import read_beats, write_beats
    from ecglib.data.sources import beat_table, build_beats
    from ecglib.data.splits import Split, arrange, class_counts, class_weights, default_split, reduced_cap, split_beats
    from ecglib.data.table import BEAT_LENGTH, BeatMetadata, Beats

_MODULES = {
    "BEAT_LENGTH": "table",
    "BeatMetadata": "table",
    "Beats": "table",
    "Split": "splits",
    "arrange": "splits",
    "beat_table": "sources",
    "build_beats": "sources",
    "class_counts": "splits",
    "class_weights": "splits",
    "default_split": "splits",
    "read_beats": "parquet",
    "reduced_cap": "splits",
    "split_beats": "splits",
    "write_beats": "parquet",
}
__all__ = [
    "BEAT_LENGTH",
    "BeatMetadata",
    "Beats",
    "Split",
    "arrange",
    "beat_table",
    "build_beats",
    "class_counts",
    "class_weights",
    "default_split",
    "read_beats",
    "reduced_cap",
    "split_beats",
    "write_beats",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
