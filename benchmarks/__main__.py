"""``python -m benchmarks``: measure, print one table, write it to ``figures/benchmarks``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import torch

from benchmarks import crash, data_rows, fuzz, gpu, growth, model_rows, report_rows, scale
from benchmarks.measure import QUICK, Sizes, as_frame, as_text, conditions, load_beats, publish
from ecglib.names import EcglibError

MEASUREMENTS = {
    "pictures": model_rows.pictures,
    "cnn2d": model_rows.cnn2d,
    "fusion": model_rows.fusion,
    "training_step": model_rows.training_step,
    "inference": model_rows.inference,
    "training_memory": report_rows.training_memory,
    "kaggle": data_rows.kaggle_csv,
    "raw_records": data_rows.raw_records,
    "import": data_rows.importing,
    "unchanged_report": report_rows.unchanged_report,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks; the exit status is 0 whether or not all targets are reached."""
    options = _parser().parse_args(arguments)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    try:
        options.command(options)
    except EcglibError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    threads = argparse.ArgumentParser(add_help=False)
    threads.add_argument("--threads", type=_positive, help="of PyTorch (default: as it finds)")

    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, parents=[threads])
    parser.add_argument("--quick", action="store_true", help="tiny sizes on invented beats: shows that it runs")
    only = f"print these alone, write nothing: {', '.join(MEASUREMENTS)}"
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, metavar="NAME", help=only)
    parser.set_defaults(command=_table)

    commands = parser.add_subparsers(metavar="COMMAND")
    more = commands.add_parser("growth", parents=[threads], help="time and memory against the number of beats")
    more.add_argument("--sizes", type=_positive, nargs="+", default=growth.TRAINING_SIZES, help="beats of an epoch")
    more.add_argument("--data-sizes", type=_positive, nargs="+", default=growth.DATA_SIZES, help="of the data side")
    more.add_argument("--large", action="store_true", help=f"with an epoch of {growth.LARGEST_TRAINING:,} beats too")
    more.set_defaults(command=_growth)
    steps = commands.add_parser("scale", parents=[threads], help="each step per record; Spark on copies of MIT-BIH")
    steps.add_argument("--copies", type=_positive, nargs="+", default=scale.COPIES, help="of MIT-BIH")
    steps.add_argument("--master", default=scale.MASTER, help=f"where Spark runs (default: {scale.MASTER})")
    steps.set_defaults(command=_scale)
    wrong = commands.add_parser("fuzz", parents=[threads], help="every reader on files that are wrong by chance")
    wrong.add_argument("--cases", type=_positive, default=100_000, help="in all (default: 100000)")
    wrong.set_defaults(command=lambda options: fuzz.run(options.cases))
    kills = commands.add_parser("crash", parents=[threads], help="kills at random moments, full disks, eight at once")
    kills.add_argument("--kills", type=_positive, default=100, help="fewer of the slow steps (default: 100)")
    kills.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    kills.set_defaults(command=lambda options: crash.run(options.kills, options.seed))
    commands.add_parser("gpu", help="training steps on a GPU").set_defaults(command=lambda options: gpu.run())
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or above")
    return value


def _table(options: argparse.Namespace) -> None:
    beats = load_beats(options.quick)
    first_line = conditions(beats)
    if options.quick:
        first_line += "; tiny sizes, whose ratios mean nothing"
    print(first_line, flush=True)
    rows = []
    for name in options.only or MEASUREMENTS:
        rows += MEASUREMENTS[name](beats, QUICK if options.quick else Sizes())
    if not rows:
        raise EcglibError("nothing was measured: raw_records needs ECGLIB_DATA, and no --quick")
    frame = as_frame(rows)
    print(f"\n{as_text(frame)}")
    if options.only:
        # a part would take the place of the whole table
        return
    for path in publish(frame, first_line, "benchmarks-quick" if options.quick else "benchmarks"):
        print(f"wrote {path}")


def _growth(options: argparse.Namespace) -> None:
    sizes = [*options.sizes, growth.LARGEST_TRAINING] if options.large else options.sizes
    beats = load_beats(quick=False)
    first_line = f"{conditions(beats)}, drawn with noise from {growth.FEW}"
    growth.run(beats, sizes, options.data_sizes, torch.get_num_threads(), first_line)


def _scale(options: argparse.Namespace) -> None:
    beats = load_beats(quick=False)
    scale.run(beats, options.copies, options.master, conditions(beats))


if __name__ == "__main__":
    if "gpu" not in sys.argv:
        # all else is measured on the processor, also where there is a GPU
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    sys.exit(main())
