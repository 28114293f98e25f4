"""What each figure means: read from ``definitions.toml``, shown beside the figures and written to ``docs/indices.md``.

Write the document anew: python -m backend.kpi.definitions > docs/indices.md
"""

import sys
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

PARTS = ("numerator", "denominator", "formula", "note", "source")
HEADINGS = {
    "numerator": "Numerator",
    "denominator": "Denominator",
    "formula": "Formula",
    "note": "Note",
    "source": "Source",
}
OPENING = """# Definitions of the indicators

What the page `/chi-so` shows, figure by figure. The page `/chi-so/dinh-nghia` shows the same in Vietnamese and English.
Written by `python -m backend.kpi.definitions` from `backend/kpi/definitions.toml`; change it there.

Every figure stands with its n and its period. The period is one of reception: tickets received from its first to its
last day in Vietnam's time, both counted. Tickets count for the unit that holds them, ratings for the unit that
answered. Rates are shown from 10 cases on, mean scores from 10 ratings on; fewer are only counted.
"""


@dataclass(frozen=True)
class FigureDefinition:
    """One figure, in both languages; ``parts`` by name (see ``PARTS``), those that it has."""

    code: str
    names: dict[str, str]
    parts: dict[str, dict[str, str]]

    def name(self, language: str) -> str:
        return self.names[language]

    def part(self, name: str, language: str) -> str:
        return self.parts.get(name, {}).get(language, "")


@lru_cache
def load_definitions() -> tuple[FigureDefinition, ...]:
    """All of them, in the order of the page. A text missing in one language is an error."""
    raw = tomllib.loads(files("backend.kpi").joinpath("definitions.toml").read_text(encoding="utf-8"))
    return tuple(
        FigureDefinition(
            code,
            {language: row[f"name_{language}"] for language in ("vi", "en")},
            {
                part: {language: row[f"{part}_{language}"] for language in ("vi", "en")}
                for part in PARTS
                if f"{part}_vi" in row or f"{part}_en" in row
            },
        )
        for code, row in raw.items()
    )


def definitions_document() -> str:
    """The text of ``docs/indices.md``."""
    blocks = [OPENING]
    for one in load_definitions():
        lines = [f"## {one.name('en')}", f"`{one.code}` · {one.name('vi')}", ""]
        lines += [f"- **{HEADINGS[part]}:** {one.part(part, 'en')}" for part in PARTS if part in one.parts]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


if __name__ == "__main__":
    sys.stdout.write(definitions_document())
