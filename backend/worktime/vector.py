"""The arithmetic of working days on arrays of dates, for figures over many tickets.

Dates are ``datetime64[D]`` in Vietnam's time; arrays broadcast. There are no pauses here: a ticket that was paused is
counted by `backend.worktime.arithmetic`. NaT and other resolutions raise WorktimeError, because they would give wrong
results without an error.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.worktime.calendar import WorkCalendar
from backend.worktime.dayindex import MAX_ORDINAL, RepeatingWeek, RunningSum
from backend.worktime.duration import MAX_VALUE
from backend.worktime.errors import WorktimeError, _

Dates = NDArray[np.datetime64]
Integers = NDArray[np.int64]
_EPOCH: Final = 719_163  # ordinal of 1970-01-01, day 0 of datetime64


def due_dates(calendar: WorkCalendar, days: int | Integers, received: Dates) -> Dates:
    """Return the due date ``days`` working days after each date of reception. That date itself is not counted."""
    values = np.asarray(days)
    if values.dtype.kind not in "iu" or (values.size and not 1 <= values.min() <= values.max() <= MAX_VALUE):
        raise WorktimeError(_("Thời hạn phải từ 1 đến %(limit)s."), limit=MAX_VALUE)
    return _dates(_reaching(calendar.days, _sum_at(calendar.days, _ordinals(received)) + values))


def working_days_between(calendar: WorkCalendar, start: Dates, end: Dates) -> Integers:
    """Return the working days after ``start`` up to and including ``end``; negative where the end is earlier."""
    return _sum_at(calendar.days, _ordinals(end)) - _sum_at(calendar.days, _ordinals(start))


def lean_on_estimate(calendar: WorkCalendar, start: Dates, end: Dates) -> NDArray[np.bool_]:
    """Return whether any day after ``start`` up to and including ``end`` is estimated, unverified or undeclared."""
    return np.not_equal(_sum_at(calendar.doubts, _ordinals(end)), _sum_at(calendar.doubts, _ordinals(start)))


def _ordinals(dates: Dates) -> Integers:
    dates = np.asarray(dates)
    if dates.dtype != np.dtype("datetime64[D]") or np.isnat(dates).any():
        raise WorktimeError(_("Cần mảng ngày đầy đủ, không có ô trống, kiểu datetime64[D]."))
    return _within_years(dates.view(np.int64) + _EPOCH)


def _dates(ordinals: Integers) -> Dates:
    dates: Dates = (_within_years(ordinals) - _EPOCH).astype("datetime64[D]")
    return dates


def _within_years(ordinals: Integers) -> Integers:
    if ordinals.size and not 1 <= ordinals.min() <= ordinals.max() < MAX_ORDINAL:
        raise WorktimeError(_("Thời hạn này vượt quá những năm mà lịch có thể tính."))
    return ordinals


def _upto(week: RepeatingWeek, ordinals: Integers) -> Integers:
    weeks, rest = np.divmod(ordinals, 7)
    total: Integers = weeks * week.total + np.asarray(week.head)[rest]
    return total


def _sum_at(sums: RunningSum, ordinals: Integers) -> Integers:
    table = np.asarray(sums.sums)
    from_table: Integers = table.take(ordinals - (sums.first - 1), mode="clip")
    if not ordinals.size or sums.first - 1 <= ordinals.min() <= ordinals.max() <= sums.last:
        return from_table
    declared = np.clip(ordinals, sums.first - 1, sums.last)
    return from_table + _upto(sums.week, ordinals) - _upto(sums.week, declared)


def _reaching(sums: RunningSum, amounts: Integers) -> Integers:
    """Return the first day with each sum: within the declared days by the table, outside by the repeating week."""
    table = np.asarray(sums.inverse)
    final = len(table) - 1
    days: Integers = np.asarray(table.take(amounts, mode="clip"))
    beyond, before = amounts > final, amounts <= 0
    for outside, offset in (
        (beyond, sums.week.upto(sums.last) - final),
        (before, sums.week.upto(sums.first - 1)),
    ):
        if outside.any():
            weeks, rest = np.divmod(amounts[outside] + (offset - 1), sums.week.total)
            days[outside] = weeks * 7 + np.searchsorted(sums.week.head, rest + 1)
    return days
