"""``ecglib predict``: what it prints and writes, one line and status 2 for what is wrong, and nobody's name."""

from __future__ import annotations

import re

import pytest

from ecglib.cli import main


def run(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    try:
        status = main(["predict", *map(str, arguments)])
    except SystemExit as stop:
        status = stop.code
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_everything_of_a_watchs_export_but_its_owner(capsys, tmp_path, invented, watch, person):
    path = tmp_path / "ecg.csv"
    path.write_text(watch(invented(30, 511.422), "511,422 hertz", ",", german=True), encoding="utf-8")
    made = tmp_path / "made"
    made.mkdir()
    status, printed, error = run(
        capsys, path, "--csv", made / "beats.csv", "--annotations", made / "ecg.own", "--strip", made / "strip"
    )
    lines = printed.splitlines()
    assert status == 0 and error == "" and lines[0] == "Research software, not a medical device."
    assert lines[1] == f"{path}: lead I, 511.422 samples a second, 0:30"
    assert lines[2].startswith("context (a beat beside its neighbours)")
    assert lines[3].startswith("on 22 records of other people, sensitivity and predictive value: QRS 99.")
    assert " beats by context" in lines[4]
    assert sorted(one.name for one in made.iterdir()) == ["beats.csv", "ecg.own", "strip.png", "strip.svg"]
    for word in person:
        assert word not in printed + error
        assert not any(word.encode() in one.read_bytes() for one in made.iterdir())


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (None, (), "no such file"),
        ("", (), "empty"),
        ("hello\n", (), "no table of numbers"),
        ("1\n2\n" * 900, (), "give the samples a second with --rate"),
        ("1\n2\n" * 900, ("--rate", "fast"), "--rate: invalid float value: 'fast'"),
        ("1\n2\n" * 900, ("--rate", "3"), "3 samples a second; from 100"),
        ("ecg,v1\n" + "1,2\n" * 900, ("--rate", "250", "--lead", "V9"), "no lead 'V9'; there is ecg, v1"),
        ("1\n" * 900 + "Weissenfels\n", ("--rate", "250"), "row 901, column 1 is no number"),
        ("1\n" * 9000, ("--rate", "250"), "x.csv: nothing can be classified: 36 of 36 s (0:00 to 0:36 flat)"),
        ("1\n2\n" * 900, ("--rate", "250", "--model", "huge"), "model 'huge': unknown"),
        ("1\n2\n" * 900, ("--rate", "250", "--decline", "5"), "decline: 5 is no share of beats"),
        ("1\n2\n" * 900, ("--rate", "250", "--decline", "nan"), "decline: nan is no share of beats"),
        ("1\n2\n" * 900, ("--rate", "250", "--decline", "0.05", "--model", "best"), "only context has one"),
        ("1\n2\n" * 900, ("--rate", "250", "--csv", "gone/x.csv"), "there is no folder"),
        ("1\n2\n" * 900, ("--rate", "250", "--annotations", "x.atr"), "choose another ending"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(capsys, tmp_path, monkeypatch, content, options, message):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "x.csv").write_text(content)
    options = ("--csv", "out.csv", *options) if "--csv" not in options else options
    status, _, error = run(capsys, tmp_path / "x.csv", *options)
    assert status == 2 and message in error and re.match("ecglib( predict)?: ", error) and error.count("\n") == 1
    assert "Weissenfels" not in error
    assert [one.name for one in tmp_path.iterdir()] == ([] if content is None else ["x.csv"])


def test_help_says_what_it_is(capsys):
    status, printed, _ = run(capsys, "--help")
    assert status == 0 and "Research software, not a medical device." in printed


def test_a_real_record(capsys, mitdb):
    status, printed, _ = run(capsys, mitdb / "119", "--lead", "mlii", "--model", "best:cnn_transformer")
    assert status == 0 and "lead MLII, 360 samples a second, 30:05" in printed and "was not measured" in printed
    counts = {
        name: int(number.replace(",", "")) for name, number in re.findall(r"\b([NSVFQ]) (\d[\d,]*\d|\d)", printed)
    }
    # of 1,543 and 444 in the reference
    assert 1450 < counts["N"] < 1650 and 400 < counts["V"] < 480
