"""What the paper leaves open: unfrozen branches, filters, batches, what gives a class away; each answered by trainings.

Each answer is a change of `ecglib.results.ledger`, whose `where` is the question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ecglib.data.views import ROW_VIEWS, show
from ecglib.experiment import Experiment
from ecglib.names import BRANCHES, EXPERIMENT_1, ModelName, Question, RowView
from ecglib.parameters import Parameters
from ecglib.results.ledger import Change, Ledger

TITLES: dict[Question, str] = {
    "unfrozen": "Should the branches be unfrozen?",
    "class_weights": "And with class weights?",
    "filters": "How many filters, and which picture?",
    "batch_size": "Which batch size?",
    "hints": "What gives the class away?",
}
# what the networks learn from; shuffled samples tell what ordered ones do, and are shown in tests alone
LEARNT_FROM: tuple[RowView, ...] = ("stretched", "next_beat_cut", "ordered", "ranked")
# seeds of what takes many trainings; all else has the profile's
FEW = 3


def questions(parameters: Parameters) -> tuple[Change, ...]:
    """The changes that answer the parameters' questions, in sizes that follow their epochs and batches."""
    epochs, batch, frozen = parameters.cnn_transformer_epochs, parameters.batch_size, parameters.fusion_epochs
    few = max(1, epochs // 3)
    words = f"{few} epoch{'s' if few > 1 else ''}"
    short = {"fusion_epochs": few, "fusion_batch_size": batch}
    tuned, scratch = {**short, "fusion_training": "fine_tuned"}, {"fusion_training": "from_scratch"}
    longer = {"cnn_transformer_epochs": epochs + few, "cnn2d_epochs": parameters.cnn2d_epochs + few}
    small, large = batch // 4, 4 * batch
    steps = {name: 4 * getattr(parameters, name) for name in ("cnn_transformer_epochs", "cnn2d_epochs")}
    weighted, original = {"class_weighting": "balanced"}, {"design": "original"}
    fused: tuple[ModelName, ...] = ("late", "concat")
    # title, models, parameters without, parameters with it, seeds
    answers: dict[Question, list[tuple[str, Sequence[ModelName], dict, dict, int | None]]] = {
        "unfrozen": [
            (f"fine-tuned instead of frozen, {words} each", fused, short, tuned, None),
            (f"fine-tuned for {words} instead of frozen for {frozen}", fused, {}, tuned, None),
            (f"fine-tuned for {words} instead of branches trained as much longer", fused, longer, tuned, FEW),
            ("end to end from scratch instead of frozen", fused, {}, scratch, FEW),
        ],
        "class_weights": [
            (f"fine-tuned instead of frozen, {words} each, weighted", fused, weighted | short, weighted | tuned, FEW),
            ("end to end from scratch instead of frozen, weighted", ("late",), weighted, weighted | scratch, FEW),
        ],
        "filters": [
            ("16 filters instead of 8", ("cnn2d",), {}, {"cnn2d_filters": 16}, None),
            ("32 filters instead of 8", ("cnn2d",), {}, {"cnn2d_filters": 32}, None),
            (
                "the original's picture and layers instead of the report's, 8 filters",
                ("cnn2d",),
                {},
                original | {"cnn2d_filters": 8},
                None,
            ),
            (
                "16 filters instead of 8, the original's picture",
                ("cnn2d",),
                original | {"cnn2d_filters": 8},
                original | {"cnn2d_filters": 16},
                FEW,
            ),
            (
                "32 filters instead of 8, the original's picture",
                ("cnn2d",),
                original | {"cnn2d_filters": 8},
                original,
                None,
            ),
            (
                "real part instead of magnitude, the original's 32 filters",
                ("cnn2d",),
                original | {"picture": "magnitude"},
                original,
                FEW,
            ),
        ],
        "batch_size": [
            (f"batches of {large} instead of {batch}, same epochs", BRANCHES, {}, {"batch_size": large}, FEW),
            (f"batches of {large} instead of {batch}, same steps", BRANCHES, {}, {"batch_size": large, **steps}, FEW),
            (f"batches of {small} instead of {batch}, same epochs", BRANCHES, {}, {"batch_size": small}, FEW),
        ],
        "hints": [(ROW_VIEWS[view].title, BRANCHES, {}, {"rows_show": view}, FEW) for view in LEARNT_FROM],
    }
    return tuple(
        Change(title, TITLES[question], tuple(models), without, with_it, seeds)
        for question in parameters.questions
        for title, models, without, with_it, seeds in answers[question]
    )


def trainings(experiment: Experiment) -> Iterator[tuple[Experiment, ModelName]]:
    """All that the answers need, each run once: an experiment, and the model that its `run` trains.

    Question by question, what fusions start from before them; so that whatever ends this early leaves whole answers.
    """
    ledger = Ledger(experiment, questions(experiment.parameters))
    asked: dict[Path, tuple[Experiment, ModelName]] = {}
    for change in ledger.changes:
        sides = [ledger.changed(side).repetitions[: change.repetitions] for side in (change.without, change.with_it)]
        wanted = [(one, model) for side in sides for one in side for model in change.models]
        starting = [(one, branch) for one, model in wanted if one.starts_from_branches(model) for branch in BRANCHES]
        for one, model in starting + wanted:
            owner = one.owner(model)
            asked.setdefault(owner.folder / model, (owner, model))
    # further seeds of a few answers wait for the first ones of all
    yield from sorted(asked.values(), key=lambda item: item[0].repetition >= FEW)


def answers_to_views(experiment: Experiment) -> dict[str, np.ndarray]:
    """The class that each model, trained on whole rows, gives each test row under each view; by "model|view".

    They are kept, so that they can be shown without records and weights.
    """
    models = EXPERIMENT_1

    def answers() -> dict[str, np.ndarray]:
        signal = experiment.data.signal_of("test")
        shown = {view: show(view, signal) for view in ROW_VIEWS}
        return {
            f"{model}|{view}": experiment.scores(model, rows).argmax(axis=1).astype(np.uint8)
            for model in models
            for view, rows in shown.items()
        }

    return experiment.derived("row_views", answers, *models)
