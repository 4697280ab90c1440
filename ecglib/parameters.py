"""Parameters of a run: a profile of ``params/``, overridden key by key, all of it checked."""

from __future__ import annotations

import ast
import difflib
import hashlib
import itertools
import json
import re
import reprlib
from collections.abc import Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo

from ecglib import files
from ecglib.names import (
    Dataset,
    DesignName,
    EcglibError,
    FusionTraining,
    Picture,
    Question,
    RowView,
    Slip,
    Source,
    SplitKind,
    TrainingSet,
)

PositiveInt = Annotated[int, Field(ge=1)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
LONGEST_LABEL = 60
_LONGEST_YAML = 2**16
# how long it takes, and how much of it is made; a repetition is the same however many there are
NO_RESULT_CHANGES = {"datasets", "threads", "repetitions", "by_patient", "ledger_repetitions", "ingredients"}
NO_RESULT_CHANGES |= {"compared_with", "overview", "questions"}
NonNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names or len(set(names)) < len(names):
        raise ValueError("must name one data set or more, each once")
    return names


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("must name each once")
    return names


def _to_the_last_epoch(epochs: int | None, info: ValidationInfo) -> int | None:
    if epochs is not None and info.data.get("early_stopping_patience") is not None:
        raise ValueError("early_stopping_patience may end a training before its last epochs; set one of the two")
    return epochs


def _with_the_last_epoch(wanted: bool, info: ValidationInfo) -> bool:
    chosen_by_validation = info.data.get("selection") != "last" or info.data.get("early_stopping_patience") is not None
    if wanted and chosen_by_validation:
        raise ValueError(
            "beats that a model is trained on cannot choose its epoch; set selection to last, early_stopping_patience "
            "to null"
        )
    return wanted


class Parameters(BaseModel):
    """All that a notebook can be told; one flat YAML file a profile.

    The defaults are the report's Table II. What decides between profiles (which beats, how many) has
    no default: a profile must say it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    profile: str
    datasets: Annotated[tuple[Dataset, ...], AfterValidator(_distinct)]
    source: Source
    training_set: TrainingSet
    synthetic_beats: PositiveInt = 4000
    split: SplitKind | None = None
    """None: as the data set's users split it, see `ecglib.names.DATASETS`."""
    test_fold: Annotated[int, Field(ge=1, le=5)] | None = None
    """Under split patient: which of the five folds of subjects tests, see `ecglib.data.splits.arrange`."""
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    design: DesignName = "report"
    picture: Picture | None = None
    """None: the design's own."""
    cnn2d_filters: PositiveInt | None = None
    """Filters of the 2D branch's first layer, twice as many in each further one; None: the design's."""
    cnn_transformer_dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    """None: the design's."""
    cnn2d_dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    """None: the design's."""
    rows_show: RowView = "whole"
    """What of each row the networks are shown, in training and tests; all else is hidden, see `ecglib.data.views`."""
    augmentation: bool = False
    """Whether training beats are varied a little each time they are shown, see `ecglib.training.examples.augment`."""
    mixup: NonNegativeFloat = 0.0
    """How strongly the branches' training beats are mixed with each other, see `ecglib.training.steps.Step`; 0: not.
    """
    slips: Annotated[tuple[Slip, ...], AfterValidator(_once)] = ()
    repetitions: PositiveInt = 1
    """Trainings of each model under seeds that count up from `seed`; the split stays."""
    by_patient: bool = True
    """Whether notebook 08 belongs to the report: it trains again, with each patient on one side."""
    ledger_repetitions: Annotated[int, Field(ge=0)] = 0
    """In how many of the repetitions notebook 11 trains with every slip and without; 0: it is no part of the report.
    """
    ingredients: bool = False
    """Whether notebook 13, what the design `best` is made of, is part of the report."""
    questions: Annotated[tuple[Question, ...], AfterValidator(_once)] = ()
    """What the paper leaves open and notebook 19 answers; nothing: it is no part of the report."""
    compared_with: tuple[str, ...] = ()
    """Other profiles that stand beside this one in notebook 12, as far as they are trained."""
    overview: tuple[str, ...] = ()
    """The profiles that notebook 14 lays side by side, as far as they are trained; none: it is no part of the report.
    """
    threads: PositiveInt | None = None
    """None: PyTorch's choice, or ``OMP_NUM_THREADS``. Another number rounds sums otherwise, so that weights differ a
    little; it is no part of a run's identity, but each run records it.
    """

    batch_size: PositiveInt = 16
    early_stopping_patience: PositiveInt | None = None
    """Epochs without a better validation accuracy after which training ends; None: never before the last."""
    selection: Literal["best", "last"] = "best"
    """Which epoch's weights are kept: that of the highest validation accuracy, or the last."""
    reported_epochs: Annotated[PositiveInt | None, AfterValidator(_to_the_last_epoch)] = None
    """Of how many last epochs the test metrics are kept too; the original reports mean and deviation over the last 10.
    """
    train_on_validation: Annotated[bool, AfterValidator(_with_the_last_epoch)] = False
    """Whether the validation beats are trained on too, as in the original's program; they decide nothing then."""
    class_weighting: Literal["balanced", "none"] = "balanced"
    """Weights of the classes in the loss."""
    schedule: Literal["paper", "one_cycle"] = "paper"
    """How the branches' learning rates go: as the papers say, or up and down once."""
    one_cycle_peak_rate: PositiveFloat = 1e-3
    one_cycle_warm_up: Annotated[float, Field(gt=0, lt=1)] = 0.2
    one_cycle_weight_decay: NonNegativeFloat = 0.01
    cnn_transformer_epochs: PositiveInt = 150
    noam_factor: PositiveFloat = 0.1
    noam_warm_up_steps: PositiveInt = 4000
    cnn_transformer_weight_decay: NonNegativeFloat = 1e-4
    cnn2d_epochs: PositiveInt = 30
    cnn2d_learning_rate: PositiveFloat = 1e-3
    cnn2d_weight_decay: NonNegativeFloat = 1e-5
    fusion_epochs: PositiveInt = 10
    fusion_batch_size: PositiveInt | None = None
    """None: as for the branches."""
    fusion_learning_rate: PositiveFloat | None = None
    """None: the papers', 3e-4 on MIT-BIH and 1e-3 on the others."""
    fusion_weight_decay: NonNegativeFloat = 0.01
    fusion_training: FusionTraining = "frozen"
    """Whether a fusion alone is trained, or the whole hybrid: from the trained branches on, by the fusion's epochs and
    batches, or from scratch, by the recipe of the 1D branch.
    """
    branch_rate_factor: PositiveFloat = 0.1
    """Under fine_tuned: the branches' learning rate, as a multiple of the fusion's; they have no weight decay."""

    @property
    def label(self) -> str:
        """The folder name of these parameters' results.

        It is the profile's name, followed by what differs from the profile's file (as "reduced-seed-1", or
        as a short hash where that would be long), so that a trial never overwrites the profile's own results.
        """
        stored = _read_profile(self.profile)
        values = self.model_dump(mode="json", exclude=NO_RESULT_CHANGES)
        changed = {key: value for key, value in values.items() if stored[key] != value}
        texts = {key: "+".join(value) if isinstance(value, list) else str(value) for key, value in changed.items()}
        readable = "-".join([self.profile, *(f"{key}-{text}" for key, text in sorted(texts.items()))])
        if len(readable) <= LONGEST_LABEL and re.fullmatch(r"[\w.+-]+", readable):
            return readable
        return f"{self.profile}-{hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()[:8]}"


def load_parameters(profile: str, /, **overrides: Any) -> Parameters:
    """The parameters of a profile with some of them overridden.

    Parameters
    ----------
    profile : str
        The name of a file of ``params/``, without its ending.
    **overrides
        Values by key; None stands for "as the profile says".

    Raises
    ------
    EcglibError
        The profile does not exist or is no mapping, or a key is unknown or has a wrong value.

    Examples
    --------
    >>> load_parameters("demo", cnn2d_epochs=1).cnn2d_epochs
    1
    """
    values = {key: value for key, value in overrides.items() if value is not None}
    if values.get("profile", profile) != profile:
        raise EcglibError(f"parameters: profile: {reprlib.repr(values['profile'])} is not {profile!r}; use --profile")
    return _validate({**_read_profile(profile), **values}, "parameters")


def injected_parameters(cells: Sequence[str]) -> dict[str, Any]:
    """What papermill was told for this notebook: ``-p cnn2d_epochs 1`` or the values of a file, ``-f params/x.yaml``.

    Parameters
    ----------
    cells : sequence of str
        The sources of the cells that ran so far: IPython's ``In``.

    Returns
    -------
    dict
        Overrides of the profile, without what every notebook takes itself (profile, dataset, overrides).

    Raises
    ------
    EcglibError
        A name is no parameter.
    """
    injected = [cell for cell in cells if cell.startswith("# Parameters\n")]
    if not injected:
        return {}
    values = {}
    for node in ast.parse(injected[-1]).body:
        if isinstance(node, ast.Assign):
            values[node.targets[0].id] = ast.literal_eval(node.value)
    for name in ("profile", "dataset", "overrides"):
        values.pop(name, None)
    for name, value in values.items():
        _must_be_known(name, "papermill")
        # papermill's YAML takes 2e-3 for text
        values[name] = _value(value, f"papermill: {name}") if isinstance(value, str) else value
    return values


def profile_names() -> list[str]:
    """The profiles of ``params/``, sorted."""
    return sorted(path.stem for path in files.params().glob("*.yaml"))


def described_parameters() -> list[tuple[str, str, str, str]]:
    """Every parameter: name, type, default ("" where a profile must say it) and meaning."""
    rows = []
    for name, field in Parameters.model_fields.items():
        kind = getattr(field.annotation, "__name__", None) or str(field.annotation)
        default = "" if field.is_required() else repr(field.default)
        rows.append((name, _plain_type(field.annotation, kind), default, " ".join((field.description or "").split())))
    return rows


def _plain_type(annotation: Any, kind: str) -> str:
    """A type in words: the choices of a literal, "number", "whole number", "yes or no", "list of ..."."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _plain_type(arguments[0], kind)
    if origin is Literal:
        return ", ".join(map(str, arguments))
    if origin is tuple:
        return f"list of {_plain_type(arguments[0], kind)}"
    if origin in (Union, UnionType):
        return " or ".join(_plain_type(part, kind) for part in arguments)
    names = {int: "whole number", float: "number", bool: "true, false", str: "text", type(None): "none"}
    return names.get(annotation, kind)


def profile_words(profile: str) -> str:
    """What the comment at the top of a profile's file says of it."""
    lines = (files.params() / f"{profile}.yaml").read_text(encoding="utf-8", errors="replace").splitlines()
    comment = itertools.takewhile(lambda line: line.startswith("#"), lines)
    return " ".join(line.lstrip("# ") for line in comment)


def parse_setting(text: str) -> tuple[str, Any]:
    """Split "key=value" of the command line; the value is read as YAML, 1e-4 as a number.

    Raises
    ------
    EcglibError
        There is no "=", or the value is no YAML.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise EcglibError(f"--set {text[:80]!r}: expected key=value")
    return key.strip(), _value(value, f"--set {key.strip()[:80]!r}")


def _value(text: str, where: str) -> Any:
    try:
        return _yaml(text)
    except yaml.YAMLError:
        raise EcglibError(f"{where}: {text[:80]!r} is no YAML value") from None


def _must_exist(profile: str, where: str = "") -> None:
    known = profile_names()
    if profile not in known:
        raise EcglibError(f"{where}profile {profile!r} does not exist; params/ has {', '.join(known)}")


def _read_profile(profile: str) -> dict[str, Any]:
    """The checked values of a profile's file, as JSON types."""
    _must_exist(profile)
    path = files.params() / f"{profile}.yaml"
    if not re.fullmatch(r"\w+", profile):
        # folders, rules of the graph and command lines are called by it
        raise EcglibError(f"{path}: the name of a profile has letters, digits and _ alone; rename the file")
    try:
        values = _yaml(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise EcglibError(f"{path}: byte {error.start} is no UTF-8; save it as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        reason = str(getattr(error, "problem", error)).splitlines()[0]
        raise EcglibError(f"{path}{where}: no valid YAML ({reason})") from None
    if not isinstance(values, dict):
        raise EcglibError(f"{path}: expected 'key: value' lines")
    parameters = _validate(values, str(path))
    if parameters.profile != profile:
        raise EcglibError(f"{path}: key 'profile' says {parameters.profile!r}; it must be the file's name")
    return parameters.model_dump(mode="json")


def _must_be_known(key: object, where: str | Path) -> None:
    if key not in Parameters.model_fields:
        near = difflib.get_close_matches(str(key), Parameters.model_fields, n=1, cutoff=0.0)[0]
        raise EcglibError(f"{where}: unknown parameter {key!r}; did you mean {near!r}?")


def _validate(values: dict[str, Any], where: str | Path) -> Parameters:
    for key in values:
        _must_be_known(key, where)
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    try:
        parameters = Parameters.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = first["loc"][0]
        if first["type"] == "missing":
            raise EcglibError(f"{where}: parameter {key!r} is missing; add it") from None
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "tuple_type":
            message = f"a list is expected, such as [{str(first['input'])[:40]}]"
        raise EcglibError(f"{where}: {key}: {reprlib.repr(first['input'])} is wrong: {message}") from None
    for key in ("compared_with", "overview"):
        for name in getattr(parameters, key):
            _must_exist(name, f"{where}: {key}: ")
    return parameters


def _yaml(text: str) -> Any:
    """A YAML text of lines or one value; whatever is wrong with it is a YAMLError."""
    if len(text) > _LONGEST_YAML:
        raise yaml.YAMLError(f"longer than {_LONGEST_YAML} characters")
    try:
        return yaml.load(text, _Loader)
    except (ValueError, TypeError, RecursionError) as error:
        # the 45th of a month, a list for a key, lists in lists in lists
        raise yaml.YAMLError(str(error).splitlines()[0]) from None


class _Loader(yaml.SafeLoader):
    """YAML 1.1 takes 1e-4 for text (it wants 1.0e-4); here it is a number, and a key may stand once only.

    An alias (``*name``) is refused: a few of them in each other make a text of 400 bytes a list of millions.
    """

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(problem="an alias", problem_mark=self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"key {key!r} stands there twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)
