"""The script for a machine with a graphics processor, on the CPU: it runs, stops in time and goes on."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.gpu import main
from ecglib.data import synthetic
from ecglib.data.compact import write_compact


def test_training_goes_on_where_time_was_over(tmp_path, capsys):
    beats = synthetic.build("mitbih", 200)
    table = write_compact(beats, tmp_path / "beats.npz")
    arguments = [str(table), str(tmp_path / "out"), "--epochs", "2", "--repetitions", "2", "--steps", "1"]
    assert main([*arguments, "--minutes", "0"]) == 3
    assert main(arguments) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [row[:3] for row in summary["steps"]] == [
        [name, count, "as it is"] for name in ("CnnTransformer", "Cnn2d") for count in (1, 2)
    ]
    assert [row["together"] for row in summary["trainings"]] == [1, 2]
    for name in ("1-0", "2-0", "2-1"):
        history = json.loads((tmp_path / "out" / f"cnn_transformer-{name}.json").read_text())["history"]
        assert [epoch["epoch"] for epoch in history] == [1, 2]
        saved = np.load(tmp_path / "out" / f"cnn_transformer-{name}.npz")
        assert saved["scores"].shape == (np.count_nonzero(beats.split == "test"), 5)
        assert saved["output.weight"].shape == (5, 128)


def test_file_that_is_no_table_is_told(tmp_path, capsys):
    assert main([str(tmp_path / "absent.npz"), str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.startswith("benchmarks: ")
    with pytest.raises(SystemExit):
        main([])
