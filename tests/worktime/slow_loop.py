"""Working time read day after day: it knows nothing of the code's sums."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import count

from backend.worktime.calendar import ZONE, WorkCalendar, WorkWindow
from backend.worktime.duration import Duration, TimeUnit
from backend.worktime.moments import Pause

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def open_windows(calendar: WorkCalendar, day: date) -> tuple[WorkWindow, ...]:
    """Read off the declaration: the week, a season's week instead, an exception instead of both."""
    week = next((s.week for s in calendar.seasons if s.first <= day <= s.last), calendar.week)
    for exception in calendar.exceptions:
        if exception.day == day:
            if not exception.is_open:
                return ()
            return exception.windows or week[day.weekday()] or next(filter(None, week))
    return week[day.weekday()]


def close_of(calendar: WorkCalendar, unit: TimeUnit, day: date) -> datetime:
    midnight = datetime.combine(day, time(), ZONE)
    last_moment = midnight + DAY - timedelta(microseconds=1)
    if unit is TimeUnit.CALENDAR_DAYS:
        return last_moment
    return min(midnight + open_windows(calendar, day)[-1].closes * MINUTE, last_moment)


def slow_counts(calendar: WorkCalendar, unit: TimeUnit, day: date, pauses: list[Pause]) -> bool:
    if unit is TimeUnit.WORKING_DAYS and not open_windows(calendar, day):
        return False
    close = close_of(calendar, unit, day)
    return not any(start <= close < end for start, end in pauses)


def slow_due_date(calendar: WorkCalendar, term: Duration, received: datetime, pauses: list[Pause]) -> date:
    day, left = received.date(), term.value
    while left:
        day += DAY
        left -= slow_counts(calendar, term.unit, day, pauses)
    while not open_windows(calendar, day):
        day += DAY
    return day


def slow_minutes(calendar: WorkCalendar, received: datetime, pauses: list[Pause]) -> Iterator[datetime]:
    """Every working minute from a moment on, by its end, pauses left out."""
    for i in count():
        minute = received + i * MINUTE
        now = minute.hour * 60 + minute.minute
        if any(window.opens <= now < window.closes for window in open_windows(calendar, minute.date())) and not any(
            start <= minute < end for start, end in pauses
        ):
            yield minute + MINUTE
