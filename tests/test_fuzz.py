"""A few hundred of the damaged files that ``make fuzz`` tries by the hundred thousand, the same every time."""

import sys
from pathlib import Path

import pytest

# the benchmarks are run from the checkout and are not installed
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import fuzz
from ecglib.names import EcglibError

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from Linux's /proc")


@pytest.mark.parametrize("name", fuzz.READERS)
def test_reader_refuses_damaged_files_in_one_line(name):
    row = fuzz.fuzz(name, cases=20, derandomize=True)
    assert row["cases"] == 20 and row["refused"] > 0


def test_damage():
    content = b"rate,360\n"
    assert fuzz.damaged(content, [("overwrite", 0, b"R")]) == b"Rate,360\n"
    assert fuzz.damaged(content, [("insert", 0, b"a ")]) == b"a rate,360\n"
    assert fuzz.damaged(content, [("remove", 0, b"")]) == b"ate,360\n"
    assert fuzz.damaged(content, [("repeat", 0, b"")]) == b"rrate,360\n"
    assert fuzz.damaged(content, [("cut", 5000, b"")]) == b"rate"
    assert fuzz.damaged(content, [("word", 5000, b"nan")]) == b"rate,nan\n"


def refuse(words: str) -> None:
    raise EcglibError(words)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (lambda path: 1 / 0, ZeroDivisionError),
        (lambda path: (path.parent / "new").touch(), AssertionError),
        (lambda path: refuse("two\nlines"), AssertionError),
    ],
)
def test_what_a_reader_must_not_do_is_seen(wrong, expected, monkeypatch):
    calls = []

    def read(path: Path) -> None:
        # the good file first
        calls.append(path)
        if len(calls) > 1:
            wrong(path)

    monkeypatch.setitem(fuzz.READERS, "wrong", fuzz.Reader(fuzz._setting, read))
    with pytest.raises(expected):
        fuzz.fuzz("wrong", cases=3, derandomize=True)
