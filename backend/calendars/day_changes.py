"""What a file changes in the days of a form, in two parts. Pure.

A day that stays worked or off (a new name, a holiday on a Sunday) goes into the form at once. A day that the file turns
from worked to off, or from off to worked, moves due dates: the administrator must confirm it.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Final

from backend.errors import Invalid, _
from backend.files.text import clean_text
from backend.worktime.calendar import DayException, WorkCalendar
from backend.worktime.table import NAME_MOST, CalendarTable

CHANGES_MOST: Final = 150  # of one file; each has a box to tick
_KEYS: Final = {"day", "worked", "name", "removes", "unsure", "verified"}


@dataclass(frozen=True)
class DayChange:
    """A day that becomes ``worked``, or off.

    ``removes``: the file has no exception for the day, so the ordinary week applies again. ``unsure``: the file does
    not say that nobody works on that day.
    """

    day: date
    worked: bool
    name: str
    removes: bool = False
    unsure: bool = False
    verified: bool = True

    @property
    def exception(self) -> DayException | None:
        if self.removes:
            return None
        return DayException(self.day, is_open=self.worked, name=self.name, verified=self.verified)


@dataclass(frozen=True)
class MergedDays:
    """The exceptions that go into the form at once, and the changes that wait for a confirmation."""

    exceptions: Sequence[DayException]
    changes: Sequence[DayChange]


def merge_days(before: WorkCalendar, brought: CalendarTable, *, replace_years: bool) -> MergedDays:
    """Return what a file makes of a calendar.

    Its dates replace the same dates; with ``replace_years`` they replace all dates of its years. Raises Invalid for
    more than ``CHANGES_MOST`` changes.
    """
    bare = replace(before, exceptions=())
    days = {exception.day: exception for exception in before.exceptions}
    changes: list[DayChange] = []
    for day, exception in sorted(_wanted_days(days, brought, replace_years=replace_years).items()):
        worked = exception.is_open if exception else bare.is_working(day)
        if worked != before.is_working(day):
            changes.append(_change(day, worked, exception or days[day], brought, removes=exception is None))
        elif exception is None:
            del days[day]
        elif day not in brought.unsure:
            days[day] = _with_hours(exception, days.get(day))
    if len(changes) > CHANGES_MOST:
        message = _("Tệp đổi %(n)s ngày làm việc, ngày nghỉ; mỗi lần tối đa %(most)s ngày, hãy chia tệp theo năm.")
        raise Invalid(message, n=len(changes), most=CHANGES_MOST)
    return MergedDays([days[day] for day in sorted(days)], changes)


def _wanted_days(
    days: Mapping[date, DayException], brought: CalendarTable, *, replace_years: bool
) -> dict[date, DayException | None]:
    """Return the exception of each day; None for a day that the file leaves out of a year that it replaces."""
    wanted: dict[date, DayException | None] = {}
    if replace_years:
        wanted |= {day: None for day in days if day.year in brought.years}
    return wanted | {exception.day: exception for exception in brought.exceptions}


def apply_changes(
    exceptions: Iterable[DayException], changes: Iterable[DayChange], confirmed_days: Collection[date]
) -> list[DayException]:
    """Return the exceptions after the confirmed changes."""
    days = {exception.day: exception for exception in exceptions}
    for change in changes:
        if change.day not in confirmed_days:
            continue
        days.pop(change.day, None)
        if change.exception is not None:
            days[change.day] = change.exception
    return [days[day] for day in sorted(days)]


def write_changes(changes: Iterable[DayChange]) -> str:
    """Return the changes as the text of a hidden field."""
    rows = [asdict(change) | {"day": change.day.isoformat()} for change in changes]
    return json.dumps(rows, ensure_ascii=False)


def read_changes(text: str) -> list[DayChange]:
    """Return the changes in a hidden field. Raises Invalid for a text that ``write_changes`` did not write."""
    try:
        rows = json.loads(text or "[]")
        return [_read_change(row) for row in rows]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Invalid(_("Danh sách ngày đổi không đọc được; hãy đọc lại tệp."), field="file") from None


def _read_change(row: Mapping[str, object]) -> DayChange:
    name, day = row["name"], row["day"]
    flags = {key: row[key] for key in sorted(_KEYS - {"day", "name"})}
    if not isinstance(name, str) or not isinstance(day, str) or not 0 < len(name) <= NAME_MOST:
        raise ValueError(row)
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise ValueError(row)
    return DayChange(
        date.fromisoformat(day), name=clean_text(name, limit=NAME_MOST), **{key: bool(flags[key]) for key in flags}
    )


def _change(day: date, worked: bool, exception: DayException, brought: CalendarTable, *, removes: bool) -> DayChange:
    unsure = not removes and day in brought.unsure
    return DayChange(day, worked, exception.name, removes=removes, unsure=unsure, verified=exception.verified)


def _with_hours(exception: DayException, earlier: DayException | None) -> DayException:
    """Keep the hours of a make-up day, because files name no hours."""
    if earlier is None or earlier.is_open != exception.is_open:
        return exception
    return replace(exception, windows=earlier.windows)
