"""The layout of templates and style sheets: short lines, as the formatters write them."""

from tests.css_format import unformatted_sheets
from tests.source import ROOT

LONGEST = 120
TEMPLATES = sorted((ROOT / "backend" / "templates").rglob("*.html"))


def test_no_line_of_a_template_is_longer_than_a_line_of_code() -> None:
    long_lines = [
        f"{path.relative_to(ROOT)}:{number}: {len(line)} characters"
        for path in TEMPLATES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if len(line) > LONGEST
    ]
    assert TEMPLATES and not long_lines


def test_style_sheets_have_one_declaration_a_line() -> None:
    assert [path.name for path in unformatted_sheets()] == []
