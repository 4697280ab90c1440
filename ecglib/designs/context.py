"""Our design for patients whom it has never seen, and the ladder of simpler ones that lead to it.

Everything was chosen by cross-validation over the 21 patients of DS1. DS2 is classified once by each model of the
ladder, when ``python -m ecglib.designs.context`` trains them; each time is a line of ``runs/context/openings.csv``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save_file

from ecglib import files
from ecglib.data.context import GROUPS, de_chazal_beats, table_inputs
from ecglib.data.splits import class_weights
from ecglib.data.table import Beats
from ecglib.models.context import Context, ContextConfig
from ecglib.names import EcglibError
from ecglib.training.examples import Examples
from ecglib.training.loop import predict, seeded, train
from ecglib.training.optimizers import OneCycle, TrainingConfig

CLASSES = ("N", "S", "V")
SHAPES = ("window", "difference")
FOLDS, FOLD_SEEDS = 7, (0,)
_EPOCHS, _BATCH, _RATE = 8, 1024, 8e-3
_FUSION = 3


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
    seeds : int
    """

    title: str
    without: tuple[str, ...] = ()
    kind: Literal["network", "trees", "logistic"] = "network"
    classes: int = len(CLASSES)
    weighted: bool = False
    seeds: int = 2

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of inputs that it is shown."""
        return tuple(name for name in GROUPS if name not in self.without)


_RATIOS_ONLY = tuple(name for name in GROUPS if name != "ratios")
LADDER = {
    "ratios_logistic": Rung("logistic regression, RR ratios", _RATIOS_ONLY, "logistic", seeds=1),
    "trees": Rung("boosted trees, all inputs of context", kind="trees", seeds=1),
    "context": Rung("context", seeds=5),
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
    shape = sum(GROUPS[name] for name in rung.groups if name in SHAPES)
    numbers = sum(GROUPS[name] for name in rung.groups) - shape
    with seeded(seed, 0):
        return Context(ContextConfig(shape=shape, numbers=numbers, classes=rung.classes))


def fit(inputs: dict[str, np.ndarray], label: np.ndarray, rung: Rung, seed: int) -> Context:
    """A network trained on beats with labels 0 (N), 1 (S), 2 (V) and 3 (F, learned only where it is a class)."""
    known = np.flatnonzero(label < rung.classes)
    training = examples(_take(inputs, known), rung, label[known])
    # the last epoch is kept, so that nothing is chosen by what stands in the place of validation beats
    some = examples(_take(inputs, known[:_BATCH]), rung, label[known[:_BATCH]])
    network = new_network(rung, seed)
    weights = class_weights(label[known], rung.classes) if rung.weighted else np.ones(rung.classes)
    optimizer = OneCycle(peak_rate=_RATE)
    config = TrainingConfig(epochs=_EPOCHS, batch_size=_BATCH, optimizer=optimizer, seed=seed, selection="last")
    train(network, training, some, config, weights)
    return network


def probabilities(network: Context, inputs: dict[str, np.ndarray], rung: Rung = LADDER["context"]) -> np.ndarray:
    """Probabilities of the classes, ndarray of float32, shape (N, classes)."""
    return predict(network, examples(inputs, rung))[0].softmax(dim=1).numpy()


def fold_numbers(label: np.ndarray, subject: np.ndarray) -> np.ndarray:
    """Which of seven folds of subjects each beat is in, stratified by class; ndarray of int, shape (N,)."""
    from sklearn.model_selection import StratifiedGroupKFold

    number = np.empty(len(label), np.int64)
    parts = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0).split(label, label, subject)
    for fold, (_, rows) in enumerate(parts):
        number[rows] = fold
    return number


def _answers(
    rung: Rung, seeds: range | tuple[int, ...], known: dict, label: np.ndarray, asked: dict
) -> tuple[np.ndarray, list[Context]]:
    """Probabilities under each seed, shape (seeds, N, classes), and the networks that gave them."""
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


def _take(inputs: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    return {name: group[rows] for name, group in inputs.items()}


def _columns(name: str, answers: np.ndarray) -> dict[str, np.ndarray]:
    """The class of each beat by all seeds together and by each; of `context` also all seeds' probabilities."""
    mean = answers.mean(axis=0)
    columns = {name: mean.argmax(axis=1).astype(np.int8)}
    columns |= {f"{name}-{seed}": one.argmax(axis=1).astype(np.int8) for seed, one in enumerate(answers)}
    if name == "context":
        with np.errstate(divide="ignore"):
            logarithm = np.log(mean).clip(-30).astype(np.float16)
        columns |= {f"log_p_{letter}": logarithm[:, number] for number, letter in enumerate(CLASSES)}
    return columns


def cross_validate(beats: Beats, inputs: dict[str, np.ndarray]) -> pd.DataFrame:
    """What each model of the ladder says of DS1's beats when their patients' fold is left out; see `_columns`."""
    fold = fold_numbers(beats.label, beats.subject)
    columns: dict[str, np.ndarray] = {}
    for name, rung in LADDER.items():
        count = len(FOLD_SEEDS) if rung.kind == "network" else 1
        answers = np.zeros((count, len(beats), rung.classes), np.float32)
        for number in range(FOLDS):
            inside, outside = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
            known = _take(inputs, outside)
            answers[:, inside] = _answers(rung, FOLD_SEEDS, known, beats.label[outside], _take(inputs, inside))[0]
        columns |= _columns(name, answers)
        print(f"cross-validated: {rung.title}", flush=True)
    return pd.DataFrame(columns)


def open_test(beats: Beats, inputs: dict[str, np.ndarray]) -> tuple[pd.DataFrame, dict[str, torch.Tensor]]:
    """What each model, trained on DS1, says of DS2's beats, and the weights of `context`; written down as openings."""
    train_rows, test_rows = (np.flatnonzero(beats.split == side) for side in ("train", "test"))
    known, asked = _take(inputs, train_rows), _take(inputs, test_rows)
    columns: dict[str, np.ndarray] = {}
    weights: dict[str, torch.Tensor] = {}
    for name, rung in LADDER.items():
        answers, networks = _answers(rung, range(rung.seeds), known, beats.label[train_rows], asked)
        columns |= _columns(name, answers)
        if name == "context":
            for seed, network in enumerate(networks):
                weights |= {f"{seed}.{key}": value for key, value in network.state_dict().items()}
        path = folder() / "openings.csv"
        earlier = pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=["date", "model", "seeds", "beats"])
        line = {"date": f"{pd.Timestamp.now('UTC'):%Y-%m-%d}", "model": name, "seeds": rung.seeds}
        _write_csv(pd.DataFrame([*earlier.to_dict("records"), line | {"beats": len(test_rows)}]), path)
        print(f"opened DS2: {rung.title}", flush=True)
    return pd.DataFrame(columns), weights


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    with files.replacing(path) as temporary:
        table.to_csv(temporary, index=False)


def read_answers(side: Literal["train", "test"]) -> pd.DataFrame:
    """The committed answers on DS1 (by cross-validation) or DS2, one row a beat of `de_chazal_beats` on that side.

    Raises
    ------
    EcglibError
        There are none.
    """
    path = folder() / f"{side}.parquet"
    if not path.is_file():
        raise EcglibError(f"{path}: no such file; make it with 'python -m ecglib.designs.context'")
    return pd.read_parquet(path)


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


def main() -> None:
    """Cross-validate the ladder on DS1, train it there, open DS2 once a model, and keep what came of it."""
    raw = files.raw_data()
    if raw is None:
        raise EcglibError("ECGLIB_DATA: not set; it must name the folder that holds mitdb")
    beats = de_chazal_beats()
    inputs = table_inputs(beats, raw / "mitdb")
    train_rows = np.flatnonzero(beats.split == "train")
    _write(cross_validate(beats.take(train_rows), _take(inputs, train_rows)), "train")
    answers, weights = open_test(beats, inputs)
    _write(answers, "test")
    with files.replacing(folder() / "weights.safetensors") as path:
        save_file(weights, path)


def _write(answers: pd.DataFrame, side: str) -> None:
    with files.replacing(folder() / f"{side}.parquet") as path:
        answers.to_parquet(path, compression="zstd", index=False)


if __name__ == "__main__":
    main()
