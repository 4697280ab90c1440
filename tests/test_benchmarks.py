"""The benchmarks' plain pipeline gives what ours gives, and their table is complete. No test asserts a time."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

# the benchmarks are run from the checkout and are not installed
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


from benchmarks import __main__ as command_line
from benchmarks import baseline, checkout, crash, data_rows, growth, measure, model_rows, report_rows, scale
from benchmarks.__main__ import MEASUREMENTS, main
from ecglib.data import kaggle, synthetic
from ecglib.data.table import Beats
from ecglib.designs import DESIGNS
from ecglib.models.pictures import colour_cells, decibels
from ecglib.names import EcglibError
from ecglib.training.examples import Examples
from ecglib.training.loop import predict, seeded, train
from ecglib.training.optimizers import Adamax, Noam, TrainingConfig

# every class, in turn, and another weight for each
WEIGHTS = np.array([0.5, 1, 2, 3, 1.5])


@pytest.fixture(scope="module")
def beats() -> Beats:
    table = synthetic.build("mitbih", 400)
    return table.take(np.argsort(np.argsort(table.label, kind="stable") % 40, kind="stable")[:80])


@pytest.fixture
def output(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    return tmp_path / "figures" / "benchmarks"


def dataset(beats: Beats, content: baseline.Content, folder: Path) -> baseline.BeatDataset:
    path = baseline.write_parquet(beats.signal, beats.label, folder / "beats.parquet")
    return baseline.BeatDataset(path, content)


def first_order(count: int, seed: int = 0) -> list[int]:
    """The order of the first epoch, drawn as `ecglib.training.train` draws it."""
    return torch.randperm(count).tolist()


def test_decibels_equal_ours(beats):
    ours = decibels(torch.from_numpy(beats.signal))
    plain = np.stack([baseline.decibels(beat) for beat in beats.signal])
    np.testing.assert_allclose(ours, plain, rtol=0, atol=1e-4)


def test_plotted_picture_shows_our_colours(beats):
    """In the middle of each cell, the plot inside its white margins has the colour that ours starts from."""
    some = torch.from_numpy(beats.signal[:3])
    # matplotlib's usual margins: left 0.125, right 0.1, bottom 0.11, top 0.12
    row = np.floor(128 * (0.12 + 0.77 * (np.arange(17) + 0.5) / 17)).astype(int)
    column = np.floor(128 * (0.125 + 0.775 * (np.arange(6) + 0.5) / 6)).astype(int)
    for cells, beat in zip(colour_cells(some), some, strict=True):
        plotted = baseline.picture(beat.numpy())
        assert plotted.shape == (3, 128, 128) and plotted.dtype == torch.float32
        np.testing.assert_allclose(plotted[:, row][:, :, column], cells, atol=0.02)
        assert (plotted == 1).all(dim=0).float().mean() == pytest.approx(0.4, abs=0.03)


def test_parquet_gives_the_beats_back(beats, tmp_path):
    signal, label = next(iter(baseline.loader(dataset(beats, "signal", tmp_path), range(len(beats)))))
    np.testing.assert_array_equal(signal, beats.signal[:16])
    np.testing.assert_array_equal(label, beats.label[:16])


def test_plain_training_has_the_loss_of_ours(beats, tmp_path):
    """Five steps of the 1D model in one order: Adam with and without fusing, dropout on."""
    examples = Examples((torch.from_numpy(beats.signal),), torch.from_numpy(beats.label))
    config = Noam(warm_up_steps=5)
    ours = DESIGNS["report"].new_model("cnn_transformer", 5, seed=0)
    (epoch,) = train(ours, examples, examples, TrainingConfig(epochs=1, optimizer=config), WEIGHTS).history

    plain = DESIGNS["report"].new_model("cnn_transformer", 5, seed=0)
    with seeded(0, 1):
        order = first_order(len(beats))
        batches = baseline.loader(dataset(beats, "signal", tmp_path), order)
        optimizer = baseline.make_optimizer(plain, config)
        weights = torch.tensor(WEIGHTS, dtype=torch.float32)
        losses = baseline.train_epoch(plain, batches, optimizer, config.learning_rate, weights)
    assert not optimizer.defaults["fused"]
    assert len(losses) == 5
    # each is a mean over its batch, weighted by class
    shares = WEIGHTS[beats.label[order]].reshape(5, 16).sum(axis=1)
    assert np.average(losses, weights=shares) == pytest.approx(epoch.train_loss, abs=1e-4)


def test_fusion_on_kept_scores_equals_branches_in_every_batch(beats, tmp_path):
    some = beats.take(np.arange(32))
    both = dataset(some, "both", tmp_path)
    drawn = torch.stack([both[index][1] for index in range(len(both))])
    label = torch.from_numpy(some.label)
    ours, plain = model_rows.new_hybrid(5), model_rows.new_hybrid(5)
    signal = Examples((torch.from_numpy(some.signal),), label)
    outputs = model_rows.branch_scores(ours, signal, Examples((drawn,), label))

    in_order = baseline.loader(both, range(len(both)))
    torch.testing.assert_close(predict(ours.fusion, outputs)[0], baseline.predict(plain, in_order))

    config = Adamax(rate=0.1, weight_decay=0.01)
    train(ours.fusion, outputs, outputs, TrainingConfig(epochs=1, optimizer=config), WEIGHTS)
    with seeded(0, 1):
        batches = baseline.loader(both, first_order(len(both)))
    baseline.train(plain, batches, in_order, config, WEIGHTS, epochs=1)
    for name, value in ours.fusion.state_dict().items():
        torch.testing.assert_close(plain.fusion.state_dict()[name], value, atol=1e-4, rtol=1e-4)
    assert not torch.equal(plain.fusion.weight_1d, torch.ones(5))


def test_csv_is_read_as_pandas_reads_it(beats, tmp_path):
    data_rows.write_csv(beats, 50, tmp_path)
    files = [tmp_path / name for name in data_rows.CSV_NAMES]
    assert len(files[0].read_text().splitlines()[0].split(",")) == 188
    plain = pd.concat([pd.read_csv(file, header=None) for file in files]).to_numpy()
    ours = kaggle.build("mitbih", tmp_path, subset=True)
    assert len(ours) == 50 and (ours.split == "test").sum() == 10
    np.testing.assert_array_equal(ours.signal, plain[:, :-1].astype(np.float32))
    np.testing.assert_array_equal(ours.label, plain[:, -1])


def test_operations_are_those_of_the_layers():
    """Forward and two backward products; the first convolution needs no gradient of its input."""
    lengths = {185: 3, 183: 3 * 128, 89: 3 * 128, 42: 3 * 128, 19: 3 * 128}
    convolutions = sum(length * 128 * inputs for length, inputs in lengths.items()) + 185 * 128 * 3 * 128
    projections = 8 * 10 * 128 * (4 * 128 + 2 * 64) + 128 * 5
    attention = 8 * 2 * 10 * 10 * 128
    expected = 2 * (3 * (convolutions + projections + attention) - 185 * 128 * 3)
    signal, label = np.zeros((4, 187), dtype=np.float32), np.zeros(4, dtype=np.int64)
    assert model_rows.step_operations(signal, label, 5) == pytest.approx(4 * expected, rel=0.01)


def test_measurements_alternate():
    calls = []

    def value(name: str, number: float) -> float:
        calls.append(name)
        return number * len(calls)

    medians = measure.interleaved(lambda: value("baseline", 1), lambda: value("ours", 10), 3)
    assert calls == ["baseline", "ours"] * 3
    assert medians == (3, 40)


def test_targets():
    def reached(target: measure.Target) -> bool:
        return measure.Row("", baseline=8, ours=2, unit="s", ratio=4, target=target, repetitions=1).reached

    assert reached(measure.Target(4)) and not reached(measure.Target(5))
    assert reached(measure.Target(4, at_most=True)) and not reached(measure.Target(3, at_most=True))
    assert reached(measure.Target(2, at_most=True, of="ours")) and not reached(measure.Target(3, of="ours"))


def test_memory_is_that_of_the_work_alone():
    added = measure.added_memory("import numpy as np", "kept = np.ones(8 * 2**20)")
    assert added == pytest.approx(64, rel=0.1)


def test_quick_table_is_complete(output, capsys):
    assert main(["--quick"]) == 0
    # beside a real table, not in its place
    assert not (output / "benchmarks.csv").exists()
    lines = (output / "benchmarks-quick.csv").read_text().splitlines()
    assert lines[0].startswith("# ") and "invented beats" in lines[0] and torch.__version__ in lines[0]
    table = pd.read_csv(output / "benchmarks-quick.csv", comment="#")
    assert table.columns.tolist() == ["what", "baseline", "ours", "unit", "ratio", "target", "reached", "repetitions"]
    # two rows each of fusion, training step, training memory and Kaggle files, none of the slow ones
    assert len(table) == len(MEASUREMENTS) + 4 - 2
    assert table["what"].is_unique and set(table["reached"]) <= {"yes", "no"}
    numbers = table[["baseline", "ours", "ratio", "repetitions"]].to_numpy()
    assert np.isfinite(numbers).all() and (numbers > 0).all()
    printed = capsys.readouterr().out
    text = (output / "benchmarks-quick.md").read_text()
    assert text.split("\n", 2)[2].strip() in printed
    assert all(what in text for what in table["what"])


def test_part_of_the_table_is_printed_alone(output, capsys):
    assert main(["--quick", "--only", "import"]) == 0
    assert "import ecglib" in capsys.readouterr().out
    assert not output.exists()


def test_unchanged_report_is_asked_for_as_make_asks_for_it():
    build = (measure.CHECKOUT / "ecglib" / "report" / "build.py").read_text()
    for option in report_rows.SNAKEMAKE[5:]:
        assert option in build


def test_growth_fits_slopes_and_writes_table_and_figure(output, beats, monkeypatch, capsys):
    def power_law(work: str, beats: int, few: Path, threads: int) -> dict[str, float]:
        assert few.is_file()
        return {"seconds": 1e-3 * beats, "peak_mib": 0.1 * beats**0.5}

    monkeypatch.setattr(growth, "measure", power_law)
    monkeypatch.setattr(command_line, "load_beats", lambda quick: beats)
    assert main(["growth", "--sizes", "1000", "100", "--data-sizes", "100", "10000"]) == 0
    table = pd.read_csv(output / "growth.csv", comment="#")
    assert table["beats"].tolist() == [100, 10_000, 100, 1000, 100, 1000]
    assert table["work"].tolist() == ["data", "data", "cnn2d", "cnn2d", "cnn_transformer", "cnn_transformer"]
    drawn = (output / "growth.png").stat().st_size, (output / "growth.svg").stat().st_size
    assert min(drawn) > 1000
    assert growth.slope(table["beats"], table["seconds"]) == pytest.approx(1)
    axes = growth.draw(table, "").axes
    assert [text.get_text()[-10:] for text in axes[0].get_legend().get_texts()] == ["slope 1.00"] * 3
    assert [text.get_text()[-10:] for text in axes[1].get_legend().get_texts()] == ["slope 0.50"] * 3


@pytest.mark.parametrize("work", growth.TITLES)
def test_growth_measures_a_point(work, beats, tmp_path):
    few = growth.few_of_each_class(beats, tmp_path / "few.parquet")
    point = growth.measure(work, beats=100, few=few, threads=1)
    assert point["seconds"] > 0 and point["peak_mib"] >= 0


def test_unusable_arguments_are_told_in_one_line(output, beats, monkeypatch, capsys):
    monkeypatch.setattr(command_line, "load_beats", lambda quick: beats)
    assert main(["growth", "--data-sizes", "10", "1000"]) == 1
    assert capsys.readouterr().err.startswith("benchmarks: --data-sizes: a slope needs two")
    assert main(["growth", "--sizes", "1000"]) == 1
    assert capsys.readouterr().err.startswith("benchmarks: --sizes: a slope needs two")
    assert main(["--quick", "--only", "raw_records"]) == 1
    assert capsys.readouterr().err.startswith("benchmarks: nothing was measured")
    with pytest.raises(SystemExit):
        main(["--only", "everything"])
    with pytest.raises(measure.EcglibError, match="ZeroDivisionError"):
        measure.interpreter("-c", "1 / 0")


def test_spark_pays_where_the_lines_cross():
    points = pd.DataFrame({"records": [48, 480], "builtin_s": [4.8, 48.0], "spark_s": [20 + 2.4, 20 + 24.0]})
    assert scale.paying(points) == "Spark pays from 400 records of half an hour on (measured)"
    assert "not measured" in scale.paying(points.assign(spark_s=points["spark_s"] + 20))
    assert scale.paying(points.assign(spark_s=points["builtin_s"] * 2)).endswith("Spark pays at no size here")


def test_steps_are_measured(beats, data_folder, monkeypatch):
    monkeypatch.setattr(scale, "RECORDS", 8)
    table = scale.steps(beats, data_folder / "ptb-xl")
    assert len(table) == 6 and np.isfinite(table["exponent"]).all()


@pytest.fixture
def copy(tmp_path) -> checkout.Checkout:
    return checkout.Checkout(tmp_path / "checkout")


def test_a_kill_leaves_nothing_and_another_result_is_seen(copy, monkeypatch):
    generator = crash.random.Random(0)
    row = crash.killed_at_work(copy, "build", crash._build, 2, generator)
    assert (row["times"], row["outcome"]) == (2, "identical, nothing left behind")

    # more beats than the undisturbed command made
    arguments = [word.replace("20000", "20001") for word in crash._BUILD]
    copy.known[arguments := tuple(arguments)] = (1.0, copy.undisturbed(crash._BUILD)[1])
    assert crash.killed(copy, arguments, 1, generator)["outcome"].startswith("1 files differ")


def test_only_the_victim_is_killed_and_a_traceback_is_seen(copy):
    """Two stand-ins at work in the checkout, one of which ends with a traceback."""
    environment = {**os.environ, "PYTHONPATH": str(copy.folder)}
    codes = ("import time; time.sleep(600)", "import time; time.sleep(600) or 'other'")
    started = [subprocess.Popen([sys.executable, "-c", code], env=environment) for code in codes]
    try:
        while len(copy.processes()) < 2:
            time.sleep(0.05)
        assert not copy.kill("nobody") and copy.kill("'other'")
        assert started[1].wait() == -9 and started[0].poll() is None
        assert copy.kill() and started[0].wait() == -9 and not copy.processes()
    finally:
        for process in started:
            process.kill()
    with pytest.raises(EcglibError, match="crash: a traceback: ValueError: x"):
        crash._in_one_line("Traceback (most recent call last):\nValueError: x\n")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting a file system needs root")
def test_a_disk_that_is_full_is_told_and_everything_is_made_when_there_is_room(tmp_path):
    row = crash.full(tmp_path / "disk", crash._BUILD, 2, crash.random.Random(0))
    assert row["fault"].endswith("(2 refused)") and row["outcome"] == "identical, nothing left behind"


def test_clocks_do_not_count_as_another_result(tmp_path):
    digests = set()
    for seconds in (1, 2):
        (tmp_path / "run.json").write_text(f'{{"train_s": {seconds}, "best_epoch": 3}}')
        (tmp_path / "history.csv").write_text(f"epoch,seconds\n1,{seconds}\n")
        digests.add((checkout._digest(tmp_path / "run.json"), checkout._digest(tmp_path / "history.csv")))
    assert len(digests) == 1
    (tmp_path / "run.json").write_text('{"train_s": 1, "best_epoch": 4}')
    assert checkout._digest(tmp_path / "run.json") not in {run for run, _ in digests}
