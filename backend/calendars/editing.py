"""A calendar as the texts of a form, and back. Pure.

Dates come one a line, their parts between ``|``: easier to check against an announcement, and to paste, than forty rows
of fields. What is read is declared step by step, so that every refusal stands at the field that it is about.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final, TypeVar

from backend.errors import Invalid, _
from backend.files.days import day_written
from backend.worktime.calendar import DayException, Season, Week, Windows, WorkCalendar, week_of
from backend.worktime.errors import WorktimeError
from backend.worktime.table import NAME_MOST, CalendarTable


@dataclass(frozen=True)
class LineWords:
    """What a language calls the parts of a line; weekdays from Monday on."""

    off: str
    open: str
    doubtful: str
    days: tuple[str, ...]


VIETNAMESE: Final = LineWords("nghỉ", "làm việc", "chưa chắc", ("T2", "T3", "T4", "T5", "T6", "T7", "CN"))
ENGLISH: Final = LineWords("off", "open", "uncertain", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
WORDS: Final = {"vi": VIETNAMESE, "en": ENGLISH}  # written in the reader's language, read in either
OPEN_WORDS: Final = {VIETNAMESE.open, "làm", "làm bù", ENGLISH.open, "working"}
OFF_WORDS: Final = {VIETNAMESE.off, ENGLISH.off, "closed"}
DOUBT_WORDS: Final = {VIETNAMESE.doubtful, "?", ENGLISH.doubtful}
DAYS: Final = {name.upper(): number for words in WORDS.values() for number, name in enumerate(words.days)}
FIELDS: Final = (*(f"day{weekday}" for weekday in range(7)), "announced", "estimated", "exceptions", "seasons")
YEARS: Final = re.compile(r"([0-9]{4})(?:\s*[-–]\s*([0-9]{4}))?")
_PLAIN: Final = dict.fromkeys(range(5), ("7:30-11:30", "13:30-17:00"))
T = TypeVar("T")


def texts_of(calendar: WorkCalendar, language: str = "vi") -> dict[str, str]:
    """What the form shows of a calendar."""
    words = WORDS[language]
    texts = {f"day{weekday}": _hours_out(windows) for weekday, windows in enumerate(calendar.week)}
    return texts | {
        "announced": _years_out([year for year, announced in calendar.years if announced]),
        "estimated": _years_out([year for year, announced in calendar.years if not announced]),
        "exceptions": exceptions_out(calendar.exceptions, words),
        "seasons": "\n".join(line for season in calendar.seasons for line in _season_out(season, words)),
    }


def read_calendar(code: str, version: str, texts: Mapping[str, str], basis: str) -> WorkCalendar:
    """The calendar that the texts describe. Raises Invalid with a refusal for each field that cannot be taken."""
    errors: list[Invalid] = []

    def attempt(field: str, build: Callable[..., T], *given: Any, **named: Any) -> T | None:
        try:
            return build(*given, **named)
        except WorktimeError as refusal:
            errors.append(Invalid(refusal.message, field=field, errors=(), **refusal.params))
            return None

    declare = partial(_declare, code, version, basis)
    week = {n: attempt(f"day{n}", _hours_of_a_day, texts.get(f"day{n}", "")) or () for n in range(7)}
    if not errors:
        attempt("day0", declare, week=week)
    years = attempt("announced", _years, texts)
    if years is not None:
        attempt("announced", declare, years=years)
    exceptions = attempt("exceptions", exceptions_of, texts.get("exceptions", ""))
    seasons = attempt("seasons", _seasons_of, texts.get("seasons", ""))
    Invalid.collect(errors)
    attempt("seasons", declare, week=week, years=years, seasons=seasons)
    Invalid.collect(errors)
    whole = attempt("exceptions", declare, week=week, years=years, exceptions=exceptions, seasons=seasons)
    Invalid.collect(errors)
    assert whole is not None  # noqa: S101 - nothing was refused, so it was built
    return whole


def _declare(code: str, version: str, basis: str, **parts: Any) -> WorkCalendar:
    """A calendar of the parts read so far; what is not read yet is plain."""
    given: dict[str, Any] = {"week": _PLAIN, "years": {2026: True}} | parts
    return WorkCalendar.declare(code, version, basis=basis, **given)


def merge_texts(
    texts: Mapping[str, str], brought: CalendarTable, *, replace: bool, language: str = "vi"
) -> dict[str, str]:
    """The texts with what a file brought: its dates take the place of the same dates, with ``replace`` of all dates of
    its years; its years join those declared. Raises WorktimeError where the dates already there cannot be read."""
    held = {item.day: item for item in exceptions_of(texts.get("exceptions", ""))}
    if replace:
        held = {day: item for day, item in held.items() if day.year not in brought.years}
    held |= {item.day: item for item in brought.exceptions}
    years = brought.years | _years(texts)
    return {
        **texts,
        "announced": _years_out([year for year in sorted(years) if years[year]]),
        "estimated": _years_out([year for year in sorted(years) if not years[year]]),
        "exceptions": exceptions_out((held[day] for day in sorted(held)), WORDS[language]),
    }


def exceptions_of(text: str) -> list[DayException]:
    """Lines such as ``02/01/2026 | nghỉ | Hoán đổi`` or ``10/01/2026 | làm việc | Làm bù | 7:30-11:30 | chưa chắc``."""
    found = []
    for number, line in _lines(text):
        parts = [part.strip() for part in line.split("|")]
        day = day_written(parts[0])
        kind = parts[1].lower() if len(parts) > 1 else ""
        if day is None or kind not in OPEN_WORDS | OFF_WORDS or not 3 <= len(parts) <= 5:
            raise WorktimeError(
                _("Dòng %(line)s phải có dạng: 02/01/2026 | nghỉ | tên ngày (hoặc: làm việc)."), line=number
            )
        if not parts[2] or len(parts[2]) > NAME_MOST:
            raise WorktimeError(
                _("Dòng %(line)s: tên ngày phải có, dài nhất %(limit)s ký tự."), line=number, limit=NAME_MOST
            )
        hours, doubt = [*parts[3:], "", ""][:2]
        if doubt.lower() not in DOUBT_WORDS | {""}:
            raise WorktimeError(_("Dòng %(line)s: phần cuối chỉ có thể là “chưa chắc”."), line=number)
        windows = _hours_of_a_day(hours) if hours else None
        found.append(DayException(day, kind in OPEN_WORDS, parts[2], _windows(windows), verified=not doubt))
    return found


def exceptions_out(exceptions: Iterable[DayException], words: LineWords) -> str:
    return "\n".join(_exception_out(item, words) for item in exceptions)


def _exception_out(item: DayException, words: LineWords) -> str:
    parts = [f"{item.day:%d/%m/%Y}", words.open if item.is_open else words.off, item.name.replace("|", "/")]
    if item.windows or not item.verified:
        parts.append(_hours_out(item.windows or ()))
    return " | ".join([*parts, *([] if item.verified else [words.doubtful])])


def _seasons_of(text: str) -> list[Season]:
    """Lines such as ``15/04/2026 - 14/10/2026 | T2-T6 | 7:00-11:30, 13:30-17:00``; lines of the same dates join."""
    found: dict[tuple[date, date], dict[int, tuple[str, ...]]] = {}
    for number, line in _lines(text):
        parts = [part.strip() for part in line.split("|")]
        dates = [day_written(part) for part in re.split(r"\s+[-–]\s+", parts[0])]
        weekdays = _weekdays(parts[1]) if len(parts) == 3 else []
        if len(dates) != 2 or dates[0] is None or dates[1] is None or not weekdays:
            raise WorktimeError(
                _("Dòng %(line)s phải có dạng: 15/04/2026 - 14/10/2026 | T2-T6 | 7:00-11:30, 13:30-17:00."),
                line=number,
            )
        week = found.setdefault((dates[0], dates[1]), {})
        if set(weekdays) & set(week):
            raise WorktimeError(_("Dòng %(line)s: có thứ đã khai giờ cho cùng những ngày này."), line=number)
        week |= dict.fromkeys(weekdays, _hours_of_a_day(parts[2]))
    return [Season(first, last, week_of(week)) for (first, last), week in sorted(found.items())]


def _season_out(season: Season, words: LineWords) -> Iterator[str]:
    """One line for each run of weekdays with the same hours."""
    dates = f"{season.first:%d/%m/%Y} - {season.last:%d/%m/%Y}"
    for first, last in _runs(season.week):
        days = words.days[first] if first == last else f"{words.days[first]}-{words.days[last]}"
        yield f"{dates} | {days} | {_hours_out(season.week[first])}"


def _runs(week: Week) -> Iterator[tuple[int, int]]:
    first = 0
    for weekday in range(1, 8):
        if weekday == 7 or week[weekday] != week[first]:
            if week[first]:
                yield first, weekday - 1
            first = weekday


def _weekdays(text: str) -> list[int]:
    """``T2-T6, CN`` or ``Mon-Fri, Sun`` as numbers; empty where it cannot be read."""
    found: list[int] = []
    for part in text.upper().split(","):
        ends = [end.strip() for end in re.split(r"[-–]", part)]
        if not all(end in DAYS for end in ends) or len(ends) > 2:
            return []
        found += range(DAYS[ends[0]], DAYS[ends[-1]] + 1)
    return found


def _years(texts: Mapping[str, str]) -> dict[int, bool]:
    announced, estimated = _year_list(texts.get("announced", "")), _year_list(texts.get("estimated", ""))
    twice = sorted(set(announced) & set(estimated))
    if twice:
        raise WorktimeError(_("Năm %(year)s vừa ghi là đã công bố vừa ghi là dự kiến."), year=twice[0])
    return dict.fromkeys(announced, True) | dict.fromkeys(estimated, False)


def _year_list(text: str) -> list[int]:
    """``2024-2026, 2028`` as years."""
    found: list[int] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        ends = YEARS.fullmatch(part)
        if not ends:
            raise WorktimeError(_("Hãy viết các năm như 2024-2026 hoặc 2024, 2025."))
        found += range(int(ends[1]), min(int(ends[2] or ends[1]), int(ends[1]) + 200) + 1)
    return found


def _years_out(years: list[int]) -> str:
    runs: list[list[int]] = []
    for year in years:
        if runs and year == runs[-1][-1] + 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _hours_of_a_day(text: str) -> tuple[str, ...]:
    """``7:30-11:30, 13:30-17:00`` as windows, checked; empty for a day off."""
    hours = tuple(part.strip() for part in text.split(",") if part.strip())
    if hours:
        WorkCalendar.declare("hours", "1", week={0: hours}, years={2026: True})
    return hours


def _windows(hours: tuple[str, ...] | None) -> Windows | None:
    return None if hours is None else week_of({0: hours})[0]


def _hours_out(windows: Windows) -> str:
    return ", ".join(str(window) for window in windows)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip())
