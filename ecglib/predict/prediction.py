"""One lead from its first sample to the class of its last beat, a minute at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import chain, groupby, pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from tqdm import tqdm

from ecglib.data.cut import UnusableRecord
from ecglib.data.table import BEAT_LENGTH
from ecglib.names import CLASS_TITLES, NOT_SURE, Dataset, EcglibError
from ecglib.predict import NOTICE
from ecglib.predict.beats import PEAK_RATE_HZ, at_rate, beats_of, ratio_of_rates
from ecglib.predict.in_context import InContext
from ecglib.predict.lead import SHORTEST_S, OpenLead, clock
from ecglib.predict.quality import Excluded, joined, problem, window_edges
from ecglib.predict.rpeaks import r_peaks

if TYPE_CHECKING:
    from ecglib.predict.pretrained import Pretrained

# in windows of 10 s: what is read at once, and how much before and after it, so that a beat there has its neighbours
# and the detector has learned. In longer stretches its thresholds drift: of the ventricular beats of the training
# records of de Chazal et al. (2004) it finds 93 % by the minute, but 86 % in whole records (without `_passed_over`)
_CHUNK, _OVERLAP = 6, 2
# beats that are classified together
_BATCH = 512
FEWEST_BEATS = 3
PAUSE_S = 2.0
# one R peak, found from both sides of where two chunks meet
_SAME_S = 0.1


@dataclass(frozen=True)
class Prediction:
    """The classified beats of one lead.

    Attributes
    ----------
    table : DataFrame
        One row a beat: time_s (of its R peak), sample (the same, in the record's own samples), label (a class, or
        "not sure"), one column a class with its probability, and rr_s, the seconds since the R peak before (NaN for
        the first of a stretch).
    r_peaks : ndarray of int, shape (P,)
        All R peaks, in the record's own samples; the last of each stretch starts no beat.
    rr_s : ndarray of float, shape (P,)
        Seconds since the R peak before; NaN for the first of a stretch.
    excluded : tuple of Excluded
        What was not classified, and why.
    lead : OpenLead
    model : str
    class_names : tuple of str, length K
    least : float
        Below this probability of its likeliest class a beat is called "not sure"; 0 where all are classified.
    """

    table: pd.DataFrame
    r_peaks: np.ndarray
    rr_s: np.ndarray
    excluded: tuple[Excluded, ...]
    lead: OpenLead
    model: str
    class_names: tuple[str, ...]
    least: float = 0.0

    @property
    def counts(self) -> dict[str, int]:
        """Beats by class, and those called "not sure" where some may be."""
        found = self.table["label"].value_counts()
        return {name: int(found.get(name, 0)) for name in (*self.class_names, *([NOT_SURE] if self.least else []))}

    @property
    def pauses(self) -> list[tuple[float, float]]:
        """RR intervals above 2 s: the time of the R peak before each, and how long it is, both in seconds."""
        last = np.flatnonzero(self.rr_s > PAUSE_S)
        return [(float(self.r_peaks[n] / self.lead.rate_hz - self.rr_s[n]), float(self.rr_s[n])) for n in last]

    def summary(self) -> str:
        """Beats by class, rate, pauses and what was excluded, in a few lines."""
        counts = ", ".join(f"{name} {count:,}" for name, count in self.counts.items())
        lines = [f"{len(self.table):,} beats by {self.model}: {counts}"]
        if self.least:
            lines[0] += f" (probability below {self.least:.2f})"
        rr = self.rr_s[np.isfinite(self.rr_s)]
        if len(rr):
            fastest, slowest = 60 / np.percentile(rr, [5, 95])
            lines.append(
                f"heart rate: {60 / rr.mean():.0f} a minute, from beat to beat mostly {slowest:.0f} to {fastest:.0f}"
            )
        pauses = self.pauses
        longest = max(pauses, key=lambda pause: pause[1], default=None)
        # an electrode that comes off leaves such a gap, too
        several = (
            f", the longest {longest[1]:.1f} s at {clock(longest[0])}; a lost signal looks the same" if longest else ""
        )
        lines.append(f"pauses above {PAUSE_S:g} s: {len(pauses) or 'none'}{several}")
        lines.append(f"not classified: {excluded_text(self.excluded, self.lead.seconds)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        titles = ", ".join(CLASS_TITLES.get(name, name) for name in self.class_names)
        lines = "<br>".join(self.summary().splitlines())
        return f"<p><b>{NOTICE}</b><br>{lines}<br>classes: {titles}</p>{self.table.to_html(max_rows=10)}"


def excluded_text(excluded: tuple[Excluded, ...], seconds: float, most: int = 6) -> str:
    """Excluded stretches in one line."""
    if not excluded:
        return "nothing"
    total = sum(one.end_s - one.start_s for one in excluded)
    listed = [f"{clock(one.start_s)} to {clock(one.end_s)} {one.reason}" for one in excluded[:most]]
    more = f", and {len(excluded) - most} more" if len(excluded) > most else ""
    return f"{total:.0f} of {seconds:.0f} s ({', '.join(listed)}{more})"


def predict_lead(
    lead: OpenLead, model: Pretrained | InContext, progress: bool = False, least: float = 0.0
) -> Prediction:
    """Judge a lead, find its R peaks, cut its beats and classify them; memory does not grow with the lead's length.

    `InContext` looks at a beat's neighbours, and so at the whole lead, at 120 samples a second.

    Parameters
    ----------
    lead : OpenLead
    model : Pretrained or InContext
    progress : bool
        Whether a bar is shown, where standard error is a terminal.
    least : float
        Beats whose likeliest class has a lower probability are called "not sure".

    Raises
    ------
    EcglibError
        The lead is too short, nothing of it is usable, or fewer than three R peaks are found.
    """
    if lead.seconds < SHORTEST_S:
        raise EcglibError(f"{lead.seconds:.2f} s long; {SHORTEST_S:g} s are the least that beats are looked for in")
    edges = window_edges(lead.length, lead.rate_hz)
    problems: dict[int, str | None] = {}
    parts = list(_classified(_cut(lead, edges, problems, model.dataset, progress), model))
    excluded = joined(
        [
            Excluded(start / lead.rate_hz, stop / lead.rate_hz, problems[number])
            for number, (start, stop) in enumerate(pairwise(edges.tolist()))
            if problems[number] is not None
        ]
    )
    if not parts:
        raise EcglibError(f"nothing can be classified: {excluded_text(excluded, lead.seconds)}")
    peaks, rr_s, probabilities = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    apart = np.diff(peaks, prepend=-lead.length) >= _SAME_S * lead.rate_hz
    peaks, rr_s, probabilities = peaks[apart], rr_s[apart], probabilities[apart]
    if isinstance(model, InContext) and len(peaks) >= FEWEST_BEATS:
        beat = np.isfinite(probabilities).all(axis=1)
        probabilities[beat] = model.of_lead(lead, peaks, rr_s)[beat]
    table = _table(peaks, rr_s, probabilities, lead.rate_hz, model.class_names)
    table.loc[table[[f"p_{name}" for name in model.class_names]].max(axis=1) < least, "label"] = NOT_SURE
    if len(peaks) < FEWEST_BEATS or table.empty:
        left_out = f"; not looked at: {excluded_text(excluded, lead.seconds)}" if excluded else ""
        raise EcglibError(f"{len(peaks)} R peaks found, {FEWEST_BEATS} in a row are needed{left_out}")
    return Prediction(table, peaks, rr_s, excluded, lead, model.name, model.class_names, least)


@dataclass(frozen=True)
class _Part:
    """The R peaks of one usable stretch, as far as they belong to one chunk.

    Attributes
    ----------
    peaks : ndarray of int, shape (P,)
        In the record's own samples.
    rr_s : ndarray of float, shape (P,)
    starts_beat : ndarray of bool, shape (P,)
    beats : ndarray of float32, shape (B, 187)
        Of the peaks that start one.
    """

    peaks: np.ndarray
    rr_s: np.ndarray
    starts_beat: np.ndarray
    beats: np.ndarray


def _cut(
    lead: OpenLead, edges: np.ndarray, problems: dict[int, str | None], dataset: Dataset, progress: bool
) -> Iterator[_Part]:
    """The beats of a lead, chunk by chunk; `problems` is filled with what is known of each window."""
    last = len(edges) - 1
    chunks = range(0, last, _CHUNK)
    for first in tqdm(chunks, unit="min", disable=None if progress and len(chunks) > 1 else True):
        begin, end = max(0, first - _OVERLAP), min(last, first + _CHUNK + _OVERLAP)
        signal = lead.read(int(edges[begin]), int(edges[end]))
        at = edges - edges[begin]
        for window in range(begin, end):
            if window not in problems:
                problems[window] = problem(signal[at[window] : at[window + 1]], lead.rate_hz)
        # runs of usable windows, each a record of its own
        for usable, run in groupby(range(begin, end), key=lambda window: problems[window] is None):
            windows = list(run)
            if usable:
                stretch = signal[at[windows[0]] : at[windows[-1] + 1]]
                core = edges[[first, min(first + _CHUNK, last)]] - edges[windows[0]]
                yield _cut_stretch(stretch, lead.rate_hz, int(edges[windows[0]]), core, dataset)


def _cut_stretch(signal: np.ndarray, rate_hz: float, start: int, core: np.ndarray, dataset: Dataset) -> _Part:
    """The beats of a stretch that begins at sample `start`, of which those between the two samples of `core` count."""
    peaks = r_peaks(at_rate(signal, rate_hz, PEAK_RATE_HZ), PEAK_RATE_HZ)
    places = np.rint(peaks / float(ratio_of_rates(rate_hz, PEAK_RATE_HZ))).astype(np.int64)
    inside = (places >= core[0]) & (places < core[1])
    starts_beat = np.zeros(len(peaks), dtype=bool)
    try:
        which, beats = beats_of(signal, rate_hz, peaks, dataset)
        starts_beat[which] = True
        beats = beats[inside[which]]
    except UnusableRecord:
        # a flat beat; its whole stretch then has R peaks only
        beats = np.empty((0, BEAT_LENGTH), np.float32)
    rr_s = np.diff(peaks / PEAK_RATE_HZ, prepend=np.nan)
    return _Part(start + places[inside], rr_s[inside], starts_beat[inside], beats)


def _classified(
    parts: Iterator[_Part], model: Pretrained | InContext
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """R peaks, RR and probabilities, NaN where no beat starts; so many parts at once as are fast to classify.

    Those of `InContext`, which come later, are 0.
    """
    waiting: list[_Part] = []
    for part in chain(parts, [None]):
        if part is not None:
            waiting.append(part)
        if waiting and (part is None or sum(len(one.beats) for one in waiting) >= _BATCH):
            peaks, rr_s, starts_beat, beats = (
                np.concatenate([getattr(one, field.name) for one in waiting]) for field in fields(_Part)
            )
            probabilities = np.full((len(peaks), len(model.class_names)), np.nan, dtype=np.float32)
            probabilities[starts_beat] = 0 if isinstance(model, InContext) else model.probabilities(beats)
            yield peaks, rr_s, probabilities
            waiting = []


def _table(
    peaks: np.ndarray, rr_s: np.ndarray, probabilities: np.ndarray, rate_hz: float, class_names: tuple[str, ...]
) -> pd.DataFrame:
    beat = np.isfinite(probabilities).all(axis=1)
    chosen = probabilities[beat]
    labels = np.array(class_names, dtype=object)[chosen.argmax(axis=1)] if beat.any() else np.empty(0, dtype=object)
    columns = {"time_s": peaks[beat] / rate_hz, "sample": peaks[beat], "label": labels}
    columns |= {f"p_{name}": chosen[:, number] for number, name in enumerate(class_names)}
    return pd.DataFrame({**columns, "rr_s": rr_s[beat]})
