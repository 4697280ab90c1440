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
MODELS = {
    "cnn_transformer": (CnnTransformer, BEAT),
    "cnn2d": (Cnn2d, PICTURE),
    "late": (LateFusion, (5,), (5,)),
    **{
        method: (lambda method=method: IntermediateFusion(IntermediateFusionConfig(method=method)), (128,), (2304,))
        for method in ("concat", "sum", "weighted_sum")
    },
    "hybrid": (lambda: Hybrid(CnnTransformer(), Cnn2d(), LateFusion()), BEAT, PICTURE),
}


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(plt.Text) if text.get_text()]


@pytest.mark.parametrize("name", MODELS)
def test_trace_tells_outputs_and_parameters_and_leaves_the_model_alone(name: str):
    make, *shapes = MODELS[name]
    model = make().train()
    inputs = [torch.rand(2, *shape) for shape in shapes]
    modes = [module.training for module in model.modules()]
    state = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    generator = torch.get_rng_state()
    rows = trace(model, *inputs)
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(torch.equal(tensor, state[key]) for key, tensor in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())

    assert sum(row.parameters for row in rows) == count(model)
    scores, features = model.eval()(*inputs)
    given = {output: row.output_shape for row in rows for output in row.gives}
    assert given == {"scores": scores.shape[1:], "features": features.shape[1:]}
    # each name once: no parameter is counted twice
    names = [row.name for row in rows if row.parameters]
    assert len(names) == len(set(names)) and all(names)


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
    assert (encoder.kind, encoder.name) == ("8 × TransformerEncoderLayer", "encoder.0 … encoder.7")
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
    assert [(row.kind, row.parameters) for row in rows] == [("Linear", 20), ("Relu", 0), ("Linear", 0)]


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


@pytest.mark.parametrize("name", ["cnn_transformer", "cnn2d"])
def test_drawing_shows_each_layer_inside_the_figure(name: str):
    make, shape = MODELS[name]
    model = make()
    figure = draw_layers(model, torch.zeros(1, *shape), title="layers")
    shown = texts(figure)
    for row in trace(model, torch.zeros(1, *shape)):
        assert row.kind in shown and row.settings in ["", *shown] and shape_text(row.output_shape) in shown
    assert f"{count(model):,}" in shown and {"features", "scores"} <= set(shown)
    check_texts_apart(figure)


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


def test_hybrid_of_the_original_design_is_drawn_too():
    models = (DESIGNS["original"].new_model(name, 5, 0) for name in ("cnn_transformer", "cnn2d", "late", "concat"))
    texts = {text.get_text() for text in draw_hybrid(*models, title="original").axes[0].texts}
    assert {
        "32 × 39 levels",
        "1 × 32 × 39",
        "765,909 parameters",
        "393,925 parameters",
        "weights × probabilities",
    } <= texts
