"""Explain each figure: the texts of ``definitions.toml``, shown beside the figures and written to ``docs/indices.md``.

Write the document again with: python -m backend.indicators.definitions > docs/indices.md
"""

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files

from sqlalchemy.orm import Session

from analytics.operations import SMALL_N
from backend.deadlines.clock_states import CODES, ClockKind
from backend.deadlines.limits import ACKNOWLEDGED_WITHIN
from backend.deadlines.rules import DeadlineRule, RuleSubject, choose_rule, parse_value, shipped_rules
from backend.indicators.official_ratios import DISSATISFIED
from backend.indicators.published_error import SAMPLING
from backend.tickets import rulebook
from backend.web.language import number_text
from backend.worktime.duration import TimeUnit

TOLD_RULE, REFUSE_RULE = CODES[ClockKind.NOTIFY], CODES[ClockKind.REFUSE]
# The definitions hold their texts by language in one file, so these words do not come from the catalogue.
UNIT_WORDS = {
    TimeUnit.WORKING_DAYS: "ngày làm việc",
    TimeUnit.CALENDAR_DAYS: "ngày",
    TimeUnit.WORKING_HOURS: "giờ làm việc",
    TimeUnit.WORKING_MINUTES: "phút làm việc",
}
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
Written by `python -m backend.indicators.definitions` from `backend/indicators/definitions.toml`; change it there.

Every figure stands with its n and its period. The period is one of reception: tickets received from its first to its
last day in Vietnam's time, both counted. Tickets count for the unit that holds them, ratings for the unit that
answered. Rates are shown from 10 cases on, mean scores from 10 ratings on; fewer are only counted.
"""


@dataclass(frozen=True)
class Definition:
    """One figure in both languages. ``parts`` holds the parts it has, by name (see ``PARTS``)."""

    code: str
    names: dict[str, str]
    parts: dict[str, dict[str, str]]

    def name(self, language: str) -> str:
        return self.names[language]

    def part(self, name: str, language: str, ruling: Mapping[str, DeadlineRule] | None = None) -> str:
        """Return a part with its terms and thresholds filled in, from the given rules or else the shipped ones."""
        text = self.parts.get(name, {}).get(language, "")
        for word, value in _values(language, ruling or _shipped()).items():
            text = text.replace(f"{{{word}}}", value)
        return text


@lru_cache
def definitions() -> tuple[Definition, ...]:
    """Return all definitions in the order of the page. A text that is missing in one language is an error."""
    raw = tomllib.loads(files("backend.indicators").joinpath("definitions.toml").read_text(encoding="utf-8"))
    return tuple(
        Definition(
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


def rules_on(session: Session, day: date) -> Mapping[str, DeadlineRule]:
    """Return the stored rules for a ticket received on a day, by code. The definitions quote them."""
    return rulebook.load_rules(session).ruling(day, RuleSubject())


def _shipped() -> Mapping[str, DeadlineRule]:
    codes = (TOLD_RULE, REFUSE_RULE)
    return {code: choose_rule(shipped_rules(), code, date.max).rule for code in codes}


def _values(language: str, ruling: Mapping[str, DeadlineRule]) -> dict[str, str]:
    """Return the values of the words in braces."""
    return {
        TOLD_RULE: _term(ruling[TOLD_RULE].value, language),
        REFUSE_RULE: _term(ruling[REFUSE_RULE].value, language),
        "at_once": number_text(ACKNOWLEDGED_WITHIN.total_seconds() / 60, language),
        "few": number_text(SMALL_N, language),
        "dissatisfied": number_text(DISSATISFIED, language),
        "sd": number_text(SAMPLING.sd, language, 2),
        "deff": number_text(SAMPLING.deff, language),
    }


def _term(value: str, language: str) -> str:
    """Return a term as a sentence shows it. Rules are written in English."""
    duration = parse_value(value)
    if language != "vi" or duration is None:
        return value if language != "vi" else "ngay lập tức"
    return f"{duration.value} {UNIT_WORDS[duration.unit]}"


def document() -> str:
    """Return the text of ``docs/indices.md``."""
    blocks = [OPENING]
    for definition in definitions():
        lines = [f"## {definition.name('en')}", f"`{definition.code}` · {definition.name('vi')}", ""]
        lines += [
            f"- **{HEADINGS[part]}:** {definition.part(part, 'en')}" for part in PARTS if part in definition.parts
        ]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


if __name__ == "__main__":
    sys.stdout.write(document())
