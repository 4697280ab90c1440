"""Tables and drawings of the models say what the modules do."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from ecglib.designs import DESIGNS
from ecglib.figures.architecture import draw_hybrid, draw_layers
from ecglib.models.cnn2d import Cnn2d, Cnn2dConfig
from ecglib.models.cnn_transformer import CnnTransformer, CnnTransformerConfig
from ecglib.models.fusion import Hybrid, IntermediateFusion, IntermediateFusionConfig, LateFusion, LateFusionConfig
from ecglib.models.tracing import layer_table, shape_text, trace

BEAT, PICTURE = (187,), (3, 128, 128)


def make(name: str, design: str) -> tuple[nn.Module, list[torch.Tensor]]:
    """A model of five classes, and a batch of two for it."""
    cnn_transformer, cnn2d = (DESIGNS[design].new_model(branch, 5, 0) for branch in ("cnn_transformer", "cnn2d"))
    match name:
        case "cnn_transformer":
            model, shapes = cnn_transformer, [BEAT]
        case "cnn2d":
            model, shapes = cnn2d, [cnn2d.config.input_shape]
        case "late":
            model, shapes = DESIGNS[design].new_model("late", 5, 0), [(5,), (5,)]
        case "hybrid":
            model = Hybrid(cnn_transformer, cnn2d, DESIGNS[design].new_model("late", 5, 0))
            shapes = [BEAT, cnn2d.config.input_shape]
        case _:
            model = DESIGNS[design].new_model(name, 5, 0)
            shapes = [(model.config.features_1d,), (model.config.features_2d,)]
    return model, [torch.rand(2, *shape) for shape in shapes]


def all_models(test):
    names = ("cnn_transformer", "cnn2d", "late", "concat", "sum", "weighted_sum", "hybrid")
    return pytest.mark.parametrize("design", DESIGNS)(pytest.mark.parametrize("name", names)(test))


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(plt.Text) if text.get_text()]


@all_models
def test_trace_tells_outputs_and_parameters_and_leaves_the_model_alone(name: str, design: str):
    model, inputs = make(name, design)
    model.train()
    modes = [module.training for module in model.modules()]
    state = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    generator = torch.get_rng_state()
    rows = trace(model, *inputs)
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(torch.equal(tensor, state[key]) for key, tensor in model.state_dict().items())

    assert sum(row.parameters for row in rows) == count(model)
    scores, features = model.eval()(*inputs)
    given = {output: row.output_shape for row in rows for output in row.gives}
    assert given == {"scores": scores.shape[1:], "features": features.shape[1:]}
    # each name once: no parameter is counted twice
    names = [row.name for row in rows if row.parameters]
    assert len(names) == len(set(names)) and all(names)


@all_models
def test_shapes_are_those_of_a_forward_pass(name: str, design: str):
    model, inputs = make(name, design)
    shapes: dict[str, list[tuple[int, ...]]] = {}

    def keep(module_name: str):
        def hook(module: nn.Module, given: tuple[torch.Tensor, ...], result: object) -> None:
            if isinstance(result, torch.Tensor):
                # of a picture one row high, the height is not told
                high = result.dim() != 4 or result.shape[2] > 1
                shapes.setdefault(module_name, []).append(
                    tuple(result.shape[1:] if high else result[:, :, 0].shape[1:])
                )

        return hook

    for module_name, module in model.named_modules():
        module.register_forward_hook(keep(module_name))
    rows = trace(make(name, design)[0], *inputs)
    model.eval()(*inputs)
    compared = 0
    for row in rows:
        first = row.name.split(" … ")[0]
        if first in shapes:
            assert row.output_shape == shapes[first].pop(0)
            compared += 1
        for step in row.inside:
            if f"{first}.{step.name}" in shapes:
                assert step.output_shape == shapes[f"{first}.{step.name}"][0]
                compared += 1
    assert compared or name == "late"


@pytest.mark.parametrize("design", DESIGNS)
def test_an_encoder_layer_is_told_step_by_step(design: str):
    model, inputs = make("cnn_transformer", design)
    (encoder,) = [row for row in trace(model, *inputs) if row.inside]
    assert encoder.times == len(model.encoder)
    assert encoder.times * sum(step.parameters for step in encoder.inside) == encoder.parameters
    # Vaswani et al. 2017, section 3.1, with the dropout of section 5.4
    attention = ["Self-attention", "Dropout", "Add", "LayerNorm"]
    feed_forward = ["Linear", "ReLU", "Dropout", "Linear", "Dropout", "Add", "LayerNorm"]
    assert [step.kind for step in encoder.inside] == attention + feed_forward
    assert [step.settings for step in encoder.inside if step.kind == "Linear"] == ["128 → 64", "64 → 128"]
    assert [step.settings for step in encoder.inside if step.kind == "Add"] == [
        "input + Dropout",
        "LayerNorm + Dropout",
    ]
    assert encoder.inside[0].parameters == count(model.encoder[0].self_attn)


def test_trace_gives_back_each_modules_own_mode():
    model = Cnn2d().train()
    model.norms[1].eval()
    trace(model, torch.rand(1, *PICTURE))
    assert [norm.training for norm in model.norms] == [True, False, True, True]
    assert model.training and model.dropout.training


def test_cnn_transformer_has_the_reports_lengths():
    rows = trace(CnnTransformer(), torch.zeros(1, 187))
    convolutions = [row for row in rows if row.kind == "Conv1d"]
    assert [row.output_shape for row in convolutions] == [(128, n) for n in (185, 185, 183, 89, 42, 19)]
    assert [row.output_shape for row in rows if row.kind == "MaxPool1d"] == [(128, n) for n in (91, 44, 21, 9)]
    assert convolutions[0].settings == "128 filters, kernel 3, stride 1, padding 0"
    assert convolutions[1].settings == "128 filters, kernel 3, stride 1, padding 1"
    assert sum(row.kind == "LeakyReLU" and row.settings == "slope 0.01" for row in rows) == 6
    (encoder,) = [row for row in rows if "Transformer" in row.kind]
    assert (encoder.label, encoder.name) == ("8 × TransformerEncoderLayer", "encoder.0 … encoder.7")
    assert encoder.settings == "8 heads, feed-forward 64, post-norm, dropout 0.1"
    assert encoder.output_shape == (10, 128)
    (token,) = [row for row in rows if row.name == "class_token"]
    assert token.parameters == 128
    assert [(row.kind, row.gives) for row in rows[-3:]] == [
        ("Select", ("features",)),
        ("LayerNorm", ()),
        ("Linear", ("scores",)),
    ]


def test_cnn2d_has_the_reports_order_and_sizes():
    rows = trace(Cnn2d(), torch.zeros(1, *PICTURE))
    block = ["Conv2d", "LeakyReLU", "BatchNorm2d", "MaxPool2d"]
    assert [row.kind for row in rows] == [*(4 * block), "Flatten", "Linear", "Dropout"]
    pooled = [row.output_shape for row in rows if row.kind == "MaxPool2d"]
    assert pooled == [(8, 63, 63), (16, 30, 30), (32, 14, 14), (64, 6, 6)]
    assert {row.settings for row in rows if row.kind == "MaxPool2d"} == {"kernel 2, stride 2"}
    assert rows[16].gives == ("features",) and rows[16].output_shape == (2304,)
    assert rows[18].gives == ("scores",) and rows[18].settings == "rate 0.2"


def test_shared_weights_count_once():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            hidden = torch.relu(self.layer(x))
            return self.layer(hidden), hidden

    rows = trace(Shared(), torch.zeros(1, 4))
    told = [(row.kind, row.parameters, row.shared) for row in rows]
    assert told == [("Linear", 20, False), ("ReLU", 0, False), ("Linear", 0, True)]
    assert layer_table(Shared(), torch.zeros(1, 4))["settings"].tolist() == ["4 → 4", "", "4 → 4, shared"]


def test_a_beat_as_a_picture_one_row_high_is_told_as_a_beat():
    model, inputs = make("cnn_transformer", "best")
    rows = trace(model, *inputs)
    first, second, *_ = rows
    assert (first.kind, first.settings) == ("Conv1d", "32 filters, kernel 7, stride 1, padding 3")
    assert (second.kind, second.output_shape) == ("BatchNorm1d", (32, 187))
    assert [(row.kind, row.settings) for row in rows if row.kind in ("Mean", "Maximum")] == [
        ("Mean", "over time"),
        ("Maximum", "over time"),
    ]
    # what the features are, not the dropout after them, which hands them through
    assert [row.kind for row in rows if "features" in row.gives] == ["Concatenate"]


def test_layer_table():
    model = IntermediateFusion()
    table = layer_table(model, torch.zeros(1, 128), torch.zeros(1, 2304))
    assert table.columns.tolist() == ["layer", "settings", "output shape", "parameters"]
    assert table["layer"].tolist() == [
        "Linear (project_1d)",
        "Linear (project_2d)",
        "Concatenate",
        "Linear (output)",
    ]
    assert table["settings"].tolist() == ["128 → 64", "2304 → 64", "64 and 64", "128 → 5"]
    assert table["parameters"].sum() == count(model)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("name", ["cnn_transformer", "cnn2d", "concat"])
def test_drawing_shows_each_step_inside_the_figure(name: str, design: str):
    model, inputs = make(name, design)
    figure = draw_layers(model, *inputs, title=f"layers, {design}")
    shown = texts(figure)
    rows = trace(model, *inputs)
    for step in [*rows, *(step for row in rows for step in row.inside)]:
        assert step.label in shown and step.settings in ["", *shown] and shape_text(step.output_shape) in shown
    assert f"{count(model):,}" in shown and f"layers, {design}" in shown
    assert shown.count("shared") == sum(row.shared for row in rows)
    check_texts_apart(figure)


@pytest.mark.parametrize("design", DESIGNS)
def test_the_branches_outputs_have_the_same_symbols_in_all_drawings(design: str):
    models = {name: make(name, design) for name in ("cnn_transformer", "cnn2d", "late", "concat")}
    pipeline = texts(draw_hybrid(*(model for model, _ in models.values()), title="pipeline"))
    for name, mark in (("cnn_transformer", "TE"), ("cnn2d", "TFR")):
        model, inputs = models[name]
        symbols = {f"$O_{{{mark}}}$  scores", f"$H_{{{mark}}}$  features"}
        assert symbols <= set(pipeline) and symbols <= set(texts(draw_layers(model, *inputs, title="layers")))


@pytest.mark.parametrize("design", ["report", "original"])
def test_drawing_says_that_the_last_dropout_is_the_reports(design: str):
    model, inputs = make("cnn2d", design)
    assert "As in the report's text, dropout comes after the output layer." in texts(
        draw_layers(model, *inputs, title="layers")
    )


@pytest.mark.parametrize("method", ["concat", "sum", "weighted_sum"])
def test_hybrid_drawing_reads_the_modules(method: str):
    cnn_transformer = CnnTransformer(CnnTransformerConfig(classes=2, layers=1))
    cnn2d = Cnn2d(Cnn2dConfig(classes=2, filters=(8, 16, 32, 32)))
    fusion = IntermediateFusion(IntermediateFusionConfig(classes=2, method=method, features_2d=1152))
    late = LateFusion(LateFusionConfig(classes=2))
    figure = draw_hybrid(cnn_transformer, cnn2d, late, fusion, title="hybrid")
    shown = texts(figure)
    for module in (cnn_transformer, cnn2d, late, fusion):
        assert f"{count(module):,} parameters" in shown
    assert {"187", "17 × 6 levels", "3 × 128 × 128", "128", "1152", "128 and 1152 → 64 each"} <= set(shown)
    assert shown.count("frozen") == 2
    assert shown.count("2") == 2 and shown.count("scores\n2") == 2
    check_texts_apart(figure)


def check_texts_apart(figure: Figure) -> None:
    """All text lies inside the figure, and no two texts overlap."""
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.findobj(plt.Text) if text.get_text() and text.get_visible()]
    boxes = [box for box in boxes if box.width > 0]
    width, height = figure.get_size_inches() * figure.dpi
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)
    for index, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:index])


@pytest.mark.parametrize("design", DESIGNS)
def test_each_designs_pipeline_tells_its_pictures_and_fusions(design: str):
    models = [make(name, design)[0] for name in ("cnn_transformer", "cnn2d", "late", "concat")]
    figure = draw_hybrid(*models, title=design)
    shown = texts(figure)
    assert {design, *(f"{count(model):,} parameters" for model in models)} <= set(shown)
    # only the report's spectrogram is coloured, which makes another thing of it
    assert ("picture" in shown) == (design == "report")
    assert shown.count(shape_text(models[1].config.input_shape)) == 1
    # only the original's late fusion is given probabilities
    assert ("softmax of each" in shown) == models[2].config.on_probabilities == (design == "original")
    assert ("4 layer normalisations" in shown) == (design == "original")
    check_texts_apart(figure)
