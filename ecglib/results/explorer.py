"""What the explorer shows of finished runs, in one compact block: scores, and some beats with signal and picture."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence

import numpy as np
import torch
from scipy.special import softmax

from ecglib import files
from ecglib.experiment import Experiment
from ecglib.models import pictures
from ecglib.names import BRANCHES, CLASS_TITLES, DATASETS, MODEL_TITLES
from ecglib.results.attribution import GRID, METHOD_TITLES, UNIT, in_units, maps_of
from ecglib.results.weighting import without_class_weights

PER_CELL = 12
STRIP_S = 3.0


def cell_beats(experiment: Experiment, per_cell: int = PER_CELL) -> dict[str, np.ndarray]:
    """The beats of each cell of each model's confusion matrix that are worst, with their signals.

    Worst is, in a cell of mistakes, the highest probability of the wrong class; on the diagonal, the lowest of the
    right one. A model whose loss had class weights counts twice, as it was trained and without them.

    Returns
    -------
    dict of str to ndarray
        ``number`` int32 of shape (B,), which of the test beats, in order; ``signal`` float16 of shape (B, 187).
    """
    label = experiment.data.label_of("test")
    chosen = []
    for model in MODEL_TITLES:
        scores, weights = experiment.run(model).predictions.scores.astype(np.float64), experiment.class_weights(model)
        for share in (0, 1) if (weights != 1).any() else (0,):
            values = without_class_weights(scores, weights, share)
            predicted, probability = values.argmax(axis=1), softmax(values, axis=1).max(axis=1)
            order = np.argsort(np.where(predicted == label, probability, -probability), kind="stable")
            cell = label[order] * len(weights) + predicted[order]
            chosen += [order[cell == number][:per_cell] for number in range(len(weights) ** 2)]
    number = np.unique(np.concatenate(chosen))
    # half precision moves the pictures by less than a thousandth of their range
    return {"number": number.astype(np.int32), "signal": experiment.data.signal_of("test")[number].astype(np.float16)}


def cell_looks(experiment: Experiment, signal: np.ndarray) -> dict[str, np.ndarray]:
    """What speaks for the class that each branch calls some beats, in units, from 0 to 255, each beat's largest.

    Returns
    -------
    dict of str to ndarray of uint8
        By method: of the 1D branch (B, 17), of the 2D branch's ``hires_cam`` (B, 64), the picture's upper row first.
    """
    maps = maps_of(experiment, "cnn_transformer", signal)
    maps |= maps_of(experiment, "cnn2d", signal, without=("gradients", "grad_cam"))
    del maps["called"]
    if experiment.picture not in ("colour", "bordered"):
        # low frequencies come first in it, and are drawn below
        maps["hires_cam"] = maps["hires_cam"][:, ::-1].copy()
    units = {name: in_units(torch.from_numpy(one)).clip(0) for name, one in maps.items()}
    largest = {name: one.max(axis=1, keepdims=True).clip(1e-12) for name, one in units.items()}
    return {name: (255 * one / largest[name]).round().astype(np.uint8) for name, one in units.items()}


def strip_around(experiment: Experiment, beat: int) -> dict[str, object]:
    """The record from 3 s before a test beat to 3 s after it, where it is in ``ECGLIB_DATA``; else nothing.

    Returns
    -------
    dict
        ``signal`` (list of float) in ``unit``, its ``lead``, ``rate_hz``, and ``start`` in seconds from the beat;
        ``beats``, of each labelled beat its seconds and its class.
    """
    data, table, row = files.raw_data(), experiment.beats, experiment.split.test[beat]
    stem = data and data / DATASETS[experiment.dataset].folder / table.record[row]
    if stem is None or table.metadata.is_synthetic or not stem.with_name(f"{stem.name}.hea").is_file():
        return {}
    import wfdb

    header, peak = wfdb.rdheader(str(stem)), int(table.sample[row])
    reach = round(STRIP_S * header.fs)
    # of MIT-BIH beats are cut from the first lead, of the others from lead II
    lead = 0 if experiment.dataset == "mitbih" else [name.lower() for name in header.sig_name].index("ii")
    start, end = max(0, peak - reach), min(header.sig_len, peak + reach)
    record = wfdb.rdrecord(str(stem), start, end, channels=[lead])
    time = (table.sample - peak) / header.fs
    near = np.flatnonzero((table.record == table.record[row]) & (np.abs(time) < STRIP_S))
    step = max(1, round(header.fs / 360))
    return {
        "signal": record.p_signal[::step, 0].round(3).tolist(),
        "unit": record.units[0],
        "lead": record.sig_name[0],
        "rate_hz": header.fs / step,
        "start": (start - peak) / header.fs,
        "beats": [[float(time[one]), experiment.class_names[table.label[one]]] for one in near],
    }


def payload(experiments: Sequence[Experiment], per_cell: int | None = None) -> bytes:
    """All that the explorer needs, compressed by zlib.

    Four bytes with the length of a JSON text, the text, then arrays that it names, each byte by byte of significance,
    since that compresses best.

    Parameters
    ----------
    experiments : sequence of Experiment
        Results to choose from, such as one by beat and one by patient.
    per_cell : int, optional
        How many beats of each cell have a signal, as in `cell_beats`, which needs the records. By default those that
        are kept with the results.
    """
    results, packed = [], b""
    for header, arrays in (_result(experiment, per_cell) for experiment in experiments):
        places = {}
        for name, array in arrays.items():
            places[name] = [array.dtype.name, len(packed), array.size]
            packed += np.ascontiguousarray(array).view(np.uint8).reshape(-1, array.itemsize).T.tobytes()
        results.append({**header, "arrays": places})
    text = json.dumps(results).encode()
    return zlib.compress(len(text).to_bytes(4, "little") + text + packed)


def _result(experiment: Experiment, per_cell: int | None) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """What is said of one experiment, and its arrays; N test beats, B of them with a signal."""
    if per_cell is None:
        beats = experiment.derived("cell_beats", lambda: cell_beats(experiment), *MODEL_TITLES)
    else:
        beats = cell_beats(experiment, per_cell)
    looks: dict[str, np.ndarray] = {}
    if per_cell is None and all(experiment.run(branch).weights is not None for branch in BRANCHES):
        looks = experiment.derived("cell_looks", lambda: cell_looks(experiment, beats["signal"]), *MODEL_TITLES)
    test, table = experiment.split.test, experiment.beats
    records, record = np.unique(table.record[test], return_inverse=True)
    level, frequency_hz, seconds = _pictures(experiment, beats["signal"].astype(np.float32))
    header = {
        "profile": experiment.parameters.profile,
        "split": "by beat" if experiment.split_kind == "kaggle" else "by patient",
        "title": experiment.title,
        "synthetic": table.metadata.is_synthetic,
        "rate_hz": table.metadata.rate_hz,
        "classes": [[name, CLASS_TITLES.get(name, name)] for name in experiment.class_names],
        "records": records.tolist(),
        "models": [
            {
                "title": experiment.design.model_title(model),
                "log_weights": np.log(experiment.class_weights(model)).tolist(),
            }
            for model in MODEL_TITLES
        ],
        "picture": pictures.PICTURES[experiment.picture].title,
        "bins": level.shape[1:],
        "frequency_hz": frequency_hz,
        "seconds": seconds,
        "looks": {name: METHOD_TITLES[name] for name in looks},
        "unit": UNIT,
        "grid": GRID,
        "colours": (pictures.colour_map(torch.device("cpu")) * 255).round().int().tolist(),
    }
    arrays = {
        "label": experiment.data.label_of("test").astype(np.uint8),
        "record": record.astype(np.uint16),
        "sample": table.sample[test].astype(np.int32),
        "scores": np.stack([_rounded(experiment.run(model).predictions.scores) for model in MODEL_TITLES]),
        "number": beats["number"],
        "signal": beats["signal"].astype(np.float32),
        "level": level,
        **looks,
    }
    return header, arrays


def _rounded(scores: np.ndarray) -> np.ndarray:
    """Scores below each row's highest, to 12 binary digits: no row gets another highest one, and they compress well."""
    below = (scores.astype(np.float64) - scores.max(axis=1, keepdims=True)).astype(np.float32)
    return (below.view(np.uint32) & np.uint32(0xFFFFF800)).view(np.float32)


def _pictures(experiment: Experiment, signal: np.ndarray) -> tuple[np.ndarray, list[float], list[float]]:
    """What the 2D branch is shown, from each beat's lowest level to its highest, and the edges of both axes.

    Returns
    -------
    level : ndarray of uint8, shape (B, F, T)
        The lowest frequency first.
    frequency_hz, seconds : list of float, length 2
        Edges of the first and the last bin; seconds from the R peak.
    """
    beats, rate = torch.from_numpy(signal), experiment.beats.metadata.rate_hz
    bin_hz, segment, hop = rate / pictures.SEGMENT, pictures.SEGMENT, pictures.HOP
    frequency, first = [-bin_hz / 2, rate / 2 + bin_hz / 2], segment / 2
    if experiment.picture in ("colour", "bordered"):
        level, hop = pictures.decibels(beats), segment - pictures.OVERLAP
    else:
        level = pictures.PICTURES[experiment.picture].draw(beats)[:, 0]
        if experiment.picture == "log_magnitude":
            first = 0  # its beats stand between zeros
        else:
            frequency = [-rate / 2 - bin_hz / 2, rate / 2 - bin_hz / 2]
    low, high = level.amin(dim=(1, 2), keepdim=True), level.amax(dim=(1, 2), keepdim=True)
    level = ((level - low) / (high - low).clamp_min(1e-12) * 255).round().to(torch.uint8).numpy()
    edges = np.array([first - hop / 2, first + (level.shape[2] - 0.5) * hop]) / rate
    return level, frequency, edges.tolist()
