"""From a data set's name and a source's name to a beat table."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from ecglib import files
from ecglib.data.table import Beats, read_beats, write_beats
from ecglib.names import Dataset, Detector, EcglibError, Source


def build_beats(
    dataset: Dataset,
    source: Source,
    raw: str | Path | None = None,
    beats: int = 4000,
    seed: int = 0,
    detector: Detector = "neurokit",
    other_diagnoses: bool = False,
    subset: bool = False,
) -> Beats:
    """Make the beats of `dataset` from `source`.

    Parameters
    ----------
    dataset : {"mitbih", "ptb", "ptbxl"}
    source : {"physionet", "kaggle", "synthetic"}
    raw : path, optional
        The folder with the records or CSV files. Without it, ``ECGLIB_DATA`` is searched; where that
        is not set either, PhysioNet records are downloaded.
    beats, seed : int
        How many synthetic beats, and which.
    detector : {"neurokit", "threshold"}
        How the R peaks of PTB and PTB-XL records are found, see `ecglib.data.cut.r_peaks`.
    other_diagnoses : bool
        Whether PTB records of diagnoses other than myocardial infarction count as abnormal.
    subset : bool
        Whether Kaggle's files may have another number of rows than the published ones.

    Raises
    ------
    EcglibError
        The names are unknown, do not go together, or the files are missing or altered.
    """
    for key, value, known in (
        ("dataset", dataset, Dataset),
        ("source", source, Source),
        ("detector", detector, Detector),
    ):
        if value not in get_args(known):
            raise EcglibError(f"{key}: {value!r} is none of {', '.join(get_args(known))}")
    if source == "synthetic":
        from ecglib.data import synthetic

        return synthetic.build(dataset, beats, seed)
    if source == "kaggle":
        if dataset == "ptbxl":
            raise EcglibError("dataset ptbxl: Kaggle has no beats of it; use source physionet")
        from ecglib.data import kaggle

        return kaggle.build(dataset, _kaggle_folder(raw), subset)
    if dataset == "ptb":
        from ecglib.data import ptb

        return ptb.build(_ptbdb_folder(raw), detector, other_diagnoses)
    if dataset == "ptbxl":
        from ecglib.data import ptbxl

        return ptbxl.build(_ptbxl_folder(raw), detector)
    from ecglib.data import mitbih

    return mitbih.build(_mitdb_folder(raw))


def table_path(dataset: Dataset, source: Source) -> Path:
    """Where the table of a data set lies once it is built."""
    return files.tables() / f"{dataset}-{source}.parquet"


def beat_table(dataset: Dataset, source: Source, beats: int = 4000, seed: int = 0) -> Beats:
    """The beats of `dataset` from the table built earlier, which is made now if there is none.

    Raises
    ------
    EcglibError
        As `build_beats` and `read_beats`.
    """
    if source == "synthetic":
        return build_beats(dataset, source, beats=beats, seed=seed)
    path = table_path(dataset, source)
    if not path.is_file():
        write_beats(build_beats(dataset, source), path)
    beats = read_beats(path)
    found = beats.metadata.dataset, beats.metadata.source
    if found != (dataset, source):
        raise EcglibError(f"{path}: holds {found[0]} from {found[1]}; delete it, and it is built anew")
    return beats


def _mitdb_folder(raw: str | Path | None) -> Path:
    from ecglib.data import download

    return _local_folder(raw, "mitdb") or download.fetch_mitdb(files.tables() / "raw" / "mitdb")


def _ptbdb_folder(raw: str | Path | None) -> Path:
    from ecglib.data import download

    return _local_folder(raw, "ptbdb") or download.fetch_ptbdb(files.tables() / "raw" / "ptbdb")


def _ptbxl_folder(raw: str | Path | None) -> Path:
    from ecglib.data import download, ptbxl

    folder = _local_folder(raw, "ptb-xl")
    if folder is None:
        folder = download.fetch_ptbxl_tables(files.tables() / "raw" / "ptb-xl")
        tables = ptbxl.read_tables(folder)
        download.fetch_ptbxl_records(folder, tables.records["filename_hr"][ptbxl.classify(tables) >= 0])
    return folder


def _local_folder(raw: str | Path | None, name: str) -> Path | None:
    """The folder that was named, or the one of ``ECGLIB_DATA``, or None where neither is set."""
    if raw is not None:
        return Path(raw)
    local = files.raw_data()
    return None if local is None else local / name


def _kaggle_folder(raw: str | Path | None) -> Path:
    folder = _local_folder(raw, "kaggle_heartbeat")
    if folder is None:
        raise EcglibError("source kaggle: its files need a login; download them and name their folder with --raw DIR")
    return folder
