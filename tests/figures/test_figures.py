"""Figures show the numbers that they were given."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from ecglib.figures.beats import beats_by_class, class_distribution, picture_grid, spectrogram_panels
from ecglib.figures.curves import learning_curves
from ecglib.figures.results import confusion_figure
from ecglib.figures.style import SYNTHETIC_MARK, add_source, save_figure
from ecglib.names import EcglibError
from ecglib.results.epochs import Curve


def history_of(epochs: int) -> pd.DataFrame:
    number = np.arange(1, epochs + 1)
    return pd.DataFrame(
        {
            "epoch": number,
            "learning_rate": 1e-4,
            "train_loss": 1 / number,
            "train_accuracy": 1 - 0.5 / number,
            "validation_loss": 1.2 / number,
            "validation_accuracy": 0.9 - 0.4 / number,
            "seconds": 1.0,
        }
    )


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(plt.Text)]


def curve_of(epochs: int, kept_epoch: int = 1, enough: int = 1, rule: str = "best") -> Curve:
    return Curve(history_of(epochs), kept_epoch, rule, enough, "reduced")


@pytest.mark.parametrize(("epochs", "kept_epoch"), [(1, 1), (10, 3), (150, 150)])
def test_learning_curves_are_the_history(epochs: int, kept_epoch: int):
    curve = curve_of(epochs, kept_epoch)
    figure = learning_curves(curve, "a title")
    assert figure.get_suptitle() == "a title"
    for axes, quantity, factor in zip(figure.axes, ("loss", "accuracy"), (1, 100), strict=True):
        lines = {line.get_label(): line for line in axes.lines}
        for label, column in (("training", f"train_{quantity}"), ("validation", f"validation_{quantity}")):
            np.testing.assert_array_equal(lines[label].get_xdata(), curve.history["epoch"])
            np.testing.assert_allclose(lines[label].get_ydata(), factor * curve.history[column])
        assert any(set(line.get_xdata()) == {kept_epoch} for line in axes.lines)
        left, right = axes.get_xlim()
        assert left < 1 and right > epochs and min(axes.get_xticks()) == 1
    # named where it was chosen, and not on the loss, of which it need not be the best
    value = 100 * curve.history["validation_accuracy"][kept_epoch - 1]
    assert [text.get_text() for text in figure.axes[1].texts] == [f"best epoch {kept_epoch}: {value:.2f} %"]
    assert not figure.axes[0].texts


def test_learning_curves_say_from_where_on_nothing_is_gained():
    figure = learning_curves(curve_of(10, 9, 4, "last"), "a title")
    assert figure.axes[1].texts[0].get_text().startswith("last epoch 9: ")
    assert any(line.get_marker() == "^" and list(line.get_xdata()) == [4] for line in figure.axes[0].lines)
    assert "within one standard error from epoch 4" in texts(figure)


def test_class_distribution_shows_each_count():
    counts = {"train": np.array([8000, 80, 0]), "test": np.array([2000, 19, 1])}
    figure = class_distribution(counts, ("N", "S", "F"), "classes")
    (axes,) = figure.axes
    for bars, (part, values) in zip(axes.containers, counts.items(), strict=True):
        assert bars.get_label() == part
        assert [bar.get_width() for bar in bars] == values.tolist()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["N", "S", "F"]
    assert {"8,000 (99.0%)", "80 (1.0%)", "0 (0.0%)", "1 (0.0%)"} <= set(texts(figure))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["train", "test"]


def test_beats_end_where_their_padding_begins(make_beats):
    beats = make_beats(6)
    beats.signal[:, 100:] = 0
    beats.signal[:, 99] = 0.5
    figure = beats_by_class(beats.signal, beats.label, ("normal", "abnormal"), 125.0, "beats")
    drawn = [[axes.lines[0] for axes in row] for row in np.array(figure.axes).reshape(2, 3)]
    for label, row in enumerate(drawn):
        for line, beat in zip(row, beats.signal[beats.label == label], strict=True):
            assert line.get_xdata()[-1] == 99 / 125
            np.testing.assert_array_equal(line.get_ydata(), beat[:100])


def test_a_class_without_beats_is_said_to_be_empty(make_beats):
    beats = make_beats(4, label=np.zeros(4, dtype=np.int64))
    figure = beats_by_class(beats.signal, beats.label, ("N", "F"), 120.0, "beats")
    assert "normal and bundle branch block (N)" in texts(figure)
    assert "fusion of ventricular and normal (F): no beats" in texts(figure)


def test_picture_grid_draws_each_rule_upright_and_in_its_own_pixels():
    grey = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 1, 3, 4)
    colour = np.random.default_rng(0).random((2, 3, 5, 5))
    figure = picture_grid({"grey": grey, "colour": colour}, ("N", "S"), "pictures")
    images = [axes.images[0] for axes in figure.axes]  # by row
    assert [image.origin for image in images] == ["lower", "upper"] * 2
    np.testing.assert_array_equal(images[2].get_array(), grey[1, 0])
    np.testing.assert_array_equal(images[3].get_array(), np.moveaxis(colour[1], 0, -1))
    assert [axes.get_title("left") for axes in figure.axes[:2]] == ["grey\n1 × 3 × 4", "colour\n3 × 5 × 5"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["N", "", "S", ""]


def test_spectrogram_panels_share_the_time_axis():
    generator = np.random.default_rng(0)
    signal = np.concatenate([generator.random(120), np.zeros(67)])
    frequencies, times = np.linspace(0, 62.5, 17), 0.128 + 0.224 * np.arange(6)
    decibel, picture = generator.random((17, 6)), generator.random((3, 128, 128))
    figure = spectrogram_panels(signal, frequencies, times, decibel, picture, 125.0, "Fig. 1")
    beat, mesh, image = (
        next(axes for axes in figure.axes if axes.get_title("left").startswith(letter))
        for letter in ("(a)", "(b)", "(c)")
    )
    np.testing.assert_array_equal(beat.lines[0].get_ydata(), signal[:120])
    assert beat.get_xlim() == mesh.get_xlim() == (0, 186 / 125)
    np.testing.assert_array_equal(mesh.collections[0].get_array(), decibel)
    np.testing.assert_array_equal(image.images[0].get_array(), picture.transpose(1, 2, 0))


def test_confusion_matrix_writes_counts_and_sensitivities():
    figure = confusion_figure(np.array([[1990, 10], [0, 0]]), ("normal", "abnormal"), "confusion")
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["1,990\n99.5%", "10\n0.5%", "0\n–", "0\n–"]
    np.testing.assert_allclose(axes.collections[0].get_array().reshape(2, 2), [[0, 0.005], [0, 0]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["normal  (2,000)", "abnormal  (0)"]


@pytest.mark.parametrize("synthetic", [False, True])
def test_what_a_figure_shows_is_said_once_below_it(synthetic):
    figure = learning_curves(curve_of(3, 2), "a title")
    height = figure.get_figheight()
    for _ in range(2):
        assert add_source(figure, "profile reduced", synthetic) is figure
    assert sum("profile reduced" in text for text in texts(figure)) == 1
    # in the line, and across the figure
    assert sum(SYNTHETIC_MARK in text for text in texts(figure)) == (2 if synthetic else 0)
    assert figure.get_figheight() > height
    figure.draw_without_rendering()
    (line,) = (text for text in figure.texts if "profile reduced" in text.get_text())
    assert all(line.get_window_extent().y1 < axes.get_tightbbox().y0 for axes in figure.axes)


@pytest.mark.parametrize("mark", [False, True])
def test_equal_figures_give_equal_bytes(tmp_path, mark: bool):
    for folder in ("a", "b"):
        figure = learning_curves(curve_of(5, 2), "a title")
        save_figure(add_source(figure, "words", mark), tmp_path / folder / "fig03_v1.2")
    first, second = (sorted((tmp_path / folder).iterdir()) for folder in ("a", "b"))
    assert [path.name for path in first] == ["fig03_v1.2.png", "fig03_v1.2.svg"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_failed_save_leaves_the_old_files(tmp_path, monkeypatch: pytest.MonkeyPatch):
    stem = tmp_path / "figure"
    old = [path.read_bytes() for path in save_figure(learning_curves(curve_of(2), "old"), stem)]
    new = learning_curves(curve_of(2), "new")
    savefig = new.savefig

    def fail_at_svg(path, format, **settings):
        savefig(path, format=format, **settings)
        if format == "svg":
            raise OSError("disk full")

    monkeypatch.setattr(new, "savefig", fail_at_svg)
    with pytest.raises(EcglibError, match="disk full"):
        save_figure(new, stem)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figure.png", "figure.svg"]
    assert [stem.with_suffix(suffix).read_bytes() for suffix in (".png", ".svg")] == old


def test_nothing_is_left_behind_in_matplotlib():
    before, shown = dict(mpl.rcParams), plt.get_fignums()
    add_source(confusion_figure(np.eye(2, dtype=int), ("a", "b"), "confusion"), "words", True)
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == shown
