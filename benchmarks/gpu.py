"""Training steps on a GPU: started kernel by kernel, and recorded once as a CUDA graph."""

from __future__ import annotations

import time

import pandas as pd
import torch
from torch import Tensor

from benchmarks.measure import publish
from ecglib.designs import DESIGNS
from ecglib.names import BRANCHES, MODEL_TITLES, EcglibError, ModelName
from ecglib.runs import hardware
from ecglib.training.examples import Examples, beat_examples
from ecglib.training.optimizers import Adamax, Noam, make_optimizer, set_learning_rate
from ecglib.training.steps import CapturedStep, Step

_MEASURED: tuple[tuple[ModelName, int], ...] = (
    ("cnn_transformer", 16),
    ("cnn_transformer", 64),
    ("cnn2d", 16),
    ("cnn2d", 64),
    ("concat", 16),
)
_BEATS = 20_000


def run(seconds: float = 1.5) -> None:
    """Measure each step for so long and write ``figures/benchmarks/gpu`` (.csv, .md).

    Raises
    ------
    EcglibError
        There is no GPU.
    """
    if not torch.cuda.is_available():
        raise EcglibError("gpu: PyTorch finds no GPU here; measure on a machine that has one")
    torch.backends.cudnn.allow_tf32 = False
    torch.set_num_threads(1)
    rows = []
    for name, size in _MEASURED:
        plain, recorded = (_steps_a_second(kind, name, size, seconds) for kind in (Step, CapturedStep))
        row = {"model": MODEL_TITLES[name], "batch": size, "plain, steps/s": plain, "recorded, steps/s": recorded}
        rows.append(row | {"ratio": recorded / plain})
        print(row, flush=True)
    frame = pd.DataFrame(rows)
    publish(frame, f"{hardware()}; torch {torch.__version__}; single precision, one process", "gpu")


def _steps_a_second(kind: type[Step], name: ModelName, size: int, seconds: float) -> float:
    design, label = DESIGNS["report"], torch.randint(0, 5, (_BEATS,), device="cuda")
    if name in BRANCHES:
        examples = beat_examples(name, torch.rand(_BEATS, 187, device="cuda"), label, design.picture)
    else:
        widths = design.intermediate.features_1d, design.intermediate.features_2d
        examples = Examples(tuple(torch.rand(_BEATS, width, device="cuda") for width in widths), label)
    model = design.new_model(name, 5, 0).cuda()
    config = Noam() if name == "cnn_transformer" else Adamax()
    optimizer, _ = make_optimizer(list(model.parameters()), config, 100)
    step = kind(model, examples, optimizer, torch.ones(5, device="cuda"))
    step.begin_epoch()
    batches = torch.randperm(_BEATS, device="cuda").split(size)[:100]
    _train(step, batches[:6])
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        _train(step, batches)
        done += len(batches)
    return done / (time.perf_counter() - started)


def _train(step: Step, batches: tuple[Tensor, ...]) -> None:
    for rows in batches:
        set_learning_rate(step.optimizer, 1e-4)
        step(rows)
    torch.cuda.synchronize()
