"""The network of a beat in its context."""

import pytest
import torch

from ecglib.models.context import Context, ContextConfig


@pytest.mark.parametrize("sizes", [(66, 28), (66, 0), (0, 28)])
def test_every_weight_is_trained(sizes):
    shape, numbers = sizes
    network = Context(ContextConfig(shape=shape, numbers=numbers, classes=4))
    scores, features = network(torch.randn(16, shape), torch.randn(16, numbers))
    assert scores.shape == (16, 4) and features.shape == (16, 32)
    scores.square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters())


def test_a_few_thousand_weights():
    assert sum(parameter.numel() for parameter in Context(ContextConfig()).parameters()) < 5_000
