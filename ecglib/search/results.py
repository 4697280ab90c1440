"""What a search found: its trials as a table and figures, its best as a profile, and one counted test of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from filelock import FileLock

from ecglib import files
from ecglib.experiment import Experiment
from ecglib.figures.style import legend_above, style
from ecglib.names import MODEL_TITLES, EcglibError, ModelName
from ecglib.publish import publish_figure, publish_table
from ecglib.results.searches import FOLDER
from ecglib.search.study import settings, without_notices

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from optuna import Study
    from optuna.trial import FrozenTrial


def best_trial(study: Study) -> FrozenTrial:
    """The finished trial with the highest macro F1.

    Raises
    ------
    EcglibError
        No trial is finished.
    """
    if not _finished(study):
        raise EcglibError(f"study {study.study_name}: no trial is finished; go on with 'ecglib search'")
    return study.best_trial


def trial_table(study: Study) -> pd.DataFrame:
    """One row a trial: columns trial, state, f1_macro and mcc (means over the folds), tenths, seconds, and parameters.

    `tenths` is how far it came, of 30: ten a fold. Trials that were ended early have no f1_macro and no mcc.
    """
    rows = []
    for trial in study.get_trials(deepcopy=False):
        spent = (trial.datetime_complete - trial.datetime_start).total_seconds() if trial.datetime_complete else np.nan
        row = {"trial": trial.number, "state": trial.state.name.lower()}
        row |= {"f1_macro": trial.value if trial.state.name == "COMPLETE" else np.nan}
        row |= {"mcc": trial.user_attrs.get("mcc", np.nan), "tenths": trial.last_step or 0, "seconds": round(spent, 1)}
        rows.append(row | settings(trial.params))
    return pd.DataFrame(rows)


def trial_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`trial_table` for readers, metrics in percent, the best first."""
    shown = tidy.sort_values(["f1_macro", "trial"], ascending=[False, True]).astype(object)
    for metric in ("f1_macro", "mcc"):
        shown[metric] = ["" if np.isnan(value) else f"{100 * value:.2f}" for value in shown[metric]]
    return shown.rename(columns={"f1_macro": "macro F1", "mcc": "MCC"}).where(shown.notna().to_numpy(), "")


def publish(study: Study, experiment: Experiment, model: ModelName) -> list[Path]:
    """Write the table of trials and Optuna's figures to ``figures/search``, the best as a profile to ``runs/search``.

    Without two finished trials there is nothing yet to draw.
    """
    name, tidy = f"{experiment.parameters.label}_{model}", trial_table(study)
    publish_table(tidy, trial_summary(tidy), experiment, name, FOLDER)
    folder = files.figures(FOLDER)
    written = [folder / f"table_{name}_{experiment.dataset}.md"]
    if len(_finished(study)) > 1:
        for what, figure in zip(("history", "importances"), _figures(study, MODEL_TITLES[model]), strict=True):
            publish_figure(figure, experiment, 0, f"{name}_{what}", label=FOLDER)
            written.append(folder / f"fig00_{experiment.dataset}_{name}_{what}.png")
    if _finished(study):
        written.append(files.runs(FOLDER) / f"{study.study_name}.yaml")
        with files.replacing(written[-1]) as temporary:
            temporary.write_text(profile_text(study, experiment), encoding="utf-8")
    return written


def _finished(study: Study) -> list[Any]:
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]


def _figures(study: Study, title: str) -> tuple[Figure, Figure]:
    import matplotlib.pyplot as plt
    from optuna.visualization import matplotlib as plots

    found = []
    for words, draw in (("trials", plots.plot_optimization_history), ("importances", plots.plot_param_importances)):
        # their own style would stay for good
        with style(), without_notices():
            axes = draw(study, target_name="macro F1 (mean of three folds)")
            figure = axes.figure
            plt.close(figure)
            figure.set_layout_engine("constrained")
            figure.set_size_inches(8.4, 3.8)
            axes.set_title(f"{title}: {words} of the search", fontsize=11)
            # Optuna's ground is grey
            axes.set_facecolor("none")
            axes.grid(color="#E3E3E3", linewidth=0.7)
            axes.get_legend().remove()
            if words == "trials":
                legend_above(figure, *axes.get_legend_handles_labels())
        found.append(figure)
    return tuple(found)


def profile_text(study: Study, experiment: Experiment) -> str:
    """A profile with the best trial's parameters, called as the study is; it belongs into ``params/``."""
    import yaml

    chosen = experiment.parameters
    plain = {name for name, field in type(chosen).model_fields.items() if getattr(chosen, name) == field.default}
    found = settings(best_trial(study).params)
    values = {**chosen.model_dump(mode="json", exclude=plain), "profile": study.study_name, **found}
    words = f"# As {chosen.label}, with the best of {len(study.trials)} trials of a search inside its training beats."
    return f"{words}\n{yaml.safe_dump(values, sort_keys=False)}"


def final_test(study: Study, experiment: Experiment, model: ModelName) -> pd.DataFrame:
    """Train the best trial's parameters as the profile does, and test once; ``runs/search/openings.csv`` counts it.

    Returns
    -------
    DataFrame
        The line of each seed: date, study, trial, model, seed, beats, mcc, f1_macro; trials, how many were finished or
        ended early; settings, the parameters as JSON.

    Raises
    ------
    EcglibError
        The test beats were opened for this study already.
    """
    best, path = best_trial(study), files.runs(FOLDER) / "openings.csv"
    ended = sum(trial.state.name in ("COMPLETE", "PRUNED") for trial in study.get_trials(deepcopy=False))
    tried = experiment.changed(**settings(best.params)).repetitions
    known = _openings(path).query("study == @study.study_name")
    # a test that was stopped after some seeds goes on with the others
    if len(known) >= len(tried) or set(known["trial"]) - {best.number}:
        opened = known.iloc[-1]
        raise EcglibError(
            f"{path}: the test beats were opened for {study.study_name} on {opened['date']}, for trial "
            f"{opened['trial']}; a second look would choose by them"
        )
    for one in tried:
        if one.seed in set(known["seed"]):
            continue
        metrics = one.run(model).metrics
        line = {"date": f"{pd.Timestamp.now('UTC'):%Y-%m-%d}", "study": study.study_name, "trial": best.number}
        line |= {"model": model, "seed": one.seed, "beats": len(one.split.test)}
        line |= {"mcc": metrics.mcc, "f1_macro": metrics.f1_macro, "trials": ended}
        line["settings"] = json.dumps(settings(best.params))
        # another process may test another model
        with FileLock(path.with_name(".openings.lock")), files.replacing(path) as temporary:
            pd.DataFrame([*_openings(path).to_dict("records"), line]).to_csv(temporary, index=False)
    return _openings(path).query("study == @study.study_name").reset_index(drop=True)


def _openings(path: Path) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame({"study": [], "trial": [], "seed": []})
    return pd.read_csv(path, float_precision="round_trip")
