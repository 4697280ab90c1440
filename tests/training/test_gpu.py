"""A recorded step against the same step by step; needs a GPU."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch

from ecglib.designs import DESIGNS
from ecglib.training.branches import evaluate_branches
from ecglib.training.examples import beat_examples
from ecglib.training.optimizers import Adamax, Noam, OneCycle, make_optimizer, set_learning_rate
from ecglib.training.steps import CapturedStep, Step, make_step

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


@pytest.mark.parametrize("mixup", [0.0, 0.2])
@pytest.mark.parametrize("design", ["report", "original", "best"])
@pytest.mark.parametrize("name", ["cnn_transformer", "cnn2d", "late", "weighted_sum"])
def test_recorded_steps_train_as_steps_do(name, design, mixup):
    """Dropout is off: a graph draws other random numbers, as another release of PyTorch would."""
    torch.backends.cudnn.allow_tf32 = False
    torch.manual_seed(0)
    signal, label = torch.rand(200, 187, device="cuda"), torch.randint(0, 5, (200,), device="cuda")
    picture = DESIGNS[design].picture
    if name in ("cnn_transformer", "cnn2d"):
        examples = beat_examples(name, signal, label, picture, augmented=False)
    else:
        branches = {branch: DESIGNS[design].new_model(branch, 5, 0).cuda() for branch in ("cnn_transformer", "cnn2d")}
        outputs = evaluate_branches(branches, signal, label, picture)
        outputs = type(outputs)(
            **{key: value.cuda() if torch.is_tensor(value) else value for key, value in vars(outputs).items()}
        )
        examples = outputs.examples(name, label)
    model = DESIGNS[design].new_model(name, 5, 0).cuda()
    for module in model.modules():
        if hasattr(module, "p"):
            module.p = 0.0
    kinds = {"cnn_transformer": Noam(), "cnn2d": Adamax()}.get(name, OneCycle())
    trained = []
    for kind in (Step, CapturedStep):
        network = deepcopy(model)
        optimizer, rate = make_optimizer(list(network.parameters()), kinds, 100)
        step = kind(network, examples, optimizer, torch.ones(5, device="cuda"), 0.0)
        step.begin_epoch()
        for number in range(1, 13):
            set_learning_rate(optimizer, 100 * rate(number) if isinstance(kinds, Noam) else rate(number))
            # every fourth batch is a smaller one, as an epoch's last
            step(torch.arange(16 if number % 4 else 7, device="cuda") + number)
        trained.append((torch.cat([value.detach().flatten() for value in network.parameters()]), step.sums))
    start = torch.cat([value.detach().flatten() for value in model.parameters()])
    (one, sums), (other, recorded_sums) = trained
    assert (one - start).norm() > 1e-3 * start.norm() / 10
    assert (one - other).norm() < 0.02 * (one - start).norm()
    assert torch.allclose(sums, recorded_sums, rtol=1e-3)
    if mixup:
        optimizer, _ = make_optimizer(list(model.parameters()), kinds, 100)
        step = make_step(model, examples, optimizer, torch.ones(5, device="cuda"), mixup)
        assert isinstance(step, CapturedStep)
        for number in range(6):
            step(torch.arange(16, device="cuda") + number)
        assert torch.isfinite(step.sums).all()
