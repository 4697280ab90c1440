"""Tested searches: what was tested is what the folds chose, by all seeds; without files there is none."""

import pandas as pd

from ecglib import files
from ecglib.parameters import load_parameters
from ecglib.results import searches

LEDGER = load_parameters("ledger")


def test_the_test_beats_chose_nothing(monkeypatch):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(files.home()))
    found = searches.tested(LEDGER, "mitbih")
    assert {one.model for one in found} == {"cnn_transformer", "cnn2d"}
    for one in found:
        trials = pd.read_csv(files.home() / "figures" / searches.FOLDER / f"table_ledger_{one.model}_mitbih.csv")
        best = trials.loc[trials["f1_macro"].idxmax()]
        assert one.settings == {name: best[name] for name in one.settings}
        # each of them is a parameter, of its own type
        assert load_parameters("ledger", **one.settings).label != "ledger"
        assert len(one.mcc) == LEDGER.repetitions
        assert one.trials == trials["state"].isin(["complete", "pruned"]).sum() <= len(trials)


def test_no_file_no_search(monkeypatch, tmp_path):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    assert searches.tested(LEDGER, "mitbih") == []


def test_another_profile_has_none(monkeypatch):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(files.home()))
    assert searches.tested(load_parameters("reduced"), "mitbih") == []
