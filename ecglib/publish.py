"""Figures and tables of the report: where they go, and how they are marked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from IPython.display import Image, Markdown

from ecglib import files
from ecglib.figures.style import add_source, save_figure
from ecglib.files import replacing
from ecglib.names import EcglibError
from ecglib.results.tables import data_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ecglib.experiment import Experiment

# a table of the README, between two markers of which the first names its file
_SHOWN_TABLE = re.compile(r"(<!-- begin (\S+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
SYNTHETIC_NOTE = "**Synthetic beats: these numbers are no result.**"


def publish_figure(
    figure: Figure,
    experiment: Experiment,
    number: int,
    what: str,
    all_repetitions: bool = False,
    label: str | None = None,
) -> Image:
    """Save a figure as ``figures/<label>/figNN_<dataset>_<what>`` (.png, .svg) and show it.

    A line below it says which profile, design and seeds it is of, and whether its beats are invented.

    Parameters
    ----------
    figure : Figure
    experiment : Experiment
        Whose beats the figure shows.
    number : int
        The figure's number in the report; 0 for one that the report does not have.
    what : str
        The rest of the file's name.
    all_repetitions : bool
        Whether it shows all of the experiment's repetitions, or the first alone.
    label : str, optional
        The folder of ``figures/``, where it is not that of the experiment's results.

    Returns
    -------
    Image
        The saved PNG, for a notebook to show.
    """
    add_source(figure, source_words(experiment, all_repetitions), experiment.beats.metadata.is_synthetic)
    stem = files.figures(label or experiment.parameters.label) / f"fig{number:02d}_{experiment.dataset}_{what}"
    save_figure(figure, stem)
    return Image(stem.with_suffix(".png").read_bytes(), width=760)


def source_words(experiment: Experiment, all_repetitions: bool = False) -> str:
    """The profile, data, design and seeds of a result, in a line."""
    parameters = experiment.parameters
    last = experiment.seed + parameters.repetitions - 1 if all_repetitions else experiment.seed
    seeds = f"seed {experiment.seed}" if last == experiment.seed else f"seeds {experiment.seed} to {last}"
    return f"profile {parameters.label}, {data_label(experiment)}, design {parameters.design}, {seeds}"


def publish_table(
    tidy: pd.DataFrame, wide: pd.DataFrame, experiment: Experiment, name: int | str, label: str | None = None
) -> Markdown:
    """Save a table as ``figures/<label>/tableN_<dataset>`` (.csv, .md) and show it.

    Parameters
    ----------
    tidy : DataFrame
        One number a cell, for machines (.csv).
    wide : DataFrame
        Side by side, for readers (.md).
    experiment : Experiment
    name : int or str
        The table's number in the report, or a word for one that the report does not have ("patients"
        gives ``table_patients_<dataset>``).
    label : str, optional
        As of `publish_figure`.
    """
    folder = files.figures(label or experiment.parameters.label)
    note = f"{SYNTHETIC_NOTE}\n\n" if experiment.beats.metadata.is_synthetic else ""
    text = f"{note}{wide.to_markdown(index=False, disable_numparse=True)}\n"
    stem = f"table{name}_{experiment.dataset}" if isinstance(name, int) else f"table_{name}_{experiment.dataset}"
    _write(folder / f"{stem}.csv", tidy.to_csv(index=False))
    _write(folder / f"{stem}.md", text)
    return Markdown(text)


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def refresh_tables(write: bool = True) -> list[str]:
    """Copy the tables that README and docs show between markers into them, each from the file that a marker names.

    Parameters
    ----------
    write : bool
        Whether the texts are changed, or only compared.

    Returns
    -------
    list of str
        The files of the tables that were other ones.

    Raises
    ------
    EcglibError
        A marker names a file that is not there.
    """
    home, changed = files.home(), []
    for text_file in [home / "README.md", *sorted((home / "docs").glob("*.md"))]:

        def from_file(block: re.Match[str], text_file: Path = text_file) -> str:
            path = home / block[2]
            if not path.is_file():
                raise EcglibError(f"{text_file}: {block[2]}: no such file; correct the marker, or make the table first")
            table = path.read_text(encoding="utf-8")
            if table != block[3]:
                changed.append(block[2])
            return f"{block[1]}{table}{block[4]}"

        if text_file.is_file():
            old = text_file.read_text(encoding="utf-8")
            text = _SHOWN_TABLE.sub(from_file, old)
            if write and text != old:
                _write(text_file, text)
    return changed
