# PYTHON_ARGCOMPLETE_OK
"""The command line: tables, notebooks, the report, JupyterLab, and what keeps results and texts true to each other."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, get_args

from ecglib import files
from ecglib.names import Dataset, EcglibError, ModelName
from ecglib.predict import DEFAULT_MODEL, NOTICE

if TYPE_CHECKING:
    from ecglib.data.table import Beats


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 for unusable input, 2 for unusable arguments, 130 if stopped."""
    parser = _parser()
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
    options = parser.parse_args(arguments)
    try:
        options.command(options)
    except EcglibError as error:
        print(f"ecglib: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        # who writes into an open file tells no name; it is one of the results
        where, reason = error.filename or files.runs(""), error.strerror or str(error).splitlines()[0]
        print(f"ecglib: {where}: {reason}; look at its permissions, its disk, and ECGLIB_OUTPUT", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ecglib: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


_EXAMPLES = """\
examples:
  ecglib report                                the report as one page, from committed results
  ecglib report reduced                        one profile, trained where its runs are missing
  ecglib run 06 --profile short                one notebook
  ecglib lab                                   JupyterLab on copies of the notebooks
  ecglib search --model cnn2d --trials 20      hyper-parameters, by cross-validation on training beats
  ecglib predict 100.hea --strip 100           an ECG of your own: WFDB, EDF, CSV, Apple Watch
  ecglib predict ecg.csv --rate 250 --lead II --csv beats.csv
  ecglib doctor                                what is here, and what is missing

Each command has a --help of its own. Completion in bash and zsh: eval "$(register-python-argcomplete ecglib)"
"""

_PREDICT_EXAMPLES = """\
examples:
  ecglib predict ecg.csv --csv beats.csv       one row a beat: time, class, probabilities, RR interval
  ecglib predict night.edf --lead "ECG II" --annotations night.own
  ecglib predict 100.hea --strip strip --from 60 --seconds 30
  ecglib predict ecg.csv --model best          the models are listed in docs/models.md
  ecglib predict ecg.csv --decline 0.05        what it costs and brings is in docs/context.md
"""


_SEARCH_EXAMPLES = """\
examples:
  ecglib search --model cnn2d --profile short --trials 50
  ecglib search --model late --profile short --trials 80 --timeout 36000
  ecglib search --model cnn2d --profile short --trials 50 --storage postgresql://user@host/studies
  ecglib search --model cnn2d --profile short --test        the best, once, on the test beats

The same command started again, or in several processes and on several machines with one storage, goes on with the same
study. What was killed is tried again. See docs/search.md.
"""


class _Parser(argparse.ArgumentParser):
    """One line for what is wrong, in the place of the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see '{self.prog} --help'\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="ecglib",
        description=f"ECG classification with a hybrid CNN-Transformer. {NOTICE}",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    data = commands.add_parser("data", help="make beat tables").add_subparsers(required=True, metavar="COMMAND")
    build = data.add_parser("build", help="make a beat table from raw records, CSV files, or invented beats")
    build.add_argument("dataset", choices=get_args(Dataset))
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
    build.add_argument("--engine", choices=("builtin", "spark"), default="builtin", help="who reads (default: builtin)")
    build.add_argument("--master", metavar="URL", default="local[*]", help="spark: where it runs (default: local[*])")
    build.set_defaults(command=_build)

    outline = data.add_parser("outline", help="keep a built table without its signals, to show results from")
    outline.add_argument("dataset", choices=get_args(Dataset))
    outline.add_argument("--source", choices=("physionet", "kaggle"), default="physionet")
    outline.set_defaults(command=_outline)

    run = commands.add_parser("run", help="execute a notebook headless with papermill")
    run.add_argument("notebook", metavar="NOTEBOOK", help="a name or number of notebooks/, such as 02")
    run.add_argument("--profile", default="demo", help="a file of params/ (default: demo)")
    run.add_argument("--dataset", help="a data set of the profile (default: its first)")
    run.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE", help="override")
    training = run.add_mutually_exclusive_group()
    training.add_argument("--no-training", action="store_true", help="end with an error where a run is not there")
    training.add_argument(
        "--retrain",
        action="store_true",
        help="where a finished run of other parameters or beats is in the way, keep it aside and train",
    )
    run.set_defaults(command=_run)

    report = commands.add_parser("report", help="run what has changed of the report, and write its page")
    report.add_argument("profile", nargs="?", help="train and show one profile (default: the report as it is told)")
    report.add_argument("--cores", type=int, help="how many notebooks at once (default: the machine's, at most 8)")
    report.add_argument("--retrain", action="store_true", help="keep the profile's finished runs aside; train anew")
    report.add_argument("--pdf", action="store_true", help="print the page through headless Chromium too")
    report.set_defaults(command=_report)

    # it has no options of its own: with no prefix that marks one, all that follows is JupyterLab's, --help too
    lab = commands.add_parser(
        "lab",
        prefix_chars="\0",
        add_help=False,
        help="JupyterLab on copies of the notebooks; what follows is passed on to it",
    )
    lab.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...")
    lab.set_defaults(command=_lab)

    pairs = commands.add_parser("notebooks", help="run the report as it is told, and keep it in notebooks/*.ipynb")
    pairs.set_defaults(command=_notebooks)

    profiles = commands.add_parser("profiles", help="list the profiles: what each is, and how long it took")
    profiles.set_defaults(command=_profiles)
    params = commands.add_parser("params", help="list every parameter: type, default, meaning")
    params.set_defaults(command=_params)
    verify = commands.add_parser(
        "verify", help="derive the committed results, tables and sentences anew; 1 if one differs"
    )
    verify.set_defaults(command=_verify)

    search = commands.add_parser(
        "search",
        help="search the hyper-parameters of one model with Optuna, inside the training beats",
        description="Searches learning rate, warm-up, weight decay, dropout, filters, batch size and epochs of\n"
        "one model by its mean macro F1 over three folds of a profile's training beats.",
        epilog=_SEARCH_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    search.add_argument("--model", choices=get_args(ModelName), required=True)
    search.add_argument("--profile", default="demo", help="a file of params/ (default: demo)")
    search.add_argument("--dataset", help="a data set of the profile (default: its first)")
    search.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override; ranges lie around it",
    )
    search.add_argument(
        "--trials", type=int, default=50, help="how many in all, of all processes together (default: 50)"
    )
    search.add_argument("--timeout", type=float, metavar="S", help="begin no trial after so many seconds")
    search.add_argument("--storage", metavar="URL", help="of Optuna (default: a SQLite file in runs/search)")
    search.add_argument("--test", action="store_true", help="search no more; test the best once, which is counted")
    search.set_defaults(command=_search)

    predict = commands.add_parser(
        "predict",
        help="classify the beats of an ECG of one's own",
        description=f"{NOTICE} Finds the beats of one lead and classifies each with a model of this repository.",
        epilog=_PREDICT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    predict.add_argument("file", type=Path, metavar="FILE", help="a WFDB record, EDF, CSV or text, Apple Watch export")
    predict.add_argument("--lead", help="the lead's name or number (default: MLII or II, else the first)")
    predict.add_argument("--rate", type=float, metavar="HZ", help="samples a second, where the file does not say")
    predict.add_argument(
        "--model", default=DEFAULT_MODEL, help=f"NAME or NAME:MODEL, see docs/models.md ({DEFAULT_MODEL})"
    )
    predict.add_argument(
        "--decline",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="call the least sure beats 'not sure': below the probability that this share of the training patients' "
        f"beats is below, as 0.05; {DEFAULT_MODEL} only (default: 0)",
    )
    predict.add_argument("--csv", type=Path, metavar="FILE.csv", help="write the table of beats")
    predict.add_argument("--annotations", type=Path, metavar="RECORD.NAME", help="write a WFDB annotation file")
    predict.add_argument("--strip", type=Path, metavar="STEM", help="draw STEM.png and STEM.svg")
    predict.add_argument("--from", dest="start", type=float, default=0.0, metavar="S", help="where the strip begins")
    predict.add_argument("--seconds", type=float, default=60.0, metavar="S", help="how long the strip is (default: 60)")
    predict.set_defaults(command=_predict)

    doctor = commands.add_parser(
        "doctor", help="what is here: versions, device, disk, records; what the report would do"
    )
    doctor.set_defaults(command=_doctor)

    readme = commands.add_parser("readme", help="fill in tables, numbers and model cards from results")
    readme.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a table is another one")
    readme.set_defaults(command=_readme)
    return parser


# The imports are local, so that --help and a mistyped option answer at once.
def _build(options: argparse.Namespace) -> None:
    from ecglib.data.sources import build_beats
    from ecglib.data.splits import class_counts
    from ecglib.data.table import write_beats

    if options.engine == "spark":
        from ecglib.data.spark import spread

        engine = spread(options.master)
    else:
        engine = nullcontext()
    with engine as over:
        beats = build_beats(
            options.dataset,
            options.source,
            options.raw,
            options.beats,
            options.seed,
            options.detector,
            options.other_diagnoses,
            options.subset,
            over,
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


def _outline(options: argparse.Namespace) -> None:
    from ecglib.data.selection import make_outline

    path = make_outline(options.dataset, options.source)
    print(f"wrote {path}, {path.stat().st_size / 2**10:.0f} KiB")


def _run(options: argparse.Namespace) -> None:
    from ecglib.notebooks import run_notebook
    from ecglib.parameters import load_parameters, parse_setting

    overrides = dict(parse_setting(text) for text in options.settings)
    parameters = load_parameters(options.profile, **overrides)
    if options.retrain or options.no_training:
        # the notebook's kernel is a process of its own
        os.environ["ECGLIB_TRAIN"] = "anew" if options.retrain else "never"
    executed = run_notebook(options.notebook, parameters, options.dataset or parameters.datasets[0], overrides)
    print(f"wrote {executed}")


def _search(options: argparse.Namespace) -> None:
    from ecglib.experiment import Experiment
    from ecglib.parameters import load_parameters, parse_setting
    from ecglib.search.results import best_trial, final_test, publish
    from ecglib.search.study import as_options, open_study, search, settings

    if options.trials < 1:
        raise EcglibError(f"--trials: {options.trials} is none; give 1 or more")
    parameters = load_parameters(options.profile, **dict(parse_setting(text) for text in options.settings))
    experiment = Experiment(parameters, options.dataset or parameters.datasets[0])
    study = open_study(experiment, options.model, options.storage)
    if options.test:
        for line in final_test(study, experiment, options.model).to_dict("records"):
            print("seed {seed}: MCC {mcc:.4f}, macro F1 {f1_macro:.4f} on {beats:,} test beats".format(**line))
        return
    search(experiment, options.model, study, options.trials, options.timeout)
    for path in publish(study, experiment, options.model):
        print(f"wrote {path}")
    best = best_trial(study)
    print(f"best: trial {best.number}, macro F1 {best.value:.4f} over the folds")
    print(as_options(settings(best.params)))


def _predict(options: argparse.Namespace) -> None:
    from ecglib.predict.command import run

    print(NOTICE)
    try:
        run(options)
    except EcglibError as error:
        print(f"ecglib: {error}", file=sys.stderr)
        sys.exit(2)


def _report(options: argparse.Namespace) -> None:
    from ecglib.report.build import build_report

    page = build_report(options.profile or None, options.cores, options.retrain)
    if options.pdf:
        from ecglib.report.pdf import print_pdf

        print(f"PDF: {print_pdf(page, page.with_suffix('.pdf'))}")


def _lab(options: argparse.Namespace) -> None:
    from ecglib.report.lab import start_lab

    start_lab(options.arguments)


def _notebooks(options: argparse.Namespace) -> None:
    from ecglib.notebooks import keep_pairs
    from ecglib.report.build import build_report

    build_report()
    for path in keep_pairs():
        print(f"wrote {path}")


def _profiles(options: argparse.Namespace) -> None:
    from ecglib.parameters import profile_names, profile_words
    from ecglib.runs import training_seconds

    for name in profile_names():
        seconds = training_seconds(files.runs(name))
        print(f"{name}: {profile_words(name)}")
        print(f"    trained in {seconds / 3600:.1f} hours in all" if seconds else "    not trained here")


def _params(options: argparse.Namespace) -> None:
    from ecglib.parameters import described_parameters

    for name, kind, default, meaning in described_parameters():
        print(f"{name} ({kind}{f'; default {default}' if default else '; a profile must say it'})")
        if meaning:
            print(f"    {meaning}")


def _verify(options: argparse.Namespace) -> None:
    from ecglib.report.verify import verify

    for line in verify():
        print(line, flush=True)


def _doctor(options: argparse.Namespace) -> None:
    from ecglib.report.doctor import diagnose

    for line in diagnose():
        print(line, flush=True)


def _readme(options: argparse.Namespace) -> None:
    from ecglib.predict.cards import refresh_cards
    from ecglib.publish import refresh_tables
    from ecglib.report.numbers import refresh_numbers

    changed = [name for one in (refresh_tables, refresh_numbers, refresh_cards) for name in one(not options.check)]
    if options.check and changed:
        raise EcglibError(f"{changed[0]}: another one than in its file; run 'ecglib readme'")
    print(
        f"{len(changed)} tables, numbers and model cards filled in again"
        if changed
        else "all tables, numbers and model cards are those of the files"
    )


def entry() -> None:
    """What the installed command ``ecglib`` calls."""
    # a process that is told to end leaves nothing half-done behind, as at Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())


if __name__ == "__main__":
    entry()
