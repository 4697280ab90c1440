"""Numbers in prose are looked up in the tables, and a changed one is found."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecglib.cli import main
from ecglib.names import EcglibError
from ecglib.report.numbers import FORMATS, fill, look_up, number, refresh_numbers

TABLE = pd.DataFrame({"model": ["late", "cnn2d"], "by": ["our own", "our own"], "mcc": [0.8729, 0.68446]})


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    for folder in ("params", "notebooks", "figures/reduced"):
        (tmp_path / folder).mkdir(parents=True)
    TABLE.to_csv(tmp_path / "figures/reduced/table4.csv", index=False)
    return tmp_path


def test_a_row_is_chosen_by_its_columns(checkout):
    assert look_up("reduced/table4 model=late : mcc") == 0.8729
    assert look_up("reduced/table4 model!=late by=our~own : mcc") == 0.68446
    assert look_up("reduced/table4 : max(mcc)") == 0.8729 and look_up("reduced/table4 : count(mcc)") == 2
    assert number("reduced/table4 model=late : mcc percent") == "87.29"
    assert number("reduced/table4 model=late : mcc - reduced/table4 model=cnn2d : mcc points") == "+18.84"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reduced/table4 : mcc percent", "2 rows of"),
        ("reduced/table4 model=later : mcc percent", "0 rows of"),
        ("reduced/table5 : mcc percent", "and a table"),
        ("reduced/table4 model=late : f1 percent", "has no column 'f1'"),
        ("reduced/table4 of=late : mcc percent", "has no column 'of'"),
        ("reduced/table4 late : mcc percent", "is no COLUMN=VALUE"),
        ("reduced/table4 model=late : mcc", "ends with no format"),
        ("reduced/table4 : median(mcc) percent", "'median\\(mcc\\)' is no column, nor mean"),
        ("reduced/table4 model=late : mcc-low percent", "'mcc-low' is no column"),
    ],
)
def test_a_mark_that_cannot_be_looked_up_is_named(checkout, text, message):
    with pytest.raises(EcglibError, match=message):
        number(text)


def test_a_changed_result_is_found_and_filled_in(checkout, capsys):
    readme = checkout / "README.md"
    readme.write_text("MCC of <!--n reduced/table4 model=late : mcc percent-->87.92<!--/n-->.\n")
    assert main(["readme", "--check"]) == 1
    assert "README.md: '87.92' is '87.29'" in capsys.readouterr().err
    assert len(refresh_numbers()) == 1 and refresh_numbers() == []
    assert readme.read_text() == "MCC of <!--n reduced/table4 model=late : mcc percent-->87.29<!--/n-->.\n"


@pytest.mark.parametrize("line", ["# <!--n a : b percent-->", "  <!--n a : b percent-->1<!--/n--> of all"])
def test_no_line_begins_with_a_mark(line):
    with pytest.raises(EcglibError, match=r"notebook\.py, line 2: begins with a mark"):
        fill(f"text\n{line}", "notebook.py")


@given(st.text())
def test_other_text_stays_as_it_is(text):
    if "<!--n" not in text:
        assert fill(text, "here") == (text, [])


@given(st.floats(-1, 1))
def test_every_format_gives_words(value):
    assert all(isinstance(style(value), str) for style in FORMATS.values())
