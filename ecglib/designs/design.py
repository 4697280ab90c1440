"""What a design is: the networks of all six models, the picture of the 2D branch, and who has class weights."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from pydantic import BaseModel
from torch import nn

from ecglib.models.cnn2d import Cnn2d, Cnn2dConfig
from ecglib.models.cnn_transformer import CnnTransformer, CnnTransformerConfig
from ecglib.models.fusion import IntermediateFusion, IntermediateFusionConfig, LateFusion, LateFusionConfig
from ecglib.models.residual import Residual, ResidualConfig
from ecglib.names import INTERMEDIATE, MODEL_TITLES, EcglibError, ModelName, Picture, Slip
from ecglib.training.loop import seeded

_MODULES = {
    CnnTransformerConfig: CnnTransformer,
    Cnn2dConfig: Cnn2d,
    LateFusionConfig: LateFusion,
    IntermediateFusionConfig: IntermediateFusion,
    ResidualConfig: Residual,
}
# what a slip changes in the configurations of which models; those that are not here change the training
_CHANGES: tuple[tuple[Slip, tuple[ModelName, ...], dict[str, object]], ...] = (
    ("untrained_layers", ("cnn2d",), {"untrained_output": True}),
    ("untrained_layers", INTERMEDIATE, {"untrained_projections": True}),
    ("zero_class_token", ("cnn_transformer",), {"zero_class_token": True}),
    ("all_tokens", ("cnn_transformer",), {"all_tokens": True}),
    ("pixels_255", ("cnn2d",), {"pixels_255": True}),
    ("fast_norm", ("cnn2d",), {"norm_momentum": 0.99}),
    ("cloned_layers", ("cnn_transformer",), {"cloned_layers": True}),
    ("random_scalars", ("weighted_sum",), {"random_scalars": True}),
)


@dataclass(frozen=True)
class Design:
    """One complete way to build the hybrid.

    Attributes
    ----------
    title : str
        For headings.
    cnn_transformer, cnn2d, late, intermediate : BaseModel
        Configurations of the networks, for any number of classes; `intermediate` for any method.
    picture : str
        What the 2D branch sees, see `ecglib.models.pictures`.
    titles : dict of str to str
        Names of the models whose networks are others than the papers'.
    late_class_weights : bool
        Whether the loss of late fusion weights the classes as those of the other models do.
    """

    title: str
    cnn_transformer: BaseModel
    cnn2d: BaseModel
    late: BaseModel
    intermediate: IntermediateFusionConfig
    picture: Picture
    titles: dict[ModelName, str] = field(default_factory=dict)
    late_class_weights: bool = True

    def model_title(self, model: ModelName) -> str:
        """How tables and figures name a model of this design."""
        return self.titles.get(model, MODEL_TITLES[model])

    def with_filters(self, first: int) -> Design:
        """This design with so many filters in the 2D branch's first layer, and twice as many in each further one.

        Raises
        ------
        EcglibError
            The 2D branch is another network.
        """
        if not isinstance(self.cnn2d, Cnn2dConfig):
            raise EcglibError(f"cnn2d_filters: is of the papers' networks; design {self.title} has another cnn2d")
        filters = tuple(first * 2**layer for layer in range(len(self.cnn2d.filters)))
        cnn2d = self.cnn2d.model_copy(update={"filters": filters})
        intermediate = self.intermediate.model_copy(update={"features_2d": cnn2d.feature_count})
        return replace(self, cnn2d=cnn2d, intermediate=intermediate)

    def with_dropout(self, **branches: float | None) -> Design:
        """This design with another dropout in the branches that are named; None: as it is."""
        changed = {name: value for name, value in branches.items() if value is not None}
        configs = {name: getattr(self, name).model_copy(update={"dropout": value}) for name, value in changed.items()}
        return replace(self, **configs) if configs else self

    def config(self, model: ModelName, classes: int, slips: Collection[Slip] = ()) -> BaseModel:
        """The configuration of one model for so many classes, with the papers' slips that touch it.

        Raises
        ------
        EcglibError
            A slip changes what this design's model does not have.
        """
        own = self.intermediate if model in INTERMEDIATE else getattr(self, model)
        changes: dict[str, object] = {"classes": classes}
        if model in INTERMEDIATE:
            changes["method"] = model
            if "all_tokens" in slips:
                changes["features_1d"] = self.config("cnn_transformer", classes, slips).feature_count
        for slip, models, change in _CHANGES:
            if slip not in slips or model not in models:
                continue
            if not change.keys() <= type(own).model_fields.keys():
                raise EcglibError(f"slips: {slip} is of the papers' networks; design {self.title} has another {model}")
            changes |= change
        return own.model_copy(update=changes)

    def new_model(self, model: ModelName, classes: int, seed: int, slips: Collection[Slip] = ()) -> nn.Module:
        """The untrained network of `config`; `seed` decides its initial weights."""
        config = self.config(model, classes, slips)
        with seeded(seed, 0):
            return _MODULES[type(config)](config)
