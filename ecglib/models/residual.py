"""The two branches of the design `best`: residual convolutions on the beat, with an encoder, and on its spectrogram.

Residual blocks are He et al. 2016 (doi 10.1109/CVPR.2016.90), their channel weights those of squeeze and
excitation (Hu et al. 2018, doi 10.1109/CVPR.2018.00745).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from ecglib.models.cnn_transformer import sinusoidal_positions
from ecglib.models.layers import Dropout, TransformerEncoderLayer


class ResidualConfig(BaseModel):
    """Both branches' sizes; the defaults are the 1D branch's.

    Kernels and pooling are (frequency, time); a beat is a picture one row high.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    classes: int = 5
    # what the model is given of a beat, without the batch
    input_shape: tuple[int, ...] = (187,)
    channels: tuple[int, ...] = (32, 64, 128)
    blocks: int = Field(2, ge=1)
    stem_kernel: tuple[int, int] = (1, 7)
    kernels: tuple[tuple[int, int], ...] = ((1, 5), (1, 5), (1, 3))
    # before each stage
    pools: tuple[tuple[int, int], ...] = ((1, 2), (1, 2), (1, 2))
    # of the transformer encoder, on tokens of two positions each; none: no encoder
    layers: int = Field(1, ge=0)
    heads: int = 8
    feed_forward: int = 64
    # of the features; inside the blocks half as much
    dropout: float = 0.2

    @property
    def feature_count(self) -> int:
        """Mean and maximum of each channel of the last stage."""
        return 2 * self.channels[-1]

    @property
    def token_count(self) -> int:
        """Positions in time that the encoder is given: 12 for 187 samples."""
        length = self.input_shape[-1]
        for _, pool in (*self.pools, (1, 2)):
            length = -(-length // pool)
        return length


class Residual(nn.Module):
    """Three stages of residual blocks, an encoder, then mean and maximum over all positions, then one layer.

    The feature is what that layer is given: mean and maximum of each channel.
    """

    def __init__(self, config: ResidualConfig | None = None):
        super().__init__()
        self.config = config = config or ResidualConfig()
        first = config.channels[0]
        self.stem = _convolution(1, first, config.stem_kernel)
        self.stem_norm = nn.BatchNorm2d(first)
        self.stages = nn.ModuleList()
        before = first
        for channels, kernel in zip(config.channels, config.kernels, strict=True):
            inputs = [before] + [channels] * (config.blocks - 1)
            self.stages.append(nn.Sequential(*(ResidualBlock(i, channels, kernel, config.dropout / 2) for i in inputs)))
            before = channels
        if config.layers:
            self.register_buffer("positions", sinusoidal_positions(config.token_count, before), persistent=False)
        self.encoder = nn.ModuleList(
            TransformerEncoderLayer(before, config.heads, config.feed_forward, config.dropout / 2)
            for _ in range(config.layers)
        )
        self.dropout = Dropout(config.dropout)
        self.output = nn.Linear(config.feature_count, config.classes)
        # with channels side by side in memory, which a CPU convolves fastest
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 187) or (B, 1, 17, 47) to scores (B, classes) and features (B, 2 C)."""
        x = x.reshape(len(x), 1, -1, x.shape[-1])  # (B, 1, frequencies, time)
        x = F.relu(self.stem_norm(self.stem(x)))
        # times: 187 -> 94 -> 47 -> 24, or frequencies and times: 17 x 24 -> 9 x 12 -> 5 x 6
        for pool, stage in zip(self.config.pools, self.stages, strict=True):
            x = stage(F.max_pool2d(x, pool, ceil_mode=True))
        if self.config.layers:
            x = self._encode(F.max_pool2d(x, (1, 2), ceil_mode=True))
        features = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)  # (B, 2 C)
        return self.output(self.dropout(features)), features

    def _encode(self, x: Tensor) -> Tensor:
        """(B, C, 1, T) to the same shape, each position a token."""
        tokens = x.squeeze(2).transpose(1, 2)  # (B, T, C)
        tokens = tokens + self.positions
        for layer in self.encoder:
            tokens = layer(tokens)
        return tokens.transpose(1, 2).unsqueeze(2)


class ResidualBlock(nn.Module):
    """Two convolutions whose result, weighted by channel, is added to what went in."""

    def __init__(self, inputs: int, channels: int, kernel: tuple[int, int], dropout: float):
        super().__init__()
        self.convolutions = nn.ModuleList(
            [_convolution(inputs, channels, kernel), _convolution(channels, channels, kernel)]
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(2))
        self.dropout = Dropout(dropout)
        self.squeeze, self.excite = nn.Linear(channels, channels // 8), nn.Linear(channels // 8, channels)
        self.shortcut = nn.Identity() if inputs == channels else _convolution(inputs, channels, (1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, channels, H, W)."""
        y = self.dropout(F.relu(self.norms[0](self.convolutions[0](x))))
        y = self.norms[1](self.convolutions[1](y))
        weight = self.excite(F.relu(self.squeeze(y.mean(dim=(2, 3))))).sigmoid()  # (B, C)
        return F.relu(y * weight[:, :, None, None] + self.shortcut(x))


def _convolution(inputs: int, channels: int, kernel: tuple[int, int]) -> nn.Conv2d:
    """Without a bias, since normalisation follows; the size stays."""
    return nn.Conv2d(inputs, channels, kernel, padding=(kernel[0] // 2, kernel[1] // 2), bias=False)
