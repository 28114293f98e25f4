"""Due dates, time elapsed and time left, on days and on minutes (Bộ luật Dân sự 2015, Điều 147-148).

On days: the day of the event is not counted; the term ends at 24:00 of its last day, whatever the hour of
the event. A day counts at its close, the end of its last window (for calendar days, the end of the day): if
the ticket is paused at that moment the day does not count. On hours and minutes: the clock starts at the
moment itself and runs inside working hours only; paused working time is added to the minute.

Pauses are half-open intervals ``[start, end)``; only their union matters.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple

from backend.worktime.calendar import ZONE, WorkCalendar
from backend.worktime.dayindex import MINUTE, within_years
from backend.worktime.duration import Duration, TimeUnit
from backend.worktime.moments import (
    DAY,
    Pause,
    Span,
    days_closing_in,
    first_close_from,
    instant_reaching,
    moment_at,
    unite_pauses,
    wall_time,
    working_position,
)

_DAY_END: Final = time.max.replace(tzinfo=ZONE)


class DueMoment(NamedTuple):
    """When a term ends.

    ``at`` is the last moment that is still on time: 23:59:59.999999 of ``on`` for terms in days (the law's
    24 hours, and still the same date), the moment itself for terms in hours and minutes. ``estimate`` says
    that a day of the term is not announced; ``rolled`` that the end was moved off a day off.
    """

    on: date
    at: datetime
    estimate: bool
    rolled: bool = False

    def missed_by(self, moment: datetime) -> bool:
        """Whether something done at ``moment`` is late: for terms in days, only on the day after."""
        return wall_time(moment) > wall_time(self.at)


def due_moment(
    calendar: WorkCalendar, duration: Duration, received: datetime, pauses: Sequence[Pause] = ()
) -> DueMoment:
    """When a term that began with ``received`` ends.

    Raises WorktimeError for a naive moment, a pause that ends before it starts, an end past year 9998.
    """
    start = wall_time(received)
    spans = unite_pauses(pauses) if pauses else ()
    length = duration.unit.minutes * MINUTE
    if length:
        return _due_in_minutes(calendar, duration.value * length, start, spans)
    event = start // DAY
    end = last = _last_day(calendar, duration, event, spans)
    if duration.unit is TimeUnit.CALENDAR_DAYS and not calendar.windows(last):
        end = next_working(calendar, last)
    on = date.fromordinal(end)
    return DueMoment(on, datetime.combine(on, _DAY_END), calendar.leans_on_estimate(event, end), end != last)


def elapsed_units(
    calendar: WorkCalendar, unit: TimeUnit, start: datetime, end: datetime, pauses: Sequence[Pause] = ()
) -> int:
    """Whole units counted from ``start`` to ``end``; 0 if ``end`` is not after ``start``.

    ``elapsed(start, due.at)`` is the term's value (calendar days: at least, where the end was rolled).
    Days count at their close, so the day now running is not in it yet.
    """
    if unit.minutes:
        return worked_time(calendar, start, end, pauses) // timedelta(minutes=unit.minutes)
    event = wall_time(start) // DAY
    upto = first_close_from(calendar, unit, wall_time(end) + 1) - 1
    if upto <= event:
        return 0
    total = _count(calendar, unit, event, upto)
    for span in unite_pauses(pauses):
        first, last = days_closing_in(calendar, unit, span)
        total -= _count(calendar, unit, max(first - 1, event), min(last, upto))
    return total


def worked_time(calendar: WorkCalendar, start: datetime, end: datetime, pauses: Sequence[Pause] = ()) -> timedelta:
    """Exact working time between two moments, less the paused part: shares of it add up to the total."""
    begin, finish = wall_time(start), wall_time(end)
    if finish <= begin:
        return timedelta(0)
    total = working_position(calendar, finish) - working_position(calendar, begin)
    for first, last in unite_pauses(pauses):
        low, high = max(first, begin), min(last, finish)
        if low < high:
            total -= working_position(calendar, high) - working_position(calendar, low)
    return timedelta(microseconds=total)


def remaining_units(
    calendar: WorkCalendar,
    duration: Duration,
    received: datetime,
    now: datetime,
    pauses: Sequence[Pause] = (),
) -> int:
    """Units left of the term at ``now``, a part of one counting as one; negative once more have passed.

    For queues and reminders, not for the verdict: on the Saturday after a Friday's due date nothing is
    left and nothing is overdrawn, yet an answer is late (``Due.missed_by``).
    """
    end = due_moment(calendar, duration, received, pauses).at
    total = elapsed_units(calendar, duration.unit, received, end, pauses)
    return total - elapsed_units(calendar, duration.unit, received, now, pauses)


def next_working(calendar: WorkCalendar, ordinal: int) -> int:
    """The day itself if the unit works on it, else the next day it does."""
    return calendar.days.day_reaching(calendar.days.at(ordinal - 1) + 1)


def _count(calendar: WorkCalendar, unit: TimeUnit, after: int, upto: int) -> int:
    """Days of the unit among after+1..upto; 0 if there are none."""
    if upto <= after:
        return 0
    if unit is TimeUnit.WORKING_DAYS:
        return calendar.days.at(upto) - calendar.days.at(after)
    return upto - after


def _last_day(calendar: WorkCalendar, duration: Duration, event: int, spans: Sequence[Span]) -> int:
    """The day that completes the count: each pause in turn gives back the days that close inside it."""
    on_working_days = duration.unit is TimeUnit.WORKING_DAYS
    target = duration.value + (calendar.days.at(event) if on_working_days else event)
    last = calendar.days.day_reaching(target) if on_working_days else target
    for span in spans:
        first, final = days_closing_in(calendar, duration.unit, span)
        if first > last:
            break
        target += _count(calendar, duration.unit, max(first - 1, event), final)
        last = calendar.days.day_reaching(target) if on_working_days else target
    return within_years(last)


def _due_in_minutes(calendar: WorkCalendar, length: int, start: int, spans: Sequence[Span]) -> DueMoment:
    target = working_position(calendar, start) + length
    for first, last in spans:
        low = working_position(calendar, max(first, start))
        if low >= target:
            break
        target += max(working_position(calendar, last) - low, 0)
    at = moment_at(instant_reaching(calendar, target))
    return DueMoment(at.date(), at, calendar.leans_on_estimate(start // DAY - 1, at.toordinal()))
