"""What a page is put together from, and the names that its places have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from markupsafe import Markup

from ecglib.report import prose


@dataclass
class Block:
    """A piece of a section.

    Attributes
    ----------
    kind : {"prose", "printed", "message", "error", "code", "figure", "table"}
    body : Markup
        What is shown.
    code : Markup
        The source that made it; empty where another block of the same cell has it.
    anchor, label, caption : str
        Of a figure or table.
    made : mapping
        How a figure or table was made.
    """

    kind: str
    body: Markup = field(default_factory=Markup)
    code: Markup = field(default_factory=Markup)
    anchor: str = ""
    label: str = ""
    caption: str = ""
    made: Mapping[str, object] = field(default_factory=dict)


@dataclass
class Passage:
    """What stands under one heading; under none, at the start of a notebook."""

    anchor: str = ""
    title: str = ""
    blocks: list[Block] = field(default_factory=list)


@dataclass
class Section:
    """A notebook on the page."""

    anchor: str
    title: str
    part: str
    profile: str
    notebook: str
    passages: list[Passage] = field(default_factory=lambda: [Passage()])


class Names:
    """The names that places on the page have, and the numbers of the figures that the paper does not have."""

    def __init__(self, taken: tuple[str, ...] = ()) -> None:
        self._taken = set(taken)
        self._numbers = Counter()

    def __contains__(self, anchor: str) -> bool:
        return anchor in self._taken

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._taken))

    def add(self, anchor: str) -> None:
        """Take a name as it is."""
        self._taken.add(anchor)

    def anchor(self, *words: str) -> str:
        """A name that no other place has, made of the words."""
        wanted = anchor = "-".join(prose.slug(word) for word in words if word)
        number = 1
        while anchor in self._taken:
            number += 1
            anchor = f"{wanted}-{number}"
        self._taken.add(anchor)
        return anchor

    def label(self, kind: str) -> str:
        """ "Figure S1", "Table S1" and so on, in the order of the page."""
        self._numbers[kind] += 1
        return f"{kind.capitalize()} S{self._numbers[kind]}"
