"""Profiles and overrides: strict, typed, and told in one line."""

import re
from pathlib import Path

import pytest
import yaml

from ecglib import files
from ecglib.names import DATASETS, EcglibError
from ecglib.parameters import Parameters, load_parameters, parse_setting, profile_names, profile_words
from ecglib.training.optimizers import training_config


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout of its own with one profile, "tiny"; gives a function that rewrites that profile."""
    (tmp_path / "params").mkdir()
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))

    def write(text: str) -> Path:
        path = tmp_path / "params" / "tiny.yaml"
        path.write_text(text)
        return path

    write("profile: tiny\ndatasets: [ptb]\nsource: synthetic\ntraining_set: all\n")
    return write


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_loads_and_is_its_own_label(name):
    parameters = load_parameters(name)
    assert parameters.profile == parameters.label == name
    # what the file says is what is loaded
    stated = yaml.safe_load((files.params() / f"{name}.yaml").read_text())
    for key, value in stated.items():
        loaded = getattr(parameters, key)
        # plain YAML reads 1e-4 as text
        expected = float(value) if isinstance(loaded, float) else value
        assert (list(loaded) if isinstance(loaded, tuple) else loaded) == expected


def test_defaults_are_the_reports_table_2():
    fields = {name: field.default for name, field in Parameters.model_fields.items()}
    assert (fields["cnn_transformer_epochs"], fields["cnn2d_epochs"], fields["fusion_epochs"]) == (150, 30, 10)
    assert (fields["noam_factor"], fields["noam_warm_up_steps"], fields["batch_size"]) == (0.1, 4000, 16)
    assert (fields["cnn_transformer_weight_decay"], fields["cnn2d_weight_decay"]) == (1e-4, 1e-5)
    rates = [training_config("late", load_parameters("reduced"), dataset, 0).optimizer.rate for dataset in DATASETS]
    assert rates == [3e-4, 1e-3, 1e-3]
    assert (fields["cnn2d_learning_rate"], fields["fusion_weight_decay"]) == (1e-3, 0.01)


def test_scientific_notation_is_a_number(checkout):
    checkout("profile: tiny\ndatasets: [ptb]\nsource: synthetic\ntraining_set: all\ncnn2d_learning_rate: 1e-4\n")
    assert load_parameters("tiny").cnn2d_learning_rate == 1e-4
    assert parse_setting("noam_factor=2E+1") == ("noam_factor", 20.0)
    assert parse_setting("a=1e") == ("a", "1e")


def test_override_changes_the_value_and_the_label():
    parameters = load_parameters("demo", cnn2d_epochs=7)
    assert parameters.cnn2d_epochs == 7
    assert parameters.label == "demo-cnn2d_epochs-7"
    assert load_parameters("demo", cnn2d_epochs=7, seed=1).label == "demo-cnn2d_epochs-7-seed-1"
    many = {"cnn2d_epochs": 7, "cnn_transformer_epochs": 7, "fusion_epochs": 7, "noam_warm_up_steps": 7}
    assert re.fullmatch("demo-[0-9a-f]{8}", load_parameters("demo", **many).label)
    assert load_parameters("demo", threads=2).label == "demo"
    assert parameters.label != load_parameters("demo", cnn2d_epochs=8).label


def test_override_by_the_same_value_or_none_changes_nothing():
    same = load_parameters("demo", seed=load_parameters("demo").seed, batch_size=None)
    assert same == load_parameters("demo") and same.label == "demo"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"cnn2d_epoch": 3}, "parameters: unknown parameter 'cnn2d_epoch'; did you mean 'cnn2d_epochs'?"),
        ({"cnn2d_epochs": "3"}, "cnn2d_epochs: '3' is wrong"),
        ({"cnn2d_epochs": 3.0}, "cnn2d_epochs: 3.0 is wrong"),
        ({"cnn2d_epochs": True}, "cnn2d_epochs: True is wrong"),
        ({"cnn2d_epochs": 0}, "cnn2d_epochs: 0 is wrong"),
        ({"noam_factor": float("nan")}, "noam_factor: nan is wrong"),
        ({"source": "kagle"}, "source: 'kagle' is wrong"),
        ({"datasets": []}, "datasets: () is wrong"),
        ({"datasets": ["ptb", "ptb"]}, "each once"),
        ({"validation_fraction": 1.0}, "validation_fraction: 1.0 is wrong"),
        ({"seed": -1}, "seed: -1 is wrong"),
        ({"seed": 2**32}, "seed: 4294967296 is wrong"),
        ({"profile": "full"}, "parameters: profile: 'full' is not 'demo'; use --profile"),
        ({"seed": [["x"] * 99] * 99}, "seed: "),
        ({"reported_epochs": 0}, "reported_epochs: 0 is wrong"),
        ({"overview": "best"}, "overview: 'best' is wrong: a list is expected, such as [best]"),
        ({"compared_with": ["shrt"]}, "compared_with: profile 'shrt' does not exist; params/ has best, demo, "),
        (
            {"reported_epochs": 10, "early_stopping_patience": 3},
            "reported_epochs: 10 is wrong: early_stopping_patience may end a training before its last epochs",
        ),
        ({"train_on_validation": True}, "train_on_validation: True is wrong: beats that a model is trained on cannot"),
        (
            {"train_on_validation": True, "selection": "last", "early_stopping_patience": 3},
            "cannot choose its epoch; set selection to last, early_stopping_patience to null",
        ),
    ],
)
def test_bad_override_is_refused_in_one_line(overrides, message):
    with pytest.raises(EcglibError) as caught:
        load_parameters("demo", **overrides)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profile: other\ndatasets: [ptb]\nsource: synthetic\ntraining_set: all\n", "key 'profile' says 'other'"),
        ("profile: tiny\ndatasets: [ptb]\nsource: synthetic\n", "parameter 'training_set' is missing"),
        ("profile: tiny\nseed: 1\nseed: 2\n", "line 3: no valid YAML (key 'seed' stands there twice)"),
        ("profile: [tiny\n", "no valid YAML"),
        ("- tiny\n", "expected 'key: value' lines"),
        ("profile: tiny\nepochs: 3\n", "unknown parameter 'epochs'"),
        ("", "expected 'key: value' lines"),
        ("profile: &a tiny\nseed: *a\n", "line 2: no valid YAML (an alias)"),
        ("profile: tiny\n? [a]\n: 1\n", "no valid YAML (unhashable type: 'list')"),
    ],
)
def test_bad_profile_names_its_file(checkout, text, message):
    path = checkout(text)
    with pytest.raises(EcglibError) as caught:
        load_parameters("tiny")
    assert str(caught.value).startswith(str(path)) and message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_profile_that_does_not_exist_names_those_that_do(checkout):
    with pytest.raises(EcglibError, match="profile 'huge' does not exist; params/ has tiny"):
        load_parameters("huge")


def nested_aliases() -> str:
    """A value of 10 ** 8 texts in some 400 bytes."""
    levels = ["&a [x,x,x,x,x,x,x,x,x,x]"]
    levels += [f"&{name} [{','.join([f'*{before}'] * 10)}]" for before, name in zip("abcdefg", "bcdefgh", strict=True)]
    return f"seed=[{','.join(levels)}]"


@pytest.mark.parametrize(
    "text",
    [
        "epochs",
        "=3",
        "a=[1",
        "seed={[a]: 1}",
        "seed=2001-13-45",
        nested_aliases(),
        "seed=" + "[" * 5000,
        "a=" + "9" * 5000,
        "seed=" + "1," * 50_000,
        "seed=!!python/object/apply:os.getcwd []",
    ],
    ids=lambda text: text[:12],
)
def test_bad_setting_is_refused(text):
    with pytest.raises(EcglibError, match="--set") as caught:
        parse_setting(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250


def test_profile_that_is_no_utf_8(checkout):
    path = checkout("")
    path.write_bytes("# für\nprofile: tiny\n".encode("latin-1"))
    with pytest.raises(EcglibError, match=r"tiny\.yaml: byte 3 is no UTF-8; save it as UTF-8"):
        load_parameters("tiny")
    assert profile_words("tiny").startswith("f")


@pytest.mark.parametrize("name", ["x$(touch y)", "x; touch y", "-x", "x y", "x'"])
def test_a_profile_is_called_by_a_word(checkout, name):
    path = checkout("profile: tiny\n")
    path.rename(path.with_stem(name))
    with pytest.raises(EcglibError, match="the name of a profile has letters, digits and _ alone; rename the file"):
        load_parameters(name)
