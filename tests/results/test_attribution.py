"""The tests of maps, tested: deletion, ranks and random weights against cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from ecglib import files
from ecglib.experiment import Experiment
from ecglib.names import BRANCHES
from ecglib.parameters import load_parameters
from ecglib.results import attribution
from ecglib.results.attribution import (
    SHARES,
    Looked,
    deletion_curves,
    in_units,
    lines_instead,
    maps_of,
    people_interval,
    randomised,
    rank_correlations,
)

TINY = {"synthetic_beats": 240, "cnn_transformer_epochs": 1, "cnn2d_epochs": 1, "fusion_epochs": 1}


def test_units_are_means_in_order():
    signal = torch.arange(187.0).expand(2, 187)
    assert in_units(signal)[1].tolist() == [5 + 11 * number for number in range(17)]
    picture = torch.arange(64.0).view(1, 8, 8)
    assert in_units(picture.repeat_interleave(16, 1).repeat_interleave(16, 2))[0].tolist() == list(range(64))


def test_deletion_of_what_does_not_count_changes_nothing():
    weight = np.array([0.4, 0, 0.1, 0.3, 0, 0.2, 0, 0, 0, 0])
    usable = np.ones((2, 10), dtype=bool)
    usable[1, 5:] = False
    curves = deletion_curves(lambda gone: 1 - gone @ weight, np.tile(weight, (2, 1)), usable)
    # ten units, the largest first; of the second beat half of them, of which a share takes none or one more
    assert curves[0] == pytest.approx([1, 0.6, 0.3, 0.1, 0, 0, 0, 0, 0, 0, 0])
    assert curves[1] == pytest.approx([1, 1, 0.6, 0.3, 0.3, 0.3, 0.2, 0.2, 0.2, 0.2, 0.2])
    backwards = deletion_curves(lambda gone: 1 - gone @ weight, -np.tile(weight, (2, 1)), usable)
    assert backwards[0, :7] == pytest.approx(1) and (backwards >= curves - 1e-12).all()


def test_deleted_samples_lie_on_lines():
    place = np.arange(187.0)
    straight, bent = 0.2 + 0.004 * place, np.where(place == 90, 1.0, 0.0)
    gone = np.zeros((3, 187), dtype=bool)
    gone[0, 50:60], gone[1, 88:99], gone[2] = True, True, True
    changed = lines_instead(np.stack([straight, bent, straight]), gone)
    assert changed[0] == pytest.approx(straight) and (changed[1:] == 0).all()


def test_ranks_are_scipys_on_what_is_compared():
    generator = np.random.default_rng(0)
    one, other, usable = generator.random((3, 17)), generator.random((3, 17)).round(1), generator.random((3, 17)) < 0.7
    found = rank_correlations(one, other, usable)
    expected = [spearmanr(a[u], b[u]).statistic for a, b, u in zip(one, other, usable, strict=True)]
    assert found == pytest.approx(expected)
    assert rank_correlations(one, np.ones((3, 17)), usable).tolist() == [0, 0, 0]


def test_interval_is_over_people():
    generator = np.random.default_rng(0)
    subject = np.repeat([f"{number}" for number in range(30)], 40)
    of_person = np.repeat(generator.normal(size=30), 40)
    mean, low, high = people_interval(of_person, subject)
    assert mean == pytest.approx(of_person.mean()) and low < mean < high
    # of 30 people, not of 1,200 beats
    assert (high - low) / 3.92 == pytest.approx(of_person.std() / np.sqrt(30), rel=0.15)


def test_only_the_named_weights_are_put_at_random():
    trained, fresh = (nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)) for _ in range(2))
    own = {name: value.clone() for name, value in fresh.state_dict().items()}
    made = randomised(trained, fresh, ("1.",)).state_dict()
    assert all(torch.equal(made[name], (own if name[0] == "1" else trained.state_dict())[name]) for name in made)


def test_stages_name_all_weights_of_the_branches():
    for branch, stages in attribution.STAGES.items():
        experiment = Experiment(load_parameters("reduced"), "mitbih")
        prefixes = sum(stages.values(), ())
        assert all(name.startswith(prefixes) for name in experiment.untrained(branch).state_dict())


def test_invented_beats_are_looked_at_and_kept(output, monkeypatch):
    monkeypatch.setattr(attribution, "_DRAWS", 1)
    monkeypatch.setattr(attribution, "sample_beats", lambda one: sample(one, 2))
    experiment = Experiment(load_parameters("demo", **TINY), "mitbih")
    looked = Looked(experiment)
    deletion, agreement = attribution.deletion_table(looked), attribution.agreement_table(looked)
    assert len(deletion) == 7 and (deletion["beats"] == len(looked.number)).all()
    assert deletion["area"].between(0, 1).all()
    assert agreement["rho"].between(-1, 1).all() and set(agreement["kind"]) == {"method", "randomised"}
    # attention does not depend on the head
    head = agreement[(agreement["method"] == "rollout") & (agreement["other"] == "output")]
    assert head["rho"].item() == pytest.approx(1)
    # what is kept is what is made
    monkeypatch.setattr(attribution, "_checks", None)
    monkeypatch.setattr(attribution, "maps_of", None)
    pd.testing.assert_frame_equal(attribution.agreement_table(Looked(experiment)), agreement)
    label = looked.label[looked.examples()]
    assert label.tolist() == list(range(len(experiment.class_names)))
    shown = attribution.agreement_summary(agreement)
    assert shown["against"].str.contains("random weights: and encoder").any()
    assert attribution.deletion_summary(deletion).shape == (7, 4)


sample = attribution.sample_beats


def test_committed_maps_are_of_the_committed_runs(monkeypatch):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(files.home()))
    monkeypatch.setenv("ECGLIB_TRAIN", "never")
    experiment = Experiment(load_parameters("reduced"), "mitbih")
    looked = Looked(experiment)
    assert np.bincount(looked.label).tolist() == [20] * 5
    for branch in BRANCHES:
        kept, some = looked.maps(branch), slice(0, 100, 25)
        made = maps_of(experiment, branch, looked.signal[some], without=("gradients",))
        for name, values in made.items():
            np.testing.assert_allclose(kept[name][some].astype(float), values.astype(float), atol=0.02, err_msg=name)
        # the class is that of the run's predictions, but for signals of half precision
        called = experiment.run(branch).predictions.scores[looked.number].argmax(axis=1)
        assert (called == kept["called"]).mean() > 0.95
        left = looked.deletion(branch)["random"]
        assert len(left) == len(SHARES) and left[0, 0] > 0.8 > left[-1, 0]
