"""Every reader on files that are wrong by chance: it reads them, or says why not in one line, soon, in little memory.

Each case takes a good file, overwrites, inserts, removes, repeats or cuts some of its bytes or words (chosen by
Hypothesis, MacIver et al. 2019, doi 10.21105/joss.01891), and reads it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.measure import publish
from ecglib import files
from ecglib.data import download, kaggle, ptb, ptbxl, synthetic
from ecglib.data.cut import UnusableRecord, read_lead
from ecglib.data.table import read_beats, write_beats
from ecglib.names import EcglibError
from ecglib.parameters import load_parameters, parse_setting
from ecglib.predict.readers import open_lead
from ecglib.runs import load_run

MOST_SECONDS = 60
MOST_MIB = 1024
_WORD = re.compile(rb"[0-9.eE+-]+|\w+")
_NASTY = (
    b"", b"0", b"-1", b"nan", b"inf", b"1e308", b"1e-400", b"99999999999999999999", b"2147483648", b"\0", b"\xff\xfe",
    b"\n", b"\r", b",", b";", b'"', b"'", b"../../x", b"/etc/passwd", b"[", b"{[a]: 1}", b"&a", b"*a",
    b"!!python/name:os", b"2001-13-45", b"1:2:3", b"%s", b"\xc3\xa9",
)  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """What is read: `make` writes good files into a folder and names the one that is damaged; `read` reads them."""

    make: Callable[[Path], Path]
    read: Callable[[Path], object]


def _csv(folder: Path) -> Path:
    signal = np.random.default_rng(0).random((12, 187)).round(4)
    rows = [",".join(map(str, [*row, number % 5])) + "\n" for number, row in enumerate(signal.tolist())]
    (folder / "mitbih_test.csv").write_text("".join(rows[:4]))
    (folder / "mitbih_train.csv").write_text("".join(rows[4:]))
    return folder / "mitbih_train.csv"


def _zip(folder: Path) -> Path:
    _csv(folder)
    with zipfile.ZipFile(folder / "heartbeat.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("mitbih_train.csv", "mitbih_test.csv"):
            archive.write(folder / name, name)
            (folder / name).unlink()
    return folder / "heartbeat.zip"


def _parquet(folder: Path) -> Path:
    return write_beats(synthetic.build("mitbih", 400), folder / "beats.parquet")


def _wfdb(folder: Path) -> Path:
    time_s = np.arange(4000) / 1000
    lead = np.round(2000 * np.exp(-((time_s % 0.8 - 0.4) ** 2) / 2e-4) + 90 * np.sin(9 * time_s)).astype(np.int64)
    wfdb.wrsamp(
        "rec", fs=1000, units=["mV", "mV"], sig_name=["i", "ii"], d_signal=np.stack([lead, -lead], axis=1),
        fmt=["16", "16"], adc_gain=[2000.0, 2000.0], baseline=[0, 0],
        comments=["Reason for admission: Healthy control"], write_dir=str(folder),
    )  # fmt: skip
    return folder / "rec.hea"


def _edf(folder: Path) -> Path:
    import edfio

    wave = np.sin(np.arange(2560) / 20)
    edfio.Edf([edfio.EdfSignal(wave, 256, label=name, physical_dimension="mV") for name in ("I", "II")]).write(
        folder / "rec.edf"
    )
    return folder / "rec.edf"


def _text(header: str, row: Callable[[int], str]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "ecg.csv").write_text(header + "".join(row(number) + "\n" for number in range(300)))
        return folder / "ecg.csv"

    return make


def _run(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        # a committed run that is small
        run = files.home() / "runs" / "ptb" / "ptb" / "late"
        shutil.copytree(run, folder, dirs_exist_ok=True)
        return folder / name

    return make


def _profile(folder: Path) -> Path:
    (folder / "params").mkdir()
    shutil.copy(files.home() / "params" / "demo.yaml", folder / "params" / "demo.yaml")
    return folder / "params" / "demo.yaml"


def _setting(folder: Path) -> Path:
    (folder / "setting").write_text("compared_with=[demo, ptb]")
    return folder / "setting"


def _tables(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        row = "{number},{number}.0,\"{{'NORM': 100.0, 'SR': 0.0}}\",{fold},records500/00000/{number:05d}_hr\n"
        rows = "".join(row.format(number=number, fold=number % 10 + 1) for number in range(1, 30))
        (folder / "ptbxl_database.csv").write_text("ecg_id,patient_id,scp_codes,strat_fold,filename_hr\n" + rows)
        (folder / "scp_statements.csv").write_text(",diagnostic,diagnostic_class\nNORM,1,NORM\nIMI,1,MI\nSR,,\n")
        return folder / name

    return make


def _list(name: str, line: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_text(line * 20)
        return folder / name

    return make


def _read_profile(path: Path) -> object:
    before = os.environ.get("ECGLIB_HOME")
    os.environ["ECGLIB_HOME"] = str(path.parents[1])
    try:
        return load_parameters("demo").label
    finally:
        if before is None:
            del os.environ["ECGLIB_HOME"]
        else:
            os.environ["ECGLIB_HOME"] = before


def _read_setting(path: Path) -> object:
    # an argument of a command has no other bytes
    return load_parameters(
        "demo", **dict([parse_setting(path.read_bytes().replace(b"\0", b"").decode(errors="replace"))])
    )


def _read_open(path: Path) -> object:
    lead = open_lead(path)
    return lead.read(0, min(lead.length, 5000))


def _read_sums(path: Path) -> object:
    return download._read_sums(path, str(path), "get it again")


def _classify(path: Path) -> object:
    return ptbxl.classify(ptbxl.read_tables(path.parent))


def _signals(make: Callable[[Path], Path]) -> Callable[[Path], Path]:
    return lambda folder: make(folder).with_suffix(".dat")


READERS = {
    "Kaggle CSV": Reader(_csv, lambda path: kaggle.build("mitbih", path.parent, subset=True)),
    "Kaggle zip": Reader(_zip, lambda path: kaggle.build("mitbih", path.parent, subset=True)),
    "beat table (Parquet)": Reader(_parquet, read_beats),
    "WFDB header, PTB": Reader(_wfdb, lambda path: read_lead(path.with_suffix(""), "ii", 1000.0)),
    "WFDB signals, PTB": Reader(_signals(_wfdb), lambda path: read_lead(path.with_suffix(""), "ii", 1000.0)),
    "RECORDS of PTB": Reader(_list("RECORDS", "patient001/s0010_re\n"), lambda path: ptb.record_names(path.parent)),
    "PTB-XL's records (CSV)": Reader(_tables("ptbxl_database.csv"), _classify),
    "PTB-XL's statements (CSV)": Reader(_tables("scp_statements.csv"), _classify),
    "list of sums": Reader(_list("SUMS", f"{'0a' * 32} records500/a.dat\n"), _read_sums),
    "profile (YAML)": Reader(_profile, _read_profile),
    "--set": Reader(_setting, _read_setting),
    "run.json": Reader(_run("run.json"), lambda path: load_run(path.parent)),
    "history of a run (CSV)": Reader(_run("history.csv"), lambda path: load_run(path.parent)),
    "predictions of a run (Parquet)": Reader(_run("predictions.parquet"), lambda path: load_run(path.parent)),
    "weights (safetensors)": Reader(_run("weights.safetensors"), lambda path: load_run(path.parent)),
    "predict: WFDB header": Reader(_wfdb, _read_open),
    "predict: WFDB signals": Reader(_signals(_wfdb), _read_open),
    "predict: EDF": Reader(_edf, _read_open),
    "predict: CSV": Reader(_text("time,MLII,V5\n", lambda n: f"{n / 250:.3f},{n % 7 / 10},{n % 9}"), _read_open),
    "predict: watch": Reader(
        _text("Name,A B\nSample Rate,512 hertz\n\nLead,Lead I\nUnit,µV\n\n", lambda n: f"{n % 50 - 10}.5"), _read_open
    ),
}  # fmt: skip

SETTINGS = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
# what is done, where (in 1/10000 of the file), with what
_changes = st.lists(
    st.tuples(
        st.sampled_from(["overwrite", "insert", "remove", "repeat", "cut", "word"]),
        st.integers(0, 9999),
        st.one_of(st.sampled_from(_NASTY), st.binary(min_size=1, max_size=8)),
    ),
    min_size=1,
    max_size=6,
)


def damaged(content: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    """A file's content after some changes."""
    for what, place, new in changes:
        start = place * len(content) // 10_000
        end = start + 1 + place % 40
        if what == "overwrite":
            content = content[:start] + new + content[start + len(new) :]
        elif what == "insert":
            content = content[:start] + new + content[start:]
        elif what == "remove":
            content = content[:start] + content[end:]
        elif what == "repeat":
            content = content[:end] + content[start:]
        elif what == "cut":
            content = content[:start]
        elif found := _WORD.search(content, start):
            content = content[: found.start()] + new + content[found.end() :]
    return content


@contextmanager
def _in_time() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError(f"took more than {MOST_SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(MOST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _memory_mib(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def fuzz(name: str, cases: int, derandomize: bool = False) -> dict[str, object]:
    """Try one reader on so many damaged files.

    Parameters
    ----------
    name : str
        A key of `READERS`.
    cases : int
    derandomize : bool
        Whether the cases are the same every time.

    Returns
    -------
    dict
        reader, cases, read, refused, slowest_s, added_mib.

    Raises
    ------
    Exception
        Whatever a reader raised that is no error of one line; AssertionError where it left or removed a file, or
        took too much memory; TimeoutError.
    """
    reader, slowest, count = READERS[name], 0.0, {"read": 0, "refused": 0}
    with tempfile.TemporaryDirectory() as sandbox:
        folder = Path(sandbox) / "in"
        folder.mkdir()
        path = reader.make(folder)
        content = path.read_bytes()
        # what is set up once is no growth
        reader.read(path)
        there = sorted(Path(sandbox).rglob("*"))
        # from here on the highest memory is counted anew
        Path("/proc/self/clear_refs").write_text("5")
        before = _memory_mib("VmRSS")

        @settings(SETTINGS, max_examples=cases, derandomize=derandomize)
        @given(_changes)
        def case(changes: list[tuple[str, int, bytes]]) -> None:
            nonlocal slowest
            path.write_bytes(damaged(content, changes))
            started = time.perf_counter()
            try:
                with _in_time():
                    reader.read(path)
                count["read"] += 1
            except (EcglibError, UnusableRecord) as error:
                assert "\n" not in str(error), f"an error of more than one line: {error}"
                count["refused"] += 1
            slowest = max(slowest, time.perf_counter() - started)
            assert sorted(Path(sandbox).rglob("*")) == there, "a file was left or removed"
            assert _memory_mib("VmHWM") - before < MOST_MIB, "took too much memory"

        case()
        added = max(0.0, _memory_mib("VmHWM") - before)
    return {"reader": name, "cases": sum(count.values()), **count, "slowest_s": slowest, "added_mib": added}


def run(cases: int) -> None:
    """Share so many cases among all readers; writes ``figures/benchmarks/fuzz`` (.csv, .md) and raises at the end.

    Raises
    ------
    EcglibError
        A reader failed; its case is printed.
    """
    rows, failed = [], []
    for name in READERS:
        try:
            rows.append(fuzz(name, -(-cases // len(READERS))))
            print(f"{name}: {rows[-1]['read']:,} read, {rows[-1]['refused']:,} refused", flush=True)
        except Exception as error:  # whatever a reader let through is what is looked for
            failed.append(name)
            for each in getattr(error, "exceptions", [error]):
                notes = " ".join(" ".join(getattr(each, "__notes__", [])).split())
                print(f"{name}: {type(each).__name__}: {str(each)[:300]} {notes[:400]}", flush=True)
        frame = pd.DataFrame(rows)
        told = f"{frame['cases'].sum():,} damaged files; readers that failed: {', '.join(failed) or 'none'}"
        # after each reader, since all of them take long
        publish(frame, told, "fuzz")
    if failed:
        raise EcglibError(f"fuzz: {len(failed)} of {len(READERS)} readers failed: {', '.join(failed)}")
