"""Our own design: the papers' two inputs, and the networks that reached most on validation beats."""

from ecglib.designs.design import Design
from ecglib.models.fusion import IntermediateFusionConfig, LateFusionConfig
from ecglib.models.residual import ResidualConfig

# three stages of residual blocks along time, then one encoder layer
_RESIDUAL_1D = ResidualConfig(
    input_shape=(187,),
    channels=(32, 64, 128),
    stem_kernel=(1, 7),
    kernels=((1, 5), (1, 5), (1, 3)),
    pools=((1, 2), (1, 2), (1, 2)),
    layers=1,
)
# the same over frequency and time, without an encoder
_RESIDUAL_2D = ResidualConfig(
    input_shape=(1, 17, 47),
    channels=(16, 32, 64),
    stem_kernel=(3, 3),
    kernels=((3, 3), (3, 3), (3, 3)),
    pools=((1, 2), (2, 2), (2, 2)),
    layers=0,
)

BEST = Design(
    title="best",
    titles={"cnn_transformer": "1D residual network with encoder", "cnn2d": "2D residual network"},
    cnn_transformer=_RESIDUAL_1D,
    cnn2d=_RESIDUAL_2D,
    late=LateFusionConfig(),
    intermediate=IntermediateFusionConfig(
        features_1d=_RESIDUAL_1D.feature_count, features_2d=_RESIDUAL_2D.feature_count
    ),
    picture="log_magnitude",
)
