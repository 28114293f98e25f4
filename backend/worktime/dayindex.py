"""Prefix sums over the days of a calendar: the count between two days is the difference of two sums.

Days are proleptic Gregorian ordinals (``date.toordinal``); ordinal 1 is a Monday. For the declared days the sums are
tables. Outside them the ordinary week repeats, so a sum is whole weeks plus the rest of a week, without a table.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate
from typing import Final

from backend.worktime.errors import WorktimeError, _

MAX_ORDINAL: Final = date.max.toordinal()
MINUTE: Final = 60_000_000  # in microseconds: working time counts whole microseconds, windows count whole minutes


@dataclass(frozen=True, slots=True)
class RepeatingWeek:
    """Sums of a quantity that repeats every week, such as working days (0 or 1) or working microseconds."""

    per_day: tuple[int, ...]
    total: int
    head: tuple[int, ...]  # head[r]: sum over the first r days of a week

    @classmethod
    def of(cls, per_day: Sequence[int]) -> "RepeatingWeek":
        head = (0, *accumulate(per_day))
        return cls(tuple(per_day), head[-1], head)

    def upto(self, ordinal: int) -> int:
        """Return the sum over days 1..ordinal."""
        weeks, rest = divmod(ordinal, 7)
        return weeks * self.total + self.head[rest]

    def day_reaching(self, amount: int) -> int:
        """Return the first day on which `upto` is at least ``amount``."""
        weeks, rest = divmod(amount - 1, self.total)
        return weeks * 7 + bisect_left(self.head, rest + 1)


@dataclass(frozen=True, slots=True)
class RunningSum:
    """Sum of a quantity over days, from the first declared day on; negative before it.

    ``at(day)`` is the sum over first..day; ``day_reaching(amount)`` is its inverse, the first day with ``at >=
    amount``.
    """

    first: int
    last: int
    sums: list[int]  # sums[i]: over the first i declared days
    week: RepeatingWeek
    inverse: list[int] = field(default_factory=list)  # inverse[k]: day of the k-th unit, where units are 0 or 1

    @classmethod
    def over(cls, first: int, per_day: Sequence[int], week: Sequence[int], *, unit: bool = False) -> "RunningSum":
        """Return the sums of ``per_day`` from the day ``first`` on, and of ``week`` outside these days.

        ``unit`` says that the quantity is 0 or 1; the inverse is then a table and needs no search.
        """
        inverse = [0, *(first + i for i, amount in enumerate(per_day) if amount)] if unit else []
        return cls(first, first + len(per_day) - 1, [0, *accumulate(per_day)], RepeatingWeek.of(week), inverse)

    def at(self, ordinal: int) -> int:
        if ordinal > self.last:
            return self.sums[-1] + self.week.upto(ordinal) - self.week.upto(self.last)
        if ordinal < self.first:
            return self.week.upto(ordinal) - self.week.upto(self.first - 1)
        return self.sums[ordinal - self.first + 1]

    def day_reaching(self, amount: int) -> int:
        """Return the first day with ``at >= amount``. Raises WorktimeError outside the years 1 to 9999."""
        if amount > self.sums[-1]:
            day = self.week.day_reaching(amount - self.sums[-1] + self.week.upto(self.last))
        elif amount <= 0:
            day = self.week.day_reaching(amount + self.week.upto(self.first - 1))
        elif self.inverse:
            return self.inverse[amount]
        else:
            return self.first + bisect_left(self.sums, amount) - 1
        return within_years(day)


def within_years(ordinal: int) -> int:
    """Return the day itself. Raises WorktimeError where `datetime.date` has no such day."""
    if not 1 <= ordinal < MAX_ORDINAL:
        raise WorktimeError(_("Thời hạn này vượt quá những năm mà lịch có thể tính."))
    return ordinal
