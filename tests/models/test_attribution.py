"""Maps against closed forms: of a linear model, of a network of one layer, of fields found by differentiation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from ecglib.designs import DESIGNS
from ecglib.models.attribution import (
    attention_rollout,
    class_token_on_samples,
    grad_cam,
    integrated_gradients,
    mean_colour,
    methods,
)
from ecglib.models.cnn_transformer import CnnTransformer, CnnTransformerConfig

SMALL = CnnTransformerConfig(channels=16, layers=3, heads=2)


def beats(count: int = 4) -> torch.Tensor:
    return torch.rand(count, 187, generator=torch.Generator().manual_seed(0))


def small(config: CnnTransformerConfig = SMALL) -> CnnTransformer:
    torch.manual_seed(0)
    return CnnTransformer(config).eval()


def test_integrated_gradients_of_a_linear_model_are_weight_times_input():
    weight, signal, target = torch.randn(5, 187), beats(), torch.tensor([0, 4, 2, 2])
    found = integrated_gradients(lambda x: x @ weight.T + 1, signal, target, torch.full_like(signal, 0.25), steps=3)
    torch.testing.assert_close(found, weight[target] * (signal - 0.25))


def test_integrated_gradients_of_a_square_add_up_to_its_difference():
    signal, baseline, target = beats(), beats().flip(1), torch.zeros(4, dtype=torch.int64)
    found = integrated_gradients(lambda x: (x**2).cumsum(dim=1), signal, target + 186, baseline)
    torch.testing.assert_close(found, signal**2 - baseline**2, atol=1e-5, rtol=1e-5)


def test_grad_cam_of_maps_that_are_averaged_is_their_weighted_sum():
    torch.manual_seed(0)
    layer, weight = nn.Conv2d(3, 6, 3), torch.randn(2, 6)
    picture, target = torch.rand(2, 3, 9, 9), torch.tensor([1, 0])
    found = grad_cam(lambda x: layer(x).mean(dim=(2, 3)) @ weight.T, layer, picture, target)
    maps = layer(picture).detach()  # each of 49 pixels
    expected = torch.stack(
        [sum(w * one for w, one in zip(weight[t], m, strict=True)) for t, m in zip(target, maps, strict=True)]
    )
    torch.testing.assert_close(found, expected.clamp_min(0) / 49)
    assert 0 < (found == 0).float().mean() < 1


def test_a_weight_for_each_position_is_seen_by_position_alone():
    torch.manual_seed(0)
    layer, weight = nn.Conv2d(1, 2, 3), torch.randn(3, 2, 7, 7)
    picture, target = torch.rand(2, 1, 9, 9), torch.tensor([2, 0])
    found = grad_cam(lambda x: layer(x).flatten(1) @ weight.flatten(1).T, layer, picture, target, average=False)
    torch.testing.assert_close(found, (layer(picture).detach() * weight[target]).sum(dim=1).clamp_min(0))


@pytest.mark.parametrize("config", [SMALL, CnnTransformerConfig(channels=16, shared_convolutions=True)], ids=str)
def test_each_token_is_made_from_the_samples_of_its_field(config):
    model, seen = small(config), torch.zeros(9, 187, dtype=torch.bool)
    # a maximum hands on one of two, so that one beat does not show all of a field
    for signal in torch.rand(60, 1, 187, generator=torch.Generator().manual_seed(1)):
        slope = torch.autograd.functional.jacobian(lambda x: model.embed(x)[0].sum(dim=1), signal)[:, 0]
        seen |= slope != 0
    found = [(int(np.flatnonzero(row)[0]), int(np.flatnonzero(row)[-1]) + 1) for row in seen.numpy()]
    assert found == [(max(start, 0), end) for start, end in model.fields()]


def test_rollout_is_a_distribution_and_that_of_equal_attention_is_known():
    model = small()
    joined = attention_rollout(model, beats())
    torch.testing.assert_close(joined.sum(dim=2), torch.ones(4, 10))
    assert (joined > 0).all() and joined.std() > 0.01
    # where every token attends to all alike, a layer is I / 2 + J / 20, and three of them I / 8 + 7 J / 80
    for layer in model.encoder:
        nn.init.zeros_(layer.self_attn.in_proj_weight)
    expected = torch.eye(10) / 8 + 7 / 80
    torch.testing.assert_close(attention_rollout(model, beats()), expected.expand(4, 10, 10))
    on_samples = class_token_on_samples(model, beats())
    torch.testing.assert_close(on_samples.sum(dim=1), torch.full((4,), 9 * 7 / 80))
    # the last field ends at sample 177; sample 60 is in the fields of the second to the fourth token
    assert (on_samples[:, 177:] == 0).all() and on_samples[0, 60] == pytest.approx(3 * 7 / 80 / 50)


@pytest.mark.parametrize("design", list(DESIGNS))
def test_every_design_has_its_methods_and_its_maps_add_up(design):
    made = DESIGNS[design]
    for branch, names in (
        ("cnn_transformer", {"gradients", "rollout"}),
        ("cnn2d", {"gradients", "grad_cam", "hires_cam"}),
    ):
        model = made.new_model(branch, 5, 0).eval()
        shape, target = model.config.input_shape, torch.tensor([1, 3])
        inputs = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
        found = {name: method(inputs, target) for name, method in methods(model).items()}
        assert found.keys() == (names if design != "best" else names - {"rollout"})
        assert all(torch.isfinite(maps).all() and len(maps) == 2 for maps in found.values())
        assert found["gradients"].shape == (2, *shape[-2:])
        baseline = torch.zeros_like(inputs) if len(shape) == 1 else mean_colour(inputs)
        with torch.no_grad():
            gained = (model(inputs)[0] - model(baseline)[0]).gather(1, target[:, None])[:, 0]
        torch.testing.assert_close(found["gradients"].flatten(1).sum(dim=1), gained, atol=0.02, rtol=0.1)
