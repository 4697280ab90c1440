"""A model card for each pretrained model, ``README.md`` in the folder of its runs, from the runs themselves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files as resources
from pathlib import Path

import jinja2
import pandas as pd
from scipy.special import softmax
from tqdm import tqdm

from ecglib import files
from ecglib.experiment import Experiment
from ecglib.metrics import expected_calibration_error
from ecglib.names import CLASS_TITLES, DATASETS, METRIC_TITLES, MODEL_TITLES, ModelName
from ecglib.parameters import Parameters, profile_words
from ecglib.predict import DEFAULT_MODEL, NOTICE
from ecglib.predict.evaluation import on_new_people
from ecglib.predict.pretrained import pretrained_folders
from ecglib.results.tables import class_count_summary, class_count_table, data_label
from ecglib.runs import Run, load_run

_PEOPLE = {
    "kaggle": "Training and test beats are of the same people: for a new person expect less.",
    "patient": "Nobody is on both sides of the split.",
    "fold": "Nobody is on both sides of the split.",
}


def refresh_cards(write: bool = True) -> list[str]:
    """Write the cards, and ``docs/models.md`` that lists them; those that were other ones before.

    Where nothing is to be written, models without a card, which somebody trained beside ours, do not count.
    """
    models = [(name, folder) for name, (folder, _) in pretrained_folders().items()]
    models = [(name, folder) for name, folder in models if write or (folder / "README.md").is_file()]
    shown = tqdm(models, "model cards", disable=None)
    texts = {folder / "README.md": card(name) for name, folder in shown}
    changed = []
    for path, text in {**texts, files.home() / "docs" / "models.md": overview([name for name, _ in models])}.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            changed.append(str(path.relative_to(files.home())))
            if write:
                with files.replacing(path) as temporary:
                    temporary.write_text(text, encoding="utf-8")
    return changed


def overview(names: Sequence[str]) -> str:
    """The given models with what they reach."""
    path = files.home() / "figures" / "reduced" / "table_new_people_mitbih.csv"
    rows = []
    if path.is_file():
        # its card is written by hand, with numbers filled in
        gross = pd.read_csv(path).query("model == 'context' and records == 'all'").iloc[0]
        told = {"data": "mitbih by patient", "design": "context", "models": 1, "test MCC": f"{100 * gross['mcc']:.2f}"}
        rows.append({"name": "[context](context.md)", **told, "test beats are of": "new people"})
    for name in names:
        folder, parameters = pretrained_folders()[name]
        experiment, runs = Experiment(parameters, folder.name), _runs(folder)
        main = _main(runs)
        rows.append(
            {
                "name": f"[{name}](../{(folder / 'README.md').relative_to(files.home())})",
                "data": data_label(experiment),
                "design": experiment.design.title,
                "models": len(runs),
                "test MCC": f"{100 * runs[main].metrics.mcc:.2f} ({main})",
                "test beats are of": "known people" if experiment.split_kind == "kaggle" else "new people",
            }
        )
    return f"""# Pretrained models

**{NOTICE}** `ecglib.load_pretrained("best")` gives late fusion, `"best:cnn2d"` another model of the same name.
`ecglib predict FILE --model best` uses it; without a name it is `{DEFAULT_MODEL}`. Each name leads to its model card.
MCC in percent. "Known" and "new" say whether other beats of the test's people were trained on.

{_table(pd.DataFrame(rows))}
"""


def _runs(folder: Path) -> dict[ModelName, Run]:
    return {kind: run for kind in MODEL_TITLES if (run := load_run(folder / kind)) and run.weights is not None}


def _main(runs: dict[ModelName, Run]) -> ModelName:
    return "late" if "late" in runs else next(iter(runs))


def card(name: str) -> str:
    """The text of one card.

    Parameters
    ----------
    name : str
        A key of `ecglib.predict.pretrained.pretrained_folders`.
    """
    folder, parameters = pretrained_folders()[name]
    runs = _runs(folder)
    experiment = Experiment(parameters, folder.name)
    design = experiment.design
    main = _main(runs)
    metrics = runs[main].metrics
    names = experiment.class_names[: len(metrics.sensitivity)]
    beats = [sum(row) for row in metrics.confusion]
    by_class = pd.DataFrame(
        {
            "class": [CLASS_TITLES.get(one, one) for one in names],
            "test beats": [f"{count:,}" for count in beats],
            "sensitivity": [f"{100 * value:.1f}" for value in metrics.sensitivity],
            "positive predictive value": [f"{100 * value:.1f}" for value in metrics.positive_predictive_value],
        }
    )
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    environment.filters["code"] = "`{}`".format
    template = environment.from_string(resources("ecglib.predict").joinpath("card.md.j2").read_text(encoding="utf-8"))
    return template.render(
        name=name,
        title=f"design {design.title}, {DATASETS[experiment.dataset].title}",
        notice=NOTICE,
        # of a variant they would say what it is not
        words=profile_words(parameters.profile) if parameters.label == parameters.profile else "",
        kinds=list(runs),
        data=experiment.title,
        people=_PEOPLE[experiment.split_kind],
        counts=_table(class_count_summary(class_count_table(experiment)).iloc[:, :-1]),
        recipe="\n".join(f"- {design.model_title(kind)}: {_recipe(run)}" for kind, run in runs.items()),
        profile=parameters.profile,
        metrics=_table(pd.DataFrame([_metrics(design.model_title(kind), run) for kind, run in runs.items()])),
        by_class_title=design.model_title(main),
        by_class=_table(by_class),
        new_patients=_new_patients(name, parameters, experiment),
    )


def _table(frame: pd.DataFrame) -> str:
    return frame.to_markdown(index=False, disable_numparse=True)


def _recipe(run: Run) -> str:
    training = run.identity["training"]
    optimizer = json.dumps(training["optimizer"]).replace('"', "").strip("{}")
    return f"{training['epochs']} epochs of batches of {training['batch_size']}, {optimizer}, seed {training['seed']}"


def _metrics(title: str, run: Run) -> dict[str, str]:
    found = {"model": title}
    for key in ("mcc", "f1_macro", "accuracy"):
        low, high = run.metrics.interval[key]
        found[METRIC_TITLES[key]] = f"{100 * getattr(run.metrics, key):.2f} [{100 * low:.2f}, {100 * high:.2f}]"
    probabilities = softmax(run.predictions.scores.astype(float), axis=1)
    return {**found, "ECE": f"{100 * expected_calibration_error(run.predictions.label, probabilities):.1f}"}


def _new_patients(name: str, parameters: Parameters, experiment: Experiment) -> str:
    """What the committed tables say: MCC with each patient on one side, and beats that were found by ourselves."""
    lines = []
    path = files.home() / "figures" / parameters.label / f"table_patients_{experiment.dataset}.csv"
    if experiment.split_kind != "kaggle":
        lines.append("The test beats above are of new patients.")
    elif path.is_file():
        rows = pd.read_csv(path)
        for row in rows[rows["split"] == "by patient"].to_dict("records"):
            title = experiment.design.model_title(row["model"])
            mcc = f"{100 * row['mcc']:.1f} [{100 * row['mcc_low']:.1f}, {100 * row['mcc_high']:.1f} over patients]"
            lines.append(f"- The same recipe with each patient on one side, {title}: MCC {mcc}.")
    if name == "reduced-by-patient":
        lines.append(f"With beats that `ecglib predict` finds by itself: {on_new_people(f'{name}:late')}.")
    return "\n".join(lines) or "No table of this profile says how well it does for new patients."
