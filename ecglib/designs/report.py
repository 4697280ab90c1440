"""The design of the report: Seaman and Gutierrez-Zaheer's text, sections III.A to III.C, and its Table II."""

from ecglib.designs.design import Design
from ecglib.models.cnn2d import Cnn2dConfig
from ecglib.models.cnn_transformer import CnnTransformerConfig
from ecglib.models.fusion import IntermediateFusionConfig, LateFusionConfig

REPORT = Design(
    title="report",
    # III.A.1: six convolutions of 128 channels, kernel 3; ten tokens; eight encoder layers of eight heads
    cnn_transformer=CnnTransformerConfig(
        channels=128,
        layers=8,
        heads=8,
        feed_forward=64,
        dropout=0.1,
        leaky_slope=0.01,
    ),
    # III.A.2: four convolutions 3 x 3, each followed by leaky ReLU, batch normalisation and max-pooling
    cnn2d=Cnn2dConfig(
        filters=(8, 16, 32, 64),
        picture_size=128,
        dropout=0.2,
        leaky_slope=0.01,
    ),
    # III.A.3: scores times a learned weight a class and branch, added up
    late=LateFusionConfig(),
    # III.A.4: both features projected to 64, then joined, then one layer
    intermediate=IntermediateFusionConfig(features_1d=128, features_2d=2304, width=64),
    # III.C.3: the spectrogram as matplotlib's colours
    picture="colour",
)
