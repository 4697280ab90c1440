"""The designs, one readable file each."""

from ecglib.designs.best import BEST
from ecglib.designs.design import Design
from ecglib.designs.original import ORIGINAL
from ecglib.designs.report import REPORT
from ecglib.names import DesignName

DESIGNS: dict[DesignName, Design] = {"report": REPORT, "original": ORIGINAL, "best": BEST}
