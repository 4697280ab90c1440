"""Progress: a line an epoch in a log, a bar where somebody watches."""

from ecglib.training.checkpoints import Epoch
from ecglib.training.progress import epoch_progress


def epochs() -> list[Epoch]:
    return [Epoch(number, 1e-3, 0.5, 0.75, 0.625, 0.5, 2.0) for number in (1, 2)]


def test_log_has_one_line_an_epoch(capsys, monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    with epoch_progress("2D CNN, ptb", 2) as on_epoch:
        for epoch in epochs():
            on_epoch(epoch)
    first, second = capsys.readouterr().out.splitlines()
    figures = "loss 0.5000, validation 0.6250, accuracy 0.7500, validation 0.5000, 2.0 s"
    assert (first, second) == (f"2D CNN, ptb: epoch 1/2, {figures}", f"2D CNN, ptb: epoch 2/2, {figures}")


def test_jupyter_has_a_bar_on_standard_output(capsys, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "notebooks/02_cnn_transformer.ipynb")
    with epoch_progress("2D CNN, ptb", 2) as on_epoch:
        for epoch in epochs():
            on_epoch(epoch)
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "100%" in printed.out and "2/2" in printed.out and "validation 0.6250" in printed.out
