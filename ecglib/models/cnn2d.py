"""The 2D branch: four convolutions on the picture of a beat's spectrogram (report, Fig. 17)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from ecglib.models.layers import Dropout


class Cnn2dConfig(BaseModel):
    """The report's section III.A.2; the defaults are its values.

    Where the original differs, the field is absent from a dump while it has the report's value:
    `normalise_first` puts batch normalisation before the leaky ReLU.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    classes: int = 5
    filters: tuple[int, ...] = (8, 16, 32, 64)
    # height and width, or one number for both
    picture_size: int | tuple[int, int] = 128
    dropout: float = 0.2
    leaky_slope: float = 0.01
    colours: int = Field(3, exclude_if=lambda value: value == 3)
    padding: int = Field(0, exclude_if=lambda value: value == 0)
    normalise_first: bool = Field(False, exclude_if=lambda value: not value)
    norm_epsilon: float = Field(1e-5, exclude_if=lambda value: value == 1e-5)
    # the share of the newest batch in the running statistics
    norm_momentum: float = Field(0.1, exclude_if=lambda value: value == 0.1)
    # a slip of the report's program, which makes the layer after its optimiser
    untrained_output: bool = Field(False, exclude_if=lambda value: not value)
    # another, which leaves the pixels as an image file has them, from 0 to 255 instead of 0 to 1
    pixels_255: bool = Field(False, exclude_if=lambda value: not value)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Colours, height and width of what the model is given."""
        size = self.picture_size
        return (self.colours, size, size) if isinstance(size, int) else (self.colours, *size)

    @property
    def feature_count(self) -> int:
        """Numbers in the flattened last max-pool: 64 x 6 x 6 = 2,304 for the report's sizes."""
        _, height, width = self.input_shape
        for _ in self.filters:
            height, width = ((length + 2 * self.padding - 2) // 2 for length in (height, width))
        return self.filters[-1] * height * width


class Cnn2d(nn.Module):
    """Spectrogram picture to class scores.

    The feature is the flattened output of the last max-pool. As in the report's text, the dropout
    follows the one fully connected layer, so it acts on the scores.
    """

    def __init__(self, config: Cnn2dConfig | None = None):
        super().__init__()
        self.config = config = config or Cnn2dConfig()
        inputs = (config.colours, *config.filters[:-1])
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, kernel_size=3, padding=config.padding)
            for before, after in zip(inputs, config.filters, strict=True)
        )
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(filters, config.norm_epsilon, config.norm_momentum) for filters in config.filters
        )
        self.output = nn.Linear(config.feature_count, config.classes)
        self.output.requires_grad_(not config.untrained_output)
        self.dropout = Dropout(config.dropout)
        # twice the speed of the default layout on a CPU; the numbers' meaning does not change
        self.to(memory_format=torch.channels_last)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, 128, 128) to scores (B, classes) and features (B, 2304); or (B, 1, 32, 39) and (B, 1024)."""
        x = 255 * picture if self.config.pixels_255 else picture
        slope = self.config.leaky_slope
        # heights and widths: 128 -> 126, 63 -> 61, 30 -> 28, 14 -> 12, 6
        # the original's: 32 x 39 -> 16 x 19 -> 8 x 9 -> 4 x 4 -> 2 x 2
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = convolution(x)
            x = F.leaky_relu(norm(x), slope) if self.config.normalise_first else norm(F.leaky_relu(x, slope))
            x = F.max_pool2d(x, 2)
        features = x.flatten(1)  # (B, 64 * 6 * 6)
        return self.dropout(self.output(features)), features
