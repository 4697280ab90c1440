"""Hybrids trained end to end, from trained branches or from scratch; other filters; rows that are partly hidden."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from ecglib.data.views import show
from ecglib.designs import DESIGNS
from ecglib.experiment import Experiment
from ecglib.models.fusion import Hybrid
from ecglib.models.pictures import colour_cells, enlarge
from ecglib.names import BRANCHES, FUSIONS, MODEL_TITLES, EcglibError
from ecglib.parameters import load_parameters
from ecglib.results.ledger import Ledger
from ecglib.training.examples import Examples, beat_examples
from ecglib.training.optimizers import Adamax, OneCycle, make_optimizer, set_learning_rate, training_config
from ecglib.training.steps import Step

TINY = {"synthetic_beats": 240, "cnn_transformer_epochs": 1, "cnn2d_epochs": 1, "fusion_epochs": 1}
TUNED, SCRATCH = {"fusion_training": "fine_tuned"}, {"fusion_training": "from_scratch", "schedule": "one_cycle"}

pytestmark = pytest.mark.usefixtures("output")


def new_experiment(**overrides: object) -> Experiment:
    return Experiment(load_parameters("demo", **TINY, **overrides), "mitbih")


@pytest.fixture(scope="module")
def ledger(output) -> Ledger:
    """Experiments that take what they can from the same trained branches."""
    return Ledger(new_experiment())


def hybrid(**options: object) -> Hybrid:
    return Hybrid(*(DESIGNS["report"].new_model(name, 5, 0) for name in (*BRANCHES, "late")), **options)


@pytest.mark.parametrize("options", [TUNED, SCRATCH], ids=["fine_tuned", "from_scratch"])
@pytest.mark.parametrize("name", FUSIONS)
def test_all_weights_are_trained(ledger, name, options):
    one = ledger.changed(options)
    before, run = one._trained_module(name).state_dict(), one.run(name)
    still = {key for key, tensor in before.items() if torch.equal(tensor, run.weights[key])}
    # a fusion of features leaves the branches' own classifiers out
    heads = ("cnn_transformer.norm.", "cnn_transformer.output.", "cnn2d.output.")
    assert not still if name == "late" else all(key.startswith(heads) for key in still) and len(still) == 6
    assert {key.partition(".")[0] for key in run.weights} == {"cnn_transformer", "cnn2d", "fusion"}
    # the stored scores are those of the stored weights, with no dropout and fixed statistics
    signal = torch.tensor(one.beats.signal[one.split.test[:8]])
    with torch.no_grad():
        scores, _ = one.model(name)(signal, enlarge(colour_cells(signal)))
    np.testing.assert_allclose(scores, run.predictions.scores[:8], rtol=2e-3, atol=1e-3)


def test_fine_tuning_starts_from_the_trained_branches_and_scratch_from_none(ledger):
    trained = {branch: ledger.experiment.run(branch).weights for branch in BRANCHES}
    tuned, scratch = (ledger.changed(options)._trained_module("late") for options in (TUNED, SCRATCH))
    for branch in BRANCHES:
        untrained = ledger.experiment.untrained(branch).state_dict()
        for key in untrained:
            assert torch.equal(getattr(tuned, branch).state_dict()[key], trained[branch][key])
            assert torch.equal(getattr(scratch, branch).state_dict()[key], untrained[key])


def test_from_scratch_needs_no_trained_branches(monkeypatch, tmp_path):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    one = new_experiment(**SCRATCH)
    one.run("late")
    assert [path.parent.name for path in tmp_path.rglob("run.json")] == ["late"]
    assert new_experiment(**SCRATCH).has("late")


def test_training_reaches_the_branches_and_their_rate_is_scaled():
    frozen, whole = hybrid(), hybrid(branch_training={"rate_scale": 0.1, "weight_decay": 0.0})
    assert not frozen.train().cnn2d.training and whole.train().cnn2d.training and whole.cnn_transformer.training
    assert not whole.eval().cnn_transformer.training
    assert all(parameter.requires_grad for parameter in whole.parameters())
    optimizer, _ = make_optimizer(list(whole.parameters()), Adamax(rate=3e-4, weight_decay=0.01), 1)
    set_learning_rate(optimizer, 3e-4)
    rates = {id(value): group["lr"] for group in optimizer.param_groups for value in group["params"]}
    decays = {id(value): group["weight_decay"] for group in optimizer.param_groups for value in group["params"]}
    for key, value in whole.named_parameters():
        is_fusion = key.startswith("fusion.")
        assert rates[id(value)] == pytest.approx(3e-4 if is_fusion else 3e-5), key
        assert decays[id(value)] == (0.01 if is_fusion else 0.0), key
    plain, _ = make_optimizer(list(frozen.parameters()), Adamax(), 1)
    assert len(plain.param_groups) == 1


def test_a_step_of_adamax_is_as_long_as_its_scaled_rate():
    fast, slow = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    slow.optimizer_settings = {"rate_scale": 0.1}
    optimizer, _ = make_optimizer([fast, slow], Adamax(weight_decay=0.0), 1)
    set_learning_rate(optimizer, 0.5)
    (fast + slow).sum().backward()
    optimizer.step()
    # the first step of Adamax is the rate, whatever the gradient
    torch.testing.assert_close(fast, torch.full((3,), 0.5))
    torch.testing.assert_close(slow, torch.full((3,), 0.95))


def test_recipes_are_the_fusions_and_the_branches():
    parameters = load_parameters("questions", fusion_training="fine_tuned", fusion_epochs=3)
    tuned = training_config("late", parameters, "mitbih", 0)
    assert (tuned.epochs, tuned.batch_size, tuned.branch_rate_factor) == (3, 16, 0.1)
    assert isinstance(tuned.optimizer, Adamax)
    assert training_config("cnn2d", parameters, "mitbih", 0).branch_rate_factor is None
    scratch = training_config("late", load_parameters("questions", fusion_training="from_scratch"), "mitbih", 0)
    assert (scratch.epochs, scratch.batch_size, scratch.branch_rate_factor) == (9, 64, None)
    assert isinstance(scratch.optimizer, OneCycle)


def test_beats_of_a_whole_hybrid_are_varied_once_for_both_branches():
    signal, label = torch.rand(6, 187), torch.zeros(6, dtype=torch.int64)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        shown, picture = beat_examples("late", signal, label, "colour", augmented=True).batch(slice(0, 6))
    assert not torch.equal(shown, signal)
    torch.testing.assert_close(picture, enlarge(colour_cells(shown)))


def test_identities_stay_and_are_told_apart(ledger):
    plain = ledger.experiment

    def differing(name: str, **overrides: object) -> set[str]:
        one, other = plain._identity(name), ledger.changed(overrides)._identity(name)
        return {key for key in one | other if one.get(key) != other.get(key)}

    for name in MODEL_TITLES:
        plain.run(name)
        text = json.dumps(plain._identity(name))
        assert not any(word in text for word in ("fusion_training", "branch_rate_factor", "rows_show"))
    for branch in BRANCHES:
        assert differing(branch, rows_show="stretched") == {"rows_show"}
        assert differing(branch, **TUNED) == set()
        # what the fusions below hang on
        ledger.changed(TUNED).run(branch)
    assert differing("late", **TUNED) == {"training", "fusion_training"}
    assert differing("late", **SCRATCH) == {"training", "fusion_training", "branches", "spectrogram_version"}
    assert differing("cnn2d", cnn2d_filters=4) == {"config"}
    assert differing("cnn_transformer", cnn2d_filters=4) == set()


def test_branches_outputs_are_taken_with_the_branches(ledger):
    one = ledger.changed({"fusion_epochs": 3})
    one.run("late")
    assert one._branch_outputs("test") is ledger.experiment._branch_outputs("test")
    assert not list(one.folder.glob("branch_outputs-*")) and not (one.folder / "cnn2d").exists()
    # which are those of a side's own branches where it has some
    weighted = ledger.changed({"class_weighting": "none", "fusion_epochs": 3})
    assert weighted.owner("cnn2d") is ledger.changed({"class_weighting": "none"})
    assert weighted.owner("late") is weighted


@pytest.mark.parametrize(("design", "layers"), [("report", 4), ("original", 4)])
def test_filters_double_and_the_fusions_follow(design, layers):
    one = new_experiment(design=design, cnn2d_filters=2)
    branch = one.untrained("cnn2d")
    assert [layer.out_channels for layer in branch.convolutions] == [2, 4, 8, 16]
    picture = torch.rand(3, *branch.config.input_shape)
    features = branch(picture)[1]
    assert one.untrained("concat").project_2d.in_features == features.shape[1] == branch.config.feature_count
    own = DESIGNS[design]
    assert own.with_filters(own.cnn2d.filters[0]) == own
    one.run("concat")


def test_filters_are_of_the_papers_network():
    with pytest.raises(EcglibError, match="cnn2d_filters: is of the papers' networks; design best has another"):
        new_experiment(design="best", cnn2d_filters=8).untrained("cnn2d")


def test_rows_are_shown_to_every_model_in_training_and_tests():
    plain, hidden = new_experiment(), new_experiment(rows_show="next_beat_cut")
    for part in ("train", "validation", "test"):
        expected = torch.tensor(show("next_beat_cut", plain.data.signal_of(part)))
        assert torch.equal(hidden._beats_of(part)[0], expected)
    assert not torch.equal(plain._beats_of("test")[0], expected)
    scores = hidden.run("cnn2d").predictions.scores
    given = hidden.scores("cnn2d", show("next_beat_cut", plain.data.signal_of("test")))
    np.testing.assert_allclose(given, scores, rtol=2e-3, atol=1e-3)
    assert not np.allclose(hidden.scores("cnn2d", plain.data.signal_of("test")), scores, atol=1e-2)


def test_mixed_beats_of_a_whole_hybrid_mix_both_inputs():
    whole = hybrid(branch_training={})
    optimizer, _ = make_optimizer(list(whole.parameters()), OneCycle(), 2)
    set_learning_rate(optimizer, 1e-3)
    training = Examples((torch.rand(4, 187), torch.rand(4, 3, 128, 128)), torch.arange(4))
    step = Step(whole, training, optimizer, torch.ones(5), mixup=0.2)
    step.begin_epoch()
    step(torch.arange(4))
    assert torch.isfinite(step.sums).all() and step.sums[1] == 4
