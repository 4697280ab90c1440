"""The ladder of models for new people, trained and tested; each look at DS2 is a line of ``runs/context/openings.csv``.

    python -m ecglib.designs.ladder              # all of it
    python -m ecglib.designs.ladder context      # some models anew; the answers of the others stay

Answers are kept on four sides (`ecglib.data.context.rows_of`): ``train``, DS1 by cross-validation, by which everything
was chosen; ``test``, DS2 by models trained on DS1; ``known``, DS2's patients in Kaggle's test file by models trained on
Kaggle's training file, which has other beats of them; ``ecgbench``, all patients by cross-validation over the folds of
ECGBench (github.com/vlbthambawita/ECGBench), with nothing chosen there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file

from ecglib import files
from ecglib.data.circumstances import circumstances
from ecglib.data.context import Side, rows_of, table_inputs, unpaced_beats
from ecglib.data.splits import ECGBENCH_FOLDS
from ecglib.data.table import Beats
from ecglib.designs.context import CLASSES, LADDER, Rung, answers, folder, take
from ecglib.models.context import Context
from ecglib.names import EcglibError

FOLDS, FOLD_SEEDS = 7, (0,)
# what is shown by the folds of ECGBench
BY_ECGBENCH = ("trees", "context")


def fold_numbers(label: np.ndarray, subject: np.ndarray) -> np.ndarray:
    """Which of seven folds of subjects each beat is in, stratified by class; ndarray of int, shape (N,)."""
    from sklearn.model_selection import StratifiedGroupKFold

    number = np.empty(len(label), np.int64)
    parts = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0).split(label, label, subject)
    for fold, (_, rows) in enumerate(parts):
        number[rows] = fold
    return number


def ecgbench_fold_numbers(record: np.ndarray) -> np.ndarray:
    """Which of ECGBench's ten folds each beat is in; ndarray of int, shape (N,)."""
    fold_of = {str(name): number for number, names in enumerate(ECGBENCH_FOLDS) for name in names}
    return np.array([fold_of[name] for name in record])


def cross_validated(
    rung: Rung, seeds: Sequence[int], inputs: dict[str, np.ndarray], label: np.ndarray, fold: np.ndarray
) -> np.ndarray:
    """Probabilities of beats when their fold is left out, ndarray of float32, shape (seeds, N, classes)."""
    found = np.zeros((len(seeds) if rung.kind == "network" else 1, len(label), rung.classes), np.float32)
    for number in np.unique(fold):
        inside, outside = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        found[:, inside] = answers(rung, seeds, take(inputs, outside), label[outside], take(inputs, inside))[0]
    return found


def _columns(name: str, found: np.ndarray) -> dict[str, np.ndarray]:
    """The class of each beat by all seeds together and by each; of `context` also all seeds' probabilities."""
    mean = found.mean(axis=0)
    columns = {name: mean.argmax(axis=1).astype(np.int8)}
    columns |= {f"{name}-{seed}": one.argmax(axis=1).astype(np.int8) for seed, one in enumerate(found)}
    if name == "context":
        with np.errstate(divide="ignore"):
            logarithm = np.log(mean).clip(-30).astype(np.float16)
        columns |= {f"log_p_{letter}": logarithm[:, number] for number, letter in enumerate(CLASSES)}
    return columns


def _opened(name: str, learned_from: str, beats: int) -> None:
    path = folder() / "openings.csv"
    earlier = pd.read_csv(path).to_dict("records") if path.is_file() else []
    line = {"date": f"{pd.Timestamp.now('UTC'):%Y-%m-%d}", "model": name, "seeds": LADDER[name].seeds, "beats": beats}
    _write(pd.DataFrame([*earlier, line | {"learned_from": learned_from}]), path)
    print(f"opened DS2: {LADDER[name].title}, trained on {learned_from}", flush=True)


def _keep(side: Side, name: str, columns: dict[str, np.ndarray]) -> None:
    """Put a model's answers in the place of its earlier ones, models in the order of the ladder."""
    path = folder() / f"{side}.parquet"
    found = dict(pd.read_parquet(path).items()) if path.is_file() else {}

    def model(column: str) -> str:
        return "context" if column.startswith("log_p_") else column.partition("-")[0]

    kept = {column: values for column, values in found.items() if model(column) != name} | columns
    order = sorted(kept, key=lambda column: list(LADDER).index(model(column)))
    _write(pd.DataFrame({column: kept[column] for column in order}), path)


def _write(table: pd.DataFrame, path: Path) -> None:
    with files.replacing(path) as temporary:
        if path.suffix == ".csv":
            table.to_csv(temporary, index=False)
        else:
            table.to_parquet(temporary, compression="zstd", index=False)


def _save(networks: Iterable[Context]) -> None:
    weights: dict[str, torch.Tensor] = {}
    for seed, network in enumerate(networks):
        weights |= {f"{seed}.{key}": value for key, value in network.state_dict().items()}
    with files.replacing(folder() / "weights.safetensors") as path:
        save_file(weights, path)


def _cross_validate(name: str, beats: Beats, inputs: dict[str, np.ndarray]) -> None:
    rows = np.flatnonzero(rows_of("train", beats))
    fold = fold_numbers(beats.label[rows], beats.subject[rows])
    found = cross_validated(LADDER[name], FOLD_SEEDS, take(inputs, rows), beats.label[rows], fold)
    _keep("train", name, _columns(name, found))


def _test(name: str, beats: Beats, inputs: dict[str, np.ndarray]) -> None:
    rung, (train, test) = LADDER[name], (np.flatnonzero(rows_of(side, beats)) for side in ("train", "test"))
    found, networks = answers(rung, range(rung.seeds), take(inputs, train), beats.label[train], take(inputs, test))
    _keep("test", name, _columns(name, found))
    if name == "context":
        _save(networks)
    _opened(name, "DS1", len(test))


def _test_known(name: str, beats: Beats, inputs: dict[str, np.ndarray]) -> None:
    rung, known, train = LADDER[name], np.flatnonzero(rows_of("known", beats)), np.flatnonzero(beats.split == "train")
    found, _ = answers(rung, range(rung.seeds), take(inputs, train), beats.label[train], take(inputs, known))
    _keep("known", name, {name: found.mean(axis=0).argmax(axis=1).astype(np.int8)})
    _opened(name, "Kaggle's training file", len(known))


def _test_by_ecgbench(name: str, beats: Beats, inputs: dict[str, np.ndarray]) -> None:
    rung, fold = LADDER[name], ecgbench_fold_numbers(beats.record)
    found = cross_validated(rung, range(rung.seeds), inputs, beats.label, fold)
    _keep("ecgbench", name, {name: found.mean(axis=0).argmax(axis=1).astype(np.int8)})
    _opened(name, "nine folds of ECGBench", len(beats))


def main(names: Sequence[str] = ()) -> None:
    """Train and test models of the ladder; all, if none is named.

    Raises
    ------
    EcglibError
        A model is unknown, or the raw records are not at hand.
    """
    if unknown := sorted({*names} - {*LADDER}):
        raise EcglibError(f"model {unknown[0]!r}: none of the ladder; choose from {', '.join(LADDER)}")
    raw = files.raw_data()
    if raw is None:
        raise EcglibError("ECGLIB_DATA: not set; it must name the folder that holds mitdb")
    beats = unpaced_beats()
    _write(circumstances(beats, raw / "mitdb"), folder() / "circumstances.parquet")
    inputs = table_inputs(beats, raw / "mitdb")
    for name in names or LADDER:
        for step in (_cross_validate, _test, _test_known, *((_test_by_ecgbench,) if name in BY_ECGBENCH else ())):
            step(name, beats, inputs)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except EcglibError as error:
        sys.exit(f"ecglib: {error}")
