"""The command line: exit status, one line for what is wrong, nothing overwritten."""

import os
import subprocess
import sys

import pytest

from ecglib.cli import main
from ecglib.data.table import read_beats


def run(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as stop:
        status = stop.code
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def build(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    return run(capsys, "data", "build", *arguments)


@pytest.mark.parametrize(("dataset", "classes"), [("mitbih", 5), ("ptb", 2), ("ptbxl", 2)])
def test_synthetic_table_is_built_and_counted(capsys, tmp_path, dataset, classes):
    out = tmp_path / "beats.parquet"
    status, printed, _ = build(capsys, dataset, "--source", "synthetic", "--beats", 400, "--seed", 5, "--out", out)
    assert status == 0
    beats = read_beats(out)
    assert len(beats) == 400 and beats.metadata.is_synthetic and len(beats.metadata.class_names) == classes
    assert f"wrote {out}: 400 beats of {dataset} (synthetic)" in printed


def test_real_table_from_the_command_line(capsys, tmp_path, data_folder):
    out = tmp_path / "beats.parquet"
    raw = data_folder / "mitdb"
    status, printed, _ = build(capsys, "mitbih", "--source", "physionet", "--raw", raw, "--out", out)
    assert status == 0
    assert "train  87,554 beats: N 72,471, S 2,223, V 5,788, F 641, Q 6,431" in printed
    assert "test   21,892 beats: N 18,118, S 556, V 1,448, F 162, Q 1,608" in printed


def test_real_ptb_from_the_command_line_names_what_it_skips(capsys, tmp_path, data_folder):
    if not (data_folder / "ptbdb").is_dir():
        pytest.skip("needs PTB records: ECGLIB_DATA has no ptbdb")
    out = tmp_path / "beats.parquet"
    status, printed, _ = build(capsys, "ptb", "--source", "physionet", "--raw", data_folder / "ptbdb", "--out", out)
    assert status == 0
    skipped = [line for line in printed.splitlines() if line.startswith("skipped ")]
    beats = read_beats(out)
    assert len(skipped) == len(beats.metadata.skipped) > 0
    assert f"{len(set(beats.record))} records of {len(set(beats.subject))} subjects, {len(skipped)} skipped" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mitbih", "--source", "physionet", "--raw", "/nowhere"), "/nowhere"),
        (("mitbih", "--source", "kaggle", "--raw", "/nowhere"), "/nowhere"),
        (("ptb", "--source", "physionet", "--raw", "/nowhere"), "/nowhere"),
        (("ptbxl", "--source", "physionet", "--raw", "/nowhere"), "/nowhere"),
        (("ptbxl", "--source", "kaggle"), "Kaggle has no beats of it"),
        (("mitbih", "--source", "synthetic", "--beats", "7"), "too few"),
        (("mitbih", "--source", "synthetic", "--beats", "100000000000"), "too many"),
    ],
)
def test_unusable_input_is_told_in_one_line_and_keeps_what_was_there(capsys, tmp_path, arguments, message):
    out = tmp_path / "beats.parquet"
    out.write_text("precious")
    status, _, error = build(capsys, *arguments, "--out", out)
    assert status == 1
    assert error.startswith("ecglib: ") and message in error and error.count("\n") == 1
    assert out.read_text() == "precious" and list(tmp_path.iterdir()) == [out]


def test_unset_data_folder_is_named(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("ECGLIB_DATA", str(tmp_path / "gone"))
    status, _, error = build(capsys, "mitbih", "--source", "physionet", "--out", tmp_path / "x.parquet")
    assert status == 1 and "ECGLIB_DATA=" in error


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("data",),
        ("data", "build", "hits", "--source", "synthetic", "--out", "x.parquet"),
        ("data", "build", "mitbih", "--source", "web", "--out", "x.parquet"),
        ("data", "build", "mitbih", "--source", "synthetic"),
        ("run",),
    ],
)
def test_unusable_arguments_have_status_2(capsys, arguments):
    status, _, error = run(capsys, *arguments)
    assert status == 2 and error.count("\n") == 1 and "--help'" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "02", "--profile", "huge"), "profile 'huge' does not exist"),
        (("run", "/elsewhere/00_data.py"), "notebook '/elsewhere/00_data.py': not in "),
        (("run", "99"), "notebook '99': not found; notebooks/ has 00_data"),
        (("run", "02", "--dataset", "hits"), "dataset: profile 'demo' has no 'hits'"),
        (("run", "02", "--set", "cnn_transformer_epoch=3"), "did you mean 'cnn_transformer_epochs'?"),
        (("run", "02", "--set", "cnn_transformer_epochs=three"), "cnn_transformer_epochs: 'three' is wrong"),
        (("run", "02", "--set", "epochs"), "--set 'epochs': expected key=value"),
    ],
)
def test_unusable_run_is_told_in_one_line(capsys, arguments, message):
    status, _, error = run(capsys, *arguments)
    assert status == 1
    assert error.startswith("ecglib: ") and message in error and error.count("\n") == 1


@pytest.mark.parametrize("output", ["file", "file/below", "/proc/none"])
def test_an_output_that_cannot_be_written_is_told_in_one_line(capsys, tmp_path, monkeypatch, output):
    (tmp_path / "file").write_text("precious")
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path / output))
    status, _, error = run(capsys, "run", "00", "--set", "synthetic_beats=300")
    assert status == 1 and error.startswith("ecglib: ") and error.count("\n") == 1 and "ECGLIB_OUTPUT" in error
    assert (tmp_path / "file").read_text() == "precious"


def test_a_full_disk_is_told_in_one_line(tmp_path):
    """No file may be larger than 50 kB, which an executed notebook and its figures are."""
    out = tmp_path / "beats.parquet"
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000));"
        "from ecglib.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [
        sys.executable,
        "-c",
        code,
        "data",
        "build",
        "ptb",
        "--source",
        "synthetic",
        "--beats",
        "400",
        "--out",
        out,
    ]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 1 and not list(tmp_path.iterdir())
    assert finished.stderr == f"ecglib: {out}: cannot be written (File too large); make room or choose another place\n"


def test_ctrl_c_is_told_in_one_line(capsys, monkeypatch):
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ecglib.notebooks.run_notebook", stop)
    assert run(capsys, "run", "00") == (130, "", "ecglib: stopped; the same command goes on from here\n")


def test_doctor_tells_where_records_come_from_and_what_the_report_would_do(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("ECGLIB_DATA", str(tmp_path))
    monkeypatch.setattr("ecglib.report.doctor.table_path", lambda *_: tmp_path / "none")
    (tmp_path / "mitdb").mkdir()
    status, printed, _ = run(capsys, "doctor")
    lines = dict(line.split(": ", 1) for line in printed.splitlines() if ": " in line)
    assert status == 0 and lines["MIT-BIH"] == f"a training would read {tmp_path / 'mitdb'}"
    assert "no folder ptbdb" in lines["PTB"] and "GB free" in lines["disk"]
    assert "nothing to do" in lines["make report"] or "notebooks" in lines["make report"]
    monkeypatch.setenv("ECGLIB_DATA", str(tmp_path / "gone"))
    assert "no such folder" in run(capsys, "doctor")[1]


def test_commands_and_choices_are_completed(tmp_path):
    answer = tmp_path / "answer"
    line = "ecglib data build mitbih --source phys"
    environment = {**os.environ, "_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "COMP_LINE": line}
    environment |= {"COMP_POINT": str(len(line)), "COMP_TYPE": "9", "_ARGCOMPLETE_STDOUT_FILENAME": str(answer)}
    subprocess.run([sys.executable, "-m", "ecglib.cli"], env=environment, check=True)
    assert answer.read_text().strip() == "physionet"
