"""What `context` would gain if it knew what is to come, inside DS1."""

from __future__ import annotations

import pandas as pd

from ecglib.designs.context import folder
from ecglib.designs.future import RUNGS
from ecglib.results.new_people import TITLES, bounded, lead_in_mcc, of_beats, side_of, statistics, with_intervals


def future_table() -> pd.DataFrame:
    """`context` inside DS1 as it is, and shown what is to come (`ecglib.designs.future`), tidy.

    Returns
    -------
    DataFrame
        One row each: model, seeds, the numbers of `TITLES` of all seeds' mean probabilities with ``_low`` and ``_high``
        (95 % bootstrap over patients), ``mcc_lowest`` and ``mcc_highest`` of single seeds, and ``gain``, the MCC less
        that of the first row, with ``_low`` and ``_high`` (the same patients drawn for both).
    """
    beats, answers = side_of("train"), pd.read_parquet(folder() / "future.parquet")
    confusions = {name: of_beats(beats, answers[name].to_numpy()) for name in answers}
    rows = []
    for name, rung in RUNGS.items():
        single = [float(statistics(confusions[f"{name}-{seed}"].sum(axis=0))["mcc"]) for seed in range(rung.seeds)]
        row = {"model": rung.title, "seeds": rung.seeds} | with_intervals(confusions[name])
        row |= {"mcc_lowest": min(single), "mcc_highest": max(single)}
        gain = lead_in_mcc(confusions[name], confusions["causal"])
        rows.append(row | {key.replace("lead", "gain"): value for key, value in gain.items()})
    return pd.DataFrame(rows)


def future_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`future_table` for readers, in percent."""
    shown = {"model": tidy["model"], "seeds": tidy["seeds"]}
    for name in ("mcc", "f1_nsv", "sveb_f1", "veb_f1", "gain"):
        title = TITLES.get(name, "gain in MCC")
        shown[title] = bounded(tidy, name)
    return pd.DataFrame(shown).assign(**{title: ["–", *shown[title][1:]]})
