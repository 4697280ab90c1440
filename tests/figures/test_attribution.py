"""Maps as they are drawn: the numbers on the axes are those that were given."""

import numpy as np
import pandas as pd
import pytest

from ecglib.figures.attribution import checks_figure, looked_figure

GENERATOR = np.random.default_rng(0)


@pytest.mark.parametrize(("channels", "origin"), [(3, "upper"), (1, "lower")])
def test_beats_bands_and_pictures_are_drawn_as_given(channels, origin):
    signal = GENERATOR.random((2, 187), dtype=np.float32)
    signal[1, 100:] = 0
    bands = {"one": 2 * GENERATOR.random((2, 187)) - 1, "other": GENERATOR.random((2, 187))}
    picture, on_picture = GENERATOR.random((2, channels, 16, 12)), {"map": GENERATOR.random((2, 4, 3))}
    figure = looked_figure(signal, bands, picture, on_picture, ["first", "second"], 120.0, "Title")
    panels = np.array(figure.axes[:6]).reshape(2, 3)
    for row, (axes, seen, under) in enumerate(panels):
        line = axes.lines[0]
        assert np.array_equal(line.get_ydata(), signal[row, : (187, 100)[row]])
        assert line.get_xdata()[1] == pytest.approx(1 / 120)
        for image, maps in zip(axes.images, bands.values(), strict=True):
            assert np.array_equal(image.get_array()[0], maps[row])
        assert len(seen.images) == 1 and {image.origin for image in seen.images + under.images} == {origin}
        dark = under.images[1].get_array()[..., 3]
        np.testing.assert_allclose(np.asarray(dark), 0.75 * (1 - np.sqrt(on_picture["map"][row])))
    assert [axes.get_title(loc="left") for axes in panels[0]] == ["first", "picture", "map"]


def test_curves_and_correlations_are_drawn_as_given():
    shares = np.linspace(0, 1, 3)
    curves = {"cnn2d": {name: np.sort(GENERATOR.random((3, 3))) for name in ("gradients", "random")}}
    values = {"rho": [0.5, 0.1], "rho_low": [0.4, 0.0], "rho_high": [0.7, 0.2]}
    kinds = {"model": "cnn2d", "method": "gradients", "kind": "randomised", "other": ["output", "and all"]}
    titles = {"gradients": "by gradients", "random": "at random"}
    figure = checks_figure(curves, shares, pd.DataFrame(kinds | values), titles, {"cnn2d": "2D"}, "Title")
    above, below = figure.axes
    assert [text.get_text() for text in above.get_legend().get_texts()] == list(titles.values())
    for line, curve in zip(above.lines, curves["cnn2d"].values(), strict=True):
        assert line.get_ydata() == pytest.approx(100 * curve[:, 0])
    assert below.lines[0].get_ydata().tolist() == values["rho"]
    ends = [segment[:, 1].tolist() for segment in below.collections[0].get_segments()]
    assert np.array(ends) == pytest.approx(np.array([[0.4, 0.7], [0.0, 0.2]]))
