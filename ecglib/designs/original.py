"""The design of the original: what the released code of Vindas et al. (2022, PMLR 182:270-296) does."""

from ecglib.designs.design import Design
from ecglib.models.cnn2d import Cnn2dConfig
from ecglib.models.cnn_transformer import CnnTransformerConfig
from ecglib.models.fusion import IntermediateFusionConfig, LateFusionConfig

ORIGINAL = Design(
    title="original",
    # the last four convolutions are one, applied four times; tokens times sqrt(128), dropout after the positions;
    # the head has one more layer, of width 10
    cnn_transformer=CnnTransformerConfig(shared_convolutions=True, scaled_embeddings=True, head_width=10),
    # four times the report's filters, with padding; normalisation before the leaky ReLU, with Keras's settings,
    # of which PyTorch reads the momentum the other way round
    cnn2d=Cnn2dConfig(
        filters=(32, 64, 128, 256),
        picture_size=(32, 39),
        colours=1,
        padding=1,
        normalise_first=True,
        norm_epsilon=1e-3,
        norm_momentum=0.99,
    ),
    # probabilities instead of scores, and weights that start at random
    late=LateFusionConfig(on_probabilities=True, random_weights=True),
    late_class_weights=False,
    # a layer normalisation before each kind of layer, and the head of the 1D branch
    intermediate=IntermediateFusionConfig(features_2d=1024, head_width=10),
    # a cast from complex to real numbers leaves the real part of the transform alone
    picture="real_part",
)
