"""The explanation of a due date: each day of the term, whether it counts, and the reason.

Reasons are codes with parameters. The pages that display them turn them into sentences.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from backend.worktime.arithmetic import due_moment, worked_time
from backend.worktime.calendar import WorkCalendar
from backend.worktime.duration import Duration, TimeUnit
from backend.worktime.moments import DAY, Pause, days_closing_in, moment_at, wall_time


class DayReason(StrEnum):
    """Why a day counts or does not. The comments name the parameters and say what the code means."""

    COUNTED = "counted"  # paused (timedelta): the paused part of the day, only for terms in hours and minutes
    MAKEUP = "makeup"  # name: the day counts, because it is worked in exchange for another day
    DAY_OF_EVENT = "day_of_event"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"  # name
    DAY_OFF = "day_off"  # a weekday on which this unit never works
    PAUSED = "paused"  # pause: index of the caller's pause that covers the close of the day
    ROLLED = (
        "rolled"  # name, if a holiday: the day is after the end of a term in calendar days, which fell on a day off
    )
    AFTER_HOURS = "after_hours"  # terms in hours and minutes: no working time remained on that day


class DayDoubt(StrEnum):
    """Why a day is only an estimate."""

    UNVERIFIED = "unverified"  # nobody has read the enacted rule behind it
    ESTIMATED_YEAR = "estimated_year"
    UNDECLARED_YEAR = "undeclared_year"


@dataclass(frozen=True, slots=True)
class ExplainedDay:
    """One line of an explanation. ``worked`` is the time counted on that day for terms in hours and minutes."""

    day: date
    counted: bool
    why: DayReason
    params: Mapping[str, object]
    doubt: DayDoubt | None = None
    worked: timedelta = timedelta(0)

    @property
    def estimate(self) -> bool:
        return self.doubt is not None


_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_Reason = tuple[bool, DayReason, Mapping[str, object]]


def explain_days(
    calendar: WorkCalendar, duration: Duration, received: datetime, pauses: Sequence[Pause] = ()
) -> list[ExplainedDay]:
    """Return every day from the event to the due date, both included. The counted days add up to the term."""
    end = due_moment(calendar, duration, received, pauses)
    event, last = wall_time(received) // DAY, end.on.toordinal()
    if duration.unit.minutes:
        return [_minutes_of(calendar, ordinal, received, end.at, pauses) for ordinal in range(event, last + 1)]
    paused = _paused_days(calendar, duration.unit, pauses, event + 1, last)
    days = [_day(calendar, event, (False, DayReason.DAY_OF_EVENT, _NOTHING))]
    days_to_count = duration.value
    for ordinal in range(event + 1, last + 1):
        if duration.unit is TimeUnit.WORKING_DAYS:
            reason = _working_day_reason(calendar, ordinal, paused)
        else:
            reason = _calendar_day_reason(calendar, ordinal, paused, days_to_count)
        counted = reason[0]
        days_to_count -= counted
        days.append(_day(calendar, ordinal, reason))
    return days


def doubt_of(calendar: WorkCalendar, ordinal: int) -> DayDoubt | None:
    """Return why a day of the calendar is only an estimate; None where it is certain."""
    if not calendar.leans_on_estimate(ordinal - 1, ordinal):
        return None
    if not calendar.first <= ordinal <= calendar.last:
        return DayDoubt.UNDECLARED_YEAR
    year = date.fromordinal(ordinal).year
    announced = calendar.years[year - calendar.years[0][0]][1]
    return DayDoubt.UNVERIFIED if announced else DayDoubt.ESTIMATED_YEAR


def _day(calendar: WorkCalendar, ordinal: int, reason: _Reason, worked: timedelta = timedelta(0)) -> ExplainedDay:
    counted, why, params = reason
    return ExplainedDay(date.fromordinal(ordinal), counted, why, params, doubt_of(calendar, ordinal), worked)


def _paused_days(
    calendar: WorkCalendar, unit: TimeUnit, pauses: Sequence[Pause], first: int, last: int
) -> dict[int, int]:
    """Return each day in first..last that is paused at its close, with the index of the first such pause."""
    paused: dict[int, int] = {}
    for index, (start, end) in enumerate(pauses):
        low, high = days_closing_in(calendar, unit, (wall_time(start), wall_time(end)))
        for ordinal in range(max(low, first), min(high, last) + 1):
            paused.setdefault(ordinal, index)
    return paused


def _off_reason(calendar: WorkCalendar, ordinal: int) -> _Reason:
    exception = calendar.by_day.get(ordinal)
    if exception:
        return False, DayReason.HOLIDAY, {"name": exception.name}
    return False, DayReason.DAY_OFF if (ordinal - 1) % 7 < 5 else DayReason.WEEKEND, _NOTHING


def _worked_reason(calendar: WorkCalendar, ordinal: int) -> _Reason:
    exception = calendar.by_day.get(ordinal)
    if exception and not calendar.week[(ordinal - 1) % 7]:
        return True, DayReason.MAKEUP, {"name": exception.name}
    return True, DayReason.COUNTED, _NOTHING


def _working_day_reason(calendar: WorkCalendar, ordinal: int, paused: Mapping[int, int]) -> _Reason:
    if not calendar.windows(ordinal):
        return _off_reason(calendar, ordinal)
    if ordinal in paused:
        return False, DayReason.PAUSED, {"pause": paused[ordinal]}
    return _worked_reason(calendar, ordinal)


def _calendar_day_reason(
    calendar: WorkCalendar, ordinal: int, paused: Mapping[int, int], days_to_count: int
) -> _Reason:
    if not days_to_count:
        exception = calendar.by_day.get(ordinal)
        return False, DayReason.ROLLED, {"name": exception.name} if exception else _NOTHING
    if ordinal in paused:
        return False, DayReason.PAUSED, {"pause": paused[ordinal]}
    return True, DayReason.COUNTED, _NOTHING


def _minutes_of(
    calendar: WorkCalendar, ordinal: int, received: datetime, end: datetime, pauses: Sequence[Pause]
) -> ExplainedDay:
    """Return what a term in hours or minutes counted on one day, and the reason where it counted less."""
    if not calendar.windows(ordinal):
        return _day(calendar, ordinal, _off_reason(calendar, ordinal))
    start = max(wall_time(received), ordinal * DAY)
    finish = max(start, min(wall_time(end), (ordinal + 1) * DAY))
    span = moment_at(start), moment_at(finish)
    counted, open_time = worked_time(calendar, *span, pauses), worked_time(calendar, *span)
    if counted:
        _true, why, params = _worked_reason(calendar, ordinal)
        if counted < open_time:
            params = {**params, "paused": open_time - counted}
        return _day(calendar, ordinal, (True, why, params), counted)
    if open_time:
        return _day(calendar, ordinal, (False, DayReason.PAUSED, {"pause": _pause_over(pauses, finish)}))
    return _day(calendar, ordinal, (False, DayReason.AFTER_HOURS, _NOTHING))


def _pause_over(pauses: Sequence[Pause], instant: int) -> int:
    """Return the index of the last pause that began before an instant of a day that is paused as a whole."""
    begun = [(wall_time(start), index) for index, (start, _end) in enumerate(pauses) if wall_time(start) < instant]
    return max(begun)[1]
