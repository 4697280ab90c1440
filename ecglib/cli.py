"""The command line: ``ecglib data build``, ``ecglib data export`` and ``ecglib run``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ecglib.errors import EcglibError

if TYPE_CHECKING:
    from ecglib.data.table import Beats


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 for unusable input, 2 for unusable arguments."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except EcglibError as error:
        print(f"ecglib: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ecglib", description="ECG classification with a hybrid CNN-Transformer.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    data = commands.add_parser("data", help="make beat tables").add_subparsers(required=True, metavar="COMMAND")
    build = data.add_parser("build", help="make a beat table from raw records, CSV files, or invented beats")
    build.add_argument("dataset", choices=("mitbih", "ptb", "ptbxl"))
    build.add_argument("--source", choices=("physionet", "kaggle", "synthetic"), required=True)
    build.add_argument("--raw", type=Path, metavar="DIR", help="folder of the records or CSV files")
    build.add_argument("--out", type=Path, metavar="FILE.parquet", required=True)
    build.add_argument("--beats", type=int, default=4000, help="synthetic: how many (default: 4000)")
    build.add_argument("--seed", type=int, default=0, help="synthetic: which (default: 0)")
    build.add_argument(
        "--detector",
        choices=("neurokit", "threshold"),
        default="neurokit",
        help="R peaks of ptb and ptbxl: NeuroKit's in 10 s, or local maxima above 0.9 in 5 s (default: neurokit)",
    )
    build.add_argument(
        "--other-diagnoses", action="store_true", help="ptb: count other diagnoses than infarction as abnormal too"
    )
    build.add_argument("--subset", action="store_true", help="kaggle: allow other numbers of rows than the published")
    build.set_defaults(command=_build)

    export = data.add_parser("export", help="write a beat table as one small file that NumPy alone can read")
    export.add_argument("table", type=Path, metavar="FILE.parquet")
    export.add_argument("--out", type=Path, metavar="FILE.npz", required=True)
    export.set_defaults(command=_export)

    run = commands.add_parser("run", help="execute a notebook headless with papermill")
    run.add_argument("notebook", metavar="NOTEBOOK", help="a name or number of notebooks/, such as 02")
    run.add_argument("--profile", default="demo", help="a file of params/ (default: demo)")
    run.add_argument("--dataset", help="a data set of the profile (default: its first)")
    run.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE", help="override")
    run.set_defaults(command=_run)
    return parser


# The imports are local, so that --help and a mistyped option answer at once.
def _build(options: argparse.Namespace) -> None:
    from ecglib.data import build_beats, class_counts, write_beats

    beats = build_beats(
        options.dataset,
        options.source,
        options.raw,
        options.beats,
        options.seed,
        options.detector,
        options.other_diagnoses,
        options.subset,
    )
    write_beats(beats, options.out)
    for record, reason in beats.metadata.skipped.items():
        print(f"skipped {record}: {reason}")
    names = beats.metadata.class_names
    for split in ("train", "test"):
        counts = class_counts(beats.label[beats.split == split], len(names))
        by_class = ", ".join(f"{name} {count:,}" for name, count in zip(names, counts, strict=True))
        print(f"{split:<5} {counts.sum():>7,} beats: {by_class}")
    if "duplicate_rows" in beats.metadata.made_from:
        print(f"{beats.metadata.made_from['duplicate_rows']} rows equal an earlier one and are kept")
    print(f"wrote {options.out}: {len(beats):,} beats of {options.dataset} ({options.source}), {_origin(beats)}")


def _origin(beats: Beats) -> str:
    if not beats.record[0]:
        return "records unknown"
    skipped = f", {len(beats.metadata.skipped)} skipped" if beats.metadata.skipped else ""
    return f"{len(set(beats.record)):,} records of {len(set(beats.subject)):,} subjects{skipped}"


def _export(options: argparse.Namespace) -> None:
    from ecglib.data import read_beats
    from ecglib.data.compact import write_compact

    beats = read_beats(options.table)
    write_compact(beats, options.out)
    print(f"wrote {options.out}: {len(beats):,} beats, {options.out.stat().st_size / 2**20:.1f} MiB")


def _run(options: argparse.Namespace) -> None:
    from ecglib.execution import run_notebook
    from ecglib.parameters import load_parameters, parse_setting

    overrides = dict(parse_setting(text) for text in options.settings)
    parameters = load_parameters(options.profile, **overrides)
    executed = run_notebook(options.notebook, parameters, options.dataset or parameters.datasets[0], overrides)
    print(f"wrote {executed}")


def entry() -> None:
    """What the installed command ``ecglib`` calls."""
    sys.exit(main())


if __name__ == "__main__":
    entry()
