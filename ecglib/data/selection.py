"""Which beats an experiment learns from, is chosen by, and is tested on; their signals only where they are needed."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import get_args

import numpy as np

from ecglib import files
from ecglib.data.sources import beat_table, table_path
from ecglib.data.splits import Split, arrange, arrangement, split_beats
from ecglib.data.table import Beats, read_beats, read_metadata, write_outline
from ecglib.names import DATASETS, PTB_RECORDS, Dataset, EcglibError, Part, Source, SplitKind
from ecglib.parameters import Parameters


class Selection:
    """The beats of one data set under one set of parameters.

    Labels, records and sides come from the committed outline of a data set (see `ecglib.data.table.write_outline`)
    where there is one, so that finished results can be shown without any records. The signals are read, built or
    downloaded when something asks for them.

    Parameters
    ----------
    parameters : Parameters
    dataset : {"mitbih", "ptb", "ptbxl"}
    """

    def __init__(self, parameters: Parameters, dataset: Dataset):
        self.parameters, self.dataset = parameters, dataset

    @property
    def split_kind(self) -> SplitKind:
        """How training and test beats are kept apart."""
        return self.parameters.split or DATASETS[self.dataset].split

    @cached_property
    def table(self) -> Beats:
        """All beats of the data set; without their signals if they are of the committed outline."""
        chosen = self.parameters
        outline, built = files.outline(self.dataset, chosen.source), table_path(self.dataset, chosen.source)
        if outline.is_file() and (not built.is_file() or read_metadata(built) == read_metadata(outline, plain=True)):
            return read_beats(outline)
        return self._whole_table

    @cached_property
    def beats(self) -> Beats:
        """What the split uses of `table`, with its training and test sides."""
        return self._arranged(self.table)

    @cached_property
    def split(self) -> Split:
        """Rows of `beats` to train on, to validate on, to test on."""
        chosen = self.parameters
        return split_beats(self.beats, chosen.training_set, chosen.validation_fraction, chosen.seed, self.split_kind)

    @cached_property
    def signal(self) -> np.ndarray:
        """The signals of `beats`, float32 of shape (N, 187).

        Raises
        ------
        EcglibError
            The records at hand are other ones than those that the outline was made from.
        """
        if self.beats.signal is not None:
            return self.beats.signal
        whole = self._arranged(self._whole_table)
        if whole.digest != self.beats.digest:
            path = table_path(self.dataset, self.parameters.source)
            raise EcglibError(
                f"{self.dataset} from {self.parameters.source}: the beats at hand are not those of the committed "
                f"results; make a table of yours with 'ecglib data build' as {path}, and results of it are kept apart"
            )
        return whole.signal

    @property
    def part(self) -> str:
        """What part of the data set this is, "106 of 549 records"; empty for all of it."""
        metadata, records = self.table.metadata, len(np.unique(self.table.record))
        if (metadata.dataset, metadata.source) != ("ptb", "physionet") or records == PTB_RECORDS:
            return ""
        return f"{records} of {PTB_RECORDS} records"

    def signal_of(self, part: Part) -> np.ndarray:
        """The signals of one part, float32 of shape (N, 187)."""
        return self.signal[getattr(self.split, part)]

    def label_of(self, part: Part) -> np.ndarray:
        """The labels of one part, int64 of shape (N,)."""
        return self.beats.label[getattr(self.split, part)]

    def under(self, parameters: Parameters) -> Selection:
        """The same beats under other parameters; nothing is read or split twice."""
        other = Selection(parameters, self.dataset)
        table = ("source", "synthetic_beats", "seed")
        beats = (*table, "split", "test_fold")
        depends = {"table": table, "_whole_table": table, "beats": beats, "signal": beats}
        depends["split"] = (*beats, "training_set", "validation_fraction")
        for name, keys in depends.items():
            same = all(getattr(parameters, key) == getattr(self.parameters, key) for key in keys)
            # what nobody has asked for stays unread, but for the table and its sides, which everybody asks for
            if same and (name in self.__dict__ or name in ("table", "beats", "split")):
                other.__dict__[name] = getattr(self, name)
        return other

    @cached_property
    def _whole_table(self) -> Beats:
        chosen = self.parameters
        return beat_table(self.dataset, chosen.source, chosen.synthetic_beats, chosen.seed)

    def _arranged(self, table: Beats) -> Beats:
        beats = arrange(table, self.split_kind, self.parameters.test_fold)
        if beats.signal is not None:
            return beats
        name = arrangement(self.split_kind, self.parameters.test_fold)
        digest = table.metadata.digests.get(name)
        if digest is None:
            raise EcglibError(
                f"{self.dataset}: the outline knows no split {name!r}; make one with 'ecglib data outline'"
            )
        return replace(beats, known_digest=digest)


def make_outline(dataset: Dataset, source: Source) -> Path:
    """Write the outline of a data set, with the digests of all ways to arrange it; the path is returned."""
    table = beat_table(dataset, source)
    digests = {}
    for kind in get_args(SplitKind):
        for fold in (None, 1, 2, 3, 4, 5):
            try:
                digests[arrangement(kind, fold)] = arrange(table, kind, fold).digest
            except EcglibError:
                # a split that this data set does not have
                continue
    return write_outline(table, digests, files.outline(dataset, source))
