"""Moments and pauses as whole microseconds on Vietnam's wall clock, and where they fall in working time."""

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
    """Microseconds since midnight of day 0; ``// DAY`` is the date's ordinal. Refuses a naive moment."""
    here = local_time(moment)
    seconds = (here.hour * 60 + here.minute) * 60 + here.second
    return here.toordinal() * DAY + seconds * 1_000_000 + here.microsecond


def moment_at(instant: int) -> datetime:
    """The inverse of ``wall``."""
    ordinal, within = divmod(instant, DAY)
    return datetime.combine(date.fromordinal(ordinal), time(tzinfo=ZONE)) + timedelta(microseconds=within)


def unite_pauses(pauses: Iterable[Pause]) -> list[Span]:
    """The pauses in order, joined where they overlap or touch. Refuses one that ends before it starts."""
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
    """Working microseconds up to an instant, counted from the calendar's first day (negative before it)."""
    ordinal, within = divmod(instant, DAY)
    total = calendar.time.at(ordinal - 1)
    for window in calendar.windows(ordinal):
        opens, closes = window.opens * MINUTE, window.closes * MINUTE
        if within <= opens:
            break
        total += min(within, closes) - opens
    return total


def instant_reaching(calendar: WorkCalendar, amount: int) -> int:
    """The first instant at which ``position`` is ``amount``: before a break, not after it."""
    ordinal = calendar.time.day_reaching(amount)
    left = amount - calendar.time.at(ordinal - 1)
    for window in calendar.windows(ordinal):
        length = (window.closes - window.opens) * MINUTE
        if left <= length:
            return ordinal * DAY + window.opens * MINUTE + left
        left -= length
    raise AssertionError("the day that reaches an amount holds it")


def first_close_from(calendar: WorkCalendar, unit: TimeUnit, instant: int) -> int:
    """The first day that closes at the instant or later.

    A working day closes at the end of its last window; a calendar day, which runs around the clock whatever the
    unit works, with its last microsecond.
    """
    ordinal, within = divmod(instant, DAY)
    if unit is TimeUnit.CALENDAR_DAYS:
        return ordinal
    windows = calendar.windows(ordinal)
    return ordinal + (bool(windows) and windows[-1].closes * MINUTE < within)


def days_closing_in(calendar: WorkCalendar, unit: TimeUnit, span: Span) -> Span:
    """First and last day whose close lies in ``[start, end)``; last < first if there is none."""
    return first_close_from(calendar, unit, span[0]), first_close_from(calendar, unit, span[1]) - 1
