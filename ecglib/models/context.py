"""A small network for a beat in its context: its shape through one layer, then numbers of rhythm and likeness."""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn


class ContextConfig(BaseModel):
    """Sizes of `Context`; chosen by cross-validation over the patients of DS1.

    Attributes
    ----------
    shape, numbers : int
        Columns of the two inputs (`ecglib.data.context`); 0 leaves one out.
    classes, hidden : int
    dropout : float
        High, since the shape of the training patients' beats tells who they are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    shape: int = 66
    numbers: int = 28
    classes: int = 3
    hidden: int = 32
    dropout: float = 0.5


class Context(nn.Module):
    """Two layers on shape and numbers, a few thousand weights."""

    def __init__(self, config: ContextConfig):
        super().__init__()
        self.config = config
        self.shape = nn.Linear(config.shape, config.hidden) if config.shape else None
        self.norm = nn.BatchNorm1d(config.numbers) if config.numbers else None
        joined = (config.hidden if config.shape else 0) + config.numbers
        self.joined = nn.Linear(joined, config.hidden)
        self.output = nn.Linear(config.hidden, config.classes)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, shape: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Shape (B, shape) and numbers (B, numbers) to scores (B, K) and features (B, hidden)."""
        parts = [] if self.shape is None else [self.dropout(self.shape(shape).relu())]
        parts += [] if self.norm is None else [self.norm(numbers)]
        features = self.joined(torch.cat(parts, dim=1)).relu()
        return self.output(self.dropout(features)), features
