"""Invented, labelled heartbeats: the data for machines that have none, never a result of their own.

Every record is one invented subject with waves, heart rate, lead direction, noise and baseline of
their own (`ecglib.data.waves`). A whole record is rendered before its beats
are cut, so that a row ends in the following beat, as it does in the real tables.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from ecglib.data import mitbih, ptb
from ecglib.data.cut import cut_beats
from ecglib.data.table import BeatMetadata, Beats
from ecglib.data.waves import (
    Q_WAVE,
    REACH_S,
    ST,
    T_PEAK,
    T_RISE,
    F,
    N,
    Q,
    R,
    S,
    V,
    beat_waves,
    invent_subject,
    render,
    rhythm,
)
from ecglib.names import DATASETS, EcglibError

RATE_HZ = {"mitbih": mitbih.RATE_HZ, "ptb": ptb.RATE_HZ, "ptbxl": ptb.RATE_HZ}
# of the 109,446 MIT-BIH, the 14,552 PTB and (in a part of the data set) 21,329 PTB-XL beats
CLASS_SHARES = {"mitbih": (0.828, 0.025, 0.066, 0.007, 0.073), "ptb": (0.278, 0.722), "ptbxl": (0.654, 0.346)}
BEATS_PER_RECORD = {"mitbih": 100, "ptb": 20, "ptbxl": 10}
FOLDS = 10
# so that each class is in every fold
FEWEST_RECORDS = {"ptb": 4, "ptbxl": FOLDS}
# ten times MIT-BIH
MOST_BEATS = 1_000_000
# fewer beats of a class could not be divided into training, validation and test
CLASS_FLOOR = 40
TEST_SHARE = 0.2
_TWO_CLASS_RECIPE = "sums of Gaussian waves, 125 Hz, from the R peak on, int(1.2 median RR) long, min-max, 187 samples"
RECIPE = {
    "mitbih": f"sums of Gaussian waves, 360 Hz, 200 units/mV; {mitbih.RECIPE}",
    "ptb": _TWO_CLASS_RECIPE,
    "ptbxl": _TWO_CLASS_RECIPE,
}
RECIPE_VERSION = 1


def build(dataset: Literal["mitbih", "ptb", "ptbxl"], beats: int = 4000, seed: int = 0) -> Beats:
    """Invent a beat table; the same arguments give the same bytes.

    Parameters
    ----------
    dataset : str
        Whose classes, rate and crop to imitate.
    beats : int
        Rows; at least 40 a class, at most a million.
    seed : int
        Seed of the random numbers, not negative.

    Raises
    ------
    EcglibError
        The data set is unknown, the seed is negative, or the beats are too few or too many.
    """
    if dataset not in RECIPE:
        raise EcglibError(f"synthetic beats: unknown data set {dataset!r}; choose one of {', '.join(RECIPE)}")
    minimum = CLASS_FLOOR * len(DATASETS[dataset].class_names)
    if beats < minimum:
        raise EcglibError(f"synthetic beats: {beats} are too few for {dataset}; ask for at least {minimum}")
    if beats > MOST_BEATS:
        raise EcglibError(f"synthetic beats: {beats} are too many to be in memory; ask for {MOST_BEATS:,} at most")
    if seed < 0:
        raise EcglibError(f"synthetic beats: seed {seed} is negative; choose 0 or above")
    rng = np.random.default_rng(seed)
    signals, samples = [], []
    plan = _plan_records(dataset, class_counts(dataset, beats), rng)
    for label in plan:
        signal, sample = _mitbih_record(label, rng) if dataset == "mitbih" else _ptb_record(label, rng)
        signals.append(signal)
        samples.append(sample)
    label = np.concatenate(plan)
    record = np.repeat([f"synthetic-{number:03d}" for number in range(len(plan))], [len(labels) for labels in plan])
    fold = _folds(plan) if dataset == "ptbxl" else None
    return Beats(
        signal=np.concatenate(signals),
        label=label,
        record=record,
        subject=record.copy(),
        sample=np.concatenate(samples).astype(np.int32),
        split=_stratified_split(label, rng) if fold is None else np.where(fold == FOLDS, "test", "train"),
        fold=fold,
        metadata=BeatMetadata(
            dataset=dataset,
            source="synthetic",
            class_names=DATASETS[dataset].class_names,
            rate_hz=RATE_HZ[dataset],
            recipe=RECIPE[dataset],
            recipe_version=RECIPE_VERSION,
            made_from={"beats": str(beats), "seed": str(seed)},
        ),
    )


def class_counts(dataset: str, beats: int) -> np.ndarray:
    """Beats of each class: the real shares, at least 40, and what is left over to the largest class."""
    shares = np.array(CLASS_SHARES[dataset])
    counts = np.maximum(np.rint(shares * beats).astype(np.int64), CLASS_FLOOR)
    counts[shares.argmax()] += beats - counts.sum()
    return counts


def _plan_records(dataset: str, counts: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Labels of every record, in beat order."""
    size = BEATS_PER_RECORD[dataset]
    if dataset != "mitbih":
        # a person is healthy or not
        records = [max(FEWEST_RECORDS[dataset], round(n / size)) for n in counts]
        plan = [part for c, n in enumerate(counts) for part in np.array_split(np.full(n, c), records[c])]
        return [plan[position] for position in rng.permutation(len(plan))]
    paced = np.array_split(np.full(counts[Q], Q), max(2, round(counts[Q] / size)))
    records = max(8, round((counts.sum() - counts[Q]) / size))
    # ectopic beats crowd in few subjects, fusion beats where ventricular beats are
    ventricular = rng.dirichlet(np.full(records, 0.6))
    weights = {
        N: np.full(records, 1 / records),
        S: rng.dirichlet(np.full(records, 0.15)),
        V: ventricular,
        F: ventricular**4 / (ventricular**4).sum(),
    }
    number = {c: rng.multinomial(counts[c], weight) for c, weight in weights.items()}
    plan = [rng.permutation(np.repeat(list(number), [number[c][k] for c in number])) for k in range(records)]
    plan += paced
    return [plan[position] for position in rng.permutation(len(plan)) if len(plan[position])]


def _folds(plan: list[np.ndarray]) -> np.ndarray:
    """Folds 1 to 10 of records of one class each, dealt in turn within a class; shape (beats,)."""
    dealt = {0: 0, 1: 0}
    folds = []
    for labels in plan:
        folds.append(np.full(len(labels), dealt[labels[0]] % FOLDS + 1))
        dealt[labels[0]] += 1
    return np.concatenate(folds)


def _stratified_split(label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    split = np.full(len(label), "train")
    for c in np.unique(label):
        rows = rng.permutation(np.flatnonzero(label == c))
        split[rows[: round(TEST_SHARE * len(rows))]] = "test"
    return split


def _mitbih_record(label: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Render a record around the beats `label` and cut them as the real ones are cut.

    Returns
    -------
    signal : ndarray of float32, shape (B, 187)
    sample : ndarray of int, shape (B,)
        The annotated R peaks, in samples of the 360 Hz record.
    """
    paced = bool((label == Q).all())
    subject = invent_subject(rng, paced, arrhythmic=True)
    # one beat before, whose T wave reaches the first row, and two after, which give the last rows their length
    usual = Q if paced else N
    kind = np.concatenate([[usual], label, [usual, usual]])
    interval = rhythm(kind, subject, rng)
    onset = REACH_S[0] + 0.1 + np.cumsum(interval)
    waves = beat_waves(kind, interval, subject, rng)
    rate_hz = mitbih.RATE_HZ * mitbih.DECIMATION
    adc = np.rint(200 * render(onset, waves, subject, rate_hz, rng)).astype(int)
    annotated = onset + subject.peak_offset_s + rng.normal(0, 0.001, len(onset))
    sample = np.rint(annotated * rate_hz).astype(int)
    # the cutter leaves out the last labelled beat: the first of the two after
    position, length = mitbih.annotated_beats(sample, np.concatenate([[-1], label, [N, -1]]), len(adc))
    return cut_beats(adc, sample[position], length, mitbih.DECIMATION), sample[position]


def _ptb_record(label: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Like `_mitbih_record`, at 125 Hz, for a person with an infarction where `label` is 1 throughout."""
    subject = invent_subject(rng, paced=False, arrhythmic=False)
    # among the real persons too, the patients have the faster hearts and the noisier records
    rr_factor, noise_factor = (0.97, 1.1) if label[0] else (1.1, 0.6)
    subject = replace(subject, rr_s=rr_factor * subject.rr_s, noise_mv=noise_factor * subject.noise_mv)
    amplitude = subject.conducted.amplitude
    # taller T waves than in the MIT-BIH records
    amplitude[[T_RISE, T_PEAK]] *= 1.4
    # many an infarction hardly shows in one lead, and many a healthy T wave is flat
    severity = rng.beta(0.8, 1.4) if label[0] else rng.beta(0.5, 8)
    amplitude[ST] += severity * rng.choice([1, -0.6]) * rng.uniform(0.05, 0.35)
    amplitude[[T_RISE, T_PEAK]] *= 1 - severity * rng.uniform(0.5, 2.2)
    amplitude[Q_WAVE] -= severity * rng.uniform(0, 0.5)
    subject.conducted.width[Q_WAVE] *= 1 + severity * rng.uniform(0, 0.8)
    amplitude[R] *= 1 - severity * rng.uniform(0, 0.6)
    kind = np.full(len(label) + 3, N)
    interval = rhythm(kind, subject, rng)
    onset = REACH_S[0] + 0.1 + np.cumsum(interval)
    rate_hz = ptb.RATE_HZ
    record = render(onset, beat_waves(kind, interval, subject, rng), subject, rate_hz, rng)
    # a peak detector found these R peaks: the highest sample nearby
    sample = np.rint(onset * rate_hz).astype(int)
    sample += record[sample[:, None] + np.arange(-3, 4)].argmax(axis=1) - 3
    length = int(1.2 * np.median(np.diff(sample)))
    sample = sample[1 : len(label) + 1]
    return cut_beats(record, sample, np.full(len(sample), length)), sample


def lead(beats: int = 150, seed: int = 0) -> np.ndarray:
    """One lead of an invented person in mV, 360 samples a second: nine beats in ten are normal; shape (T,)."""
    rng = np.random.default_rng(seed)
    kind = rng.choice([N, S, V], beats, p=[0.9, 0.04, 0.06])
    subject = invent_subject(rng, paced=False, arrhythmic=False)
    interval = rhythm(kind, subject, rng)
    onset = REACH_S[0] + 0.1 + np.cumsum(interval)
    return render(onset, beat_waves(kind, interval, subject, rng), subject, mitbih.RATE_HZ * mitbih.DECIMATION, rng)
