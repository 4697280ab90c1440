"""What stands in front of the page is counted from the committed tables."""

import pandas as pd
import pytest

from ecglib import files
from ecglib.notebooks import nodes
from ecglib.report.front import front_of, parts, verdicts


@pytest.fixture(autouse=True)
def committed(monkeypatch):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(files.home()))


def test_every_figure_and_table_of_the_paper_has_a_verdict():
    rows = verdicts()
    words = " ".join(row.item for row in rows)
    for number in (*range(1, 3), 4, 6, 8, 12, 13, 14, 3, 5, 7, 9, 10, 11):
        assert str(number) in words
    for table in ("Tables I and II", "Tables III and VI", "Table IV", "Table VII"):
        assert table in words
    assert {row.verdict for row in rows} <= {"same", "differs", "not run"}


def test_a_verdict_has_the_numbers_of_its_table():
    row = next(row for row in verdicts() if row.item.startswith("Table IV, MIT-BIH"))
    table = pd.read_csv(files.figures("reduced") / "table4_mitbih.csv")
    late = table[(table["model"] == "late") & (table["reported_by"] == "ours")]["mcc"].iloc[0]
    assert f"late fusion {100 * late:.2f}" in row.ours


def test_the_demo_says_that_its_numbers_are_no_results():
    assert "no number on this page is a result" in front_of("demo", {}).introduction
    assert front_of(None, {}).verdicts


def test_contents_name_the_data_of_each_part():
    assert {parts(node, None) for node in nodes()} >= {"MIT-BIH", "PTB, 106 of 549 records", "PTB-XL"}
