"""Moments and pauses as whole microseconds of Vietnam's local time, and their position in working time."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Final

from backend.worktime.calendar import ZONE, WorkCalendar, local_time
from backend.worktime.dayindex import MINUTE
from backend.worktime.duration import TimeUnit
from backend.worktime.errors import WorktimeError, _

Pause = tuple[datetime, datetime]
Span = tuple[int, int]
DAY: Final = 24 * 60 * MINUTE


def wall_time(moment: datetime) -> int:
    """Return the microseconds since midnight of day 0, in Vietnam's time; ``// DAY`` gives the ordinal of the date.

    Raises WorktimeError for a naive moment.
    """
    here = local_time(moment)
    seconds = (here.hour * 60 + here.minute) * 60 + here.second
    return here.toordinal() * DAY + seconds * 1_000_000 + here.microsecond


def moment_at(instant: int) -> datetime:
    """Return the moment of an instant: the inverse of `wall_time`."""
    ordinal, within = divmod(instant, DAY)
    return datetime.combine(date.fromordinal(ordinal), time(tzinfo=ZONE)) + timedelta(microseconds=within)


def unite_pauses(pauses: Iterable[Pause]) -> list[Span]:
    """Return the pauses in order, joined where they overlap or touch.

    Raises WorktimeError for a pause that ends before it starts.
    """
    joined: list[Span] = []
    for start, end in sorted((wall_time(start), wall_time(end)) for start, end in pauses):
        if end < start:
            raise WorktimeError(_("Khoảng tạm dừng kết thúc trước khi bắt đầu."))
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        elif start < end:
            joined.append((start, end))
    return joined


def working_position(calendar: WorkCalendar, instant: int) -> int:
    """Return the working microseconds from the calendar's first day to an instant; negative before that day."""
    ordinal, within = divmod(instant, DAY)
    total = calendar.time.at(ordinal - 1)
    for window in calendar.windows(ordinal):
        opens, closes = window.opens * MINUTE, window.closes * MINUTE
        if within <= opens:
            break
        total += min(within, closes) - opens
    return total


def instant_reaching(calendar: WorkCalendar, amount: int) -> int:
    """Return the first instant at which `working_position` is ``amount``: before a lunch break, not after it."""
    ordinal = calendar.time.day_reaching(amount)
    remaining = amount - calendar.time.at(ordinal - 1)
    for window in calendar.windows(ordinal):
        length = (window.closes - window.opens) * MINUTE
        if remaining <= length:
            return ordinal * DAY + window.opens * MINUTE + remaining
        remaining -= length
    raise AssertionError("the day that reaches an amount has enough working time for it")


def first_close_from(calendar: WorkCalendar, unit: TimeUnit, instant: int) -> int:
    """Return the first day that closes at the instant or later.

    A working day closes at the end of its last window. A calendar day closes with its last microsecond, whatever the
    working hours are.
    """
    ordinal, within = divmod(instant, DAY)
    if unit is TimeUnit.CALENDAR_DAYS:
        return ordinal
    windows = calendar.windows(ordinal)
    return ordinal + (bool(windows) and windows[-1].closes * MINUTE < within)


def days_closing_in(calendar: WorkCalendar, unit: TimeUnit, span: Span) -> Span:
    """Return the first and the last day whose close lies in ``[start, end)``; last < first if there is none."""
    return first_close_from(calendar, unit, span[0]), first_close_from(calendar, unit, span[1]) - 1
