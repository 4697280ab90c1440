"""The five models; every ``forward`` gives (scores (B, K), features (B, D))."""

from ecglib.models.cnn2d import Cnn2d, Cnn2dConfig
from ecglib.models.cnn_transformer import CnnTransformer, CnnTransformerConfig
from ecglib.models.fusion import (
    Hybrid,
    IntermediateFusion,
    IntermediateFusionConfig,
    LateFusion,
    LateFusionConfig,
)
from ecglib.models.residual import Residual, ResidualConfig

__all__ = [
    "Cnn2d",
    "Cnn2dConfig",
    "CnnTransformer",
    "CnnTransformerConfig",
    "Hybrid",
    "IntermediateFusion",
    "IntermediateFusionConfig",
    "LateFusion",
    "LateFusionConfig",
    "Residual",
    "ResidualConfig",
]
