"""The 2D branch: four convolutions on the picture of a beat's spectrogram (report, Fig. 17)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from ecglib.models.layers import Dropout


class Cnn2dConfig(BaseModel):
    """The report's section III.A.2; the defaults are its values."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    classes: int = 5
    filters: tuple[int, ...] = (8, 16, 32, 64)
    picture_size: int = 128
    dropout: float = 0.2
    leaky_slope: float = 0.01

    @property
    def feature_count(self) -> int:
        """Numbers in the flattened last max-pool: 64 x 6 x 6 = 2,304 for the report's sizes."""
        size = self.picture_size
        for _ in self.filters:
            size = (size - 2) // 2
        return self.filters[-1] * size * size


class Cnn2d(nn.Module):
    """Spectrogram picture to class scores.

    The feature is the flattened output of the last max-pool. As in the report's text, the dropout
    follows the one fully connected layer, so it acts on the scores.
    """

    def __init__(self, config: Cnn2dConfig | None = None):
        super().__init__()
        self.config = config = config or Cnn2dConfig()
        inputs = (3, *config.filters[:-1])
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, kernel_size=3) for before, after in zip(inputs, config.filters, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(filters) for filters in config.filters)
        self.output = nn.Linear(config.feature_count, config.classes)
        self.dropout = Dropout(config.dropout)
        # twice the speed of the default layout on a CPU; the numbers' meaning does not change
        self.to(memory_format=torch.channels_last)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, 128, 128) to scores (B, classes) and features (B, 2304)."""
        x = picture
        # heights and widths: 128 -> 126, 63 -> 61, 30 -> 28, 14 -> 12, 6
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = norm(F.leaky_relu(convolution(x), self.config.leaky_slope))
            x = F.max_pool2d(x, 2)
        features = x.flatten(1)  # (B, 64 * 6 * 6)
        return self.dropout(self.output(features)), features
