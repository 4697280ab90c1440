"""What a page must not contain: anything that a browser would fetch, a name twice, a link to nowhere."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

from ecglib.names import EcglibError

__all__ = ["EcglibError", "PageContent", "content_of", "external_resources"]

# attributes whose address a browser fetches without being asked; of <a> and <area> only `ping` is one
_FETCHED = frozenset(
    {"src", "srcset", "data", "poster", "background", "manifest", "archive", "code", "codebase", "classid"}
    | {"formaction", "action", "ping"}
)
_STYLE_ADDRESS = re.compile(r"url\((?!\s*['\"]?(?:data:|#))[^)]*|@import[^;]*", re.IGNORECASE)


@dataclass
class PageContent:
    """What `content_of` finds in a page.

    Attributes
    ----------
    names : Counter
        How often each `id` is given.
    links : list of str
        The places on the same page that are linked to, without "#".
    resources : list of str
        What a browser would fetch, as "<tag attribute=address>".
    headings : list of int
        The levels of the headings, in order.
    """

    names: Counter = field(default_factory=Counter)
    links: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.content = PageContent()
        self.in_style = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.in_style = tag == "style"
        if re.fullmatch(r"h[1-6]", tag):
            self.content.headings.append(int(tag[1]))
        for name, value in attributes:
            value = (value or "").strip()
            if name == "id":
                self.content.names[value] += 1
            elif name in ("href", "xlink:href") and value.startswith("#"):
                self.content.links.append(value[1:])
            elif name in ("href", "xlink:href"):
                self._resource(tag, name, value, fetched=tag not in ("a", "area"))
            elif name == "style":
                self._style(tag, value)
            elif name == "http-equiv" and value.lower() == "refresh":
                self.content.resources.append("<meta http-equiv=refresh>")
            else:
                self._resource(tag, name, value, fetched=name in _FETCHED)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        self.in_style = False

    def handle_endtag(self, tag: str) -> None:
        self.in_style = False

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self._style("style", data)

    def _style(self, tag: str, text: str) -> None:
        self.content.resources += [f"<{tag}> {match[0][:80]}" for match in _STYLE_ADDRESS.finditer(text)]

    def _resource(self, tag: str, name: str, value: str, *, fetched: bool) -> None:
        if fetched and value and not value.startswith(("data:", "#")):
            self.content.resources.append(f"<{tag} {name}={value[:80]}>")


def content_of(html: str) -> PageContent:
    """Read a page's names, links, fetched resources and headings."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.content


def external_resources(html: str) -> list[str]:
    """What a browser would fetch to show a page; links that a reader may follow are none of it."""
    return content_of(html).resources
