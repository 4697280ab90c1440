"""A synthetic ECG: invented subjects, their rhythm, and their waves as sums of Gaussians.

The waves follow the dynamical model of McSharry et al. 2003 (doi 10.1109/TBME.2003.808805), in which
each wave is a Gaussian around a point of the cardiac cycle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# kinds of beats, in the label order of MIT-BIH
N, S, V, F, Q = range(5)
# how far a beat reaches before and after its R peak, s
REACH_S = (0.35, 0.8)


class Waves(NamedTuple):
    """Gaussian waves; the last axis of each array runs over the waves.

    Attributes
    ----------
    peak : ndarray
        Time from the R peak, s.
    width : ndarray
        Standard deviation, s.
    amplitude : ndarray
        Height, mV.
    """

    peak: np.ndarray
    width: np.ndarray
    amplitude: np.ndarray


# A beat conducted from the atria, at one beat a second, and the direction of each wave in the frontal plane, degrees.
# NOTCH is the second R of a bundle branch block; T is asymmetric and so has two Gaussians.
P, Q_WAVE, R, S_WAVE, NOTCH, ST, T_RISE, T_PEAK = range(8)
CONDUCTED = Waves(
    peak=np.array([-0.165, -0.030, 0.0, 0.032, 0.050, 0.13, 0.235, 0.285]),
    width=np.array([0.020, 0.009, 0.0125, 0.011, 0.016, 0.045, 0.045, 0.032]),
    amplitude=np.array([0.14, 0.11, 1.2, 0.30, 0.0, 0.0, 0.12, 0.20]),
)
AXIS_DEGREES = np.array([55.0, 250.0, 60.0, 215.0, 60.0, 60.0, 45.0, 45.0])
# A beat that starts in a ventricle, or is paced there: SPIKE is the pacemaker's, the rest is wide, and T opposes QRS.
SPIKE, MAIN, SLUR, OPPOSITE, DISCORDANT_T = range(5)
ECTOPIC = Waves(
    peak=np.array([-0.055, 0.0, 0.040, 0.105, 0.270]),
    width=np.array([0.003, 0.026, 0.022, 0.030, 0.060]),
    amplitude=np.array([0.0, 1.2, 0.45, -0.25, -0.50]),
)
# a beat's waves are the conducted ones, then the ectopic ones
ECTOPIC_FROM = len(AXIS_DEGREES)


@dataclass(frozen=True)
class Subject:
    """What stays the same over a record.

    Attributes
    ----------
    conducted, ectopic : Waves
        Shape (8,) and (5,), as the lead sees them.
    rr_s : float
        Mean RR interval, s.
    irregularity : float
        Standard deviation of an RR interval over its mean.
    aberrancy : float
        How far a supraventricular premature beat departs from the conducted ones, 0 to 1.
    fibrillates : bool
        No P waves, fibrillatory waves instead.
    noise_mv, wander_mv : float
        Standard deviation of the muscle noise and of the baseline.
    peak_offset_s : float
        Distance of the annotation from the R peak.
    """

    conducted: Waves
    ectopic: Waves
    rr_s: float
    irregularity: float
    aberrancy: float
    fibrillates: bool
    noise_mv: float
    wander_mv: float
    peak_offset_s: float


def wave_sum(time: np.ndarray, waves: Waves) -> np.ndarray:
    """The sum of each beat's Gaussians.

    Parameters
    ----------
    time : ndarray, shape (B, T)
        Times from each beat's R peak, s.
    waves : Waves
        Of shape (B, G).

    Returns
    -------
    ndarray, shape (B, T)
        In mV.
    """
    total = np.zeros(time.shape)
    for peak, width, amplitude in zip(*(part.T for part in waves), strict=True):
        present = np.flatnonzero(amplitude)
        deviation = (time[present] - peak[present, None]) / width[present, None]
        total[present] += amplitude[present, None] * np.exp(-0.5 * deviation**2)
    return total


def invent_subject(rng: np.random.Generator, paced: bool, arrhythmic: bool) -> Subject:
    """Draw a subject; an arrhythmic one may have a bundle branch block, atrial fibrillation or an opposite lead."""
    direction = 60 + np.clip(rng.normal(0, 28), -65, 65)
    if arrhythmic and rng.random() < 0.05:
        direction += 180
    peak = CONDUCTED.peak * rng.lognormal(0, 0.08, 8)
    width = CONDUCTED.width * rng.lognormal(0, 0.15, 8)
    amplitude = CONDUCTED.amplitude * rng.lognormal(0, [0.4, 0.7, 0.25, 0.6, 0, 0, 0.5, 0.5])
    amplitude *= np.cos(np.radians(AXIS_DEGREES + rng.normal(0, 10, 8) - direction))
    amplitude[ST] = rng.normal(0, 0.04)
    block = rng.choice(["none", "left", "right"], p=[0.78, 0.11, 0.11]) if arrhythmic else "none"
    if block == "left":
        width[R] *= rng.uniform(1.2, 1.8)
        amplitude[NOTCH] = amplitude[R] * rng.uniform(0.4, 0.9)
        amplitude[[Q_WAVE, S_WAVE]] *= 0.2
        amplitude[[T_RISE, T_PEAK]] *= rng.uniform(-1.5, 0.3)
    elif block == "right":
        peak[S_WAVE], width[S_WAVE] = 0.055, rng.uniform(0.018, 0.028)
        amplitude[S_WAVE] = -amplitude[R] * rng.uniform(0.2, 0.6)
        amplitude[NOTCH] = amplitude[R] * rng.uniform(0, 0.2)
        peak[NOTCH] = 0.1
    fibrillates = bool(arrhythmic and not paced and rng.random() < 0.12)
    if fibrillates or paced:
        amplitude[P] = 0
    return Subject(
        conducted=Waves(peak, width, amplitude),
        ectopic=_invent_focus(rng, paced),
        rr_s=float(rng.normal(0.82, 0.03)) if paced else float(np.clip(rng.lognormal(np.log(0.76), 0.2), 0.45, 1.3)),
        irregularity=0.02 if paced else 0.18 if fibrillates else rng.uniform(0.015, 0.06),
        aberrancy=rng.choice([0.1, 1], p=[0.3, 0.7]) * rng.uniform(0.4, 1),
        fibrillates=fibrillates,
        noise_mv=0.010 * rng.lognormal(0, 0.6),
        wander_mv=0.06 * rng.lognormal(0, 0.6),
        peak_offset_s=float(np.clip(0.0015 * rng.standard_t(2), -0.012, 0.012)),
    )


def _invent_focus(rng: np.random.Generator, paced: bool) -> Waves:
    """A ventricular focus, or where the pacemaker's electrode lies; most look upright in this lead."""
    peak = ECTOPIC.peak * rng.lognormal(0, 0.1, 5)
    width = ECTOPIC.width * rng.lognormal(0, 0.2, 5)
    amplitude = ECTOPIC.amplitude * rng.lognormal(0, [0, 0.3, 0.6, 0.8, 0.4])
    amplitude *= 1 if rng.random() < (0.85 if paced else 0.7) else -1
    if paced:
        amplitude[SPIKE] = rng.uniform(0.1, 0.9) * rng.choice([-1, 1], p=[0.3, 0.7])
    return Waves(peak, width, amplitude)


def rhythm(kind: np.ndarray, subject: Subject, rng: np.random.Generator) -> np.ndarray:
    """RR interval before each beat, s, shape (B,)."""
    beat = np.arange(len(kind))
    # a breath lasts some four beats
    breathing = 0.7 * np.sin(2 * np.pi * beat / rng.uniform(3.5, 5.5))
    usual = subject.rr_s * np.exp(subject.irregularity * (breathing + rng.normal(0, 0.8, len(kind))))
    interval = usual.copy()
    early = (kind == S) | (kind == V)
    interval[early] *= rng.uniform(0.55, 0.9, early.sum())
    interval[kind == F] *= rng.uniform(0.8, 1.0, (kind == F).sum())
    after = np.flatnonzero(early[:-1] & ~early[1:]) + 1
    # the sinus node keeps its beat past a ventricular beat (full compensation), an atrial one resets it
    full = (kind[after - 1] == V) & (rng.random(len(after)) < 0.8)
    pause = np.where(full, 2 * usual[after] - interval[after - 1], usual[after] * rng.uniform(1, 1.3, len(after)))
    interval[after] = pause
    return np.maximum(interval, 0.28)


def beat_waves(kind: np.ndarray, interval: np.ndarray, subject: Subject, rng: np.random.Generator) -> Waves:
    """The waves of each beat, conducted then ectopic, shape (B, 13)."""
    count = len(kind)
    peak, width, amplitude = (
        np.tile(np.concatenate(parts), (count, 1)) for parts in zip(subject.conducted, subject.ectopic, strict=True)
    )
    peak += rng.normal(0, 0.002, peak.shape)
    width *= rng.lognormal(0, 0.04, width.shape)
    amplitude *= rng.lognormal(0, 0.08, amplitude.shape)
    # a ventricular beat seldom is quite like the one before
    amplitude[:, ECTOPIC_FROM:] *= rng.lognormal(0, 0.15, (count, 5))
    # what follows QRS stretches with the square root of RR (Bazett)
    peak[:, [ST, T_RISE, T_PEAK, ECTOPIC_FROM + DISCORDANT_T]] *= np.sqrt(np.clip(interval, 0.5, 1.3))[:, None]
    early = np.flatnonzero(kind == S)
    amplitude[early, P] *= rng.uniform(-1, 0.7, len(early))
    peak[early, P] *= rng.uniform(0.6, 1.0, len(early))
    # an early impulse finds part of the bundles refractory, mostly of the right one
    aberrancy = np.clip(subject.aberrancy * rng.uniform(0.6, 1.2, len(early)), 0, 1)
    amplitude[early, S_WAVE] -= 0.7 * aberrancy * amplitude[early, R]
    width[early, S_WAVE] *= 1 + 1.2 * aberrancy
    peak[early, S_WAVE] += 0.02 * aberrancy
    amplitude[early, R] *= 1 - 0.3 * aberrancy
    amplitude[np.ix_(early, [T_RISE, T_PEAK])] *= (1 - 0.6 * aberrancy)[:, None]
    # in one person the two impulses meet at much the same place
    fusion = np.clip(rng.uniform(0.35, 0.6) + rng.normal(0, 0.08, count), 0, 1)
    share = np.select([kind == V, kind == F, kind == Q], [1, fusion, 1], 0.0)
    # one paced beat in eight meets a conducted one
    fused = (kind == Q) & (rng.random(count) < 0.12)
    share[fused] = rng.uniform(0.1, 0.8, fused.sum())
    amplitude[:, :ECTOPIC_FROM] *= 1 - share[:, None]
    amplitude[:, ECTOPIC_FROM:] *= share[:, None]
    amplitude[kind == Q, ECTOPIC_FROM + SPIKE] /= share[kind == Q]
    return Waves(peak, width, amplitude)


def render(onset: np.ndarray, waves: Waves, subject: Subject, rate_hz: float, rng: np.random.Generator) -> np.ndarray:
    """A record with beats at `onset` (R peaks, s), in mV, until just before the last beat's reach ends."""
    length = int((onset[-1] + REACH_S[1]) * rate_hz)
    signal = np.zeros(length)
    first = np.floor((onset - REACH_S[0]) * rate_hz).astype(int)
    index = first[:, None] + np.arange(int(sum(REACH_S) * rate_hz))
    np.add.at(signal, index, wave_sum(index / rate_hz - onset[:, None], waves))
    time = np.arange(length) / rate_hz
    frequency, phase = rng.uniform([0.05, 0.15, 0.25], [0.15, 0.35, 0.6]), rng.uniform(0, 2 * np.pi, 3)
    for f, p in zip(frequency, phase, strict=True):
        signal += subject.wander_mv * np.sqrt(2 / 3) * np.sin(2 * np.pi * f * time + p)
    if subject.fibrillates:
        signal += 0.05 * np.sin(2 * np.pi * 6 * time + 3 * np.sin(2 * np.pi * 0.4 * time + phase[0]))
    # muscles tense and relax over some seconds
    tension = np.exp(0.5 * np.sin(2 * np.pi * time * frequency[0] + phase[1]))
    return signal + subject.noise_mv * tension * rng.standard_normal(length)
