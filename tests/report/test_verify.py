"""One changed digit is found: in a prediction, in a table, in a sentence."""

import json
import os
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecglib import files
from ecglib.cli import main
from ecglib.predict.cards import refresh_cards

KEPT = "reduced"


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """The committed results of one profile, and what stands beside them."""
    home = files.home()
    for folder in (
        "runs/beats",
        "runs/context",
        f"runs/{KEPT}",
        f"runs/{KEPT}-split-patient",
        f"figures/{KEPT}",
        "figures/predict",
    ):
        shutil.copytree(home / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.png", "*.svg", "notebooks"))
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "params").mkdir()
    shutil.copy(home / "params" / f"{KEPT}.yaml", tmp_path / "params")
    text = (tmp_path / "params" / f"{KEPT}.yaml").read_text()
    (tmp_path / "params" / f"{KEPT}.yaml").write_text(text.replace("compared_with: [short]", "compared_with: []"))
    # they show other profiles, which are not here
    for name in ("epochs", "looked_agreement", "new_people", "new_people_known", "new_people_targets"):
        for ending in ("csv", "md"):
            (tmp_path / "figures" / KEPT / f"table_{name}_mitbih.{ending}").unlink()
    sentence = f"MCC of <!--n {KEPT}/table4_mitbih model=late reported_by=ours : mcc percent-->87.29<!--/n-->.\n"
    (tmp_path / "README.md").write_text(sentence)
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    monkeypatch.delenv("ECGLIB_DATA", raising=False)
    # `ecglib verify` sets it for its process
    monkeypatch.setitem(os.environ, "ECGLIB_TRAIN", "never")
    (tmp_path / "docs").mkdir()
    # they tell of the other profiles, too
    refresh_cards()
    return tmp_path


def verdict(capsys: pytest.CaptureFixture) -> tuple[int, str]:
    status = main(["verify"])
    printed = capsys.readouterr()
    return status, printed.out + printed.err


def test_committed_results_are_verified(checkout, capsys):
    status, printed = verdict(capsys)
    assert status == 0, printed
    assert f"{KEPT}: " in printed and "tables are those of the runs" in printed
    assert "mitbih: no records at hand" in printed


def test_a_changed_prediction_is_found(checkout, capsys):
    path = checkout / "runs" / KEPT / "mitbih" / "late" / "predictions.parquet"
    table = pq.read_table(path)
    scores = table["scores"].combine_chunks()
    values = scores.flatten().to_numpy().copy()
    # the first beat gets another class
    values[:5] = values[:5][::-1]
    changed = pa.FixedSizeListArray.from_arrays(pa.array(values), 5)
    pq.write_table(table.set_column(table.schema.get_field_index("scores"), "scores", changed), path)
    status, printed = verdict(capsys)
    assert status == 1 and "late: damaged run (predictions.parquet is not what run.json has the digest of)" in printed


def test_a_changed_metric_is_found(checkout, capsys):
    path = checkout / "runs" / KEPT / "mitbih" / "cnn2d" / "run.json"
    summary = json.loads(path.read_text())
    summary["metrics"]["mcc"] = 0.999
    path.write_text(json.dumps(summary))
    status, printed = verdict(capsys)
    assert status == 1 and "cnn2d: damaged run" in printed


def test_changed_weights_are_found(checkout, capsys):
    folder = checkout / "runs" / KEPT / "mitbih"
    shutil.copy(folder / "sum" / "weights.safetensors", folder / "concat" / "weights.safetensors")
    status, printed = verdict(capsys)
    assert status == 1 and "concat: damaged run (weights.safetensors is not" in printed


def test_a_changed_table_is_found(checkout, capsys):
    path = checkout / "figures" / KEPT / "table4_mitbih.csv"
    path.write_text(path.read_text().replace("0.87289", "0.87298"))
    status, printed = verdict(capsys)
    assert status == 1 and "table4_mitbih.csv: line 8 is not what the runs give" in printed


def test_a_changed_sentence_is_found(checkout, capsys):
    (checkout / "README.md").write_text((checkout / "README.md").read_text().replace("87.29", "87.92"))
    status, printed = verdict(capsys)
    assert status == 1 and "README.md: '87.92' is '87.29'" in printed
