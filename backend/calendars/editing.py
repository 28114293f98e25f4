"""Turn a calendar into the texts of a form, and back. Pure.

The form has one date on each line (see `exception_lines`). That is easier to paste, and to check against an
announcement, than forty rows of fields. The calendar is declared step by step, so that each refusal stands at the right
field.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final, TypeVar

from backend.calendars.exception_lines import (
    WORDS,
    CalendarWords,
    numbered_lines,
    read_exceptions,
    read_hours,
    write_exceptions,
    write_hours,
)
from backend.errors import Invalid, LineRefusal, _
from backend.files.days import day_written, refusal_of_day, shortened
from backend.worktime.calendar import DayException, Season, Week, WorkCalendar, week_of
from backend.worktime.errors import WorktimeError

DAYS: Final = {name.upper(): number for words in WORDS.values() for number, name in enumerate(words.days)}
FIELDS: Final = (*(f"day{weekday}" for weekday in range(7)), "announced", "estimated", "exceptions", "seasons")
YEARS: Final = re.compile(r"([0-9]{4})(?:\s*[-–]\s*([0-9]{4}))?")
_PLAIN: Final = dict.fromkeys(range(5), ("7:30-11:30", "13:30-17:00"))
T = TypeVar("T")


def texts_of(calendar: WorkCalendar, language: str = "vi") -> dict[str, str]:
    """Return the texts that the form shows for a calendar."""
    words = WORDS[language]
    texts = {f"day{weekday}": write_hours(windows) for weekday, windows in enumerate(calendar.week)}
    return texts | {
        **texts_of_days(calendar.exceptions, dict(calendar.years), language),
        "seasons": "\n".join(line for season in calendar.seasons for line in _season_out(season, words)),
    }


def texts_of_days(exceptions: Iterable[DayException], years: Mapping[int, bool], language: str) -> dict[str, str]:
    """Return the texts that the form shows for exceptions and years."""
    return {
        "announced": write_years([year for year in sorted(years) if years[year]]),
        "estimated": write_years([year for year in sorted(years) if not years[year]]),
        "exceptions": write_exceptions(exceptions, WORDS[language]),
    }


def read_calendar(code: str, version: str, texts: Mapping[str, str], basis: str) -> WorkCalendar:
    """Return the calendar that the texts describe. Raises Invalid with a refusal for each field that is wrong."""
    errors: list[Invalid] = []

    def attempt(field: str, build: Callable[..., T], *values: Any, **parts: Any) -> T | None:
        try:
            return build(*values, **parts)
        except WorktimeError as refusal:
            errors.append(refusal.at(field))
            return None

    declare = partial(_declare, code, version, basis)
    week = {n: attempt(f"day{n}", read_hours, texts.get(f"day{n}", "")) or () for n in range(7)}
    if not errors:
        attempt("day0", declare, week=week)
    years = attempt("announced", read_years, texts)
    years_hold = years is not None and attempt("announced", declare, years=years) is not None
    exceptions = attempt("exceptions", read_exceptions, texts.get("exceptions", ""), years if years_hold else None)
    seasons = attempt("seasons", _seasons_of, texts.get("seasons", ""))
    Invalid.collect(errors)
    attempt("seasons", declare, week=week, years=years, seasons=seasons)
    Invalid.collect(errors)
    whole = attempt("exceptions", declare, week=week, years=years, exceptions=exceptions, seasons=seasons)
    Invalid.collect(errors)
    assert whole is not None  # noqa: S101 - nothing was refused, so it was built
    return whole


def _declare(code: str, version: str, basis: str, **parts: Any) -> WorkCalendar:
    """Declare a calendar of the parts that are read so far; the other parts are ordinary ones."""
    all_parts: dict[str, Any] = {"week": _PLAIN, "years": {2026: True}} | parts
    return WorkCalendar.declare(code, version, basis=basis, **all_parts)


@dataclass(frozen=True)
class SeasonLine:
    """Hours of some weekdays between two dates, both included."""

    first: date
    last: date
    hours: Mapping[int, tuple[str, ...]]


def _seasons_of(text: str) -> list[Season]:
    """Read lines such as ``15/04/2026 - 14/10/2026 | T2-T6 | 7:00-11:30, 13:30-17:00``.

    Lines with the same dates are one season. Raises WorktimeError that names every wrong line.
    """
    weeks: dict[tuple[date, date], dict[int, tuple[str, ...]]] = {}
    refusals: list[LineRefusal] = []
    for number, text_line in numbered_lines(text):
        try:
            line = _season_line([part.strip() for part in text_line.split("|")])
            week = weeks.setdefault((line.first, line.last), {})
            if set(line.hours) & set(week):
                raise WorktimeError(_("có thứ đã khai giờ cho cùng những ngày này ở dòng trên."))
            week |= line.hours
        except Invalid as refusal:
            refusals.append(LineRefusal(number, refusal))
    if refusals:
        raise WorktimeError.of_lines(refusals)
    return [Season(first, last, week_of(week)) for (first, last), week in sorted(weeks.items())]


def _season_line(parts: list[str]) -> SeasonLine:
    """Read one line. Raises Invalid that says what is wrong with it."""
    dates = re.split(r"\s+[-–]\s+", parts[0])
    if len(parts) != 3 or len(dates) != 2:
        message = _("“%(value)s” phải có dạng: 15/04/2026 - 14/10/2026 | T2-T6 | 7:00-11:30, 13:30-17:00.")
        raise WorktimeError(message, value=shortened(" | ".join(parts)))
    first, last = (day_written(text) for text in dates)
    if first is None or last is None:
        raise refusal_of_day(dates[1] if first else dates[0])
    weekdays = _weekdays(parts[1])
    if not weekdays:
        raise WorktimeError(_("“%(value)s” phải là các thứ, như T2-T6 hoặc T7, CN."), value=shortened(parts[1]))
    return SeasonLine(first, last, dict.fromkeys(weekdays, read_hours(parts[2])))


def _season_out(season: Season, words: CalendarWords) -> Iterator[str]:
    """Yield one line for each run of weekdays with the same hours."""
    dates = f"{season.first:%d/%m/%Y} - {season.last:%d/%m/%Y}"
    for first, last in _runs(season.week):
        days = words.days[first] if first == last else f"{words.days[first]}-{words.days[last]}"
        yield f"{dates} | {days} | {write_hours(season.week[first])}"


def _runs(week: Week) -> Iterator[tuple[int, int]]:
    first = 0
    for weekday in range(1, 8):
        if weekday == 7 or week[weekday] != week[first]:
            if week[first]:
                yield first, weekday - 1
            first = weekday


def _weekdays(text: str) -> list[int]:
    """Return ``T2-T6, CN`` or ``Mon-Fri, Sun`` as numbers from 0; an empty list where the text is wrong."""
    weekdays: list[int] = []
    for part in text.upper().split(","):
        ends = [end.strip() for end in re.split(r"[-–]", part)]
        if not all(end in DAYS for end in ends) or len(ends) > 2:
            return []
        weekdays += range(DAYS[ends[0]], DAYS[ends[-1]] + 1)
    return weekdays


def read_years(texts: Mapping[str, str]) -> dict[int, bool]:
    """Return the years of the form, each with whether it is announced. Raises WorktimeError for a wrong text."""
    announced, estimated = _year_list(texts.get("announced", "")), _year_list(texts.get("estimated", ""))
    twice = sorted(set(announced) & set(estimated))
    if twice:
        raise WorktimeError(_("Năm %(year)s vừa ghi là đã công bố vừa ghi là dự kiến."), year=twice[0])
    return dict.fromkeys(announced, True) | dict.fromkeys(estimated, False)


def _year_list(text: str) -> list[int]:
    """Return ``2024-2026, 2028`` as years. Raises WorktimeError."""
    years: list[int] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        ends = YEARS.fullmatch(part)
        if not ends:
            raise WorktimeError(_("Hãy viết các năm như 2024-2026 hoặc 2024, 2025."))
        years += range(int(ends[1]), min(int(ends[2] or ends[1]), int(ends[1]) + 200) + 1)
    return years


def write_years(years: Sequence[int]) -> str:
    """Return years as the form writes them: ``2024-2026, 2028``."""
    runs: list[list[int]] = []
    for year in years:
        if runs and year == runs[-1][-1] + 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
