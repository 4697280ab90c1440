"""From a data set's name and a source's name to a beat table."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from ecglib import paths
from ecglib.data.table import Beats, read_beats, write_beats
from ecglib.errors import EcglibError

Dataset = Literal["mitbih", "ptb"]
Source = Literal["physionet", "kaggle", "synthetic"]


def build_beats(
    dataset: Dataset,
    source: Source,
    raw: str | Path | None = None,
    beats: int = 4000,
    seed: int = 0,
) -> Beats:
    """Make the beats of `dataset` from `source`.

    Parameters
    ----------
    dataset : {"mitbih", "ptb"}
    source : {"physionet", "kaggle", "synthetic"}
    raw : path, optional
        The folder with the records or CSV files. Without it, ``ECGLIB_DATA`` is searched; where that
        is not set either, PhysioNet records are downloaded.
    beats, seed : int
        How many synthetic beats, and which.

    Raises
    ------
    EcglibError
        The names are unknown, do not go together, or the files are missing or altered.
    """
    for key, value, known in (("dataset", dataset, Dataset), ("source", source, Source)):
        if value not in get_args(known):
            raise EcglibError(f"{key}: {value!r} is none of {', '.join(get_args(known))}")
    if source == "synthetic":
        from ecglib.data import synthetic

        return synthetic.build(dataset, beats, seed)
    if source == "kaggle":
        from ecglib.data import kaggle

        return kaggle.build(dataset, _kaggle_folder(raw))
    if dataset == "ptb":
        raise EcglibError("dataset ptb: cannot be built from physionet yet; use --source kaggle or synthetic")
    from ecglib.data import mitbih

    return mitbih.build(_mitdb_folder(raw))


def beat_table(dataset: Dataset, source: Source, beats: int = 4000, seed: int = 0) -> Beats:
    """The beats of `dataset` from the table built earlier, which is made now if there is none.

    Raises
    ------
    EcglibError
        As `build_beats` and `read_beats`.
    """
    if source == "synthetic":
        return build_beats(dataset, source, beats=beats, seed=seed)
    path = paths.tables() / f"{dataset}-{source}.parquet"
    if not path.is_file():
        write_beats(build_beats(dataset, source), path)
    return read_beats(path)


def _mitdb_folder(raw: str | Path | None) -> Path:
    if raw is not None:
        return Path(raw)
    local = paths.raw_data()
    if local is not None:
        return local / "mitdb"
    from ecglib.data import download

    return download.fetch_mitdb(paths.tables() / "raw" / "mitdb")


def _kaggle_folder(raw: str | Path | None) -> Path:
    if raw is not None:
        return Path(raw)
    local = paths.raw_data()
    if local is None:
        raise EcglibError("source kaggle: its files need a login; download them and name their folder with --raw DIR")
    return local / "kaggle_heartbeat"
