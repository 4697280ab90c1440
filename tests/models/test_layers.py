"""The layers of `ecglib.models.layers` against PyTorch's own."""

import numpy as np
import pytest
import torch
from torch import nn

from ecglib.models.layers import Conv1d, Dropout, MaxPool1d, TransformerEncoderLayer

# of ten elements under seed 1, a quarter dropped
KEPT = [False, True, True, True, True, True, True, True, True, True]


def gradients(module: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """Output, and the gradients of the input and all parameters under an uneven loss."""
    x = x.clone().requires_grad_()
    output = module(x)
    loss = (output * torch.linspace(-1, 1, output.numel()).view(output.shape)).sum()
    return [output.detach(), *torch.autograd.grad(loss, [x, *module.parameters()])]


def assert_alike(ours: nn.Module, theirs: nn.Module, x: torch.Tensor) -> None:
    theirs.load_state_dict(ours.state_dict())
    for mine, expected in zip(gradients(ours, x), gradients(theirs, x), strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("channels", "padding"), [(1, 0), (8, 0), (8, 1)])
def test_convolution_equals_pytorchs(channels, padding):
    x = torch.randn(3, channels, 21)
    assert_alike(Conv1d(channels, 16, 3, padding=padding), nn.Conv1d(channels, 16, 3, padding=padding), x)


@pytest.mark.parametrize("length", [2, 21, 22])
def test_pooling_equals_pytorchs_also_between_equals(length):
    # whole numbers, so that neighbours are often equal: the gradient goes to the first of them
    x = torch.randint(0, 2, (3, 8, length)).float()
    assert_alike(MaxPool1d(2), nn.MaxPool1d(2), x)


def test_encoder_layer_equals_pytorchs():
    ours = TransformerEncoderLayer(32, 4, 16, dropout=0.3).eval()
    theirs = nn.TransformerEncoderLayer(32, 4, 16, dropout=0.3, batch_first=True).eval()
    assert_alike(ours, theirs, torch.randn(5, 10, 32))


def test_encoder_layer_starts_as_pytorchs():
    torch.manual_seed(3)
    ours = TransformerEncoderLayer(32, 4, 16, dropout=0.3).state_dict()
    torch.manual_seed(3)
    theirs = nn.TransformerEncoderLayer(32, 4, 16, dropout=0.3, batch_first=True).state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_encoder_layer_drops_in_four_places():
    layer = TransformerEncoderLayer(32, 4, 16, dropout=0.5)
    x = torch.randn(5, 10, 32)
    for place in ("attention_dropout", "dropout", "dropout1", "dropout2"):
        layer.train()
        for other in ("attention_dropout", "dropout", "dropout1", "dropout2"):
            getattr(layer, other).p = 0.5 if other == place else 0.0
        dropped = layer(x)
        assert not torch.equal(dropped, layer(x))
        assert not torch.allclose(dropped, layer.eval()(x))


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.5])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    torch.manual_seed(0)
    dropped = Dropout(rate)(torch.ones(400, 1001))
    zero = (dropped == 0).double()
    # five standard deviations of a binomial share
    tolerance = 5 * (rate * (1 - rate) / zero.numel()) ** 0.5
    assert zero.mean().item() == pytest.approx(rate, abs=tolerance + 2**-17)
    assert dropped[dropped > 0].unique().tolist() == pytest.approx([1 / (1 - rate)], rel=1e-4)
    # neighbours fall independently
    neighbours = np.corrcoef(zero[:, :-1].flatten(), zero[:, 1:].flatten())[0, 1]
    assert abs(neighbours) < 5 / zero.numel() ** 0.5


def test_dropout_is_off_outside_of_training():
    x = torch.randn(3, 5)
    assert Dropout(0.5).eval()(x) is x and Dropout(0.0)(x) is x


def test_dropout_follows_from_the_seed_on_every_processor():
    """The very positions: the generator's 64 bits cut into four, lowest first."""
    torch.manual_seed(1)
    bits = torch.randint(-(2**63), 2**63 - 1, (3,)).numpy().view(np.int16)[:10]
    torch.manual_seed(1)
    kept = (Dropout(0.25)(torch.ones(2, 5)) > 0).flatten()
    np.testing.assert_array_equal(kept, bits >= -16384)
    assert kept.tolist() == KEPT
