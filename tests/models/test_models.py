"""The models against the report's description and against their own formulas written out."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ecglib.designs import DESIGNS
from ecglib.models.cnn2d import Cnn2d, Cnn2dConfig
from ecglib.models.cnn_transformer import CnnTransformer, CnnTransformerConfig, sinusoidal_positions
from ecglib.models.fusion import Hybrid, IntermediateFusion, IntermediateFusionConfig, LateFusion, LateFusionConfig
from ecglib.names import BRANCHES, FUSIONS, MODEL_TITLES, EcglibError

INPUTS = {
    "cnn_transformer": [(187,)],
    "cnn2d": [(3, 128, 128)],
    "late": [(5,), (5,)],
    "concat": [(128,), (2304,)],
    "sum": [(128,), (2304,)],
    "weighted_sum": [(128,), (2304,)],
}
FEATURES = {"cnn_transformer": 128, "cnn2d": 2304, "late": 5, "concat": 128, "sum": 64, "weighted_sum": 64}


def example(name: str, batch: int, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(batch, *shape, generator=generator) for shape in INPUTS[name]]


@pytest.mark.parametrize("name", MODEL_TITLES)
def test_every_model_gives_scores_and_features(name):
    scores, features = DESIGNS["report"].new_model(name, 5, 0)(*example(name, 3))
    assert scores.shape == (3, 5)
    assert features.shape == (3, FEATURES[name])


@pytest.mark.parametrize("name", MODEL_TITLES)
def test_every_parameter_is_reached_by_the_loss(name):
    model = DESIGNS["report"].new_model(name, 5, 0)
    F.cross_entropy(model(*example(name, 8))[0], torch.arange(8) % 5).backward()
    untouched = [key for key, value in model.named_parameters() if value.grad is None or not value.grad.any()]
    assert untouched == []


@pytest.mark.parametrize("name", MODEL_TITLES)
def test_seed_decides_initial_weights(name):
    first, again, other = (DESIGNS["report"].new_model(name, 5, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[key], again[key]) for key in first)
    if name != "late":  # whose weights all start at one
        assert not all(torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("name", BRANCHES)
def test_beats_of_a_batch_do_not_mix_in_evaluation(name):
    model = DESIGNS["report"].new_model(name, 5, 0).eval()
    (batch,) = example(name, 4)
    with torch.no_grad():
        together = model(batch)[0]
        alone = torch.cat([model(row[None])[0] for row in batch])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_lengths_along_the_1d_branch():
    model, lengths = CnnTransformer(), []
    for convolution in model.convolutions:
        convolution.register_forward_hook(lambda *hook: lengths.append((hook[1][0].shape[-1], hook[2].shape[-1])))
    model(torch.rand(1, 187))
    assert lengths == [(187, 185), (185, 185), (185, 183), (91, 89), (44, 42), (21, 19)]
    assert model.embed(torch.rand(1, 187)).shape == (1, 9, 128)


def test_1d_branch_equals_its_description_written_out():
    model = CnnTransformer().eval()
    signal = torch.rand(2, 187)
    x = signal[:, None]
    for number, convolution in enumerate(model.convolutions, start=1):
        x = F.conv1d(x, convolution.weight, convolution.bias, padding=1 if number == 2 else 0)
        x = torch.where(x > 0, x, 0.01 * x)
        if number > 2:
            x = torch.maximum(x[..., : x.shape[-1] // 2 * 2 : 2], x[..., 1::2][..., : x.shape[-1] // 2])
    x = torch.cat([model.class_token.expand(2, 1, 128), x.transpose(1, 2)], dim=1) + sinusoidal_positions(10, 128)
    for layer in model.encoder:
        attention = layer.self_attn
        q, k, v = F.linear(x, attention.in_proj_weight, attention.in_proj_bias).chunk(3, dim=-1)
        q, k, v = (part.reshape(2, 10, 8, 16).transpose(1, 2) for part in (q, k, v))
        mixed = ((q @ k.transpose(-1, -2)) / math.sqrt(16)).softmax(-1) @ v
        x = layer.norm1(x + attention.out_proj(mixed.transpose(1, 2).reshape(2, 10, 128)))
        x = layer.norm2(x + layer.linear2(F.relu(layer.linear1(x))))
    scores, features = model(signal)
    torch.testing.assert_close(features, x[:, 0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(scores, model.output(model.norm(x[:, 0])), rtol=1e-4, atol=1e-5)


def test_positions_equal_the_closed_form():
    encoding = sinusoidal_positions(10, 128)
    for position, i in ((0, 0), (3, 5), (9, 63)):
        angle = position / 10_000 ** (2 * i / 128)
        assert encoding[position, 2 * i] == pytest.approx(math.sin(angle), abs=1e-6)
        assert encoding[position, 2 * i + 1] == pytest.approx(math.cos(angle), abs=1e-6)


def test_encoder_layers_start_from_different_weights():
    first, second = CnnTransformer().encoder[:2]
    assert not torch.equal(first.linear1.weight, second.linear1.weight)


def test_2d_branch_has_the_reports_layers_and_drops_scores_only_in_training():
    model = Cnn2d()
    shapes = [tuple(convolution.weight.shape) for convolution in model.convolutions]
    assert shapes == [(8, 3, 3, 3), (16, 8, 3, 3), (32, 16, 3, 3), (64, 32, 3, 3)]
    picture = torch.rand(64, 3, 128, 128)
    assert (model(picture)[0] == 0).float().mean() == pytest.approx(0.2, abs=0.1)
    assert not (model.eval()(picture)[0] == 0).any()


def test_late_fusion_is_the_weighted_sum_of_scores():
    fusion = LateFusion()
    a, b = example("late", 4)
    torch.testing.assert_close(fusion(a, b)[0], a + b)
    with torch.no_grad():
        fusion.weight_1d.copy_(torch.arange(5.0))
        fusion.weight_2d.copy_(torch.arange(5.0) ** 2)
    torch.testing.assert_close(fusion(a, b)[0], torch.arange(5.0) * a + torch.arange(5.0) ** 2 * b)


@pytest.mark.parametrize("method", ["concat", "sum", "weighted_sum"])
def test_intermediate_fusion_joins_projections(method):
    fusion = DESIGNS["report"].new_model(method, 5, 0)
    a, b = example(method, 4)
    p = a @ fusion.project_1d.weight.T + fusion.project_1d.bias
    q = b @ fusion.project_2d.weight.T + fusion.project_2d.bias
    if method == "weighted_sum":
        with torch.no_grad():
            fusion.weight_1d.fill_(0.3)
        p = 0.3 * p
    joined = torch.cat([p, q], dim=1) if method == "concat" else p + q
    scores, features = fusion(a, b)
    torch.testing.assert_close(features, joined, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(scores, fusion.output(joined), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", FUSIONS)
def test_hybrid_freezes_its_branches_and_keeps_them_in_evaluation_mode(name):
    hybrid = Hybrid(CnnTransformer(), Cnn2d(), DESIGNS["report"].new_model(name, 5, 0)).train()
    assert not any(
        value.requires_grad for branch in (hybrid.cnn_transformer, hybrid.cnn2d) for value in branch.parameters()
    )
    assert all(value.requires_grad for value in hybrid.fusion.parameters())
    statistics = {key: value.clone() for key, value in hybrid.cnn2d.named_buffers()}
    signal, picture = torch.rand(4, 187), torch.rand(4, 3, 128, 128)
    # no dropout: twice the same; no drift of the BatchNorm statistics
    torch.testing.assert_close(hybrid(signal, picture)[0], hybrid(signal, picture)[0])
    assert all(torch.equal(statistics[key], value) for key, value in hybrid.cnn2d.named_buffers())
    assert [module.training for module in (hybrid.cnn_transformer, hybrid.cnn2d, hybrid.fusion)] == [False, False, True]


def test_hybrid_refuses_parts_of_different_class_counts():
    with pytest.raises(EcglibError, match=r"number of classes: \[2, 5\]"):
        Hybrid(CnnTransformer(), Cnn2d(), LateFusion(LateFusionConfig(classes=2)))


def test_configs_refuse_unknown_fields():
    with pytest.raises(ValueError, match="clases"):
        LateFusionConfig(clases=2)
    assert isinstance(LateFusion().weight_1d, nn.Parameter)


@pytest.mark.parametrize(
    ("name", "classes", "parameters"),
    [("cnn_transformer", 2, 765_876), ("cnn_transformer", 5, 765_909), ("cnn2d", 2, 390_850), ("cnn2d", 5, 393_925)],
)
def test_original_has_as_many_parameters_as_its_authors_code(name, classes, parameters):
    assert sum(value.numel() for value in DESIGNS["original"].new_model(name, classes, 0).parameters()) == parameters


ORIGINAL_INPUTS = {
    "cnn_transformer": [(187,)],
    "cnn2d": [(1, 32, 39)],
    "late": [(5,), (5,)],
    "concat": [(128,), (1024,)],
    "sum": [(128,), (1024,)],
    "weighted_sum": [(128,), (1024,)],
}


@pytest.mark.parametrize("name", MODEL_TITLES)
def test_original_reaches_every_parameter(name):
    model = DESIGNS["original"].new_model(name, 5, 0)
    scores, features = model(*(torch.rand(8, *shape) for shape in ORIGINAL_INPUTS[name]))
    assert scores.shape == (8, 5) and features.shape[1] == {**FEATURES, "cnn2d": 1024}[name]
    F.cross_entropy(scores, torch.arange(8) % 5).backward()
    untouched = [key for key, value in model.named_parameters() if value.grad is None or not value.grad.any()]
    assert untouched == []


def test_original_late_fusion_weighs_probabilities():
    fusion = DESIGNS["original"].new_model("late", 3, 0)
    one, two = torch.randn(4, 3), torch.randn(4, 3)
    expected = fusion.weight_1d * one.softmax(1) + fusion.weight_2d * two.softmax(1)
    torch.testing.assert_close(fusion(one, two)[0], expected)
    assert not torch.equal(fusion.weight_1d, torch.ones(3))


def test_original_shares_a_convolution_and_scales_its_tokens():
    model = DESIGNS["original"].new_model("cnn_transformer", 5, 0).eval()
    applied = []
    for convolution in model.convolutions:
        convolution.register_forward_hook(lambda module, *_: applied.append(id(module)))
    given = {}
    model.encoder[0].register_forward_pre_hook(lambda _, inputs: given.update(x=inputs[0]))
    signal = torch.rand(2, 187)
    model(signal)
    assert len(model.convolutions) == 3 and applied[2:] == [applied[2]] * 4
    tokens = torch.cat([model.class_token.expand(2, 1, -1), model.embed(signal)], dim=1)
    torch.testing.assert_close(given["x"], tokens * math.sqrt(128) + sinusoidal_positions(10, 128))


def test_original_settings_are_absent_from_the_reports_dump():
    for name in MODEL_TITLES:
        report, original = (DESIGNS[design].new_model(name, 5, 0).config for design in ("report", "original"))
        assert report.model_dump().items() != original.model_dump().items()
        assert not {"head_width", "padding", "on_probabilities"} & set(report.model_dump())
        assert type(original).model_validate(original.model_dump()) == original


# what runs are told apart by: a new field is absent while it has the value that all had before there was the field
_CNN_TRANSFORMER = {"classes": 5, "channels": 128, "layers": 8, "heads": 8, "feed_forward": 64}
_CNN_TRANSFORMER |= {"dropout": 0.1, "leaky_slope": 0.01}
_INTERMEDIATE = {"classes": 5, "width": 64, "features_1d": 128}
DUMPS = {
    ("report", "cnn_transformer"): _CNN_TRANSFORMER,
    ("report", "cnn2d"): {
        "classes": 5,
        "filters": (8, 16, 32, 64),
        "picture_size": 128,
        "dropout": 0.2,
        "leaky_slope": 0.01,
    },
    ("report", "late"): {"classes": 5},
    ("report", "concat"): _INTERMEDIATE | {"method": "concat", "features_2d": 2304},
    ("report", "sum"): _INTERMEDIATE | {"method": "sum", "features_2d": 2304},
    ("report", "weighted_sum"): _INTERMEDIATE | {"method": "weighted_sum", "features_2d": 2304},
    ("original", "cnn_transformer"): _CNN_TRANSFORMER
    | {"shared_convolutions": True, "scaled_embeddings": True, "head_width": 10},
    ("original", "cnn2d"): {
        "classes": 5,
        "filters": (32, 64, 128, 256),
        "picture_size": (32, 39),
        "dropout": 0.2,
        "leaky_slope": 0.01,
        "colours": 1,
        "padding": 1,
        "normalise_first": True,
        "norm_epsilon": 1e-3,
        "norm_momentum": 0.99,
    },
    ("original", "late"): {"classes": 5, "on_probabilities": True, "random_weights": True},
    ("original", "weighted_sum"): _INTERMEDIATE | {"method": "weighted_sum", "features_2d": 1024, "head_width": 10},
}


@pytest.mark.parametrize(("design", "name"), DUMPS)
def test_configurations_are_dumped_as_before_there_were_switches(design, name):
    assert DESIGNS[design].config(name, 5).model_dump() == DUMPS[design, name]


def test_cloned_layers_start_from_one_and_go_apart():
    usual, cloned = (CnnTransformer(CnnTransformerConfig(cloned_layers=on)) for on in (False, True))
    first, *others = (layer.state_dict() for layer in cloned.encoder)
    assert all(torch.equal(first[key], other[key]) for other in others for key in first)
    assert not torch.equal(usual.encoder[0].linear1.weight, usual.encoder[1].linear1.weight)
    # copies, not one layer used eight times
    optimizer = torch.optim.SGD(cloned.parameters(), lr=0.1)
    F.cross_entropy(cloned.eval()(torch.rand(8, 187))[0], torch.arange(8) % 5).backward()
    optimizer.step()
    assert not torch.equal(cloned.encoder[0].linear1.weight, cloned.encoder[1].linear1.weight)


def test_all_tokens_are_the_encoders_output_side_by_side():
    usual = DESIGNS["report"].new_model("cnn_transformer", 5, 0).eval()
    joined = DESIGNS["report"].new_model("cnn_transformer", 5, 0, ["all_tokens"]).eval()
    encoded = {}
    joined.encoder[-1].register_forward_hook(lambda *hook: encoded.update(x=hook[2]))
    signal = torch.rand(4, 187)
    with torch.no_grad():
        (scores, features), (usual_scores, class_token) = joined(signal), usual(signal)
    assert features.shape == (4, 1280) and encoded["x"].shape == (4, 10, 128)
    assert torch.equal(features, encoded["x"].reshape(4, 1280))
    assert torch.equal(features[:, :128], class_token)
    assert torch.equal(scores, usual_scores)
    # the branch is trained as without: the same run
    assert joined.config.model_dump() == usual.config.model_dump()


@pytest.mark.parametrize("design", ["report", "original"])
def test_fusion_of_all_tokens_fits_its_branches(design):
    branches = [DESIGNS[design].new_model(name, 5, 0, ["all_tokens"]) for name in BRANCHES]
    fusion = DESIGNS[design].new_model("concat", 5, 0, ["all_tokens"])
    assert fusion.config.features_1d == 1280
    picture = torch.rand(4, *branches[1].config.input_shape)
    assert Hybrid(*branches, fusion)(torch.rand(4, 187), picture)[0].shape == (4, 5)


def test_pixels_reach_the_first_convolution_255_times_as_large():
    given = {}
    for on in (False, True):
        model = Cnn2d(Cnn2dConfig(pixels_255=on)).eval()
        model.convolutions[0].register_forward_pre_hook(lambda _, inputs, on=on: given.update({on: inputs[0]}))
        model(picture := torch.linspace(0, 1, 3 * 128 * 128).view(1, 3, 128, 128))
        torch.testing.assert_close(given[on], 255 * picture if on else picture, rtol=1e-6, atol=0)
    assert given[True].max() == 255


def test_random_scalars_start_elsewhere_and_all_else_as_before():
    usual, slipped = (
        DESIGNS["report"].new_model("weighted_sum", 5, 0, slips).state_dict() for slips in ((), ("random_scalars",))
    )
    scalars = ("weight_1d", "weight_2d")
    assert all(usual[name] == 1 and slipped[name] != 1 for name in scalars)
    assert slipped["weight_1d"] != slipped["weight_2d"]
    assert all(torch.equal(usual[name], slipped[name]) for name in usual if name not in scalars)
    # the other fusions have none
    for name in ("concat", "sum"):
        assert DESIGNS["report"].config(name, 5, ["random_scalars"]) == DESIGNS["report"].config(name, 5)
    with pytest.raises(AttributeError, match="weight_1d"):
        IntermediateFusion(IntermediateFusionConfig(random_scalars=True))


@pytest.mark.parametrize(
    ("slip", "name"), [("all_tokens", "concat"), ("cloned_layers", "cnn_transformer"), ("untrained_layers", "cnn2d")]
)
def test_slips_of_the_papers_networks_are_refused_where_there_are_others(slip, name):
    with pytest.raises(EcglibError, match=f"slips: {slip} is of the papers' networks; design best has another"):
        DESIGNS["best"].config(name, 5, [slip])
