"""The designs, one readable file each."""

from ecglib.designs.best import BEST
from ecglib.designs.design import Design
from ecglib.designs.original import ORIGINAL
from ecglib.designs.report import REPORT
from ecglib.names import DesignName
from ecglib.parameters import Parameters

DESIGNS: dict[DesignName, Design] = {"report": REPORT, "original": ORIGINAL, "best": BEST}


def design_of(parameters: Parameters) -> Design:
    """The networks and the picture that the parameters name, with their filters and dropout."""
    design = DESIGNS[parameters.design].with_dropout(
        cnn_transformer=parameters.cnn_transformer_dropout, cnn2d=parameters.cnn2d_dropout
    )
    return design if parameters.cnn2d_filters is None else design.with_filters(parameters.cnn2d_filters)
