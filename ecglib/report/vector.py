"""SVG files made fit to stand inside a page, beside others of their kind."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

from markupsafe import Markup

from ecglib.report.checks import EcglibError

# what matplotlib draws with, and what else is still and harmless; all other elements are left out
_ELEMENTS = frozenset(
    {"svg", "g", "defs", "path", "use", "clipPath", "rect", "circle", "ellipse", "line", "polyline", "polygon"}
    | {"text", "tspan", "image", "marker", "symbol", "mask", "pattern", "linearGradient", "radialGradient", "stop"}
)
_NAMESPACE = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}"
_REFERENCE = re.compile(r"url\(\s*['\"]?#([^'\")]+)['\"]?\s*\)")
_ADDRESS = re.compile(r"url\((?!\s*['\"]?#)|image-set\(", re.IGNORECASE)
_POSITION = re.compile(r"translate\(\s*[-\d.]+[ ,]+([-\d.]+)\s*\)")
# a hundredth of a point is less than a screen shows, and a page of many figures gets a seventh smaller
_LONG_FRACTION = re.compile(r"(\d+\.\d\d)\d+")
_UNIVERSAL_STYLE = re.compile(r"\*\s*\{([^}]*)\}")


def inline(svg: str, prefix: str, alternative: str) -> Markup:
    """An SVG file as an element of a page.

    Its names get a prefix, because matplotlib gives equal ones in every file; the names that nothing refers to go.
    Whatever could act, or fetch something, is left out. Its style sheet would hold for the whole page, so what it says
    of all elements is written on the figure itself.

    Parameters
    ----------
    svg : str
    prefix : str
        Different for every figure of a page, such as its anchor.
    alternative : str
        What it shows, for those who do not see it.

    Raises
    ------
    EcglibError
        If the text is not SVG.
    """
    root = _parse(svg, prefix)
    referred = {name for element in root.iter() for value in element.attrib.values() for name in _names_in(value)}
    style = "; ".join(
        rule.strip()
        for element in root.iter(f"{_NAMESPACE}style")
        for rule in _UNIVERSAL_STYLE.findall(element.text or "")
        if not _ADDRESS.search(rule)
    )
    _clean(root, prefix, referred)
    width, height = _size(root)
    root.attrib = {
        "viewBox": root.get("viewBox") or f"0 0 {width:g} {height:g}",
        # a point is 4/3 of a page's pixels
        "width": f"{width * 4 / 3:.0f}",
        "height": f"{height * 4 / 3:.0f}",
        "role": "img",
        "aria-label": alternative,
    } | ({"style": style} if style else {})
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def title(svg: str) -> str:
    """The title that matplotlib drew into a figure: of its bold texts, or else of all, the highest; empty without text.

    Letters are drawn as outlines, but each text is also given as a comment. A legend may stand higher than the title.

    Raises
    ------
    EcglibError
        If the text is not SVG.
    """
    texts = []
    for group in _parse(svg, "figure", comments=True).iter():
        children = list(group)
        if len(children) > 1 and children[0].tag is ElementTree.Comment:
            position = _POSITION.search(children[1].get("transform", ""))
            if position:
                glyphs = (use.get(f"{_LINK}href", "") for use in children[1].iter(f"{_NAMESPACE}use"))
                is_bold = any("-Bold-" in glyph for glyph in glyphs)
                texts.append((not is_bold, float(position[1]), (children[0].text or "").strip()))
    return min(texts)[2] if texts else ""


def _parse(svg: str, name: str, *, comments: bool = False) -> ElementTree.Element:
    builder = ElementTree.TreeBuilder(insert_comments=comments)
    try:
        root = ElementTree.fromstring(svg, parser=ElementTree.XMLParser(target=builder))
    except ElementTree.ParseError as error:
        raise EcglibError(f"{name}: its SVG cannot be read ({error}); draw the figure again") from error
    if root.tag != f"{_NAMESPACE}svg":
        raise EcglibError(f"{name}: what was given as its SVG is a <{root.tag}>; draw the figure again")
    return root


def _size(root: ElementTree.Element) -> tuple[float, float]:
    """Width and height in the figure's own units, which matplotlib makes points."""
    numbers = [float(number) for number in re.findall(r"[-\d.]+", root.get("viewBox", ""))]
    if len(numbers) == 4:
        return numbers[2], numbers[3]
    width, height = (re.match(r"[\d.]+", root.get(side, "")) for side in ("width", "height"))
    return (float(width[0]), float(height[0])) if width and height else (450.0, 300.0)


def _names_in(value: str) -> list[str]:
    return [value[1:]] if value.startswith("#") else _REFERENCE.findall(value)


def _clean(element: ElementTree.Element, prefix: str, referred: set[str]) -> None:
    element.tag = element.tag.removeprefix(_NAMESPACE)
    if element.tag not in ("text", "tspan"):
        element.text = None  # line ends and indentation
    attributes = {}
    for key, value in element.attrib.items():
        name = key.rpartition("}")[2]
        if name == "id":
            if value in referred:
                attributes["id"] = f"{prefix}--{value}"
        elif name == "href":
            if value.startswith("#"):
                attributes["href"] = f"#{prefix}--{value[1:]}"
            elif value.startswith("data:image/"):
                attributes["href"] = value
        elif not name.lower().startswith("on") and not _ADDRESS.search(value):
            value = _REFERENCE.sub(rf"url(#{prefix}--\1)", value)
            # scales are small and multiply what they scale, so only coordinates are shortened
            attributes[name] = _LONG_FRACTION.sub(r"\1", value) if name in ("d", "x", "y", "points") else value
    element.attrib = attributes
    for child in list(element):
        if child.tag.startswith(_NAMESPACE) and child.tag.removeprefix(_NAMESPACE) in _ELEMENTS:
            _clean(child, prefix, referred)
            if element.tag not in ("text", "tspan"):
                child.tail = None
        else:
            element.remove(child)
