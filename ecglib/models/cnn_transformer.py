"""The 1D branch: six convolutions make ten-token sequences for a transformer encoder (report, Fig. 16)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from ecglib.models.layers import Conv1d, Dropout, MaxPool1d, TransformerEncoderLayer

# the class token, and nine that the convolutions make of a beat
_TOKENS = 10


class CnnTransformerConfig(BaseModel):
    """The report's section III.A.1; the defaults are its values (dropout: its Table II).

    What the report's design does not have is off, and absent from a dump: `shared_convolutions` makes the
    last four convolutions one, `scaled_embeddings` multiplies the tokens by the root of their width before
    the positions are added and drops some of the sum, `head_width` puts a layer of that width into the head.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    classes: int = 5
    channels: int = 128
    layers: int = 8
    heads: int = 8
    feed_forward: int = 64
    dropout: float = 0.1
    leaky_slope: float = 0.01
    shared_convolutions: bool = Field(False, exclude_if=lambda value: not value)
    scaled_embeddings: bool = Field(False, exclude_if=lambda value: not value)
    head_width: int | None = Field(None, exclude_if=lambda value: value is None)
    # a slip of the report's program, which makes the token anew in each pass, of zeros
    zero_class_token: bool = Field(False, exclude_if=lambda value: not value)
    # a slip of both programs, whose nn.TransformerEncoder copies one layer
    cloned_layers: bool = Field(False, exclude_if=lambda value: not value)
    # a slip of the report's program, whose intermediate fusions join every encoded token. Never in a dump, by which
    # runs are told apart: it changes what the fusions are given, and not how this branch is trained or classifies
    all_tokens: bool = Field(False, exclude=True)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Samples of a beat."""
        return (187,)

    @property
    def feature_count(self) -> int:
        """Numbers in the class token, 128 in the report; or in all ten tokens, 1,280."""
        return self.channels * (_TOKENS if self.all_tokens else 1)


class CnnTransformer(nn.Module):
    """Raw beat to class scores.

    The feature is the encoded class token, before the layer normalisation of the head; or, where the configuration
    says so, all encoded tokens side by side, the class token first.
    """

    def __init__(self, config: CnnTransformerConfig | None = None):
        super().__init__()
        self.config = config = config or CnnTransformerConfig()
        width = config.channels
        # lengths: 187 -> 185 -> 185 -> 183, pooled 91 -> 89, 44 -> 42, 21 -> 19, 9
        self.convolutions = nn.ModuleList(
            [
                Conv1d(1, width, kernel_size=3),
                Conv1d(width, width, kernel_size=3, padding=1),
                *(Conv1d(width, width, kernel_size=3) for _ in range(1 if config.shared_convolutions else 4)),
            ]
        )
        self.pool = MaxPool1d(2)
        self.class_token = nn.Parameter(torch.randn(width))
        if config.zero_class_token:
            self.class_token = nn.Parameter(torch.zeros(width), requires_grad=False)
        self.register_buffer("positions", sinusoidal_positions(_TOKENS, width), persistent=False)
        # separate layers, because nn.TransformerEncoder would start all of them from the same weights
        self.encoder = nn.ModuleList(
            TransformerEncoderLayer(width, config.heads, config.feed_forward, config.dropout)
            for _ in range(config.layers)
        )
        if config.cloned_layers:
            # after all are drawn, so that whatever is drawn later starts as it does without the slip
            for layer in self.encoder[1:]:
                layer.load_state_dict(self.encoder[0].state_dict())
        self.norm = nn.LayerNorm(width)
        if config.head_width is not None:
            self.hidden = nn.Linear(width, config.head_width)
            self.hidden_norm = nn.LayerNorm(config.head_width)
        self.output = nn.Linear(config.head_width or width, config.classes)
        if config.scaled_embeddings:
            self.dropout = Dropout(config.dropout)

    def embed(self, signal: Tensor) -> Tensor:
        """The convolutions: (B, 187) to tokens (B, 9, channels)."""
        x = signal.unsqueeze(1)  # (B, 1, 187)
        convolutions = list(self.convolutions)
        # a shared one is applied four times
        for index, convolution in enumerate(convolutions + (6 - len(convolutions)) * convolutions[-1:]):
            x = F.leaky_relu(convolution(x), self.config.leaky_slope)
            if index >= 2:
                x = self.pool(x)
        return x.transpose(1, 2)  # (B, 9, C)

    def fields(self) -> list[tuple[int, int]]:
        """The samples that each of the nine tokens is made from, as (first, one past the last), padding included."""
        start, size, step = 0, 1, 1
        for index in range(6):
            # a convolution of three, then from the third on a maximum of two
            start, size = start - step * (index == 1), size + 2 * step
            if index >= 2:
                size, step = size + step, 2 * step
        return [(start + step * token, start + step * token + size) for token in range(_TOKENS - 1)]

    def forward(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 187) to scores (B, classes) and features (B, channels), or (B, 10 * channels) of all tokens."""
        tokens = self.embed(signal)
        class_token = self.class_token.expand(len(tokens), 1, -1)
        x = torch.cat([class_token, tokens], dim=1)  # (B, 10, C)
        if self.config.scaled_embeddings:
            x = self.dropout(x * self.config.channels**0.5 + self.positions)
        else:
            x = x + self.positions
        for layer in self.encoder:
            x = layer(x)
        class_token = x[:, 0]  # (B, C)
        features = x.flatten(1) if self.config.all_tokens else class_token
        x = self.norm(class_token)
        if self.config.head_width is not None:
            x = self.hidden_norm(self.hidden(x))
        return self.output(x), features


def sinusoidal_positions(length: int, width: int) -> Tensor:
    """Sine and cosine of Vaswani et al. 2017, section 3.5, interleaved; shape (length, width)."""
    position = torch.arange(length, dtype=torch.float64).unsqueeze(1)
    frequency = torch.exp(torch.arange(0, width, 2, dtype=torch.float64) * (-math.log(10_000.0) / width))
    encoding = torch.zeros(length, width, dtype=torch.float64)
    encoding[:, 0::2] = torch.sin(position * frequency)
    encoding[:, 1::2] = torch.cos(position * frequency)
    return encoding.float()
