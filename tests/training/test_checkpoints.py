"""A training that was begun on a GPU goes on without one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ecglib.training.checkpoints import State, load_checkpoint, save_checkpoint
from ecglib.training.optimizers import Adamax, Noam, OneCycle, make_optimizer, set_learning_rate


def step(model: nn.Linear, optimizer: torch.optim.Optimizer) -> torch.Tensor:
    set_learning_rate(optimizer, 0.1)
    optimizer.zero_grad()
    model(torch.ones(1, 3)).square().sum().backward()
    optimizer.step()
    return model.weight.detach().clone()


@pytest.mark.parametrize("config", [Noam(), Adamax(), OneCycle()], ids=lambda one: one.kind)
def test_a_gpus_checkpoint_goes_on_without_one(config, tmp_path):
    model, other = nn.Linear(3, 2), nn.Linear(3, 2)
    optimizer, _ = make_optimizer(list(model.parameters()), config, 10)
    step(model, optimizer)
    # what `make_optimizer` sets on a GPU, so that a step can be recorded
    own = dict(optimizer.param_groups[0])
    optimizer.param_groups[0].update(lr=torch.tensor(0.1), capturable=True)
    save_checkpoint(tmp_path / "checkpoint.pt", model, optimizer, State({}))
    optimizer.param_groups[0].update(own)
    resumed, _ = make_optimizer(list(other.parameters()), config, 10)
    assert load_checkpoint(tmp_path / "checkpoint.pt", other, resumed) is not None
    assert torch.equal(step(other, resumed), step(model, optimizer))
