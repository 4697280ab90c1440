"""What noise does: records of MIT-BIH with noise of the MIT-BIH Noise Stress Test Database added, found and classified.

Baseline wander (bw), electrode motion (em) and muscle noise (ma) are scaled as by the program ``nst`` of the WFDB
software (Moody, Muldrow and Mark 1984, Computers in Cardiology 11:381; the definition is that of its manual page): the
signal's power is an eighth of the squared peak-to-peak amplitude of its QRS complexes, the noise's is the square of its
root mean square about the mean of each second; of 300 measurements each, the largest and smallest 5 % are left out.
Other than with ``nst``, which leaves every second two minutes clean, all of the ten minutes that count are noisy.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.data.mitbih import LABEL_OF_SYMBOL
from ecglib.data.splits import DE_CHAZAL_TEST
from ecglib.predict import DEFAULT_MODEL
from ecglib.predict.evaluation import (
    FROM_S,
    GROSS,
    Annotated,
    classes_at,
    confusion,
    counted,
    readable_rates,
    with_rates,
    write_both,
)  # fmt: skip
from ecglib.predict.in_context import InContext
from ecglib.predict.lead import array_lead
from ecglib.predict.prediction import predict_lead
from ecglib.predict.pretrained import Pretrained, load_pretrained
from ecglib.predict.readers import open_lead

NOISES = {"bw": "baseline wander", "em": "electrode motion", "ma": "muscle"}
SNR_DB = (24, 12, 6, 0)
LENGTH_S = 600.0
_MEASURED = 300
_AROUND_S = 0.05
# what nst calls a normal beat: neither ventricular nor a fusion nor unclassifiable
_NORMAL = (LABEL_OF_SYMBOL["N"], LABEL_OF_SYMBOL["A"])


def noise_gain(signal: np.ndarray, annotated: Annotated, noise: np.ndarray, rate_hz: float, snr_db: float) -> float:
    """By what ``nst`` multiplies `noise` before it is added to `signal`.

    Parameters
    ----------
    signal, noise : ndarray of float, shape (T,)
        Whole records, in any units.
    annotated : Annotated
        The reference beats of `signal`.
    rate_hz : float
        Of both.
    snr_db : float
    """
    around = np.arange(-round(_AROUND_S * rate_hz), round(_AROUND_S * rate_hz) + 1)
    normal = annotated.sample[np.isin(annotated.label, _NORMAL)][:_MEASURED]
    amplitude = _trimmed_mean(np.ptp(signal[np.clip(normal[:, None] + around, 0, None)], axis=1))
    seconds = noise[: _MEASURED * round(rate_hz)].reshape(-1, round(rate_hz))
    return float(amplitude / np.sqrt(8) / _trimmed_mean(seconds.std(axis=1)) * 10 ** (-snr_db / 20))


def _trimmed_mean(values: np.ndarray) -> float:
    cut = len(values) // 20
    return float(np.sort(values)[cut : len(values) - cut].mean())


def evaluate_noise(
    mitdb: Path, nstdb: Path, model: Pretrained | InContext, records: Iterable[int] = DE_CHAZAL_TEST
) -> pd.DataFrame:
    """Find and classify the beats of minutes 5 to 15 of each record, clean and with each noise.

    Returns
    -------
    DataFrame
        One row a record, noise ("none", "bw", "em", "ma") and signal-to-noise ratio (NaN for none): model, noise,
        snr_db, record, excluded_s (of 600 s, by quality), and the counts of `ecglib.predict.evaluation.counted`.
    """
    noises = {name: _first_signal(nstdb / name)[0] for name in NOISES}
    rows = []
    for record in records:
        annotated = Annotated.read(mitdb / str(record))
        signal, rate_hz = _first_signal(annotated.stem)
        start, stop = round(FROM_S * rate_hz), round((FROM_S + LENGTH_S) * rate_hz)
        beat = (annotated.label >= 0) & (annotated.sample < stop)
        for name, snr_db in [("none", np.nan), *((name, snr_db) for name in noises for snr_db in SNR_DB)]:
            noisy = signal[start:stop]
            if name in noises:
                gain = noise_gain(signal, annotated, noises[name], rate_hz, snr_db)
                noisy = noisy + gain * noises[name][start:stop]
            prediction = predict_lead(array_lead(noisy, rate_hz), model)
            classes = classes_at(prediction.r_peaks, prediction.table)
            table = confusion(
                annotated.sample[beat], annotated.label[beat], prediction.r_peaks + start, classes, rate_hz
            )
            excluded_s = sum(one.end_s - one.start_s for one in prediction.excluded)
            told = {"model": model.name, "noise": name, "snr_db": snr_db, "record": str(record)}
            rows.append({**told, "excluded_s": excluded_s, **counted(table)})
    return pd.DataFrame(rows)


def _first_signal(stem: Path) -> tuple[np.ndarray, float]:
    lead = open_lead(stem, "1")
    return lead.read(0, lead.length), lead.rate_hz


def summed(tidy: pd.DataFrame) -> pd.DataFrame:
    """`evaluate_noise` with a row over all records for each noise and ratio, first, and with rates."""
    keys = ["model", "noise", "snr_db"]
    gross = tidy.drop(columns="record").groupby(keys, sort=False, dropna=False).sum().reset_index()
    return with_rates(pd.concat([gross.assign(record=GROSS), tidy], ignore_index=True)[tidy.columns])


def readable(tidy: pd.DataFrame) -> pd.DataFrame:
    """The rows over all records for readers, in percent."""
    gross = tidy[tidy["record"] == GROSS]
    records = len(tidy["record"].unique()) - 1
    shown = pd.DataFrame(
        {
            "noise": gross["noise"].map(NOISES).fillna("none"),
            "SNR (dB)": ["–" if np.isnan(snr_db) else f"{snr_db:.0f}" for snr_db in gross["snr_db"]],
            "not classified (% of time)": (100 * gross["excluded_s"] / (records * LENGTH_S)).map("{:.1f}".format),
        }
    )
    return pd.concat([shown, readable_rates(gross)], axis=1)


def publish_noise(mitdb: Path, nstdb: Path, model: str = DEFAULT_MODEL) -> list[Path]:
    """Evaluate on the test records of de Chazal et al. and write ``figures/predict/table_noise`` (.csv, .md)."""
    tidy = summed(evaluate_noise(mitdb, nstdb, load_pretrained(model)))
    return write_both("table_noise", tidy, readable(tidy))
