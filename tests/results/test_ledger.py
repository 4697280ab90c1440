"""Slips: each does what its name says and nothing else, and the ledger's numbers are those of its runs."""

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
from ecglib.parameters import load_parameters
from ecglib.results.ledger import SLIPS, Ledger, effect_table, effects, f1_gap, ingredients

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
                assert without.identity["training"] == with_it.identity["training"]


def test_unaffected_branches_are_not_trained_again(ledger):
    usual = ledger.experiment
    slipped = ledger._changed({"picture": "bordered"})
    assert slipped.run("cnn_transformer") is usual.run("cnn_transformer")
    assert slipped.run("cnn2d") is not usual.run("cnn2d")


def test_table_holds_the_runs_metrics(ledger):
    tidy = ledger.tidy
    assert len(tidy) == sum(len(slip.models) * (slip.repetitions or 2) for slip in SLIPS)
    row = tidy[(tidy["change"] == SLIPS[3].title) & (tidy["repetition"] == 1)].iloc[0]
    assert row["seed"] == 1
    assert row["mcc_without"] == ledger.experiment.repetitions[1].run("cnn2d").metrics.mcc
    bordered = ledger._changed(SLIPS[3].with_it).repetitions[1].run("cnn2d")
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
