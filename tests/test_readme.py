"""The README's tables are the files that the report wrote, and what it links to exists."""

import re
from pathlib import Path

from ecglib.cli import main
from ecglib.publish import refresh_tables

CHECKOUT = Path(__file__).resolve().parents[1]
README = CHECKOUT / "README.md"


def test_tables_are_the_reports(capsys):
    assert main(["readme", "--check"]) == 0


def test_another_table_is_found_and_copied(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
    (tmp_path / "params").mkdir()
    (tmp_path / "table.md").write_text("| b |\n")
    readme = tmp_path / "README.md"
    readme.write_text("text\n<!-- begin table.md -->\n| a |\n<!-- end -->\nmore\n")
    assert main(["readme", "--check"]) == 1
    assert "table.md: another one than in its file" in capsys.readouterr().err and "| a |" in readme.read_text()
    assert refresh_tables() == ["table.md"] and refresh_tables() == []
    assert readme.read_text() == "text\n<!-- begin table.md -->\n| b |\n<!-- end -->\nmore\n"
    (tmp_path / "table.md").unlink()
    assert main(["readme"]) == 1
    assert "table.md: no such file" in capsys.readouterr().err


def test_links_and_pictures_exist():
    targets = re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", README.read_text())
    local = [target for pair in targets for target in pair if target and "://" not in target]
    assert len(local) > 5
    assert [target for target in local if not (CHECKOUT / target).exists()] == []


def test_commands_are_targets_of_the_makefile():
    makefile = (CHECKOUT / "Makefile").read_text()
    for target in set(re.findall(r"^ *make ([a-z]+)", README.read_text(), re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
