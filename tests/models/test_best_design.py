"""The design `best`: its networks, its spectrogram, its varied beats, from branch to fusion."""

import numpy as np
import pytest
import torch
from scipy.signal import get_window
from torch import nn

from ecglib.designs import DESIGNS
from ecglib.designs.best import BEST
from ecglib.experiment import Experiment
from ecglib.models.pictures import log_magnitude
from ecglib.models.residual import Residual, ResidualBlock, ResidualConfig
from ecglib.parameters import load_parameters
from ecglib.training.examples import DRIFT, GAIN, NOISE, STRETCH, Examples, augment
from ecglib.training.optimizers import training_config
from ecglib.training.steps import Step


def beats(count: int = 64, length: int = 120) -> torch.Tensor:
    signal = torch.rand(count, 187, generator=torch.Generator().manual_seed(0))
    signal[:, length:] = 0
    return signal


def test_block_adds_weighted_channels_to_its_input():
    torch.manual_seed(0)
    block = ResidualBlock(8, 8, (1, 3), dropout=0.1).eval()
    x = torch.randn(2, 8, 1, 20)
    with torch.no_grad():
        conv = [nn.functional.conv1d(x[:, :, 0], block.convolutions[0].weight[:, :, 0], padding=1)]
        # fresh running statistics: mean 0, variance 1
        conv.append((conv[0] / (1 + 1e-5) ** 0.5).relu())
        y = nn.functional.conv1d(conv[1], block.convolutions[1].weight[:, :, 0], padding=1) / (1 + 1e-5) ** 0.5
        weight = torch.sigmoid(block.excite(block.squeeze(y.mean(dim=2)).relu()))
        torch.testing.assert_close(block(x)[:, :, 0], (y * weight[:, :, None] + x[:, :, 0]).relu())


@pytest.mark.parametrize(
    ("name", "parameters", "features"), [("cnn_transformer", 372_189, 256), ("cnn2d", 177_713, 128)]
)
def test_networks_have_their_sizes(name, parameters, features):
    model = DESIGNS["best"].new_model(name, 5, 0).eval()
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    scores, feature = model(torch.rand(3, *model.config.input_shape))
    assert scores.shape == (3, 5) and feature.shape == (3, features) == (3, model.config.feature_count)
    torch.testing.assert_close(model.output(feature), scores)


def test_a_beat_does_not_depend_on_its_batch():
    model = DESIGNS["best"].new_model("cnn_transformer", 5, 0).eval()
    signal = beats(4)
    with torch.no_grad():
        torch.testing.assert_close(model(signal)[0][1:2], model(signal[1:2])[0], atol=1e-5, rtol=1e-5)


def test_log_magnitude_equals_segments_one_by_one():
    signal = beats(2, 187)
    made = log_magnitude(signal)
    assert made.shape == (2, 1, *BEST.cnn2d.input_shape[1:])
    # the window in the middle of 32 samples, the first segment about sample 0
    window = np.zeros(32)
    window[4:28] = get_window("hann", 24)
    for beat, picture in zip(signal.numpy().astype(float), made[:, 0], strict=True):
        padded = np.pad(beat, 16)
        for column, start in enumerate(range(0, 187, 4)):
            magnitude = np.abs(np.fft.rfft(padded[start : start + 32] * window))
            np.testing.assert_allclose(picture[:, column], 1 + np.log(magnitude + 0.01) / 2, atol=1e-4)


def test_augmented_beats_stay_near_and_end_where_they_end():
    torch.manual_seed(1)
    signal = beats()
    varied = augment(signal)
    assert varied.shape == signal.shape and varied.dtype == torch.float32
    last = torch.tensor([row.nonzero().max() for row in varied])
    assert (last <= 120 / (1 - STRETCH)).all() and (last >= 119 / (1 + STRETCH) - 1).all()
    assert len(last.unique()) > 3
    # the smooth part of the change is bounded; noise is Gaussian
    smooth = torch.ones(64, 187)
    change = augment(smooth)[:, 60:120] - 1
    assert change.abs().max() < GAIN + DRIFT + 5 * NOISE
    assert change.std(dim=1).min() > 0 and change.mean(dim=1).std() > 0.01


def test_augmentation_follows_the_seed():
    signal = beats(8)
    made = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        made.append(augment(signal))
    assert torch.equal(made[0], made[1]) and not torch.equal(made[0], made[2])


class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, 187) / 10)

    def forward(self, signal: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return signal @ self.weight.T, signal


def test_mixup_mixes_neighbours_and_both_their_losses():
    torch.manual_seed(2)
    model = Linear()
    before = model.weight.detach().clone().requires_grad_()
    part = Examples((beats(12),), torch.arange(12) % 5)
    class_weights = torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0])
    rows = torch.randperm(12)[:6]
    step = Step(model, part, torch.optim.SGD(model.parameters(), lr=0.1), class_weights, mixup=0.4)
    step.begin_epoch()
    torch.manual_seed(3)
    strength = torch.full((1,), 0.4)
    share = torch.distributions.Beta(strength, strength).sample()[0]
    torch.manual_seed(3)
    step(rows)

    loss, total = torch.zeros(()), torch.zeros(())
    for position in range(6):
        own, other = rows[position], rows[position - 1]
        mixed = share * part.inputs[0][own] + (1 - share) * part.inputs[0][other]
        logarithm = (before @ mixed).log_softmax(0)
        for row, part_of_it in ((own, share), (other, 1 - share)):
            label = part.label[row]
            loss = loss - part_of_it * class_weights[label] * logarithm[label]
            total = total + part_of_it * class_weights[label]
    torch.testing.assert_close(step.sums[:2], torch.stack([loss.detach(), total]))
    (gradient,) = torch.autograd.grad(loss / total, before)
    torch.testing.assert_close(model.weight.detach(), (before - 0.1 * gradient).detach())


def test_mixup_is_for_branches_alone():
    parameters = load_parameters("best")
    strengths = {name: training_config(name, parameters, "mitbih", 0).mixup for name in ("cnn_transformer", "late")}
    assert strengths == {"cnn_transformer": 0.2, "late": 0.0}
    # runs without it keep the identity that they were trained under
    assert "mixup" not in training_config("late", parameters, "mitbih", 0).model_dump()


def test_fusions_may_train_with_batches_of_their_own():
    own = load_parameters("short", batch_size=64, fusion_batch_size=16)
    sizes = {name: training_config(name, own, "mitbih", 0).batch_size for name in ("cnn_transformer", "cnn2d", "late")}
    assert sizes == {"cnn_transformer": 64, "cnn2d": 64, "late": 16}
    assert training_config("late", load_parameters("best", batch_size=64), "mitbih", 0).batch_size == 64


def test_runs_from_branch_to_fusion_and_tests_on_beats_as_they_are(monkeypatch, tmp_path):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    chosen = {"synthetic_beats": 200, "cnn_transformer_epochs": 1, "cnn2d_epochs": 1, "fusion_epochs": 1}
    best = Experiment(load_parameters("demo", design="best", augmentation=True, **chosen), "mitbih")
    for name in ("late", "concat"):
        run = best.run(name)
        assert "augmentation" not in run.identity
    assert best.run("cnn2d").identity["augmentation"] == 1
    assert best.run("cnn_transformer").identity["config"]["channels"] == list(ResidualConfig().channels)
    signal = torch.tensor(best.beats.signal[best.split.test[:8]])
    with torch.no_grad():
        scores, _ = best.model("late")(signal, log_magnitude(signal))
    np.testing.assert_allclose(scores, best.run("late").predictions.scores[:8], rtol=1e-3, atol=1e-4)


def test_augmentation_changes_what_is_learned(monkeypatch, tmp_path):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    chosen = {"synthetic_beats": 200, "cnn2d_epochs": 1, "design": "best"}
    plain, varied = (
        Experiment(load_parameters("demo", augmentation=augmentation, **chosen), "mitbih").run("cnn2d")
        for augmentation in (False, True)
    )
    assert "augmentation" not in plain.identity
    assert plain.history["train_loss"][0] != varied.history["train_loss"][0]


def test_encoder_mixes_positions_in_their_order():
    config = ResidualConfig(dropout=0.0)
    torch.manual_seed(0)
    model = Residual(config).eval()
    x = torch.randn(2, 128, 1, 12)
    with torch.no_grad():
        encoded = model._encode(x)
        assert encoded.shape == x.shape
        # positions are told apart: the same tokens in another order come out otherwise, not just reordered
        assert not torch.allclose(model._encode(x.flip(3)).flip(3), encoded, atol=1e-3)
        # each token sees the others
        changed = x.clone()
        changed[:, :, :, 0] += 1
        assert not torch.allclose(model._encode(changed)[..., -1], encoded[..., -1], atol=1e-4)
