"""The explorer: finished results to click through, as a widget in JupyterLab and as HTML on the page."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from importlib import resources

from IPython.display import HTML
from markupsafe import Markup

from ecglib import files
from ecglib.experiment import Experiment
from ecglib.names import MODEL_TITLES
from ecglib.notebooks import Node
from ecglib.report import prose
from ecglib.results.by_patient import patient_split
from ecglib.results.explorer import payload, strip_around

try:
    import anywidget
    import traitlets
except ImportError:  # without the extra "lab" the same script comes as HTML
    anywidget = None


def _file(ending: str) -> str:
    return resources.files("ecglib.report").joinpath(f"explorer.{ending}").read_text(encoding="utf-8")


def explorer(experiments: Sequence[Experiment], per_cell: int | None = None) -> object:
    """Confusion matrices, beats, class weights, thresholds and records of finished results, for a notebook to show.

    Everything is computed in the browser, so that nothing is asked of the kernel once it is shown; but for the strip
    around a beat, which the widget reads from the record where ``ECGLIB_DATA`` has it, and which nothing keeps.

    Parameters
    ----------
    experiments : sequence of Experiment
        Results to choose from. One by beat and one by patient of the same profile are set against each other.
    per_cell : int, optional
        How many beats of each cell have a signal; this needs the records. By default those kept with the results.

    Returns
    -------
    AnyWidget or HTML
        HTML where anywidget is not installed.
    """
    words = f"Explorer: {'; '.join(_words(one) for one in experiments)}"
    packed = payload(experiments, per_cell)
    return _Static(packed, words) if anywidget is None else _Widget(experiments, packed, words)


def both_splits(experiment: Experiment) -> list[Experiment]:
    """An experiment by beat, and by patient where its profile asks for that and all models were trained so."""
    if not experiment.parameters.by_patient or (experiment.data.table.subject == "").any():
        return [experiment]
    by_patient = experiment.split_by(patient_split(experiment.data.table))
    return [experiment.split_by("kaggle"), *([by_patient] if all(map(by_patient.has, MODEL_TITLES)) else [])]


def explorer_panels(nodes: Sequence[Node]) -> dict[str, Markup]:
    """The explorer as HTML that fetches nothing, for the page: by the heading of notebook 15 below which it stands."""
    panels = {}
    for node in nodes:
        if node.header.name == "15_explore":
            name = "-".join(map(prose.slug, (node.parameters.label, node.executed.stem, "the panel")))
            panels[name] = _html(payload(both_splits(Experiment(node.parameters, node.dataset))))
    return panels


def _words(experiment: Experiment) -> str:
    kind = "beat" if experiment.split_kind == "kaggle" else "patient"
    beats = len(experiment.split.test)
    return f"{experiment.parameters.profile} by {kind}, {beats:,} test beats"


def _html(packed: bytes) -> Markup:
    encoded, name = base64.b64encode(packed).decode(), f"explorer-{zlib.crc32(packed):08x}"
    return Markup(
        f'<style>{_file("css")}</style><div id="{name}"><p>The explorer needs JavaScript.</p></div>'
        f'<script type="module">{_file("js")}\n'
        f'const packed = () => Uint8Array.from(atob("{encoded}"), (sign) => sign.charCodeAt(0));\n'
        # not before it is near, so that the page is there at once
        f'const el = document.getElementById("{name}");\n'
        "const near = new IntersectionObserver((seen) => {\n"
        "  if (!seen.some((one) => one.isIntersecting)) return;\n"
        "  near.disconnect();\n"
        "  explorer.render({ model: { get: packed }, el });\n"
        '}, { rootMargin: "100%" });\n'
        "near.observe(el);</script>"
    )


class _Static(HTML):
    """The explorer without anywidget."""

    def __init__(self, packed: bytes, words: str):
        super().__init__(_html(packed))
        self.words = words

    def __repr__(self) -> str:
        return self.words


if anywidget is not None:

    class _Widget(anywidget.AnyWidget):
        """The explorer in JupyterLab; named by what it shows, so that one execution of a notebook is as another."""

        _esm, _css = _file("js"), _file("css")
        payload = traitlets.Bytes().tag(sync=True)
        words = traitlets.Unicode()
        # the strip around a beat, one at a time: which one is asked for, by result and beat, and what is answered
        records = traitlets.Bool().tag(sync=True)
        asked = traitlets.List().tag(sync=True)
        strip = traitlets.Dict().tag(sync=True)

        def __init__(self, experiments: Sequence[Experiment], packed: bytes, words: str):
            self._experiments = experiments
            super().__init__(payload=packed, words=words, records=files.raw_data() is not None)

        @traitlets.observe("asked")
        def _answer(self, change: dict[str, list[int]]) -> None:
            result, beat = change["new"]
            self.strip = {"asked": change["new"], **strip_around(self._experiments[result], beat)}

        def __repr__(self) -> str:
            return self.words
