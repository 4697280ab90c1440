"""Where the branches looked, and whether such maps can be trusted: deletion, agreement, randomised weights.

A map is compared in units: a beat's 17 stretches of 11 samples (92 ms), or a picture's 8 x 8 fields. Rank correlations
are Spearman's, one a beat; intervals are over patients, drawn with all of their beats.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ecglib.data.views import lengths
from ecglib.experiment import Experiment
from ecglib.models.attribution import mean_colour, methods
from ecglib.names import BRANCHES, MODEL_TITLES, ModelName
from ecglib.training.examples import beat_examples

PER_CLASS = 20
UNIT, GRID = 11, 8
SHARES = np.linspace(0, 1, 11)
METHOD_TITLES = {
    "rollout": "attention rollout",
    "grad_cam": "Grad-CAM",
    "hires_cam": "Grad-CAM by position",
    "gradients": "integrated gradients",
    "random": "random order",
}
# from the output down, each with those before it (Adebayo et al. 2018, section 3.1)
STAGES: dict[ModelName, dict[str, tuple[str, ...]]] = {
    "cnn_transformer": {
        "output": ("norm.", "output."),
        "and encoder": ("encoder.",),
        "and convolutions": ("class_token", "convolutions."),
    },
    "cnn2d": {
        "output": ("output.",),
        "and two convolutions": ("convolutions.2", "convolutions.3", "norms.2", "norms.3"),
        "and all convolutions": ("convolutions.", "norms."),
    },
}
# other trainings of the same networks, tested on the same beats
_SEEDS, _RECIPES = (1, 2), ("full", "short")
_DRAWS = 3


# -- maps -----------------------------------------------------------------------------------------------------
def in_units(maps: Tensor) -> np.ndarray:
    """The mean of a map in each unit: (B, 187) to (B, 17), or (B, H, W) to (B, 64), the first row first."""
    if maps.dim() == 2:
        return maps.float().unflatten(1, (-1, UNIT)).mean(dim=2).numpy()
    return F.adaptive_avg_pool2d(maps.float(), GRID).flatten(1).numpy()


def shown_to(experiment: Experiment, branch: ModelName, signal: np.ndarray) -> Tensor:
    """Beats as a branch is given them: (B, 187) as they are, or as pictures (B, C, H, W)."""
    beats = torch.from_numpy(signal.astype(np.float32)).to(experiment.device)
    label = torch.zeros(len(beats), dtype=torch.int64)
    return beat_examples(branch, beats, label, experiment.picture).batch(slice(None))[0]


def maps_of(
    experiment: Experiment, branch: ModelName, signal: np.ndarray, without: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """A branch's maps of some beats, for the class that it calls each.

    Returns
    -------
    dict of str to ndarray
        ``called`` int8 of shape (B,); by method, but for those `without`, float16 with a largest size of 1, see
        `ecglib.models.attribution.methods`.
    """
    inputs, model = shown_to(experiment, branch, signal), experiment.model(branch)
    with torch.no_grad():
        called = model(inputs)[0].argmax(dim=1)
    found = {"called": called.cpu().numpy().astype(np.int8)}
    for name, method in methods(model).items():
        if name not in without:
            maps = method(inputs, called).cpu()
            if maps.shape[1:] == inputs.shape[2:]:
                # of each pixel it would be as large as the picture
                maps = F.adaptive_avg_pool2d(maps, GRID)
            largest = maps.abs().flatten(1).amax(dim=1).clamp_min(1e-12).view(-1, *[1] * (maps.dim() - 1))
            found[name] = (maps / largest).half().numpy()
    return found


def sample_beats(experiment: Experiment, per_class: int = PER_CLASS) -> dict[str, np.ndarray]:
    """Test beats drawn at random, as many of each class: ``number`` among the test beats, and ``signal`` float16."""
    label, generator = experiment.data.label_of("test"), np.random.default_rng(0)
    of_class = [np.flatnonzero(label == number) for number in range(len(experiment.class_names))]
    number = np.sort(np.concatenate([generator.permutation(rows)[:per_class] for rows in of_class]))
    return {"number": number.astype(np.int32), "signal": experiment.data.signal_of("test")[number].astype(np.float16)}


class Looked:
    """The maps of one sample of an experiment's test beats, and what is known of them; kept once they are made.

    Attributes
    ----------
    number : ndarray of int, shape (B,)
        Which of the test beats.
    signal : ndarray of float16, shape (B, 187)
    label : ndarray of int, shape (B,)
    subject : ndarray of str, shape (B,)
    """

    def __init__(self, experiment: Experiment):
        self.experiment = experiment
        beats = experiment.derived("looked", lambda: sample_beats(experiment))
        self.number, self.signal = beats["number"], beats["signal"]
        rows = experiment.split.test[self.number]
        self.label, self.subject = experiment.beats.label[rows], experiment.beats.subject[rows]

    def maps(self, branch: ModelName, training: Experiment | None = None) -> dict[str, np.ndarray]:
        """A branch's `maps_of` these beats; of another training where one is given."""
        one = training or self.experiment
        return one.derived(f"looked_{branch}", lambda: maps_of(one, branch, self.signal), branch)

    def checks(self, branch: ModelName) -> dict[str, np.ndarray]:
        """``deletion|METHOD`` (B, S), and ``STAGE|METHOD``, the rank correlation with randomised weights, (B,)."""
        return self.experiment.derived(f"looked_checks_{branch}", lambda: _checks(self, branch), branch)

    def usable(self, branch: ModelName) -> np.ndarray:
        """Which units of each beat are compared, (B, U): of a beat those before its padding, of a picture all."""
        if branch == "cnn2d":
            return np.ones((len(self.number), GRID**2), dtype=bool)
        return np.arange(0, self.signal.shape[1], UNIT) < lengths(self.signal)[:, None]

    def examples(self) -> list[int]:
        """The first beat of each class that both branches call rightly, or the class's first."""
        right = np.all([self.maps(branch)["called"] == self.label for branch in BRANCHES], axis=0)
        classes = range(len(self.experiment.class_names))
        return [int(np.argmax((self.label == number) * (1 + right))) for number in classes]

    def deletion(self, branch: ModelName) -> dict[str, np.ndarray]:
        """By method, at each share the mean probability and both ends of its interval over patients, (S, 3)."""
        curves = _of(self.checks(branch), "deletion")
        return {
            name: np.array([people_interval(left, self.subject) for left in curve.T]) for name, curve in curves.items()
        }

    def trainings(self, branch: ModelName) -> dict[str, Experiment]:
        """Other trainings of the branch that there are, by what differs."""
        found = {f"seed {seed}": self.experiment.changed(seed=seed) for seed in _SEEDS}
        found |= {f"profile {name}": self.experiment.beside(name) for name in _RECIPES}
        return {name: one for name, one in found.items() if one is not self.experiment and one.has(branch)}


# -- checks ---------------------------------------------------------------------------------------------------
def deletion_curves(
    probability: Callable[[np.ndarray], np.ndarray], importance: np.ndarray, usable: np.ndarray
) -> np.ndarray:
    """The probability as more and more of the usable units are deleted, the most important first.

    Parameters
    ----------
    probability : callable
        Of the class that was called, (B,), once the units of a mask, (B, U), are deleted.
    importance : ndarray, shape (B, U)
        Ties are broken at random.
    usable : ndarray of bool, shape (B, U)

    Returns
    -------
    ndarray, shape (B, S)
        At the shares `SHARES` of the usable units.

    References
    ----------
    Samek et al. 2017 (doi 10.1109/TNNLS.2016.2599820, section III), there called perturbation.
    """
    random = np.random.default_rng(0).random(importance.shape)
    order = np.lexsort((random, np.where(usable, -importance, np.inf)), axis=1)
    place = np.argsort(order, axis=1)
    deleted = [np.round(share * usable.sum(axis=1, keepdims=True)) for share in SHARES]
    return np.stack([probability(place < count) for count in deleted], axis=1)


def lines_instead(signal: np.ndarray, deleted: np.ndarray) -> np.ndarray:
    """Beats whose deleted samples lie on straight lines between those that are left; 0 where none is.

    Parameters
    ----------
    signal : ndarray, shape (B, 187)
    deleted : ndarray of bool, shape (B, 187)
    """
    place, changed = np.arange(signal.shape[1]), np.zeros_like(signal, dtype=np.float32)
    for row, beat, gone in zip(changed, signal, deleted, strict=True):
        if not gone.all():
            row[:] = np.interp(place, place[~gone], beat[~gone])
    return changed


def rank_correlations(one: np.ndarray, other: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of two maps' usable units, (B, U) to (B,); 0 where a map is the same all over."""
    from scipy.stats import rankdata

    found = np.zeros(len(one))
    for number, inside in enumerate(usable):
        ranks = [rankdata(maps[number, inside]) for maps in (one, other)]
        if min(np.ptp(rank) for rank in ranks) > 0:
            found[number] = np.corrcoef(ranks)[0, 1]
    return found


def randomised(model: nn.Module, untrained: nn.Module, prefixes: tuple[str, ...]) -> nn.Module:
    """`untrained` with the weights of `model`, but for those whose names begin so."""
    kept = {name: value for name, value in model.state_dict().items() if not name.startswith(prefixes)}
    untrained.load_state_dict(kept, strict=False)
    return untrained.to(next(model.parameters()).device).eval()


def _checks(looked: Looked, branch: ModelName) -> dict[str, np.ndarray]:
    experiment, usable = looked.experiment, looked.usable(branch)
    inputs, model = shown_to(experiment, branch, looked.signal), experiment.model(branch)
    own = looked.maps(branch)
    called = torch.from_numpy(own.pop("called").astype(np.int64)).to(inputs.device)
    units = {name: in_units(torch.from_numpy(maps)) for name, maps in own.items()}

    def probability(deleted: np.ndarray) -> np.ndarray:
        if branch == "cnn_transformer":
            beats = lines_instead(looked.signal.astype(np.float32), deleted.repeat(UNIT, axis=1))
            changed = torch.from_numpy(beats).to(inputs.device)
        else:
            fields = torch.from_numpy(deleted).view(-1, 1, GRID, GRID).float().to(inputs.device)
            gone = F.interpolate(fields, inputs.shape[2:]) > 0
            changed = torch.where(gone, mean_colour(inputs), inputs)
        with torch.inference_mode():
            return model(changed)[0].softmax(dim=1).gather(1, called[:, None])[:, 0].cpu().numpy()

    generator = np.random.default_rng(0)
    curves = {name: deletion_curves(probability, importance, usable) for name, importance in units.items()}
    drawn = [deletion_curves(probability, generator.random(usable.shape), usable) for _ in range(10)]
    found = {f"deletion|{name}": curve for name, curve in (curves | {"random": np.mean(drawn, axis=0)}).items()}
    prefixes: tuple[str, ...] = ()
    for stage, more in STAGES[branch].items():
        prefixes += more
        drawn = []
        for draw in range(_DRAWS):
            # not the seed that training began with: what is trained may still be like that
            fresh = experiment.changed(seed=experiment.seed + 1000 + draw).untrained(branch)
            asked = methods(randomised(model, fresh, prefixes))
            maps = {name: in_units(asked[name](inputs, called).cpu()) for name in units}
            drawn.append({name: rank_correlations(maps[name], units[name], usable) for name in units})
        found |= {f"{stage}|{name}": np.mean([one[name] for one in drawn], axis=0) for name in units}
    return {name: values.astype(np.float32) for name, values in found.items()}


# -- tables ---------------------------------------------------------------------------------------------------
def people_interval(values: np.ndarray, subject: np.ndarray, samples: int = 2000) -> tuple[float, float, float]:
    """The mean, and its 95 % bootstrap interval over people, who are drawn with all of their beats."""
    names, number = np.unique(subject, return_inverse=True)
    total, count = np.bincount(number, values), np.bincount(number)
    times = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), samples)
    low, high = np.quantile(times @ total / (times @ count), (0.025, 0.975))
    return float(values.mean()), float(low), float(high)


def deletion_table(looked: Looked) -> pd.DataFrame:
    """What is left of the probability of the called class, mean over all shares that are deleted, tidy.

    Returns
    -------
    DataFrame
        Columns model, order, beats, patients; area, area_low, area_high; and how much less than in random order:
        gain, gain_low, gain_high (fractions, NaN for random order itself).
    """
    rows = []
    for branch in BRANCHES:
        found = {name: curve.mean(axis=1) for name, curve in _of(looked.checks(branch), "deletion").items()}
        for name, area in found.items():
            row: dict[str, object] = {"model": branch, "order": name, "beats": len(area)}
            row["patients"] = len(np.unique(looked.subject))
            row |= _with_interval("area", area, looked.subject)
            gain = found["random"] - area if name != "random" else np.full(len(area), np.nan)
            rows.append(row | _with_interval("gain", gain, looked.subject))
    return pd.DataFrame(rows)


def agreement_table(looked: Looked) -> pd.DataFrame:
    """Rank correlation of each method's maps with another method's, other trainings' and randomised weights', tidy.

    Returns
    -------
    DataFrame
        Columns model, method, kind ("method", "training" or "randomised"), other, beats; rho, rho_low, rho_high. With
        another training only the beats count that both call the same.
    """
    rows = []
    for branch in BRANCHES:
        usable, own = looked.usable(branch), looked.maps(branch)
        units = {name: in_units(torch.from_numpy(maps)) for name, maps in own.items() if name != "called"}

        def add(method: str, kind: str, other: str, rho: np.ndarray, same: np.ndarray | None = None) -> None:
            same = np.ones(len(rho), dtype=bool) if same is None else same
            row = {"model": branch, "method": method, "kind": kind, "other": other, "beats": int(same.sum())}  # noqa: B023
            rows.append(row | _with_interval("rho", rho[same], looked.subject[same]))

        for first, second in combinations(units, 2):
            add(first, "method", second, rank_correlations(units[first], units[second], usable))
        for title, training in looked.trainings(branch).items():
            its = looked.maps(branch, training)
            for name, one in units.items():
                rho = rank_correlations(one, in_units(torch.from_numpy(its[name])), usable)
                add(name, "training", title, rho, its["called"] == own["called"])
        for stage in STAGES[branch]:
            for name, rho in _of(looked.checks(branch), stage).items():
                add(name, "randomised", stage, rho)
    return pd.DataFrame(rows)


def deletion_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`deletion_table` for readers, in percent, with 95 % intervals over patients."""
    shown = pd.DataFrame({"branch": tidy["model"].map(MODEL_TITLES), "deleted first": tidy["order"].map(METHOD_TITLES)})
    shown["probability left, mean over all shares"] = [_told(row, "area", 100) for _, row in tidy.iterrows()]
    shown["less than in random order"] = [_told(row, "gain", 100) for _, row in tidy.iterrows()]
    return shown


def agreement_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`agreement_table` for readers, with 95 % intervals over patients."""
    titles = {"method": "another method: ", "training": "another training: ", "randomised": "random weights: "}
    shown = pd.DataFrame({"branch": tidy["model"].map(MODEL_TITLES), "method": tidy["method"].map(METHOD_TITLES)})
    shown["against"] = tidy["kind"].map(titles) + tidy["other"].replace(METHOD_TITLES)
    shown["beats"] = tidy["beats"].astype(str)
    shown["rank correlation"] = [_told(row, "rho", 1) for _, row in tidy.iterrows()]
    return shown


def _of(checks: dict[str, np.ndarray], what: str) -> dict[str, np.ndarray]:
    return {name.partition("|")[2]: values for name, values in checks.items() if name.startswith(f"{what}|")}


def _with_interval(name: str, values: np.ndarray, subject: np.ndarray) -> dict[str, float]:
    # so that the last digits, which processors round as they like, are in no table
    found = np.round(people_interval(values, subject), 4).tolist()
    return dict(zip((name, f"{name}_low", f"{name}_high"), found, strict=True))


def _told(row: pd.Series, name: str, factor: float) -> str:
    if np.isnan(row[name]):
        return ""
    value, low, high = (factor * row[key] for key in (name, f"{name}_low", f"{name}_high"))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]" if factor == 100 else f"{value:.2f} [{low:.2f}, {high:.2f}]"
