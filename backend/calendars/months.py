"""A calendar as pages show it: the months of a year, and the days that differ between two versions. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from backend.worktime.calendar import WorkCalendar


class DayKind(StrEnum):
    """The kind of a day."""

    WORKED = "worked"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    MAKEUP = "makeup"


@dataclass(frozen=True)
class CalendarDay:
    """A day of a calendar.

    ``hours`` is empty on a day off, ``name`` on an ordinary day. ``doubtful``: the day is estimated or not verified.
    """

    day: date
    kind: DayKind
    hours: str
    name: str
    doubtful: bool


@dataclass(frozen=True)
class CalendarMonth:
    """A month as weeks of seven, Monday first; None before its first and after its last day."""

    first: date
    weeks: Sequence[Sequence[CalendarDay | None]]
    working_days: int

    @property
    def named(self) -> list[CalendarDay]:
        """The days of the month that have a name: its exceptions."""
        return [day for week in self.weeks for day in week if day is not None and day.name]


def day_of(calendar: WorkCalendar, day: date) -> CalendarDay:
    """Return one day of a calendar."""
    ordinal = day.toordinal()
    windows = calendar.windows(ordinal)
    exception = calendar.by_day.get(ordinal)
    if exception is None:
        kind = DayKind.WORKED if windows else DayKind.WEEKEND
    else:
        kind = DayKind.MAKEUP if exception.is_open else DayKind.HOLIDAY
    hours = ", ".join(str(window) for window in windows)
    doubtful = calendar.leans_on_estimate(ordinal - 1, ordinal)
    return CalendarDay(day, kind, hours, exception.name if exception else "", doubtful)


def months_of(calendar: WorkCalendar, year: int) -> list[CalendarMonth]:
    """Return the twelve months of a year."""
    return [_month(calendar, date(year, number, 1)) for number in range(1, 13)]


def _month(calendar: WorkCalendar, first: date) -> CalendarMonth:
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    ordinals = range(first.toordinal(), following.toordinal())
    days: list[CalendarDay | None] = [day_of(calendar, date.fromordinal(ordinal)) for ordinal in ordinals]
    worked = sum(bool(day.hours) for day in days if day is not None)
    padded = [None] * first.weekday() + days
    padded += [None] * (-len(padded) % 7)
    return CalendarMonth(first, [padded[i : i + 7] for i in range(0, len(padded), 7)], worked)


def day_differences(before: WorkCalendar, after: WorkCalendar) -> Iterator[tuple[CalendarDay, CalendarDay]]:
    """Yield the days of the declared years on which working hours differ, as they are before and after."""
    for ordinal in range(min(before.first, after.first), max(before.last, after.last) + 1):
        if before.windows(ordinal) != after.windows(ordinal):
            day = date.fromordinal(ordinal)
            yield day_of(before, day), day_of(after, day)
