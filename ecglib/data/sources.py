"""From a data set's name and a source's name to a beat table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

from ecglib import files
from ecglib.data.cut import Over
from ecglib.data.table import RECIPE_VERSION, Beats, read_beats, write_beats
from ecglib.names import DATASETS, Dataset, Detector, EcglibError, Source


def build_beats(
    dataset: Dataset,
    source: Source,
    raw: str | Path | None = None,
    beats: int = 4000,
    seed: int = 0,
    detector: Detector = "neurokit",
    other_diagnoses: bool = False,
    subset: bool = False,
    over: Over | None = None,
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
    over : callable, optional
        Spreads the records or pieces of a file, see `ecglib.data.spark`; not for synthetic beats.

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
    folder = Path(raw) if raw is not None else None
    if source == "kaggle":
        from ecglib.data import kaggle

        return kaggle.build(dataset, folder or _at_hand("kaggle_heartbeat"), subset, over)
    return _PHYSIONET[dataset](folder or _at_hand(DATASETS[dataset].folder), over or map, detector, other_diagnoses)


def _mitbih(folder: Path | None, over: Over, *_: object) -> Beats:
    from ecglib.data import download, mitbih

    return mitbih.build(folder or download.fetch_mitdb(files.tables() / "raw" / "mitdb"), over)


def _ptb(folder: Path | None, over: Over, detector: Detector, other_diagnoses: bool) -> Beats:
    from ecglib.data import download, ptb

    folder = folder or download.fetch_ptbdb(files.tables() / "raw" / "ptbdb")
    return ptb.build(folder, detector, other_diagnoses, over)


def _ptbxl(folder: Path | None, over: Over, detector: Detector, *_: object) -> Beats:
    from ecglib.data import download, ptbxl

    if folder is None:
        folder = download.fetch_ptbxl_tables(files.tables() / "raw" / "ptb-xl")
        tables = ptbxl.read_tables(folder)
        download.fetch_ptbxl_records(folder, tables.records["filename_hr"][ptbxl.classify(tables) >= 0])
    return ptbxl.build(folder, detector, over)


# who makes a table of records; where no folder of them is at hand, downloads them
_PHYSIONET: dict[Dataset, Callable[[Path | None, Over, Detector, bool], Beats]] = {
    "mitbih": _mitbih,
    "ptb": _ptb,
    "ptbxl": _ptbxl,
}


def _at_hand(name: str) -> Path | None:
    """A folder of ``ECGLIB_DATA``; None where that is not set."""
    local = files.raw_data()
    return None if local is None else local / name


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
    if beats.metadata.recipe_version != RECIPE_VERSION:
        version = beats.metadata.recipe_version
        raise EcglibError(f"{path}: of recipe version {version}, not {RECIPE_VERSION}; delete it, and it is built anew")
    return beats
