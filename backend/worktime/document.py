"""A calendar as the stored document, and back. Reading validates a document as strictly as `WorkCalendar.declare`."""

from datetime import date
from typing import Any

from backend.worktime.calendar import DayException, Season, Week, WorkCalendar, WorkWindow, week_of


def to_document(calendar: WorkCalendar) -> dict[str, Any]:
    """Return the calendar as JSON values: hours as ``7:30-11:30``, ISO dates, weekdays from 0 (Monday) to 6."""
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
    """Return the calendar of a stored document. Raises WorktimeError where the calendar is not valid."""
    return WorkCalendar(
        code=code,
        version=document["version"],
        week=_week_in(document["week"]),
        years=tuple((int(year), bool(announced)) for year, announced in document["years"]),
        exceptions=tuple(map(_exception_in, document["exceptions"])),
        seasons=tuple(map(_season_in, document["seasons"])),
        basis=basis,
        perpetual=document["perpetual"],
    )


def _exception_in(item: dict[str, Any]) -> DayException:
    texts = item["windows"]
    return DayException(
        day=date.fromisoformat(item["day"]),
        is_open=item["open"],
        name=item["name"],
        windows=None if texts is None else tuple(WorkWindow.parse(text) for text in texts),
        verified=item["verified"],
    )


def _season_in(item: dict[str, Any]) -> Season:
    return Season(date.fromisoformat(item["first"]), date.fromisoformat(item["last"]), _week_in(item["week"]))


def _week_out(week: Week) -> dict[str, list[str]]:
    return {str(weekday): [str(window) for window in windows] for weekday, windows in enumerate(week)}


def _week_in(week: dict[str, list[str]]) -> Week:
    return week_of({int(weekday): texts for weekday, texts in week.items()})
