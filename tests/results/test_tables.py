"""Tables: the papers' numbers as printed, ours from the runs."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import matthews_corrcoef

from ecglib import files
from ecglib.experiment import Experiment
from ecglib.names import BRANCHES, EXPERIMENT_1, EXPERIMENT_2, HEADLINE_METRICS
from ecglib.parameters import load_parameters
from ecglib.results.hints import MEAN, WHOLE, hint_table
from ecglib.results.papers import reference
from ecglib.results.tables import (
    class_count_table,
    data_label,
    metrics_side_by_side,
    metrics_table,
    times_side_by_side,
    times_table,
)


@pytest.fixture(scope="module")
def experiment(tmp_path_factory) -> Experiment:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECGLIB_OUTPUT", str(tmp_path_factory.mktemp("output")))
        tiny = {"synthetic_beats": 240, "cnn_transformer_epochs": 1, "cnn2d_epochs": 1, "fusion_epochs": 1}
        tried = Experiment(load_parameters("demo", datasets=["ptb"], **tiny), "ptb")
        for model in {*EXPERIMENT_1, *EXPERIMENT_2}:
            tried.run(model)
        yield tried


@pytest.mark.parametrize("models", [EXPERIMENT_1, EXPERIMENT_2])
def test_metrics_are_ours_and_the_papers(experiment, models):
    tidy = metrics_table(experiment, models).set_index(["model", "reported_by"])
    assert len(tidy) == 3 * len(models) + 1
    for model in models:
        metrics = experiment.run(model).metrics
        for name in HEADLINE_METRICS:
            assert tidy.loc[(model, "ours"), name] == getattr(metrics, name)
            assert tidy.loc[(model, "ours"), f"{name}_low"] <= tidy.loc[(model, "ours"), f"{name}_high"]
    late = tidy.loc["late"]
    # Table IV and VII of the report; Table V and VIII of the original, percent there
    assert late.loc["report", ["mcc", "f1_weighted", "accuracy"]].tolist() == [0.9865, 0.9946, 0.9946]
    assert late.loc["original", ["mcc", "f1_macro", "accuracy"]].tolist() == [0.9929, 0.9965, 0.9971]
    assert late.loc["original", ["mcc_low", "mcc_high"]].tolist() == [0.9908, 0.995]
    # what a paper did not print stays empty
    assert pd.isna(late.loc["report", "f1_macro"]) and pd.isna(late.loc["original", "f1_weighted"])
    assert set(tidy.xs("ours", level="reported_by")["dataset"]) == {"synthetic ptb"}


def test_side_by_side_says_what_was_not_printed_and_what_is_synthetic(experiment):
    wide = metrics_side_by_side(metrics_table(experiment, EXPERIMENT_1))
    assert list(wide.columns) == ["model", "metric", "ours (synthetic ptb)", "report (ptb)", "original (ptb)"]
    macro = wide[(wide["model"] == "2D CNN") & (wide["metric"] == "macro F1")].iloc[0]
    assert macro["report (ptb)"] == "not printed"
    assert macro["original (ptb)"] == "96.66 [95.46, 97.86]"


def test_baselines_stand_below_the_models(experiment):
    tidy = metrics_table(experiment, EXPERIMENT_2)
    row = tidy[tidy["model"] == MEAN].iloc[0]
    runs = [experiment.run(branch).predictions for branch in BRANCHES]
    mean = sum(torch.from_numpy(run.scores.astype(np.float64)).softmax(dim=1) for run in runs)
    assert row["mcc"] == pytest.approx(matthews_corrcoef(runs[0].label, mean.argmax(dim=1)))
    wide = metrics_side_by_side(tidy)
    assert wide["model"].tolist()[-4:] == [MEAN] * 4 and set(wide["report (ptb)"].tail(4)) == {""}


def test_kept_classifiers_are_baselines(monkeypatch):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(files.home()))
    reduced = Experiment(load_parameters("reduced"), "mitbih")
    of_table = metrics_table(reduced, EXPERIMENT_1).set_index("model")["mcc"]
    of_hints = hint_table(reduced)
    of_hints = of_hints[of_hints["sees"] == WHOLE].set_index("classifier")["mcc"]
    assert len(of_hints) == 3 and all(of_table[name] == value for name, value in of_hints.items())


def test_times(experiment):
    tidy = times_table(experiment, EXPERIMENT_1)
    assert list(tidy.columns) == ["dataset", "model", "reported_by", "train_s", "test_s", "train_cpu_s", "hardware"]
    printed = tidy[tidy["reported_by"] == "report"].set_index("model")
    assert printed.loc["cnn_transformer", ["train_s", "test_s"]].tolist() == [8110.32, 4.16]
    mine = tidy[tidy["reported_by"] == "ours"].set_index("model")
    assert mine.loc["late", "train_s"] == experiment.run("late").train_s
    assert mine.loc["late", "train_cpu_s"] == experiment.run("late").history["cpu_seconds"].sum()
    assert len(times_side_by_side(tidy)) == 9


def test_class_counts_add_up(experiment):
    counts = class_count_table(experiment)
    assert (counts["train"] + counts["validation"] == counts["training_file"]).all()
    assert counts["test"].sum() + counts["training_file"].sum() == 240
    # the weights are those of the loss
    np.testing.assert_allclose(counts["loss_weight"], experiment.class_weights("cnn_transformer"))
    assert (class_count_table(experiment.changed(class_weighting="none"))["loss_weight"] == 1).all()


def test_reference_has_every_cell():
    for number in (3, 4, 6, 7):
        models = EXPERIMENT_1 if number in (3, 4) else EXPERIMENT_2
        for dataset in ("ptb", "mitbih_reduced"):
            assert set(reference()["report"][f"table_{number}"][dataset]) == set(models)
    assert set(reference()["original"]["table_8"]["mitbih"]) == set(EXPERIMENT_2)


def test_ptbxl_stands_beside_ptb_which_was_not_run(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECGLIB_OUTPUT", str(tmp_path_factory.mktemp("output")))
        tiny = {"synthetic_beats": 240, "cnn_transformer_epochs": 1, "cnn2d_epochs": 1, "fusion_epochs": 1}
        tried = Experiment(load_parameters("demo", datasets=["ptbxl"], **tiny), "ptbxl")
        metrics, times = metrics_table(tried, EXPERIMENT_1), times_table(tried, EXPERIMENT_1)
        by_beat = data_label(tried.split_by("kaggle"))
    wide = metrics_side_by_side(metrics)
    columns = ["ours (synthetic ptbxl)", "ours (ptb)", "report (ptb)", "original (ptb)"]
    assert list(wide.columns) == ["model", "metric", *columns]
    assert set(wide["ours (ptb)"]) == {"not run", ""}
    assert wide.loc[wide["metric"] == "MCC", "report (ptb)"].tolist() == ["98.48", "89.12", "98.65", ""]
    clock = times_side_by_side(times)
    assert set(clock["ours (ptb)"]) == {"not run"}
    assert "report (ptb): NVIDIA GeForce MX330" in clock
    assert by_beat == "synthetic ptbxl by beat"


def test_times_of_one_machine_with_other_threads_share_a_column():
    tidy = pd.DataFrame(
        {
            "dataset": ["mitbih"] * 2,
            "model": ["cnn_transformer", "cnn2d"],
            "reported_by": ["ours"] * 2,
            "train_s": [10.0, 20.0],
            "test_s": [1.0, 2.0],
            "train_cpu_s": [np.nan] * 2,
            "hardware": ["Some CPU, 2 threads", "Some CPU, 1 thread"],
        }
    )
    wide = times_side_by_side(tidy)
    assert list(wide) == ["model", "task", "ours (mitbih): Some CPU"]
    assert wide.iloc[:, 2].tolist() == ["10.0 (2 threads)", "1.0 (2 threads)", "20.0 (1 thread)", "2.0 (1 thread)"]
    assert list(times_side_by_side(tidy.head(1)))[2] == "ours (mitbih): Some CPU, 2 threads"
