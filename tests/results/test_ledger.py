"""Slips: each does what its name says and nothing else, and the ledger's numbers are those of its runs."""

from typing import get_args

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from ecglib.designs import DESIGNS
from ecglib.experiment import Experiment
from ecglib.figures.results import effect_figure
from ecglib.models.fusion import Hybrid
from ecglib.models.pictures import PICTURES, colour_cells, enlarge, real_part_levels
from ecglib.names import Slip
from ecglib.parameters import load_parameters
from ecglib.results.ledger import SLIPS, Ledger, effect_sentences, effect_table, effects, f1_gap, ingredients
from ecglib.runs import Run

TINY = {"synthetic_beats": 240, "cnn_transformer_epochs": 1, "cnn2d_epochs": 1, "fusion_epochs": 1}


pytestmark = pytest.mark.usefixtures("output")


def new_experiment(**overrides: object) -> Experiment:
    return Experiment(load_parameters("demo", **TINY, **overrides), "mitbih")


@pytest.fixture(scope="module")
def ledger(output) -> Ledger:
    return Ledger(new_experiment(repetitions=1, ledger_repetitions=2))


def changed(slip: str, name: str) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Weights before and after training with a slip."""
    experiment = new_experiment(slips=(slip,))
    return experiment.untrained(name).state_dict(), experiment.run(name).weights


def test_class_token_of_zeros_stays():
    before, after = changed("zero_class_token", "cnn_transformer")
    assert not before["class_token"].any() and not after["class_token"].any()
    assert not torch.equal(before["output.weight"], after["output.weight"])
    # all else starts as it does without the slip
    usual = DESIGNS["report"].new_model("cnn_transformer", 5, 0).state_dict()
    assert usual.pop("class_token").any()
    assert all(torch.equal(tensor, before[name]) for name, tensor in usual.items())


@pytest.mark.parametrize(
    ("name", "still"), [("cnn2d", ("output.",)), ("concat", ("project_1d.", "project_2d."))], ids=str
)
def test_untrained_layers_stay_as_they_were_drawn(name, still):
    before, after = changed("untrained_layers", name)
    for key in before:
        assert torch.equal(before[key], after[key]) == key.startswith(still), key


def test_fast_norm_is_the_originals_momentum():
    config = DESIGNS["report"].new_model("cnn2d", 5, 0, slips=["fast_norm"]).config
    assert config == DESIGNS["report"].new_model("cnn2d", 5, 0).config.model_copy(update={"norm_momentum": 0.99})
    assert DESIGNS["original"].new_model("cnn2d", 5, 0).config.norm_momentum == 0.99


def test_branches_in_training_mode_drift_but_do_not_learn():
    experiment = new_experiment(slips=("branches_in_training_mode",))
    after = experiment.run("late").weights
    branch = experiment.run("cnn2d").weights
    for key, tensor in branch.items():
        is_statistic = "running" in key or "num_batches" in key
        assert torch.equal(after[f"cnn2d.{key}"], tensor) != is_statistic, key
    assert not torch.equal(after["fusion.weight_1d"], torch.ones(5))
    model = experiment.model("late")
    # its own normalisation statistics are used from then on
    signal = torch.tensor(experiment.beats.signal[experiment.split.test[:8]])
    with torch.no_grad():
        scores, _ = model(signal, enlarge(colour_cells(signal)))
    np.testing.assert_allclose(scores, experiment.run("late").predictions.scores[:8], rtol=1e-3, atol=1e-4)


def test_training_mode_reaches_the_branches_with_the_slip_alone():
    models = [DESIGNS["report"].new_model(name, 5, 0) for name in ("cnn_transformer", "cnn2d", "late")]
    assert not Hybrid(*models).train().cnn2d.training
    slipped = Hybrid(*models, branches_in_training_mode=True)
    assert slipped.train().cnn2d.training and slipped.cnn_transformer.training
    assert not slipped.eval().cnn2d.training


def test_bordered_picture_is_the_picture_smaller_on_white():
    signal = torch.rand(3, 187)
    rule = PICTURES["bordered"]
    picture = rule.draw(rule.keep(signal))
    assert picture.shape == (3, 3, 128, 128)
    white = (picture == 1).all(dim=1)
    assert 0.40 < white.float().mean() < 0.41
    inside = torch.nn.functional.interpolate(colour_cells(signal), size=(99, 99), mode="bilinear")
    torch.testing.assert_close(picture[:, :, 15:114, 16:115], inside, atol=1e-6, rtol=0)


def test_magnitude_is_the_whole_transform():
    signal = torch.rand(2, 187)
    rule = PICTURES["magnitude"]
    whole = rule.draw(rule.keep(signal))
    # of a real signal, symmetric about 0 Hz, which the real part is too; and nowhere below the real part's level
    torch.testing.assert_close(whole[:, :, 1:16], whole[:, :, 17:].flip(2))
    assert not torch.allclose(whole, real_part_levels(signal), atol=1.0)


TRAINED_OTHERWISE = {"no weight decay": {"weight_decay"}, "Adam's epsilon 1e-16 instead of 1e-8": {"epsilon"}}


def differing_training(without: Run, with_it: Run) -> set[str]:
    """What of the optimiser differs; nothing else of the training may."""
    one, other = (dict(run.identity["training"]) for run in (without, with_it))
    settings = [training.pop("optimizer") for training in (one, other)]
    assert one == other
    return {key for key in settings[0] | settings[1] if settings[0].get(key) != settings[1].get(key)}


def test_ledger_pairs_runs_that_differ_in_the_slip_alone(ledger):
    for slip in SLIPS:
        for model in slip.models:
            pairs = list(ledger.pairs(slip, model))
            assert len(pairs) == (slip.repetitions or 2)
            for without, with_it in pairs:
                # half_second_largest is an experiment with other beats, the rest are not
                if "training_set" not in slip.with_it:
                    np.testing.assert_array_equal(without.predictions.row, with_it.predictions.row)
                    assert without.identity != with_it.identity, slip.title
                assert differing_training(without, with_it) == TRAINED_OTHERWISE.get(slip.title, set()), slip.title


def test_unaffected_branches_are_not_trained_again(ledger):
    usual = ledger.experiment
    slipped = ledger.changed({"picture": "bordered"})
    assert slipped.run("cnn_transformer") is usual.run("cnn_transformer")
    assert slipped.run("cnn2d") is not usual.run("cnn2d")


def test_fusions_of_all_tokens_learn_from_the_same_branches(ledger):
    usual, slipped = ledger.experiment, ledger.changed({"slips": ("all_tokens",)})
    assert all(slipped.run(branch) is usual.run(branch) for branch in ("cnn_transformer", "cnn2d"))
    run = slipped.run("concat")
    assert run.identity["branches"] == usual.run("concat").identity["branches"]
    assert (run.identity["config"]["features_1d"], run.weights["project_1d.weight"].shape) == (1280, (64, 1280))
    # features of either kind are kept in files of their own
    outputs = [one._branch_outputs("test") for one in (usual, slipped)]
    assert [one.features_1d.shape[1] for one in outputs] == [128, 1280]
    torch.testing.assert_close(outputs[0].scores_1d, outputs[1].scores_1d, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(outputs[0].features_1d, outputs[1].features_1d[:, :128], rtol=1e-4, atol=1e-4)
    keys = [{path.name for path in one.folder.glob("branch_outputs-test-*")} for one in (usual, slipped)]
    assert len(keys[0]) == len(keys[1]) == 1 and not keys[0] & keys[1]
    signal = torch.tensor(slipped.beats.signal[slipped.split.test[:8]])
    with torch.no_grad():
        scores, _ = slipped.model("concat")(signal, enlarge(colour_cells(signal)))
    np.testing.assert_allclose(scores, run.predictions.scores[:8], rtol=1e-3, atol=1e-4)


def test_every_slip_is_measured_and_every_side_can_be_asked_for():
    assert {name for slip in SLIPS for name in slip.with_it.get("slips", ())} == set(get_args(Slip))
    assert len({slip.title for slip in SLIPS}) == len(SLIPS)
    for slip in SLIPS:
        for side in (slip.without, slip.with_it):
            # what a profile on the command line is asked for is checked, what the ledger changes is not
            assert load_parameters("ledger", **side) == load_parameters("ledger").model_copy(update=side)


def test_table_holds_the_runs_metrics(ledger):
    tidy = ledger.tidy
    assert len(tidy) == sum(len(slip.models) * (slip.repetitions or 2) for slip in SLIPS)
    row = tidy[(tidy["change"] == SLIPS[3].title) & (tidy["repetition"] == 1)].iloc[0]
    assert row["seed"] == 1
    assert row["mcc_without"] == ledger.experiment.repetitions[1].run("cnn2d").metrics.mcc
    bordered = ledger.changed(SLIPS[3].with_it).repetitions[1].run("cnn2d")
    assert row["f1_macro_with"] == bordered.metrics.f1_macro
    table = effect_table(effects(tidy))
    assert len(table) == sum(len(slip.models) for slip in SLIPS)
    assert len(effect_figure(tidy, "title").axes[0].get_yticklabels()) == len(table)


def test_effects_are_paired_with_students_interval():
    draw = np.random.default_rng(0).random((5, 4))
    columns = ("mcc_without", "mcc_with", "f1_macro_without", "f1_macro_with")
    tidy = pd.DataFrame(draw, columns=columns).assign(change="s", where="w", model="late")
    line = effects(tidy).iloc[0]
    expected = stats.ttest_rel(tidy["mcc_with"], tidy["mcc_without"]).confidence_interval(0.95)
    np.testing.assert_allclose([line["mcc_low"], line["mcc_high"]], expected)
    assert line["f1_macro_effect"] == pytest.approx((draw[:, 3] - draw[:, 2]).mean())
    assert effects(tidy.head(1)).iloc[0][["mcc_low", "mcc_high"]].isna().all()


def test_sentences_say_what_the_intervals_do():
    def line(effect: float, low: float, high: float, seeds: int = 3) -> str:
        row = {"change": "a slip", "where": "w", "model": "late", "repetitions": seeds}
        row |= {"mcc_effect": effect, "mcc_low": low, "mcc_high": high}
        return effect_sentences(pd.DataFrame([row]))

    start = "a slip (Hybrid, late fusion): "
    # the farther end, rounded up: a bound that is too near would be wrong
    assert line(-0.01, -0.0342, 0.0142) == start + "within ±3.5 points of MCC, 3 seeds"
    assert line(0.002, -0.001, 0.011) == start + "within ±1.1 points of MCC, 3 seeds"
    assert line(0.0001, 0.0, 0.0002) == start + "within ±0.1 points of MCC, 3 seeds"
    assert line(-0.021, -0.032, -0.01) == start + "costs 2.10 [1.00, 3.20] points of MCC, 3 seeds"
    assert line(0.021, 0.01, 0.032, 10) == start + "gains 2.10 [1.00, 3.20] points of MCC, 10 seeds"
    alone = line(-0.05, float("nan"), float("nan"), 1)
    assert alone == start + "-5.00 points of MCC by one seed, which gives no interval"


def test_sentences_are_a_line_a_change_and_model(ledger):
    effect = effects(ledger.tidy)
    for metric, title in (("mcc", "MCC"), ("f1_macro", "macro F1")):
        lines = effect_sentences(effect, metric).split("\n")
        assert len(lines) == len(effect) and all(f"points of {title}" in text for text in lines)


def test_f1_gap_is_of_the_same_predictions(ledger):
    gap = f1_gap(ledger.experiment).set_index("model")
    metrics = [one.run("late").metrics for one in ledger.experiment.repetitions]
    expected = 100 * np.mean([one.f1_weighted - one.f1_macro for one in metrics])
    assert gap.loc["Hybrid, late fusion", "difference"] == pytest.approx(expected, abs=0.01)


def test_ingredients_are_taken_away_one_at_a_time_from_the_profile_best():
    best = load_parameters("best")
    differing = []
    for change in ingredients(best):
        sides = [best.model_copy(update=side).model_dump() for side in (change.without, change.with_it)]
        differing.append({key for key in sides[0] if sides[0][key] != sides[1][key]})
    epochs = {"cnn_transformer_epochs", "cnn2d_epochs"}
    assert differing == [{"design"}, {"augmentation"}, {"mixup"}, epochs]
    # the profile's own run is not trained a second time
    whole = ingredients(best)[-1]
    assert best.model_copy(update=whole.with_it).label == "best"
    assert best.model_copy(update=whole.without).cnn_transformer_epochs == best.cnn_transformer_epochs // 3


def test_ingredients_are_measured(ledger):
    parameters = ledger.experiment.parameters
    tidy = Ledger(ledger.experiment, ingredients(parameters)).tidy
    assert list(effect_table(effects(tidy), "ingredient").columns[:3]) == ["ingredient", "where", "model"]
    # the second model of the first is the 2D branch
    assert list(tidy["model"]) == ["cnn_transformer", "cnn2d", *["cnn_transformer"] * 3]
    assert set(tidy["repetition"]) == {0}
