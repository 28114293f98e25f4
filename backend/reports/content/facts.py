"""What a report says about a survey beside its figures: read from package data. Pure."""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from backend.errors import NotFound, _


@dataclass(frozen=True)
class Agency:
    """The agency that reports: its names, and the texts in the fixed places of the page."""

    name: str
    place: str
    agency: str
    agency_short: str
    agency_lines: tuple[str, ...]
    number_mark: str
    signature: tuple[str, ...]
    recipients: tuple[str, ...]


@dataclass(frozen=True)
class SurveyFacts:
    """How a survey was done. A field is empty where the source does not say."""

    announced: str = ""
    announced_by: str = ""
    conducted_by: str = ""
    scope: str = ""
    ballots: int | None = None
    stages: tuple[str, ...] = ()
    villages: int | None = None
    communes: int | None = None


@dataclass(frozen=True)
class SourceStatement:
    """A sentence of a source that its own tables do not support."""

    code: str
    what: str
    printed: str
    computed: str
    why: str


@dataclass(frozen=True)
class SourceNotes:
    """What a source prints beside its figures. ``source`` empty: nobody has checked its text against its tables."""

    source: str = ""
    rank_zero: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()
    statements: tuple[SourceStatement, ...] = ()


def agency_of(geography: str) -> Agency:
    """Return the agency of a unit. Raises NotFound for a unit without a report."""
    raw = _toml("surveys.toml").get(geography)
    if raw is None:
        raise NotFound(_("Chưa có mẫu báo cáo cho đơn vị này."))
    return Agency(**{key: _freeze(value) for key, value in raw.items() if not isinstance(value, dict)})


def survey_of(geography: str, year: int) -> SurveyFacts:
    """Return the facts of a survey; empty ones where nothing is known."""
    raw = _toml("surveys.toml").get(geography, {}).get(str(year), {})
    return SurveyFacts(**{key: _freeze(value) for key, value in raw.items()})


def reporting_units() -> dict[str, str]:
    """Return the code and name of every unit that has a report."""
    return {code: raw["name"] for code, raw in _toml("surveys.toml").items()}


def source_notes(geography: str, year: int) -> SourceNotes:
    """Return the notes on the source of a year's figures."""
    name = f"source_{geography.replace('-', '_')}_{year}.toml"
    if not (files("backend.reports") / "data" / name).is_file():
        return SourceNotes()
    raw = _toml(name)
    return SourceNotes(
        raw["source"],
        tuple(raw[f"rank_zero_{year - 1}"]),
        tuple(raw[f"derived_{year - 1}"]),
        tuple(SourceStatement(**row) for row in raw["statement"]),
    )


def _freeze(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@lru_cache
def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((files("backend.reports") / "data" / name).read_text(encoding="utf-8"))
