"""The page fetches nothing, is put together soundly, and takes no orders from what it shows."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ecglib import files
from ecglib.predict import NOTICE
from ecglib.report import pdf, vector
from ecglib.report.checks import EcglibError, content_of, external_resources
from ecglib.report.material import Executed, Exhibit, Front, Verdict, content_key, exhibits_of
from ecglib.report.page import write_page

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "notebooks"
# one pixel
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)>&amp;"
TABLE = "| model | MCC |\n|:--|:--|\n| one | 85.48 [84.70, 86.24] |\n| one | not printed |\n| two | 90.00 |\n"
DATA_FRAME = """<style scoped>.dataframe {color: red}</style><table border="1" class="dataframe"><thead>
<tr style="text-align: right;"><th></th><th>train</th></tr><tr><th>record</th><th></th></tr></thead>
<tbody><tr><th>100</th><td>1832</td></tr></tbody></table>"""


def shown(**data: str) -> nbformat.NotebookNode:
    """The output of a cell, by its forms with an underscore instead of a slash."""
    return new_output("execute_result", {kind.replace("_", "/"): value for kind, value in data.items()})


@pytest.fixture
def make_notebook(tmp_path: Path) -> Callable[..., Executed]:
    def make(
        *outputs: nbformat.NotebookNode, text: str = "# Title", name: str = "00_data_mitbih", **rest: object
    ) -> Executed:
        cells = [
            new_markdown_cell(text),
            new_code_cell("import numpy"),
            new_code_cell("show()", outputs=list(outputs)),
        ]
        notebook = new_notebook(cells=cells)
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return Executed(path, **{"profile": "reduced", **rest})

    return make


@pytest.fixture(scope="module")
def svg(tmp_path_factory: pytest.TempPathFactory) -> str:
    figure = Figure(figsize=(3, 2))
    figure.suptitle("Beats by class")
    figure.subplots().plot([0, 1], [1, 0], label="one")
    path = tmp_path_factory.mktemp("figure") / "figure.svg"
    figure.savefig(path)
    return path.read_text(encoding="utf-8")


def read(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def assert_sound(page: Path) -> None:
    content = content_of(page.read_text(encoding="utf-8"))
    assert content.resources == []
    assert [name for name, count in content.names.items() if count > 1] == []
    assert [name for name in content.links if name not in content.names] == []
    assert content.headings[0] == 1
    assert content.headings.count(1) == 1
    assert all(lower - upper <= 1 for upper, lower in zip(content.headings, content.headings[1:], strict=False))


def test_committed_notebooks_make_a_sound_page(tmp_path: Path) -> None:
    paths = sorted(COMMITTED.glob("0[0-7]_*.ipynb"))
    exhibits = exhibits_of(ROOT / "figures" / "reduced")
    made = {"commit": "0123abc", "seconds": 1.25}
    verdict = Verdict("Table IV", "87.3", "same", "Near it.", "reduced-table4-mitbih")
    page = write_page(
        [Executed(path, made=made, exhibits=exhibits, profile="reduced") for path in paths],
        tmp_path / "index.html",
        Front("Title", [verdict], "See [Figure 2](#reduced-fig02-mitbih-class-distribution)."),
    )
    assert_sound(page)
    assert page.stat().st_size < 8e6
    soup = read(page)
    # every figure of these is there as SVG
    assert soup.find("img") is None
    assert len(soup.find_all("figure", class_="figure")) == len(soup.select("figure.figure svg[role=img][aria-label]"))
    labels = {label.get_text() for label in soup.select("figcaption .label")}
    assert {"Figure 2.", "Figure 4.", "Table III.", "Table IV.", "Table VII.", "Figure S1.", "Table S1."} <= labels
    assert soup.find(id="reduced-table4-mitbih").find("th", scope="row").get_text() == "1D CNN-Transformer"
    assert len(soup.select("section.notebook")) == len(paths)


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/require.js"></script>',
        "<script src=//cdn.example/x.js></script>",
        '<link rel="stylesheet" href="https://fonts.example/css">',
        '<img src="picture.png">',
        '<img srcset="a.png 2x">',
        "<style>@import 'x.css';</style>",
        "<style>body { background: url( 'https://x.example/a.png') }</style>",
        '<p style="background: url(//x.example/a.png)">',
        '<iframe src="https://x.example"></iframe>',
        '<svg><image xlink:href="http://x.example/a.png"/></svg>',
        '<svg><use href="sprites.svg#one"/></svg>',
        '<object data="https://x.example/a.swf"></object>',
        '<video poster="a.png"></video>',
        '<a href="https://x.example" ping="https://y.example">x</a>',
        '<meta http-equiv="refresh" content="0; url=https://x.example">',
    ],
)
def test_external_resources_are_found(html: str) -> None:
    assert external_resources(html)


def test_links_and_embedded_data_are_no_external_resources() -> None:
    html = (
        '<a href="https://x.example">x</a><img src="data:image/png;base64,AA=="><svg><use href="#a"/></svg>'
        '<style>p { clip-path: url(#a); background: url("data:image/png;base64,AA==") }</style><script>let a</script>'
    )
    assert external_resources(html) == []


def test_browsers_are_told_to_fetch_nothing(tmp_path: Path, make_notebook: Callable[..., Executed]) -> None:
    page = read(write_page([make_notebook()], tmp_path / "index.html", Front("Title")))
    policy = page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy


def test_hostile_text_stays_text(tmp_path: Path, make_notebook: Callable[..., Executed]) -> None:
    exhibit = Exhibit("fig02_x", label=HOSTILE, caption=HOSTILE, alternative=HOSTILE, made={HOSTILE: HOSTILE})
    outputs = [
        shown(image_png=base64.b64encode(PNG).decode()),
        shown(text_html=f"{HOSTILE}<table><tr><td>{HOSTILE}</td></tr></table>"),
        shown(text_markdown=f"{HOSTILE}\n\n[link](javascript:alert(4)) <a href='JaVaScript:alert(5)'>x</a>"),
        new_output("stream", text=f"{HOSTILE}\x1b[31m{HOSTILE}"),
        new_output("error", ename="E", evalue="", traceback=[HOSTILE]),
    ]
    notebook = make_notebook(
        *outputs, text=f"# Title {HOSTILE}\n\n## Heading {HOSTILE}", exhibits={content_key(PNG): exhibit}, part=HOSTILE
    )
    verdict = Verdict(HOSTILE, HOSTILE, "same", HOSTILE)
    front = Front(HOSTILE, [verdict], introduction=HOSTILE, subtitle=HOSTILE, made={HOSTILE: HOSTILE})
    page = write_page([notebook], tmp_path / "index.html", front)
    assert_sound(page)
    soup = read(page)
    assert len(soup.find_all("script")) == 1
    assert not soup.find_all(onload=True) + soup.find_all(onerror=True)
    assert all(link["href"].startswith(("#", "https:")) for link in soup.find_all("a"))
    assert soup.h1.get_text() == HOSTILE
    assert soup.find("img")["alt"] == HOSTILE


def test_equal_figures_get_names_of_their_own(tmp_path: Path, make_notebook: Callable[..., Executed], svg: str) -> None:
    exhibits = {content_key(PNG): Exhibit("fig02_mitbih_beats", "Figure 2", svg=svg, alternative="A falling line")}
    output = shown(image_png=base64.b64encode(PNG).decode())
    page = write_page([make_notebook(output, output, exhibits=exhibits)], tmp_path / "index.html", Front("Title"))
    assert_sound(page)
    first, second = read(page).select("figure.figure")
    assert (first["id"], second["id"]) == ("reduced-fig02-mitbih-beats", "reduced-fig02-mitbih-beats-2")
    assert first.svg["aria-label"] == "A falling line"
    assert first.figcaption.get_text(" ", strip=True) == "Figure 2. Beats by class"
    assert first.find("clippath") or "clipPath" in str(first)
    # a figure's style sheet would hold for the whole page
    assert first.find("style") is None
    assert "stroke-linejoin: round" in first.svg["style"]


def test_svg_is_kept_from_acting() -> None:
    hostile = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9" '
        'onload="a()"><script>a()</script><foreignObject><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject>'
        '<g onclick="a()" style="fill: url(http://x.example/#a)"><image xlink:href="http://x.example/a.png"/>'
        '<path id="b" d="M 1.23456 2" clip-path="url(#b)"/><set attributeName="href"/></g></svg>'
    )
    made = str(vector.inline(hostile, "here", 'A "line"'))
    assert external_resources(made) == []
    assert not re.search(r"script|foreign|onload|onclick|example|<set", made)
    assert 'd="M 1.23 2" clip-path="url(#here--b)"' in made
    with pytest.raises(EcglibError, match="cannot be read"):
        vector.inline("<svg", "here", "")


def test_what_is_shown_and_what_is_folded(tmp_path: Path, make_notebook: Callable[..., Executed]) -> None:
    outputs = [
        shown(text_markdown=f"**Invented.**\n\n{TABLE}"),
        shown(text_html=DATA_FRAME),
        new_output("stream", name="stdout", text="1 %\r100 %\n"),
        new_output("stream", name="stderr", text="a warning\n"),
    ]
    notebook = make_notebook(
        *outputs,
        text="# Title\n\nIntro, see [next](01_next.ipynb), [nowhere](x.ipynb).\n\n## Numbers (Table IV)\n\n#### Deep",
        made={"commit": "0123abc", "seconds": 1234.56},
        exhibits={content_key(f"**Invented.**\n\n{TABLE}"): Exhibit("table4_mitbih", "Table IV")},
    )
    following = make_notebook(name="01_next_mitbih")
    page = write_page([notebook, following], tmp_path / "index.html", Front("Title"))
    assert_sound(page)
    soup = read(page)
    section = soup.find(id="reduced-00-data-mitbih")
    assert section.find("a", string="next")["href"] == "#reduced-01-next-mitbih"
    assert section.find("a", string="nowhere") is None
    assert section.h4.get_text() == "Deep"
    table, frame = section.find_all("figure", class_="table")
    assert table.figcaption.get_text(" ", strip=True) == "Table IV. Numbers"
    assert table.find_previous_sibling("div", class_="prose").get_text(strip=True) == "Invented."
    assert [cell["scope"] for cell in table.find_all("th")] == ["col", "col", "row", "row", "row"]
    assert "number" in table.td["class"]
    assert [row.get("class") for row in table.tbody.find_all("tr")] == [None, None, ["group"]]
    assert [cell.get_text() for cell in frame.thead.find_all("th")] == ["record", "train"]
    made = {term.get_text(): term.find_next("dd").get_text() for term in table.find_all("dt")}
    assert made == {"notebook": "00_data_mitbih.ipynb", "commit": "0123abc", "seconds": "1,234.6"}
    # both cells of code are below the last table of what they show, closed
    assert re.sub(r"\s+", " ", frame.find("details", class_="code").pre.get_text()) == "import numpy show()"
    assert section.find("pre", class_="printed").get_text() == "100 %"
    assert section.find("summary", string="Messages").find_next("pre").get_text() == "a warning"
    assert not soup.find_all("details", open=True)


def test_verdicts_come_first_and_lead_somewhere(tmp_path: Path, make_notebook: Callable[..., Executed]) -> None:
    notebook = make_notebook(shown(text_markdown=TABLE))
    rows = [
        Verdict("Table IV", "87.3", "same", "Near it.", "reduced-00-data-mitbih-table"),
        Verdict("Table VI", "", "not run", "No records."),
    ]
    soup = read(write_page([notebook], tmp_path / "index.html", Front("Title", rows, "Words.")))
    assert [section.get("id") for section in soup.main.find_all("section")][:2] == ["verdicts", "introduction"]
    body = soup.find("table", class_="verdicts").tbody
    assert [label.get_text() for label in body.select(".verdict")] == ["same", "not run"]
    assert body.a["href"] == "#reduced-00-data-mitbih-table"
    assert [part.get_text() for part in soup.select(".counts .verdict")] == ["1 same", "1 not run"]
    assert soup.find("p", class_="disclaimer").get_text() == NOTICE

    with pytest.raises(EcglibError, match="#reduced-00-table, which is not on the page; near it are reduced-00-data"):
        lost = Verdict("x", "", "same", "", "reduced-00-table")
        write_page([notebook], tmp_path / "index.html", Front("Title", [lost]))
    with pytest.raises(EcglibError, match="none of same, differs, not run"):
        write_page([notebook], tmp_path / "index.html", Front("Title", [Verdict("x", "", "maybe", "")]))
    with pytest.raises(EcglibError, match="introduction links to #gone"):
        write_page([notebook], tmp_path / "index.html", Front("Title", introduction="[x](#gone)"))


def test_panels_are_inserted_as_they_are(tmp_path: Path, make_notebook: Callable[..., Executed]) -> None:
    notebook = make_notebook(shown(text_markdown=TABLE))
    panel = '<h2>Explorer</h2><script type="application/json" id="beats">{"a": "<b>"}</script>'
    panels = {"explorer": panel, "reduced-00-data-mitbih-table": "<p>below</p>", "reduced-00-data-mitbih": "<p>top</p>"}
    page = write_page([notebook], tmp_path / "index.html", Front("Title"), panels=panels)
    assert_sound(page)
    assert panel in page.read_text(encoding="utf-8")
    soup = read(page)
    assert soup.find("nav").find("a", href="#explorer").get_text() == "Explorer"
    assert soup.find(id="reduced-00-data-mitbih-table").find_next_sibling().get_text(strip=True) == "below"
    assert soup.find(id="reduced-00-data-mitbih").h2.find_next_sibling().get_text(strip=True) == "top"

    for wrong, message in (
        ('<script src="https://x.example/a.js"></script>', "would fetch <script src=https://x.example/a.js>"),
        ('<p id="content">', "two places of the page are called 'content'"),
    ):
        with pytest.raises(EcglibError, match=re.escape(message)):
            write_page([notebook], tmp_path / "index.html", Front("Title"), panels={"explorer": wrong})


def test_page_is_replaced_as_a_whole_or_not_at_all(
    tmp_path: Path, make_notebook: Callable[..., Executed], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "report" / "index.html"
    write_page([make_notebook()], out, Front("Old"))
    old = out.read_bytes()
    broken = make_notebook(name="01_broken")
    broken.path.write_text("{", encoding="utf-8")
    for wrong in (broken, Executed(tmp_path / "missing.ipynb")):
        with pytest.raises(EcglibError, match=re.escape(str(wrong.path))):
            write_page([wrong], out, Front("New"))

    def full(*paths: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr("ecglib.files.os.replace", full)
        with pytest.raises(EcglibError, match="no space left"):
            write_page([make_notebook()], out, Front("New"))
    assert out.read_bytes() == old
    assert list(out.parent.iterdir()) == [out]
    # and the same notebooks give the same bytes
    write_page([make_notebook()], out, Front("Old"))
    assert out.read_bytes() == old


def test_numbers_come_from_the_names_of_files(tmp_path: Path, svg: str) -> None:
    for stem in ("fig04_mitbih_curves", "fig00_mitbih_beats"):
        (tmp_path / f"{stem}.png").write_bytes(PNG + stem.encode())
    (tmp_path / "fig04_mitbih_curves.svg").write_text(svg, encoding="utf-8")
    for stem in ("table9_mitbih", "table_peers_mitbih"):
        (tmp_path / f"{stem}.md").write_text(f"{stem}\n", encoding="utf-8")
    found = exhibits_of(tmp_path, captions={"table9_mitbih": "Ours"})
    assert {one.name: one.label for one in found.values()} == {
        "fig04_mitbih_curves": "Figure 4",
        "fig00_mitbih_beats": "",
        "table9_mitbih": "Table IX",
        "table_peers_mitbih": "",
    }
    assert found[content_key(PNG + b"fig04_mitbih_curves")].svg == svg
    assert found[content_key("table9_mitbih")].caption == "Ours"
    assert exhibits_of(tmp_path / "missing") == {}


def luminance(colour: str) -> float:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_stands_out_from_its_ground() -> None:
    style = (ROOT / "ecglib" / "report" / "style.css").read_text(encoding="utf-8")
    blocks = [
        dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in re.findall(r":root[^{]*\{([^}]*)\}", style)
    ]
    light, dark, chosen, _ = blocks
    assert dark == chosen
    for colours in (light, dark):
        assert colours.keys() == light.keys()
        words = [name for name in colours if name.startswith("code-")] + ["text", "quiet", "link"]
        pairs = [(word, ground) for word in words for ground in ("ground", "raised")]
        pairs += [(verdict, f"{verdict}-ground") for verdict in ("same", "differs", "not-run")]
        for word, ground in pairs:
            darker, lighter = sorted((luminance(colours[word]), luminance(colours[ground])))
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (word, ground)


def test_printing_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "index.html"
    with pytest.raises(EcglibError, match="no such page"):
        pdf.print_pdf(page, tmp_path / "out.pdf")
    page.write_text("<p>x", encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EcglibError, match="install one of chromium"):
        pdf.print_pdf(page, tmp_path / "out.pdf")
    browser = tmp_path / "chromium"
    browser.write_text("#!/bin/sh\necho 'cannot start' >&2\nexit 3\n", encoding="utf-8")
    browser.chmod(0o755)
    with pytest.raises(EcglibError, match=r"did not print .*: cannot start"):
        pdf.print_pdf(page, tmp_path / "out.pdf")
    assert sorted(tmp_path.iterdir()) == [browser, page]


@pytest.mark.skipif(not any(map(shutil.which, pdf.BROWSERS)), reason="needs Chromium or Chrome")
def test_page_is_printed(tmp_path: Path, make_notebook: Callable[..., Executed]) -> None:
    page = write_page([make_notebook(shown(text_markdown=TABLE))], tmp_path / "index.html", Front("Title"))
    out = pdf.print_pdf(page, tmp_path / "report" / "out.pdf")
    assert out.read_bytes()[:5] == b"%PDF-"
    assert list(out.parent.iterdir()) == [out]


def test_a_figure_is_called_by_its_title_not_by_its_legend() -> None:
    for path in (files.home() / "figures").glob("*/fig*.svg"):
        name = vector.title(path.read_text(encoding="utf-8"))
        # a legend stands as high as the title
        assert name not in ("test", "mean", "epoch kept", "full", "original's", "known (split by beat)"), path
    drawn = files.home() / "figures" / "questions" / "fig00_mitbih_reduced.svg"
    assert vector.title(drawn.read_text(encoding="utf-8")) == "On the reduced data"
