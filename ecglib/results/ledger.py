"""What one change does: the slips of both papers' programs, and what the design `best` is made of.

A change is measured on the model that it touches, in the repetitions of a profile: trained with it and
without, under the same seed and on the same beats. Everything else is as the profile says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ecglib.experiment import Experiment, may_train
from ecglib.names import MODEL_TITLES, ModelName
from ecglib.parameters import Parameters, load_parameters
from ecglib.results.paired import over_seeds
from ecglib.runs import Run

_METRICS = {"mcc": "MCC", "f1_macro": "macro F1"}


@dataclass(frozen=True)
class Change:
    """Something that can be switched on and off.

    Attributes
    ----------
    title : str
    where : str
        In whose text or program it is found.
    models : tuple of str
        Those that it is measured on.
    without, with_it : dict
        Parameters that differ from the profile's in the one case and in the other.
    repetitions : int or None
        In how many repetitions it is measured at most; None: in all.
    beside : str or None
        A profile of the same recipe whose runs stand on the side without; None: the experiment's own.
    """

    title: str
    where: str
    models: tuple[ModelName, ...]
    without: dict[str, Any] = field(default_factory=dict)
    with_it: dict[str, Any] = field(default_factory=dict)
    repetitions: int | None = None
    beside: str | None = None


SLIPS: tuple[Change, ...] = (
    Change(
        "2D output layer and fusion projections not trained",
        "report's program",
        ("cnn2d", "late", "concat"),
        with_it={"slips": ("untrained_layers",)},
    ),
    Change("class token of zeros", "report's program", ("cnn_transformer",), with_it={"slips": ("zero_class_token",)}),
    Change(
        "frozen branches in training mode",
        "report's program",
        ("late", "concat"),
        with_it={"slips": ("branches_in_training_mode",)},
    ),
    Change("white border around the picture", "report's program", ("cnn2d",), with_it={"picture": "bordered"}),
    Change(
        "pixel values from 0 to 255 instead of 0 to 1",
        "report's program",
        ("cnn2d",),
        with_it={"slips": ("pixels_255",)},
    ),
    Change(
        "all ten encoded tokens joined instead of the class token",
        "report's program",
        ("concat", "sum"),
        with_it={"slips": ("all_tokens",)},
    ),
    Change(
        "no weight decay",
        "report's program",
        ("cnn_transformer", "cnn2d", "late", "concat"),
        with_it={"slips": ("no_weight_decay",)},
    ),
    Change(
        "no class weights in the loss",
        "report's program, on reduced data",
        ("cnn_transformer", "cnn2d", "late", "concat"),
        with_it={"class_weighting": "none"},
    ),
    Change(
        "classes cut to half the second largest",
        "report's text and program",
        ("cnn_transformer",),
        without={"training_set": "all"},
        with_it={"training_set": "half_second_largest"},
        # with all beats a run takes ten times as long, and the effect is far larger than a seed's
        repetitions=1,
    ),
    # balanced class weights are another training on other shares of classes, so once more without them
    Change(
        "classes cut likewise, no class weights on either side",
        "report's text and program",
        ("cnn_transformer",),
        without={"training_set": "all", "class_weighting": "none"},
        with_it={"training_set": "half_second_largest", "class_weighting": "none"},
        repetitions=1,
    ),
    Change(
        "encoder layers that start as copies of one",
        "both programs",
        ("cnn_transformer",),
        with_it={"slips": ("cloned_layers",)},
    ),
    Change(
        "real part of the transform alone",
        "original's program",
        ("cnn2d",),
        without={"design": "original", "picture": "magnitude"},
        with_it={"design": "original"},
    ),
    Change("batch normalisation's momentum 0.99", "original's program", ("cnn2d",), with_it={"slips": ("fast_norm",)}),
    Change(
        "Adam's epsilon 1e-16 instead of 1e-8",
        "original's program",
        ("cnn_transformer",),
        with_it={"slips": ("adam_epsilon",)},
    ),
    Change(
        "weighted sum's weights start at random instead of at one",
        "original's program",
        ("weighted_sum",),
        with_it={"slips": ("random_scalars",)},
    ),
    # without a validation part nothing can choose an epoch, so that both sides keep the last
    Change(
        "no beats set aside to validate (both sides: last epoch)",
        "original's parameter files",
        ("cnn_transformer",),
        without={"selection": "last"},
        with_it={"selection": "last", "train_on_validation": True},
    ),
)


def ingredients(parameters: Parameters) -> tuple[Change, ...]:
    """What the design `best` differs in from the report's, each measured once and by a third of the epochs.

    Mixed beats are measured by all epochs, since they slow learning down at first.
    """
    whole = {"design": "best", "augmentation": True, "mixup": parameters.mixup or 0.2}
    third = {name: max(1, getattr(parameters, name) // 3) for name in ("cnn_transformer_epochs", "cnn2d_epochs")}
    both, branch_1d = ("cnn_transformer", "cnn2d"), ("cnn_transformer",)
    return (
        Change(
            "residual network (2D: and its spectrogram) for the report's",
            "He et al. 2016",
            both,
            without={**whole, **third, "design": "report"},
            with_it={**whole, **third},
            repetitions=1,
        ),
        Change(
            "training beats varied",
            "usual practice",
            branch_1d,
            without={**whole, **third, "augmentation": False},
            with_it={**whole, **third},
            repetitions=1,
        ),
        Change(
            "training beats mixed",
            "Zhang et al. 2018",
            branch_1d,
            without={**whole, "mixup": 0.0},
            with_it=whole,
            repetitions=1,
        ),
        Change(
            "three times as many epochs",
            "usual practice",
            branch_1d,
            without={**whole, **third},
            with_it=whole,
            repetitions=1,
        ),
    )


class Ledger:
    """Changes on one experiment's beats and repetitions; runs that are not there yet are trained.

    Parameters
    ----------
    experiment : Experiment
        The profile's own, without any slip. Its parameter `ledger_repetitions` says how many repetitions count.
    changes : sequence of Change
    """

    def __init__(self, experiment: Experiment, changes: Sequence[Change] = SLIPS):
        self.changes = changes
        number = experiment.parameters.ledger_repetitions or experiment.parameters.repetitions
        self.experiment = experiment.changed(repetitions=number)
        self._experiments: dict[str, Experiment] = {}

    def pairs(self, change: Change, model: ModelName) -> Iterator[tuple[Run, Run]]:
        """The run without the change and the one with it, of each repetition that it is measured in.

        Where nothing may be trained, the repetitions that are there on both sides.
        """
        for pair in self.experiments(change, model):
            yield tuple(one.run(model) for one in pair)

    def experiments(self, change: Change, model: ModelName) -> Iterator[tuple[Experiment, Experiment]]:
        """The experiments whose runs are the `pairs`."""
        for pair in zip(*self.sides(change), strict=True):
            if may_train() or all(one.has(model) for one in pair):
                yield pair

    def sides(self, change: Change) -> list[tuple[Experiment, ...]]:
        """The repetitions without the change and those with it, as many as it is measured in."""
        without = change.without
        if change.beside and self.experiment.parameters.source != "synthetic":
            profile = dict(load_parameters(change.beside))
            without = {**profile, **without, "repetitions": self.experiment.parameters.repetitions}
        return [self.changed(side).repetitions[: change.repetitions] for side in (without, change.with_it)]

    def changed(self, overrides: dict[str, Any]) -> Experiment:
        """The experiment with some parameters changed, the same object for the same ones."""
        key = repr(sorted(overrides.items()))
        if key not in self._experiments:
            changed = self.experiment
            if overrides:
                changed = self.experiment.changed(**overrides)
                # branches that the change does not touch are not trained a second time; another profile has its own
                of_branches = {name: value for name, value in overrides.items() if not name.startswith("fusion_")}
                if "profile" not in overrides:
                    changed.take_branches(self.experiment if of_branches == overrides else self.changed(of_branches))
            self._experiments[key] = changed
        return self._experiments[key]

    @property
    def not_run(self) -> list[str]:
        """Changes and models of which no repetition is there, in words."""
        measured = set(zip(self.tidy["change"], self.tidy["model"], strict=True))
        return [
            f"{change.title} ({MODEL_TITLES[model]})"
            for change in self.changes
            for model in change.models
            if (change.title, model) not in measured
        ]

    @cached_property
    def tidy(self) -> pd.DataFrame:
        """One row a change, model and repetition.

        Returns
        -------
        DataFrame
            Columns change, where, model, repetition, seed; ``mcc_without``, ``mcc_with``,
            ``f1_macro_without`` and ``f1_macro_with``, fractions of the test beats.
        """
        rows = []
        for change in self.changes:
            for model in change.models:
                for number, (without, with_it) in enumerate(self.pairs(change, model)):
                    row = {"change": change.title, "where": change.where, "model": model, "repetition": number}
                    row["seed"] = without.identity["training"]["seed"]
                    for metric in _METRICS:
                        row[f"{metric}_without"] = getattr(without.metrics, metric)
                        row[f"{metric}_with"] = getattr(with_it.metrics, metric)
                    rows.append(row)
        return pd.DataFrame(rows)


def effects(tidy: pd.DataFrame) -> pd.DataFrame:
    """The effect of each change: with it minus without it, paired by repetition.

    Parameters
    ----------
    tidy : DataFrame
        See `Ledger.tidy`.

    Returns
    -------
    DataFrame
        One row a change and model. Columns change, where, model, repetitions, and for each of mcc and f1_macro
        the mean ``_without``, the mean ``_effect`` and the ends ``_low`` and ``_high`` of Student's 95 %
        interval of it; missing where there is but one repetition.
    """
    rows = []
    for (change, where, model), group in tidy.groupby(["change", "where", "model"], sort=False):
        row: dict[str, object] = {"change": change, "where": where, "model": model, "repetitions": len(group)}
        for metric in _METRICS:
            difference = (group[f"{metric}_with"] - group[f"{metric}_without"]).to_numpy()
            row[f"{metric}_without"] = group[f"{metric}_without"].mean()
            row[f"{metric}_effect"] = difference.mean()
            spread = over_seeds(difference)
            row |= {f"{metric}_{end}": getattr(spread, end) if spread else np.nan for end in ("low", "high")}
        rows.append(row)
    return pd.DataFrame(rows)


def effect_table(effect: pd.DataFrame, heading: str = "slip") -> pd.DataFrame:
    """`effects` for readers, in percent and points; `heading` says what the changes are."""
    rows = []
    for _, line in effect.iterrows():
        row = {heading: line["change"], "where": line["where"], "model": MODEL_TITLES[line["model"]]}
        row["seeds"] = str(line["repetitions"])
        for metric, title in _METRICS.items():
            row[f"{title} without"] = f"{100 * line[f'{metric}_without']:.2f}"
            value, low, high = (100 * line[f"{metric}_{end}"] for end in ("effect", "low", "high"))
            row[f"effect on {title}"] = f"{value:+.2f}" + ("" if np.isnan(low) else f" [{low:+.2f}, {high:+.2f}]")
        rows.append(row)
    return pd.DataFrame(rows)


def effect_sentences(effect: pd.DataFrame, metric: str = "mcc") -> str:
    """`effects` in words, a line a change and model.

    An interval over seeds that holds 0 leaves open whether the change costs or gains anything; what it says is how
    far the effect may go, to either side at most as far as the interval's farther end, rounded up. Otherwise the
    line has the mean and the interval; where there is one seed alone, its difference.

    Parameters
    ----------
    effect : DataFrame
        See `effects`.
    metric : {"mcc", "f1_macro"}
    """
    lines = []
    for _, line in effect.iterrows():
        value, low, high = (100 * line[f"{metric}_{end}"] for end in ("effect", "low", "high"))
        seeds, points = f"{line['repetitions']} seeds", f"points of {_METRICS[metric]}"
        if np.isnan(low):
            said = f"{value:+.2f} {points} by one seed, which gives no interval"
        elif low <= 0 <= high:
            # in tenths; the inner rounding takes away what binary fractions add to a number such as 1.1
            reach = math.ceil(round(10 * max(-low, high), 6)) / 10
            said = f"within ±{reach:.1f} {points}, {seeds}"
        elif value < 0:
            said = f"costs {-value:.2f} [{-high:.2f}, {-low:.2f}] {points}, {seeds}"
        else:
            said = f"gains {value:.2f} [{low:.2f}, {high:.2f}] {points}, {seeds}"
        lines.append(f"{line['change']} ({MODEL_TITLES[line['model']]}): {said}")
    return "\n".join(lines)


def f1_gap(experiment: Experiment) -> pd.DataFrame:
    """Weighted and macro F1 of the same test predictions, in percent: mean over the repetitions, by model."""
    rows = []
    for model, title in MODEL_TITLES.items():
        metrics = [run.metrics for run in experiment.runs(model)]
        weighted = 100 * np.mean([one.f1_weighted for one in metrics])
        macro = 100 * np.mean([one.f1_macro for one in metrics])
        rows.append({"model": title, "weighted F1": weighted, "macro F1": macro, "difference": weighted - macro})
    return pd.DataFrame(rows).round(2)
