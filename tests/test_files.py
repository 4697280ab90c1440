"""Replacing a file wholly or not at all."""

import os
import platform
import subprocess
import sys

import pytest

from ecglib.files import read_sealed, replacing, write_sealed


def test_new_content_takes_the_old_ones_place(tmp_path):
    path = tmp_path / "new folder" / "table.md"
    for text in ("first", "second"):
        with replacing(path) as temporary:
            temporary.write_text(text)
        assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


def test_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "table.md"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_stays(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path; from ecglib.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "killed.csv"])
    (left,) = tmp_path.iterdir()
    living = left.with_name(left.name.replace("killed", "living").rsplit(".", 2)[0] + f".{os.getppid()}.part")
    other_machine = left.with_name(left.name.replace(platform.node(), "elsewhere"))
    for path in (living, other_machine, tmp_path / ".notes.1.part"):
        path.write_text("precious")
    with replacing(tmp_path / "table.md") as temporary:
        temporary.write_text("whole")
    assert set(tmp_path.iterdir()) == {living, other_machine, tmp_path / ".notes.1.part", tmp_path / "table.md"}


def test_sealed_content_comes_back_and_nothing_else_does(tmp_path, capsys):
    path = tmp_path / "cache"
    assert read_sealed(path) is None and capsys.readouterr().out == ""
    write_sealed(path, b"content")
    assert read_sealed(path) == b"content"
    for damaged in (b"", b"other" + path.read_bytes()[5:], path.read_bytes()[:-1], b"content"):
        path.write_bytes(damaged)
        assert read_sealed(path) is None and capsys.readouterr().out == f"{path}: damaged; it is made anew\n"
