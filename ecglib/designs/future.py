"""What `context` would gain if it knew what is to come, by cross-validation over the patients of DS1 alone.

    python -m ecglib.designs.future              # a few minutes; writes runs/context/future.parquet

By default `context` knows one beat of the future, the next, so that it can follow an ECG while it is recorded. Both are
trained here with the same seeds on the same folds. DS2 is not opened.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pandas as pd

from ecglib import files
from ecglib.data.context import beats_of, table_inputs
from ecglib.designs.context import LADDER, Rung, folder
from ecglib.designs.ladder import cross_validated, fold_numbers
from ecglib.names import EcglibError

RUNGS = {"causal": replace(LADDER["context"], seeds=2), "future": Rung("context with what is to come", future=True)}


def main() -> None:
    """Train both and keep their answers, a column each for both seeds together and for each.

    Raises
    ------
    EcglibError
        The raw records are not at hand.
    """
    raw = files.raw_data()
    if raw is None:
        raise EcglibError("ECGLIB_DATA: not set; it must name the folder that holds mitdb")
    beats, columns = beats_of("train"), {}
    fold = fold_numbers(beats.label, beats.subject)
    for name, rung in RUNGS.items():
        inputs = table_inputs(beats, raw / "mitdb", rung.future)
        found = cross_validated(rung, range(rung.seeds), inputs, beats.label, fold)
        columns[name] = found.mean(axis=0).argmax(axis=1).astype(np.int8)
        columns |= {f"{name}-{seed}": one.argmax(axis=1).astype(np.int8) for seed, one in enumerate(found)}
    with files.replacing(folder() / "future.parquet") as path:
        pd.DataFrame(columns).to_parquet(path, compression="zstd", index=False)


if __name__ == "__main__":
    try:
        main()
    except EcglibError as error:
        sys.exit(f"ecglib: {error}")
