"""Two ways to join the branches: on their scores (late) or on their features (intermediate).

A fusion learns only its own few weights; the branches are frozen and in evaluation mode. Each fusion
is therefore a module of two inputs, what the 1D branch gave and what the 2D branch gave, so that it
trains on values computed once. `Hybrid` puts branches and fusion together again, and can train all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from ecglib.models.cnn2d import Cnn2d
from ecglib.models.cnn_transformer import CnnTransformer
from ecglib.names import EcglibError

FusionMethod = Literal["concat", "sum", "weighted_sum"]


class LateFusionConfig(BaseModel):
    """The report's section III.A.3; the original joins class probabilities, with weights that start at random."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    classes: int = 5
    on_probabilities: bool = Field(False, exclude_if=lambda value: not value)
    random_weights: bool = Field(False, exclude_if=lambda value: not value)


class LateFusion(nn.Module):
    """Sum of both branches' scores, each times its own learned weight vector.

    The weights start at one, so that an untrained fusion is the plain sum of the scores. Its feature
    is the fused score vector: there is no layer before it.
    """

    joins = "scores"

    def __init__(self, config: LateFusionConfig | None = None):
        super().__init__()
        self.config = config = config or LateFusionConfig()
        start = torch.randn if config.random_weights else torch.ones
        self.weight_1d = nn.Parameter(start(config.classes))
        self.weight_2d = nn.Parameter(start(config.classes))

    def forward(self, scores_1d: Tensor, scores_2d: Tensor) -> tuple[Tensor, Tensor]:
        """(B, classes) twice to scores (B, classes), returned as the features too."""
        if self.config.on_probabilities:
            scores_1d, scores_2d = scores_1d.softmax(dim=1), scores_2d.softmax(dim=1)
        scores = self.weight_1d * scores_1d + self.weight_2d * scores_2d
        return scores, scores


class IntermediateFusionConfig(BaseModel):
    """The report's section III.A.4; the defaults are its values.

    `head_width` gives the original's head: layer normalisation before each of the three kinds of layers, and
    one more layer of that width before the output.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    classes: int = 5
    method: FusionMethod = "concat"
    features_1d: int = 128
    features_2d: int = 2304
    width: int = 64
    head_width: int | None = Field(None, exclude_if=lambda value: value is None)
    # a slip of the report's program, which makes the projections after its optimiser
    untrained_projections: bool = Field(False, exclude_if=lambda value: not value)
    # a slip of the original's program: the weighted sum's two weights start at random instead of at one
    random_scalars: bool = Field(False, exclude_if=lambda value: not value)


class IntermediateFusion(nn.Module):
    """Both features projected to one width, joined, and classified by one layer."""

    joins = "features"

    def __init__(self, config: IntermediateFusionConfig | None = None):
        super().__init__()
        self.config = config = config or IntermediateFusionConfig()
        self.project_1d = nn.Linear(config.features_1d, config.width)
        self.project_2d = nn.Linear(config.features_2d, config.width)
        for projection in (self.project_1d, self.project_2d):
            projection.requires_grad_(not config.untrained_projections)
        if config.method == "weighted_sum":
            self.weight_1d = nn.Parameter(torch.ones(()))
            self.weight_2d = nn.Parameter(torch.ones(()))
        joined = 2 * config.width if config.method == "concat" else config.width
        if config.head_width is not None:
            self.norm_1d, self.norm_2d = nn.LayerNorm(config.features_1d), nn.LayerNorm(config.features_2d)
            self.norm, self.hidden = nn.LayerNorm(joined), nn.Linear(joined, config.head_width)
            self.hidden_norm = nn.LayerNorm(config.head_width)
        self.output = nn.Linear(config.head_width or joined, config.classes)
        if config.random_scalars:
            # after all layers are drawn, so that these start as they do without the slip
            for weight in (self.weight_1d, self.weight_2d):
                nn.init.normal_(weight)

    def forward(self, features_1d: Tensor, features_2d: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 128) and (B, 2304) to scores (B, classes) and the joined features (B, 128 or 64)."""
        has_head = self.config.head_width is not None
        if has_head:
            features_1d, features_2d = self.norm_1d(features_1d), self.norm_2d(features_2d)
        a, b = self.project_1d(features_1d), self.project_2d(features_2d)  # (B, 64) each
        match self.config.method:
            case "concat":
                joined = torch.cat([a, b], dim=1)
            case "sum":
                joined = a + b
            case "weighted_sum":
                joined = self.weight_1d * a + self.weight_2d * b
        hidden = self.hidden_norm(self.hidden(self.norm(joined))) if has_head else joined
        return self.output(hidden), joined


class Hybrid(nn.Module):
    """Both branches and a fusion as one model, from a beat and its picture to scores.

    Parameters
    ----------
    cnn_transformer, cnn2d, fusion : Module
    branches_in_training_mode : bool
        Whether training mode reaches the frozen branches (a slip of the report's program): their dropout is
        on, and the running statistics of their batch normalisation drift.
    branch_training : mapping of str to float, optional
        Trains the branches too, with these settings of the optimiser in place of the fusion's (see
        `ecglib.training.optimizers.make_optimizer`); without it they are frozen.

    Raises
    ------
    EcglibError
        The three do not classify into the same number of classes.
    """

    def __init__(
        self,
        cnn_transformer: CnnTransformer,
        cnn2d: Cnn2d,
        fusion: LateFusion | IntermediateFusion,
        branches_in_training_mode: bool = False,
        branch_training: Mapping[str, float] | None = None,
    ):
        super().__init__()
        frozen = branch_training is None
        self.branches_in_training_mode = branches_in_training_mode or not frozen
        classes = {module.config.classes for module in (cnn_transformer, cnn2d, fusion)}
        if len(classes) > 1:
            raise EcglibError(f"branches and fusion differ in their number of classes: {sorted(classes)}")
        self.cnn_transformer, self.cnn2d, self.fusion = cnn_transformer, cnn2d, fusion
        for branch in (cnn_transformer, cnn2d):
            for parameter in branch.parameters():
                if frozen:
                    parameter.requires_grad_(False)
                else:
                    parameter.optimizer_settings = dict(branch_training)
        self.train(self.training)

    def train(self, mode: bool = True) -> Hybrid:
        """Set the fusion's mode; frozen branches stay in evaluation mode, with no dropout and fixed BatchNorm."""
        super().train(mode)
        if not self.branches_in_training_mode:
            self.cnn_transformer.eval()
            self.cnn2d.eval()
        return self

    def forward(self, signal: Tensor, picture: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 187) and (B, 3, 128, 128) to the fusion's scores and features."""
        scores_1d, features_1d = self.cnn_transformer(signal)
        scores_2d, features_2d = self.cnn2d(picture)
        if self.fusion.joins == "scores":
            return self.fusion(scores_1d, scores_2d)
        return self.fusion(features_1d, features_2d)
