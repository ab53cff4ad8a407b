"""docs/security.md names a test for every row, and every test it names is there."""

import re

from app.settings import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
LEFT_TO_OTHERS = {17, 18, 19, 20}  # photos from the web


def test_every_named_test_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)
    assert len(named) > 25
    missing = [
        name for path, name in named if f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_every_row_names_a_test() -> None:
    cases = TEXT.partition("## Cases")[2].partition("\n## ")[0]
    rows = {int(number): line for line in cases.splitlines() for number in re.findall(r"^\| (\d+) \|", line)}
    assert set(rows) >= set(range(1, 26))
    assert [
        number for number, line in rows.items() if "::" not in line and number not in LEFT_TO_OTHERS
    ] == []
