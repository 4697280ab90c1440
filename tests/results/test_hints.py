"""What is hidden is hidden, and nothing else is; the table is that of what was kept."""

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from ecglib import files
from ecglib.data.views import lengths
from ecglib.experiment import Experiment
from ecglib.parameters import load_parameters
from ecglib.results.hints import TREES, VIEWS, WHOLE, hint_summary, hint_table

ROWS = np.zeros((3, 187), dtype=np.float32)
ROWS[0, :90] = np.linspace(1, 0.1, 90)
ROWS[1, :187] = 0.5
ROWS[2, :60] = np.sin(np.arange(60)) ** 2 + 0.01


def test_length_is_what_comes_before_the_zeros():
    assert lengths(ROWS).tolist() == [90, 187, 60]


def test_each_view_hides_what_it_says():
    stretched, cut, ordered, alone = (VIEWS[name](ROWS) for name in list(VIEWS)[1:])
    assert (stretched > 0).all() and stretched[0] == pytest.approx(np.linspace(1, 0.1, 187))
    assert lengths(cut).tolist() == [60, 125, 40] and np.array_equal(cut[2, :40], ROWS[2, :40])
    assert np.array_equal(np.sort(ROWS[:, ::-1], axis=1), ordered)
    assert alone.tolist() == [[90], [187], [60]]
    assert VIEWS[WHOLE](ROWS) is ROWS


def test_table_is_that_of_the_kept_answers(monkeypatch):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(files.home()))
    experiment = Experiment(load_parameters("reduced"), "mitbih")
    tidy = hint_table(experiment).set_index(["classifier", "sees"])
    kept = experiment.derived("hints", dict, "cnn_transformer")
    label = experiment.beats.label[experiment.split.test]
    for (classifier, view), row in tidy.iterrows():
        assert row["mcc"] == pytest.approx(matthews_corrcoef(label, kept[f"{classifier}|{view}"]))
        assert row["mcc_people_low"] < row["mcc"] < row["mcc_people_high"]
    shown = hint_summary(tidy.reset_index())
    assert shown.loc[2, "MCC"].startswith(f"{100 * tidy.loc[(TREES, WHOLE), 'mcc']:.2f} [")


def test_plain_classifiers_learn_invented_beats(output):
    tiny = {"synthetic_beats": 400, "cnn_transformer_epochs": 1, "cnn2d_epochs": 1, "fusion_epochs": 1}
    tidy = hint_table(Experiment(load_parameters("demo", **tiny), "mitbih")).set_index(["classifier", "sees"])
    assert tidy.loc[(TREES, WHOLE), "accuracy"] > 0.5
