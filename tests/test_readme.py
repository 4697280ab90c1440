"""The README's tables are the files that the report wrote, and what it links to exists.

After new results, ``python tests/test_readme.py`` copies the tables in again.
"""

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
README = CHECKOUT / "README.md"
BLOCK = re.compile(r"(<!-- begin (\S+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def refreshed(text: str) -> str:
    return BLOCK.sub(lambda block: f"{block[1]}{(CHECKOUT / block[2]).read_text()}{block[4]}", text)


def test_tables_are_the_reports():
    text = README.read_text()
    assert len(BLOCK.findall(text)) >= 4
    assert refreshed(text) == text, "run: python tests/test_readme.py"


def test_links_and_pictures_exist():
    targets = re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", README.read_text())
    local = [target for pair in targets for target in pair if target and "://" not in target]
    assert len(local) > 5
    assert [target for target in local if not (CHECKOUT / target).exists()] == []


def test_commands_are_targets_of_the_makefile():
    makefile = (CHECKOUT / "Makefile").read_text()
    for target in set(re.findall(r"^ *make ([a-z]+)", README.read_text(), re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


if __name__ == "__main__":
    README.write_text(refreshed(README.read_text()))
