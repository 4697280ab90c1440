"""The explorer on the page, in a real browser: what it computes is what Python computes, and it fetches nothing."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.metrics import average_precision_score, roc_auc_score

from ecglib import files
from ecglib.experiment import Experiment
from ecglib.names import MODEL_TITLES
from ecglib.notebooks import nodes
from ecglib.report import explorer, pdf
from ecglib.report.checks import external_resources
from ecglib.report.material import Executed, Front
from ecglib.report.page import write_page
from ecglib.results.explorer import payload
from ecglib.results.weighting import partly_without

BROWSER = next(filter(None, map(shutil.which, pdf.BROWSERS)), None)
FIGURES = files.home() / "figures"

pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"needs one of {', '.join(pdf.BROWSERS)}")


@pytest.fixture(scope="module")
def node():
    return next(one for one in nodes() if one.header.name == "15_explore" and one.parameters.profile == "reduced")


@pytest.fixture(scope="module")
def experiments(node) -> Iterator[list[Experiment]]:
    """The committed results that notebook 15 shows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ECGLIB_OUTPUT", raising=False)
        patch.setenv("ECGLIB_TRAIN", "never")
        yield explorer.both_splits(Experiment(node.parameters, node.dataset))


@pytest.fixture(scope="module")
def browser() -> Iterator:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright, of the extra 'test'")
    with playwright.sync_playwright() as started:
        # Chromium's sandbox does not work for root, which containers often run as
        chromium = started.chromium.launch(executable_path=BROWSER, chromium_sandbox=False)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(node, experiments, tmp_path_factory) -> str:
    """The page with the one notebook, as the report has it."""
    executed = tmp_path_factory.mktemp("page") / node.executed.name
    shutil.copy(files.notebooks() / "15_explore.ipynb", executed)
    notebook = Executed(executed, profile="reduced")
    page = executed.with_suffix(".html")
    write_page([notebook], page, Front("Explorer"), panels=explorer.explorer_panels([node]))
    return page.as_uri()


@pytest.mark.parametrize("profile", ["reduced", "short_original"])
def test_the_panel_has_its_heading_on_the_page(profile, monkeypatch):
    monkeypatch.setattr(explorer, "payload", lambda experiments: b"")
    node = next(one for one in nodes(profile) if one.header.name == "15_explore")
    (name,) = explorer.explorer_panels([node])
    assert name == f"{profile.replace('_', '-')}-15-explore-mitbih-the-panel"


@pytest.fixture
def show(browser, address) -> Iterator[Callable]:
    """Opens the page; at the end nothing was asked of the network, and no script failed."""
    wrong, pages = [], []

    def opened(width: int = 1400, scheme: str = "light"):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        pages.append(page)
        page.set_default_timeout(60_000)
        page.on("request", lambda request: request.url.startswith((address, "data:")) or wrong.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
        page.goto(address)
        # it is computed once it is near
        page.locator("[id^=explorer-]").scroll_into_view_if_needed()
        panel = page.locator("section[id$=the-panel] .ecg-explorer")
        panel.locator(".records tbody tr").first.wait_for()
        return panel

    yield opened
    for page in pages:
        page.close()
    assert wrong == []


def exact(panel, part: str) -> list[float]:
    values = panel.locator(f"{part} [data-exact]").evaluate_all("all => all.map(one => one.dataset.exact)")
    return [float(value) for value in values]


def matrix(panel) -> list[list[int]]:
    cells = panel.locator(".matrix button").all_inner_texts()
    size = round(len(cells) ** 0.5)
    return np.array([int(cell.replace(",", "")) for cell in cells]).reshape(size, size).tolist()


def test_its_numbers_are_those_of_the_runs(show, experiments):
    panel = show()
    shares = partly_without(experiments[0], (0.0, 0.25, 1.0)).set_index(["model", "share"])
    patients = pd.read_csv(FIGURES / "reduced" / "table_patients_mitbih.csv", float_precision="round_trip")
    for model, title in MODEL_TITLES.items():
        panel.get_by_label("Model").select_option(title)
        for share in (1.0, 0.25, 0.0):
            panel.get_by_label("Share of the class weights").fill(str(share))
            assert exact(panel, ".numbers") == pytest.approx(shares.loc[(model, share)].tolist(), abs=1e-12)
        metrics = experiments[0].run(model).metrics
        assert matrix(panel) == metrics.confusion
        assert exact(panel, ".numbers") == pytest.approx([metrics.mcc, metrics.f1_macro], abs=1e-12)
        committed = patients.loc[patients["model"] == model, "mcc"].tolist()
        if committed:
            assert exact(panel, ".people") == pytest.approx(committed, abs=1e-12)
    panel.get_by_label("Results").select_option("reduced, by patient")
    assert matrix(panel) == experiments[1].run("weighted_sum").metrics.confusion


def test_a_threshold_lies_on_curves_that_scikit_learn_draws_too(show, experiments):
    panel = show()
    panel.get_by_role("combobox", name="Class", exact=True).select_option("ventricular premature (V)")
    predictions = experiments[0].run("late").predictions
    probability = softmax(predictions.scores.astype(float), axis=1)[:, 2]
    positive = predictions.label == 2
    area, precision = roc_auc_score(positive, probability), average_precision_score(positive, probability)
    # scores are rounded to 12 binary digits, which may swap neighbours
    assert exact(panel, ".at-threshold") == pytest.approx([area, precision], abs=1e-5)
    panel.get_by_label("Called so from a probability").fill("0.9")
    called = probability >= 0.9
    found, right = (called & positive).sum() / positive.sum(), (called & positive).sum() / called.sum()
    words = panel.locator(".at-threshold").inner_text()
    assert words.startswith(f"{100 * found:.2f} % of {positive.sum():,} are found") and f"{100 * right:.2f} %" in words
    dots = panel.locator(".curve circle")
    places = [[float(dot.get_attribute(name)) for name in ("cx", "cy")] for dot in (dots.nth(0), dots.nth(1))]
    assert places[0][1] == pytest.approx(90 - 85 * found, abs=0.06)
    assert places[1] == pytest.approx([10 + 85 * found, 90 - 85 * right], abs=0.06)


def test_a_cell_opens_its_beats_worst_first_and_keys_step_through_them(show, experiments):
    panel = show()
    page, which, drawn = panel.page, panel.locator(".which"), panel.locator(".drawn")
    panel.get_by_label("true S, called V").click()
    predictions, test = experiments[0].run("late").predictions, experiments[0].split.test
    probability = softmax(predictions.scores.astype(float), axis=1)
    inside = np.flatnonzero((predictions.label == 1) & (probability.argmax(axis=1) == 2))
    worst = test[inside[np.argsort(-probability[inside, 2], kind="stable")]]
    beats = experiments[0].beats
    expected = [f"record {beats.record[row]}, sample {beats.sample[row]:,}," for row in worst]
    listed = panel.get_by_label("Beats of the chosen cell").locator("option").all_inner_texts()
    assert [" ".join(text.split(" ")[:4]) for text in listed] == expected
    seen = []
    for act in ("", "ArrowRight", "ArrowRight", "ArrowLeft"):
        if act:
            panel.locator(".beat").focus()
            page.keyboard.press(act)
        seen.append((which.inner_text().split(",")[0], drawn.locator("polyline").get_attribute("points")))
    assert [words[0] for words, _ in seen] == ["1", "2", "3", "2"]
    assert seen[1] == seen[3] and len({points for _, points in seen}) == 3
    assert drawn.locator("image").get_attribute("href").startswith("data:image/png")
    panel.get_by_label("Next beat").click()
    assert which.inner_text().startswith("3 of")
    # one record alone
    panel.get_by_role("combobox", name="Record", exact=True).select_option("232")
    assert sum(map(sum, matrix(panel))) == (experiments[0].beats.record[test] == "232").sum()


def test_a_beat_and_its_picture_show_where_the_branches_looked(show):
    panel = show()
    stretches, fields = panel.locator(".paper .look"), panel.locator(".picture .dim")
    assert stretches.count() == fields.count() == 0
    seen = []
    for method in ("integrated gradients", "attention rollout"):
        panel.get_by_label("Where the branches looked").select_option(method)
        assert (stretches.count(), fields.count()) == (17, 64)
        strength = "all => all.map(one => Number(one.getAttribute('opacity')))"
        seen.append(stretches.evaluate_all(strength))
        assert max(seen[-1]) == 0.6 and min(fields.evaluate_all(strength)) == 0
    assert seen[0] != seen[1]
    panel.get_by_label("Next beat").click()
    assert stretches.count() == 17
    # the page has no records, and asks nobody for them
    assert panel.locator(".around").inner_html() == ""


def test_the_widget_answers_with_the_strip_of_the_beat_that_is_asked_for(monkeypatch, experiments, data_folder):
    pytest.importorskip("anywidget", reason="needs anywidget, of the extra 'lab'")
    widget = explorer.explorer(experiments)
    assert widget.records and widget.strip == {}
    widget.asked = [1, 70]
    assert widget.strip["asked"] == [1, 70] and len(widget.strip["signal"]) == 2160
    # what stands in a notebook or on the page is the same with records as without
    monkeypatch.delenv("ECGLIB_DATA")
    assert widget.payload == payload(experiments)


def test_without_anywidget_the_cell_is_html_of_the_same_words(monkeypatch, experiments):
    pytest.importorskip("anywidget", reason="needs anywidget, of the extra 'lab'")
    widget = explorer.explorer(experiments)
    monkeypatch.setattr(explorer, "anywidget", None)
    static = explorer.explorer(experiments)
    assert (
        repr(static)
        == repr(widget)
        == ("Explorer: reduced by beat, 21,892 test beats; reduced by patient, 49,683 test beats")
    )
    assert base64.b64encode(widget.payload).decode() in static.data
    assert external_resources(static.data) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_takes_the_page_s_colours(show, scheme):
    panel = show(390, scheme)
    assert panel.page.evaluate("document.documentElement.scrollWidth") <= 390
    ground, own = panel.evaluate("one => [document.body, one].map(of => getComputedStyle(of).backgroundColor)")
    assert own == ground == {"light": "rgb(252, 251, 249)", "dark": "rgb(22, 25, 29)"}[scheme]
    # every control says what it is
    named = (
        "all => all.filter(one => !(one.labels?.[0]?.textContent ?? one.ariaLabel ?? one.textContent).trim()).length"
    )
    assert panel.locator("select, input, button").evaluate_all(named) == 0
