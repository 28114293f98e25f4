"""A calendar as the document that is stored, and back. What is read is validated as strictly as what is declared."""

from datetime import date
from typing import Any

from backend.worktime.calendar import DayException, Season, Week, WorkCalendar, WorkWindow, week_of


def to_document(calendar: WorkCalendar) -> dict[str, Any]:
    """JSON-ready form: hours as ``7:30-11:30``, dates as ISO, weekdays 0 (Monday) to 6."""
    return {
        "version": calendar.version,
        "week": _week_out(calendar.week),
        "years": [[year, announced] for year, announced in calendar.years],
        "exceptions": [
            {
                "day": item.day.isoformat(),
                "open": item.is_open,
                "name": item.name,
                "windows": None if item.windows is None else [str(window) for window in item.windows],
                "verified": item.verified,
            }
            for item in calendar.exceptions
        ],
        "seasons": [
            {"first": item.first.isoformat(), "last": item.last.isoformat(), "week": _week_out(item.week)}
            for item in calendar.seasons
        ],
        "perpetual": calendar.perpetual,
    }


def from_document(code: str, document: dict[str, Any], basis: str) -> WorkCalendar:
    """The calendar of a stored document. Raises WorktimeError where it could not have been declared."""
    return WorkCalendar(
        code,
        document["version"],
        _week_in(document["week"]),
        tuple((int(year), bool(announced)) for year, announced in document["years"]),
        tuple(
            DayException(
                date.fromisoformat(item["day"]),
                item["open"],
                item["name"],
                None if item["windows"] is None else tuple(WorkWindow.parse(text) for text in item["windows"]),
                item["verified"],
            )
            for item in document["exceptions"]
        ),
        tuple(
            Season(date.fromisoformat(item["first"]), date.fromisoformat(item["last"]), _week_in(item["week"]))
            for item in document["seasons"]
        ),
        basis,
        document["perpetual"],
    )


def _week_out(week: Week) -> dict[str, list[str]]:
    return {str(weekday): [str(window) for window in windows] for weekday, windows in enumerate(week)}


def _week_in(week: dict[str, list[str]]) -> Week:
    return week_of({int(weekday): texts for weekday, texts in week.items()})
