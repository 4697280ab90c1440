"""A recorded step against a plain one; needs a GPU."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from ecglib.designs import DESIGNS
from ecglib.models.fusion import Hybrid
from ecglib.names import BRANCHES
from ecglib.training.examples import Examples, beat_examples
from ecglib.training.optimizers import Adamax, Noam, OneCycle, make_optimizer, set_learning_rate
from ecglib.training.steps import CapturedStep, Step

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
MODELS = [(name, design) for name in (*BRANCHES, "late", "sum") for design in ("report", "original", "best")]


def beats(name: str, design: str, augmented: bool = False) -> Examples:
    signal, label = torch.rand(200, 187, device="cuda"), torch.randint(0, 5, (200,), device="cuda")
    return beat_examples(name, signal, label, DESIGNS[design].picture, augmented)


def network(name: str, design: str) -> nn.Module:
    """A branch, or a hybrid that is trained whole, its branches at a lower rate."""
    made = [DESIGNS[design].new_model(model, 5, 0) for model in (*BRANCHES, name)]
    model = made[-1] if name in BRANCHES else Hybrid(*made, branch_training={"rate_scale": 0.1})
    return model.cuda()


def trained(step: Step, rate: float, steps: int = 12) -> Tensor:
    step.begin_epoch()
    for number in range(1, steps + 1):
        set_learning_rate(step.optimizer, rate * number)
        # every fourth batch is a smaller one, as an epoch's last
        step(torch.arange(16 if number % 4 else 7, device="cuda") + number)
    return torch.cat([value.detach().flatten() for value in step.model.parameters()])


@pytest.mark.parametrize("optimizer", [Noam(), Adamax(), OneCycle()], ids=lambda one: one.kind)
@pytest.mark.parametrize(("name", "design"), MODELS)
def test_recorded_steps_train_as_plain_ones(name, design, optimizer, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    torch.manual_seed(0)
    examples, model = beats(name, design), network(name, design)
    for module in model.modules():
        if hasattr(module, "p"):
            # a recording draws other random numbers, as another release of PyTorch does
            module.p = 0.0
    start = torch.cat([value.detach().flatten() for value in model.parameters()])
    ends, sums = [], []
    for kind in (Step, CapturedStep):
        copied = deepcopy(model)
        for parameter, its in zip(copied.parameters(), model.parameters(), strict=True):
            parameter.optimizer_settings = getattr(its, "optimizer_settings", {})
        made, _ = make_optimizer(list(copied.parameters()), optimizer, 100)
        step = kind(copied, examples, made, torch.ones(5, device="cuda"), 0.0)
        ends.append(trained(step, 1e-4))
        sums.append(step.sums)
    assert (ends[0] - start).norm() > 0
    assert (ends[0] - ends[1]).norm() < 0.2 * (ends[0] - start).norm()
    assert torch.allclose(sums[0][0], sums[1][0], rtol=1e-3)


@pytest.mark.parametrize(("name", "design"), [one for one in MODELS if one[0] in BRANCHES])
def test_random_numbers_of_a_recording_follow_the_generator(name, design):
    ends = []
    for seed in (0, 0, 1):
        model = network(name, design)
        optimizer, _ = make_optimizer(list(model.parameters()), OneCycle(), 100)
        torch.manual_seed(2)
        examples = beats(name, design, augmented=True)
        step = CapturedStep(model, examples, optimizer, torch.ones(5, device="cuda"), 0.2)
        torch.manual_seed(seed)
        ends.append(trained(step, 1e-4))
    same, other = (ends[0] - ends[1]).norm(), (ends[0] - ends[2]).norm()
    assert torch.isfinite(ends[0]).all() and same < 0.3 * other
