"""A study of Optuna: trials by cross-validation inside the training beats, shared by processes and machines.

The training beats are cut into three folds, stratified by class (by patient too, where the split is by patient). A
trial trains on two of them and is scored on the third, three times over: a profile's own draw of validation beats has
so few of the class F that a draw may be an easy one. What is maximised is the mean macro F1 of the three: in it the
class F counts as much as N. MCC, which is kept beside it, hardly falls where all of F is lost.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from ecglib import files
from ecglib.experiment import Experiment
from ecglib.names import EcglibError, ModelName
from ecglib.parameters import NO_RESULT_CHANGES
from ecglib.results.searches import FOLDER, study_name
from ecglib.runs import identity_key
from ecglib.search.folds import FOLDS, Fold, fold_rows, training_beats, versions
from ecglib.search.ranges import ranges
from ecglib.training.checkpoints import Epoch
from ecglib.training.optimizers import training_config
from ecglib.training.progress import epoch_progress

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

# shares of a training after which trials are compared, whatever their numbers of epochs
_TENTHS = 10
# before a trial is ended early: this many others, and this many tenths, in which the learning rate still rises
_TRIALS_FIRST, _TENTHS_FIRST = 5, 3


def open_study(experiment: Experiment, model: ModelName, storage: str | None, heartbeat_s: int = 60) -> Study:
    """The study of one model, made where it is not there yet; what killed processes left is put into its queue.

    Raises
    ------
    EcglibError
        Optuna is not installed, the storage cannot be opened, or its study is of other parameters or beats.
    """
    optuna = library()
    folder = files.runs(FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    url = storage or f"sqlite:///{folder / 'studies.db'}"
    of_sqlite = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
    searched = {name: [one.kind, one.limits, one.own] for name, one in ranges(experiment, model).items()}
    depends = experiment.parameters.model_dump(mode="json", exclude=NO_RESULT_CHANGES) | {"ranges": searched}
    key = identity_key(depends | {"beats": experiment.beats.digest} | versions())
    # two processes that both make the tables would disturb each other
    with FileLock(folder / ".studies.lock"), without_notices():
        try:
            opened = optuna.storages.RDBStorage(
                url,
                engine_kwargs=of_sqlite,
                heartbeat_interval=heartbeat_s,
                heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=3),
            )
        except Exception as error:  # each database has errors of its own
            reason = str(error).splitlines()[0]
            raise EcglibError(f"--storage: cannot be opened ({reason}); sqlite:///FILE.db is one") from None
        study = optuna.create_study(
            storage=opened,
            study_name=study_name(experiment.parameters, experiment.dataset, model),
            # the next trial keeps away from those that others are at
            sampler=optuna.samplers.TPESampler(constant_liar=True),
            pruner=optuna.pruners.MedianPruner(_TRIALS_FIRST, _TENTHS_FIRST),
            direction="maximize",
            load_if_exists=True,
        )
        known = study.user_attrs.get("key")
        if known not in (None, key):
            raise EcglibError(
                f"study {study.study_name}: was made with other parameters, ranges or beats; choose another --storage"
            )
        if known is None:
            study.set_user_attr("key", key)
            # the first trial is the profile itself
            study.enqueue_trial({name: value for name, (_, _, value) in searched.items()})
        optuna.storages.fail_stale_trials(study)
    return study


def search(experiment: Experiment, model: ModelName, study: Study, trials: int, timeout_s: float | None = None) -> None:
    """Go on with a study until it has so many trials, of all processes together, that were finished or ended early."""
    optuna = library()
    done = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    if len(study.get_trials(deepcopy=False, states=done)) >= trials:
        return
    beats, searched = training_beats(experiment), ranges(experiment, model)
    rows, folder = fold_rows(experiment, beats), files.runs(FOLDER) / study.study_name
    plain = [Fold(experiment, beats, own, folder / f"fold-{number}") for number, own in enumerate(rows)]

    def objective(trial: Trial) -> float:
        for name, one in searched.items():
            getattr(trial, f"suggest_{one.kind}")(name, **one.limits)
        changes = settings(trial.params)
        tried = [Fold(experiment, beats, own, its.folder, its, **changes) for its, own in zip(plain, rows, strict=True)]
        try:
            scores = [_score(trial, number, fold, model) for number, fold in enumerate(tried)]
        except KeyboardInterrupt:
            # it comes back as the next trial, and goes on from its checkpoints
            study.enqueue_trial(trial.params)
            raise
        except optuna.TrialPruned:
            _forget(tried, model)
            raise
        _forget(tried, model)
        trial.set_user_attr("mcc", float(np.mean([mcc for _, mcc in scores])))
        return float(np.mean([f1 for f1, _ in scores]))

    def tell(study: Study, trial: FrozenTrial) -> None:
        result = f"macro F1 {trial.value:.4f}" if trial.state == done[0] else trial.state.name.lower()
        print(f"trial {trial.number}: {result}; {as_options(settings(trial.params))}", flush=True)

    enough = optuna.study.MaxTrialsCallback(trials, states=done)
    with without_notices():
        study.optimize(objective, timeout=timeout_s, callbacks=[tell, enough])


def _score(trial: Trial, number: int, fold: Fold, model: ModelName) -> tuple[float, float]:
    """Macro F1 and MCC of the epoch that is kept; a trial is ended on the way, mostly in the first fold.

    What counts is its best epoch so far, in whichever fold, against the median of the others at this place.
    """
    epochs = training_config(model, fold.parameters, fold.dataset, fold.seed).epochs

    def on_epoch(epoch: Epoch) -> None:
        show(epoch)
        tenths = _TENTHS * epoch.epoch // epochs
        if tenths == _TENTHS * (epoch.epoch - 1) // epochs:
            return
        trial.report(epoch.test_f1_macro, _TENTHS * number + tenths)
        if trial.should_prune():
            raise library().TrialPruned

    with epoch_progress(f"trial {trial.number}, fold {number + 1} of {FOLDS}", epochs) as show:
        trained = fold.fit(model, on_epoch)[1]
    kept = trained.history[trained.best_epoch - 1]
    return kept.test_f1_macro, kept.test_mcc


def _forget(folds: list[Fold], model: ModelName) -> None:
    for fold in folds:
        fold.checkpoint(model).unlink(missing_ok=True)


def settings(values: dict[str, Any]) -> dict[str, Any]:
    """Parameters as they are trained with and printed: numbers of three digits."""
    return {name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in values.items()}


def as_options(values: dict[str, Any]) -> str:
    return " ".join(f"--set {name}={value}" for name, value in values.items())


def library() -> ModuleType:
    """Optuna, which tells its own progress no more.

    Raises
    ------
    EcglibError
        It is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise EcglibError("search: Optuna is not installed; pip install 'ecg-hybrid-reproduction[search]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


@contextmanager
def without_notices() -> Iterator[None]:
    """Without the warnings that parts of Optuna are experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", library().exceptions.ExperimentalWarning)
        yield
