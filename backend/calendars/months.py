"""A calendar to look at: the months of a year, and the days on which two versions differ. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from backend.worktime.calendar import WorkCalendar


class DayKind(StrEnum):
    """What a day is."""

    WORKED = "worked"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    MAKEUP = "makeup"


@dataclass(frozen=True)
class CalendarDay:
    """A day as it is shown. ``hours`` is empty on a day off, ``name`` empty on an ordinary day; ``doubtful`` that it is
    estimated or not verified."""

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
        """Its exceptions, by name."""
        return [day for week in self.weeks for day in week if day is not None and day.name]


def day_of(calendar: WorkCalendar, day: date) -> CalendarDay:
    """One day of a calendar."""
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
    """The twelve months of a year."""
    return [_month(calendar, date(year, number, 1)) for number in range(1, 13)]


def _month(calendar: WorkCalendar, first: date) -> CalendarMonth:
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    days: list[CalendarDay | None] = [
        day_of(calendar, date.fromordinal(o)) for o in range(first.toordinal(), following.toordinal())
    ]
    worked = sum(bool(day.hours) for day in days if day is not None)
    padded = [None] * first.weekday() + days
    padded += [None] * (-len(padded) % 7)
    return CalendarMonth(first, [padded[i : i + 7] for i in range(0, len(padded), 7)], worked)


def day_differences(before: WorkCalendar, after: WorkCalendar) -> Iterator[tuple[CalendarDay, CalendarDay]]:
    """The days of either's declared years that are worked in one and not in the other, or in other hours."""
    for ordinal in range(min(before.first, after.first), max(before.last, after.last) + 1):
        if before.windows(ordinal) != after.windows(ordinal):
            day = date.fromordinal(ordinal)
            yield day_of(before, day), day_of(after, day)
