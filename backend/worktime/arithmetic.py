"""Due dates and elapsed time, in days and in minutes (Bộ luật Dân sự 2015, Điều 147-148).

Terms in days: the day of the event is not counted, and the term ends at 24:00 of its last day, at whatever hour the
event was. A day counts at its close, the end of its last window (for calendar days, the end of the day). If the ticket
is paused at that moment, the day does not count. Terms in hours and minutes: the clock starts at the event and runs
only in working hours; paused working time is added to the minute.

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
    """The end of a term.

    ``at`` is the last moment that is on time. For terms in days it is 23:59:59.999999 of ``on``: the law says 24:00,
    and this is still the same date. ``estimate`` says that a day of the term is not announced yet; ``rolled`` says that
    the end was moved from a day off to the next working day.
    """

    on: date
    at: datetime
    estimate: bool
    rolled: bool = False

    def missed_by(self, moment: datetime) -> bool:
        """Return whether an answer at ``moment`` is late. For terms in days it is late only from the day after."""
        return wall_time(moment) > wall_time(self.at)


def due_moment(
    calendar: WorkCalendar, duration: Duration, received: datetime, pauses: Sequence[Pause] = ()
) -> DueMoment:
    """Return the end of a term that began at ``received``.

    Example: 5 working days from Monday 2/3/2026 10:00 end on Monday 9/3/2026. Raises WorktimeError for a naive moment,
    a pause that ends before it starts, and an end after year 9998.
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
    """Return the whole units from ``start`` to ``end``; 0 if ``end`` is not after ``start``.

    Up to the end of a term they are the term's value; more only for calendar days, where the end was moved. A day
    counts at its close, so the present day is not included.
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
    """Return the exact working time between two moments, without paused time. Parts of it add up to the total."""
    begin, finish = wall_time(start), wall_time(end)
    if finish <= begin:
        return timedelta(0)
    total = working_position(calendar, finish) - working_position(calendar, begin)
    for first, last in unite_pauses(pauses):
        low, high = max(first, begin), min(last, finish)
        if low < high:
            total -= working_position(calendar, high) - working_position(calendar, low)
    return timedelta(microseconds=total)


def next_working(calendar: WorkCalendar, ordinal: int) -> int:
    """Return the day itself if it is a working day, else the next working day (ordinals)."""
    return calendar.days.day_reaching(calendar.days.at(ordinal - 1) + 1)


def _count(calendar: WorkCalendar, unit: TimeUnit, after: int, upto: int) -> int:
    """Return how many of the days after+1..upto count for this unit of time."""
    if upto <= after:
        return 0
    if unit is TimeUnit.WORKING_DAYS:
        return calendar.days.at(upto) - calendar.days.at(after)
    return upto - after


def _last_day(calendar: WorkCalendar, duration: Duration, event: int, spans: Sequence[Span]) -> int:
    """Return the day that completes the term. Each pause adds as many days as close inside it."""
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
