"""Repetitions trained together: each as if alone without dropout, each its own with it."""

import numpy as np
import pytest
import torch
from torch import nn

from ecglib.data import synthetic
from ecglib.evaluation import HEADLINE_METRICS, evaluate
from ecglib.optimizers import Adamax, Noam
from ecglib.recipes import new_model
from ecglib.spectrogram import colour_cells, enlarge
from ecglib.stacking import Stack
from ecglib.steps import Examples
from ecglib.training import TrainingConfig, predict, train, train_together

SEEDS = (4, 5, 6)


def examples(name: str, start: int, count: int) -> Examples:
    beats = synthetic.build("mitbih", 400)
    order = np.argsort(np.argsort(beats.label, kind="stable") % 40, kind="stable")[start : start + count]
    signal, label = torch.tensor(beats.signal[order]), torch.tensor(beats.label[order])
    if name == "cnn2d":
        return Examples((colour_cells(signal),), label, lambda cells: (enlarge(cells),))
    return Examples((signal,), label)


def config(name: str, **settings: object) -> TrainingConfig:
    optimizer = Adamax() if name == "cnn2d" else Noam(warm_up_steps=40)
    return TrainingConfig(**{"epochs": 2, "optimizer": optimizer, "seed": SEEDS[0], **settings})


def models(name: str, dropout: bool) -> list[nn.Module]:
    made = [new_model(name, 5, seed) for seed in SEEDS]
    for model in made:
        for module in model.modules():
            if isinstance(module, nn.Dropout) and not dropout:
                module.p = 0.0
    return made


@pytest.mark.parametrize("name", ["cnn_transformer", "cnn2d"])
def test_gradients_are_those_of_each_alone(name):
    # in double precision: what is left is a mistake
    part, rows = examples(name, 0, 48), torch.randperm(48).view(3, 16)
    inputs = [tensor.double().unflatten(0, (3, 16)) for tensor in part.batch(rows.flatten())]
    stacked, separate = ([model.double().train() for model in models(name, dropout=False)] for _ in range(2))
    stack = Stack(stacked)
    scores = stack(*inputs)
    scores.square().sum().backward()
    for r, model in enumerate(separate):
        expected, _ = model(*(tensor[r] for tensor in inputs))
        torch.testing.assert_close(scores[r], expected)
        expected.square().sum().backward()
        for ours, theirs in zip(stack.parameters(), model.parameters(), strict=True):
            torch.testing.assert_close(ours.grad[r], theirs.grad, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["cnn_transformer", "cnn2d"])
def test_without_dropout_each_is_what_it_becomes_alone(name):
    # 21 steps, the last of each epoch on fewer beats
    part, other = examples(name, 0, 165), examples(name, 165, 40)
    together = models(name, dropout=False)
    outcomes = train_together(together, part, other, config(name), np.arange(1.0, 6.0))
    for seed, alone, ours, outcome in zip(SEEDS, models(name, dropout=False), together, outcomes, strict=True):
        expected = train(alone, part, other, config(name, seed=seed), np.arange(1.0, 6.0))
        assert outcome.best_epoch == expected.best_epoch
        for mine, theirs in zip(outcome.history, expected.history, strict=True):
            assert mine.train_loss == pytest.approx(theirs.train_loss, rel=1e-2)
            assert mine.validation_loss == pytest.approx(theirs.validation_loss, rel=2e-2)
        # batch normalisation's running statistics too
        for key, value in alone.state_dict().items():
            torch.testing.assert_close(ours.state_dict()[key], value, rtol=0, atol=0.05)
        assert not ours.training


def test_with_dropout_each_draws_its_own():
    twins = [new_model("cnn_transformer", 5, 0) for _ in range(2)]
    stack = Stack(twins)
    stack.train()
    first, second = stack(torch.rand(1, 8, 187).expand(2, 8, 187))
    assert not torch.allclose(first, second)
    stack.train(False)
    first, second = stack(torch.rand(1, 8, 187).expand(2, 8, 187))
    torch.testing.assert_close(first, second)


def test_with_dropout_they_are_alike_in_distribution():
    """Mean losses of stacked models lie where those of separate ones lie."""
    part, other = examples("cnn_transformer", 0, 100), examples("cnn_transformer", 100, 40)
    count = 6
    settings = config("cnn_transformer", epochs=1, seed=0)
    together = train_together(
        [new_model("cnn_transformer", 5, seed) for seed in range(count)], part, other, settings, np.ones(5)
    )
    alone = []
    for seed in range(count):
        settings = config("cnn_transformer", epochs=1, seed=seed)
        alone.append(train(new_model("cnn_transformer", 5, seed), part, other, settings, np.ones(5)))
    ours, theirs = (np.array([one.history[0].train_loss for one in outcome]) for outcome in (together, alone))
    # the same initial weights and orders: what differs is dropout, an order less than what differs between seeds
    assert np.abs(ours - theirs).max() < 0.15
    assert not np.allclose(ours, theirs, rtol=1e-4)


def test_resumed_stack_equals_uninterrupted_one(tmp_path):
    part, other = examples("cnn2d", 0, 60), examples("cnn2d", 60, 40)
    weights = np.ones(5)
    whole, resumed, started = (models("cnn2d", dropout=True) for _ in range(3))
    expected = train_together(whole, part, other, config("cnn2d", epochs=3), weights)
    train_together(started, part, other, config("cnn2d", epochs=1), weights, tmp_path / "checkpoint")
    told = []
    again = train_together(
        resumed, part, other, config("cnn2d", epochs=3), weights, tmp_path / "checkpoint", told.append
    )
    assert [epoch.epoch for epoch in told] == [1, 2, 3]
    for one, other_one, model, same in zip(expected, again, whole, resumed, strict=True):
        assert [epoch.train_loss for epoch in one.history] == [epoch.train_loss for epoch in other_one.history]
        for key, value in model.state_dict().items():
            torch.testing.assert_close(same.state_dict()[key], value, rtol=0, atol=0)


def test_each_is_tested_after_its_last_epochs():
    part, other, test = examples("cnn2d", 0, 60), examples("cnn2d", 60, 40), examples("cnn2d", 100, 80)
    together = models("cnn2d", dropout=False)
    settings = config("cnn2d", epochs=12, selection="last")
    outcomes = train_together(together, part, other, settings, np.ones(5), test=test, reported_epochs=1)
    assert len({outcome.history[-1].test_mcc for outcome in outcomes}) == 3
    for model, outcome in zip(together, outcomes, strict=True):
        # the weights that are left are those of the tested epoch
        metrics = evaluate(test.label.numpy(), predict(model, test)[0].numpy())
        *others, last = outcome.history
        assert all(epoch.test_mcc is None for epoch in others)
        for name in HEADLINE_METRICS:
            assert getattr(last, f"test_{name}") == pytest.approx(getattr(metrics, name), abs=0.03)


def test_each_ends_by_its_own_patience():
    part, other = examples("cnn2d", 0, 60), examples("cnn2d", 60, 40)
    settings = config("cnn2d", epochs=12, patience=2)
    outcomes = train_together(models("cnn2d", dropout=True), part, other, settings, np.ones(5))
    for outcome in outcomes:
        done, accuracies = len(outcome.history), [epoch.validation_accuracy for epoch in outcome.history]
        assert outcome.best_epoch == 1 + int(np.argmax(accuracies))
        assert done == 12 or done - outcome.best_epoch == 2
