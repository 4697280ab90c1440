"""Beat tables: how they are made, read and split."""

from ecglib.data.sources import beat_table, build_beats
from ecglib.data.splits import Split, class_counts, class_weights, reduced_cap, split_beats
from ecglib.data.table import BEAT_LENGTH, BeatMetadata, Beats, read_beats, write_beats

__all__ = [
    "BEAT_LENGTH",
    "BeatMetadata",
    "Beats",
    "Split",
    "beat_table",
    "build_beats",
    "class_counts",
    "class_weights",
    "read_beats",
    "reduced_cap",
    "split_beats",
    "write_beats",
]
