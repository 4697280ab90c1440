"""Text of notebooks made safe and consistent: Markdown and HTML outputs, headings, links, code, what was printed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup
from bs4.element import Comment, PreformattedString, Tag
from markupsafe import Markup
from nbconvert.filters import Highlight2HTML, ansi2html, markdown2html

# what may stand in the text of a notebook, with the attributes that it may have
_PLAIN = (
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "pre", "blockquote", "ul", "dl", "dt", "dd"),
    *("em", "strong", "b", "i", "s", "del", "sub", "sup", "small", "mark", "kbd", "samp", "var"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr"),
)
_ALLOWED = dict.fromkeys(_PLAIN, frozenset()) | {
    "a": frozenset({"href"}),
    "img": frozenset({"src", "alt"}),
    "ol": frozenset({"start"}),
    "li": frozenset({"value"}),
    "abbr": frozenset({"title"}),
    "th": frozenset({"colspan", "rowspan"}),
    "td": frozenset({"colspan", "rowspan"}),
    # the classes are the highlighter's; the page has styles for a few of them
    "code": frozenset({"class"}),
    "span": frozenset({"class"}),
}
# gone with all that is in them; of other elements the text stays
_DROPPED = frozenset(
    {"script", "style", "iframe", "object", "embed", "template", "noscript", "svg", "math", "head", "title"}
    | {"form", "button", "select"}
)
_SCHEMES = frozenset({"http", "https", "mailto"})
_HEADINGS = re.compile(r"h[1-6]")
_LONGEST_PRINT = 20_000
# what a progress bar wrote before it went back to the start of its line
_OVERWRITTEN = re.compile(r"[^\n]*\r(?=[^\n])")
_highlight = Highlight2HTML(pygments_lexer="python")


def clean(html: str) -> BeautifulSoup:
    """HTML with nothing in it but text, lists, tables, links and pictures that it brings along."""
    soup = BeautifulSoup(html, "html.parser")
    for text in soup.find_all(string=lambda text: isinstance(text, PreformattedString)):
        text.extract()  # comments, declarations
    for element in soup.find_all(lambda element: element.name in _DROPPED):
        if not element.decomposed:
            element.decompose()
    for element in soup.find_all(True):
        allowed = _ALLOWED.get(element.name)
        if allowed is None:
            element.unwrap()
            continue
        element.attrs = {name: value for name, value in element.attrs.items() if name in allowed}
        if element.name == "img" and not str(element.get("src", "")).startswith("data:image/"):
            element.replace_with(element.get("alt", ""))
        elif element.name == "a" and _scheme(element) not in {"", *_SCHEMES}:
            element.unwrap()
    return soup


def markdown(source: str) -> BeautifulSoup:
    """Markdown as cleaned HTML."""
    soup = clean(markdown2html(source))
    # nbconvert ends each heading with a link to itself
    for heading in soup.find_all(_HEADINGS):
        for link in heading.find_all("a"):
            if link.get_text() == "¶":
                link.decompose()
    return soup


def resolve_links(soup: BeautifulSoup, place_of: Callable[[str], str | None]) -> None:
    """Point links at places on the page, and leave the text alone of those that would lead nowhere.

    Parameters
    ----------
    soup : BeautifulSoup
        Changed.
    place_of : callable
        Gives the anchor that a link without a scheme means, or None.
    """
    for link in soup.find_all("a"):
        if _scheme(link):
            continue
        anchor = place_of(unquote(str(link.get("href", "")).strip()))
        if anchor is None:
            link.unwrap()
        else:
            link["href"] = f"#{anchor}"


def _scheme(link: Tag) -> str:
    """ "https" and the like; empty where a link stays in the repository, "broken" where it is no address."""
    try:
        return urlsplit(str(link.get("href", "")).strip()).scheme.lower()
    except ValueError:
        return "broken"


def lower_headings(soup: BeautifulSoup, highest: int, previous: int) -> None:
    """Put headings one level lower, none higher than `highest`, and none more than one below the one before.

    Parameters
    ----------
    soup : BeautifulSoup
        Changed.
    highest : int
        A notebook's first level becomes this or the next, as its own heading says.
    previous : int
        The level of the heading before the text.
    """
    for heading in soup.find_all(_HEADINGS):
        previous = min(max(int(heading.name[1]) + 1, highest), previous + 1, 6)
        heading.name = f"h{previous}"


def level(element: object) -> int:
    """The level of a heading; 0 for anything else."""
    return int(element.name[1]) if isinstance(element, Tag) and _HEADINGS.fullmatch(element.name) else 0


def slug(text: str) -> str:
    """A name for an anchor: small letters, digits and single hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "part"


def code(source: str) -> Markup:
    """Python source with its syntax marked."""
    return Markup(clean(_highlight(source)).pre.decode_contents(formatter="minimal").strip())


def printed(text: str) -> Markup:
    """What a cell printed, with a terminal's colours taken as bold text; very long ones are cut."""
    text = _OVERWRITTEN.sub("", text)
    if len(text) > _LONGEST_PRINT:
        left = len(text) - _LONGEST_PRINT
        text = f"{text[:_LONGEST_PRINT]}\n... and {left:,} characters more in the notebook"
    return Markup(clean(f"<pre>{ansi2html(text.rstrip())}</pre>").pre.decode_contents(formatter="minimal"))


def html_of(*elements: object) -> Markup:
    """Cleaned elements as text of the page."""
    return Markup(
        "".join(
            element.decode(formatter="minimal") if isinstance(element, Tag) else str(Markup.escape(str(element)))
            for element in elements
            if not isinstance(element, Comment)
        ).strip()
    )
