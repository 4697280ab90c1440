"""Our design for patients whom it has never seen, and the ladder of simpler ones that lead to it.

Everything was chosen by cross-validation over the 21 patients of DS1; `ecglib.designs.ladder` trains the models and
tests them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file

from ecglib import files
from ecglib.data.context import COMING, GROUPS, Side
from ecglib.data.splits import class_weights
from ecglib.models.context import Context, ContextConfig
from ecglib.names import EcglibError
from ecglib.training.examples import Examples
from ecglib.training.loop import predict, seeded, train
from ecglib.training.optimizers import OneCycle, TrainingConfig

CLASSES = ("N", "S", "V")
SHAPES = ("window", "difference")
_EPOCHS, _BATCH, _RATE = 8, 1024, 8e-3


@dataclass(frozen=True)
class Rung:
    """One model of the ladder.

    Attributes
    ----------
    title : str
    without : tuple of str
        Groups of inputs (`ecglib.data.context.GROUPS`) that it is not shown.
    kind : {"network", "trees", "logistic"}
    classes : int
        3, or 4 where fusion beats are a class to learn, and not left out of training.
    weighted : bool
        Whether classes weigh the same in training, however many beats they have.
    frozen : bool
        Whether only the last layer learns, and the others stay as they were drawn.
    seeds : int
    future : bool
        Whether it is shown what is to come; see `ecglib.data.context.context_inputs`.
    """

    title: str
    without: tuple[str, ...] = ()
    kind: Literal["network", "trees", "logistic"] = "network"
    classes: int = len(CLASSES)
    weighted: bool = False
    frozen: bool = False
    seeds: int = 2
    future: bool = False

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of inputs that it is shown."""
        return tuple(name for name in (*GROUPS, *(COMING if self.future else ())) if name not in self.without)


_RATIOS_ONLY = tuple(name for name in GROUPS if name != "ratios")
LADDER = {
    "ratios_logistic": Rung("logistic regression, RR ratios", _RATIOS_ONLY, "logistic", seeds=1),
    "frozen": Rung("random frozen encoder, linear head", frozen=True),
    "trees": Rung("boosted trees, all inputs of context", kind="trees", seeds=1),
    "context": Rung("context", seeds=10),
    "without_window": Rung("context without window", ("window",)),
    "without_difference": Rung("context without difference from the usual beat", ("difference",)),
    "without_rhythm": Rung("context without RR intervals", ("ratios", "irregularity")),
    "without_likeness": Rung("context without likeness", ("likeness", "relative_likeness")),
    "weighted": Rung("context with class weights", weighted=True),
    "with_fusion": Rung("context with F as a class", classes=4),
}


def folder() -> Path:
    """Where weights, predictions and the list of openings lie."""
    return files.home() / "runs" / "context"


def examples(inputs: dict[str, np.ndarray], rung: Rung, label: np.ndarray | None = None) -> Examples:
    """Inputs as the network is shown them."""
    parts = []
    for wanted in (lambda name: name in SHAPES, lambda name: name not in SHAPES):
        chosen = [inputs[name] for name in rung.groups if wanted(name)]
        count = len(inputs["ratios"])
        parts.append(torch.from_numpy(np.concatenate([np.empty((count, 0), np.float32), *chosen], axis=1)))
    return Examples(tuple(parts), torch.from_numpy(np.zeros(count, np.int64) if label is None else label))


def new_network(rung: Rung, seed: int = 0) -> Context:
    """The untrained network; `seed` decides its initial weights."""
    columns = GROUPS | COMING
    shape = sum(columns[name] for name in rung.groups if name in SHAPES)
    numbers = sum(columns[name] for name in rung.groups) - shape
    with seeded(seed, 0):
        return Context(ContextConfig(shape=shape, numbers=numbers, classes=rung.classes))


def fit(inputs: dict[str, np.ndarray], label: np.ndarray, rung: Rung, seed: int) -> Context:
    """A network trained on beats with labels 0 (N), 1 (S), 2 (V) and 3 (F, learned only where it is a class)."""
    known = np.flatnonzero(label < rung.classes)
    training = examples(take(inputs, known), rung, label[known])
    # the last epoch is kept, so that nothing is chosen by what stands in the place of validation beats
    some = examples(take(inputs, known[:_BATCH]), rung, label[known[:_BATCH]])
    network = new_network(rung, seed)
    if rung.frozen:
        network.requires_grad_(False)
        network.output.requires_grad_(True)
    weights = class_weights(label[known], rung.classes) if rung.weighted else np.ones(rung.classes)
    optimizer = OneCycle(peak_rate=_RATE)
    config = TrainingConfig(epochs=_EPOCHS, batch_size=_BATCH, optimizer=optimizer, seed=seed, selection="last")
    train(network, training, some, config, weights)
    return network


def probabilities(network: Context, inputs: dict[str, np.ndarray], rung: Rung = LADDER["context"]) -> np.ndarray:
    """Probabilities of the classes, ndarray of float32, shape (N, classes)."""
    return predict(network, examples(inputs, rung))[0].softmax(dim=1).numpy()


def answers(
    rung: Rung, seeds: Sequence[int], known: dict[str, np.ndarray], label: np.ndarray, asked: dict[str, np.ndarray]
) -> tuple[np.ndarray, list[Context]]:
    """What a model of the ladder, trained on beats, says of others.

    Parameters
    ----------
    rung : Rung
    seeds : sequence of int
        One network each; trees and logistic regression have one model, whatever they are.
    known, asked : dict of str to ndarray
        Inputs of the beats to learn from and to answer.
    label : ndarray of int
        Of those in `known`.

    Returns
    -------
    probabilities : ndarray of float, shape (seeds, N, classes)
    networks : list of Context
        Those that gave them; empty where there is none.
    """
    if rung.kind == "network":
        networks = [fit(known, label, rung, seed) for seed in seeds]
        return np.stack([probabilities(network, asked, rung) for network in networks]), networks
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    rows = label < rung.classes
    first, second = (np.concatenate([one[name] for name in rung.groups], axis=1) for one in (known, asked))
    simple = (
        HistGradientBoostingClassifier(random_state=0) if rung.kind == "trees" else LogisticRegression(max_iter=1000)
    )
    return simple.fit(first[rows], label[rows]).predict_proba(second)[None], []


def take(inputs: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Some rows of all inputs."""
    return {name: group[rows] for name, group in inputs.items()}


def read_answers(side: Side) -> pd.DataFrame:
    """The committed answers, one row a beat of `ecglib.data.context.beats_of`, a column a model; see `designs.ladder`.

    Raises
    ------
    EcglibError
        There are none.
    """
    path = folder() / f"{side}.parquet"
    if not path.is_file():
        raise EcglibError(f"{path}: no such file; make it with 'python -m ecglib.designs.ladder'")
    return pd.read_parquet(path)


def least_sure(share: float) -> float:
    """The probability of the class called below which a share of DS1's beats is, by networks of the other folds.

    Parameters
    ----------
    share : float
        From 0 (then nothing is below) to below 1.

    Raises
    ------
    EcglibError
        There is no such share, or no committed answers.
    """
    if not 0 <= share < 1:
        raise EcglibError(f"decline: {share:g} is no share of beats; give one from 0 to below 1, as 0.05")
    return float(np.quantile(sureness(read_answers("train")), share)) if share else 0.0


def sureness(table: pd.DataFrame) -> np.ndarray:
    """The probability of the class called, of each row of `read_answers`; ndarray of float, shape (N,)."""
    return np.exp(table[[f"log_p_{name}" for name in CLASSES]].to_numpy(np.float64).max(axis=1))


def trained_networks() -> list[Context]:
    """The committed networks of `context`, one a seed, in evaluation mode.

    Raises
    ------
    EcglibError
        Their file is missing or damaged.
    """
    path, rung = folder() / "weights.safetensors", LADDER["context"]
    try:
        weights = load_file(path)
        networks = [new_network(rung) for _ in range(rung.seeds)]
        for seed, network in enumerate(networks):
            own = {key.partition(".")[2]: value for key, value in weights.items() if key.startswith(f"{seed}.")}
            network.load_state_dict(own)
    except Exception as error:  # whatever is wrong with the file, the remedy is the same
        raise EcglibError(f"{path}: {str(error).splitlines()[0]}; get it from the repository again") from None
    return [network.eval() for network in networks]
