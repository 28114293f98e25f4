"""Format our style sheets, one declaration a line: python -m tests.css_format [--check]

With ``--check`` nothing is written, and the command fails with the names of the files that it would change.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import cssbeautifier

STATIC = Path(__file__).resolve().parent.parent / "backend" / "static"


def format_css(text: str) -> str:
    """Return the style sheet with one selector and one declaration a line."""
    options = cssbeautifier.default_options()
    options.indent_size = 2
    options.newline_between_rules = False
    options.preserve_newlines = True
    options.max_preserve_newlines = 2
    options.space_around_combinator = True
    options.end_with_newline = True
    return str(cssbeautifier.beautify(text, options))


def unformatted_sheets() -> Iterator[Path]:
    """Yield our own style sheets that the formatter would change."""
    for path in sorted(STATIC.glob("*.css")):
        text = path.read_text("utf-8")
        if format_css(text) != text:
            yield path


def main(arguments: list[str]) -> int:
    sheets = list(unformatted_sheets())
    if "--check" in arguments:
        sys.stdout.writelines(f"would reformat {path.name}\n" for path in sheets)
        return 1 if sheets else 0
    for path in sheets:
        path.write_text(format_css(path.read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
