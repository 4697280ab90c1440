"""What the paper leaves open: unfrozen branches, filters, batches, what gives a class away; each answered by trainings.

Each answer is a change of `ecglib.results.ledger`, whose `where` is the question.
"""

from __future__ import annotations

import numpy as np

from ecglib.data.views import ROW_VIEWS, show
from ecglib.experiment import Experiment
from ecglib.names import BRANCHES, EXPERIMENT_1, Dataset, ModelName, Question, RowView
from ecglib.parameters import NO_RESULT_CHANGES, Parameters, load_parameters, profile_names
from ecglib.results.ledger import Change
from ecglib.results.searches import tested

TITLES: dict[Question, str] = {
    "unfrozen": "Should the branches be unfrozen?",
    "filters": "How many filters, and which picture?",
    "batch_size": "Which batch size?",
    "hints": "What gives the class away?",
    "search": "What does a search find?",
}
FROM_SCRATCH = "end to end from scratch instead of frozen"
ON_A_GPU = "the same training on a GPU instead of a CPU"
# a profile of the same recipe, whose first seeds were trained on a CPU
_ON_A_CPU = "short"
# what the networks learn from; shuffled samples tell what ordered ones do, and are shown in tests alone
LEARNT_FROM: tuple[RowView, ...] = ("stretched", "next_beat_cut", "ordered", "ranked")


def questions(parameters: Parameters, dataset: Dataset = "mitbih") -> tuple[Change, ...]:
    """The changes that answer the parameters' questions, in sizes that follow their epochs and batches."""
    epochs, batch, frozen = parameters.cnn_transformer_epochs, parameters.batch_size, parameters.fusion_epochs
    few = max(1, epochs // 3)
    words = f"{few} epoch{'s' if few > 1 else ''}"
    short = {"fusion_epochs": few, "fusion_batch_size": batch}
    tuned, scratch = {**short, "fusion_training": "fine_tuned"}, {"fusion_training": "from_scratch"}
    weighted, original = {"class_weighting": "balanced"}, {"design": "original"}
    eight = original | {"cnn2d_filters": 8}
    late, fused, branch_1d, branch_2d = ("late",), ("late", "concat"), ("cnn_transformer",), ("cnn2d",)
    # title, models, parameters without, parameters with it
    answers: dict[Question, list[tuple[str, tuple[ModelName, ...], dict, dict]]] = {
        "unfrozen": [
            (FROM_SCRATCH, late, {}, scratch),
            (f"fine-tuned instead of frozen, {words} each", fused, short, tuned),
            (f"fine-tuned for {words} instead of frozen for {frozen}", fused, {}, tuned),
        ],
        "filters": [
            ("16 filters instead of 8", branch_2d, {}, {"cnn2d_filters": 16}),
            ("32 filters instead of 8", branch_2d, {}, {"cnn2d_filters": 32}),
            ("the original's picture and layers with 8 filters, instead of the report's", branch_2d, {}, eight),
            ("32 filters instead of 8, the original's picture and layers", branch_2d, eight, original),
            ("real part instead of magnitude, the same", branch_2d, original | {"picture": "magnitude"}, original),
        ],
        "batch_size": [
            (f"batches of {size} instead of {batch}, as many epochs", BRANCHES, {}, {"batch_size": size})
            for size in (4 * batch, batch // 4)
        ],
        "hints": [(ROW_VIEWS[view].title, branch_1d, {}, {"rows_show": view}) for view in LEARNT_FROM],
        "search": [
            (f"tuned by a search of {its.trials} trials", (its.model,), {}, its.settings)
            for its in tested(parameters, dataset)
        ],
    }
    if parameters.class_weighting == "none":
        title = f"fine-tuned instead of frozen, {words} each, class weights"
        answers["unfrozen"].append((title, late, weighted | short, weighted | tuned))
    others = {_ON_A_CPU} & set(profile_names()) - {parameters.profile}
    if any(_same_recipe(parameters, load_parameters(other)) for other in others):
        answers["unfrozen"].append((ON_A_GPU, BRANCHES, {}, {}))
    return tuple(
        Change(title, TITLES[question], models, *sides, beside=_ON_A_CPU if title == ON_A_GPU else None)
        for question in parameters.questions
        for title, models, *sides in answers[question]
    )


def _same_recipe(parameters: Parameters, other: Parameters) -> bool:
    one, its = ({**dict(each), "profile": None, **dict.fromkeys(NO_RESULT_CHANGES)} for each in (parameters, other))
    return one == its


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
