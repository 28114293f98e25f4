"""The work calendar (lịch làm việc): the working days and working hours of a unit.

A version never changes; other days make another version. A calendar is declared for whole years, each of them announced
or estimated. Outside these years it uses the ordinary week, and every answer is an estimate.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import Final, Self
from zoneinfo import ZoneInfo

from backend.worktime.dayindex import MINUTE, RunningSum
from backend.worktime.errors import WorktimeError, _

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
DAY_MINUTES: Final = 24 * 60
MAX_YEARS: Final = 100
_WINDOW: Final = re.compile(r"([0-9]{1,2}):([0-5][0-9])\s*[-–]\s*([0-9]{1,2}):([0-5][0-9])")


@dataclass(frozen=True, slots=True, order=True)
class WorkWindow:
    """Working hours within one day, in minutes since local midnight: ``opens`` is included, ``closes`` is not."""

    opens: int
    closes: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``7:30-11:30``; ``24:00`` is the end of the day. Raises WorktimeError for another form."""
        match = _WINDOW.fullmatch(text.strip())
        if not match:
            raise WorktimeError(_("Khung giờ “%(text)s” phải có dạng 7:30-11:30."), text=text)
        opens, opens_minute, closes, closes_minute = map(int, match.groups())
        return cls(opens * 60 + opens_minute, closes * 60 + closes_minute)

    def __str__(self) -> str:
        return f"{self.opens // 60}:{self.opens % 60:02}-{self.closes // 60}:{self.closes % 60:02}"


Windows = tuple[WorkWindow, ...]
Week = tuple[Windows, ...]  # seven days, Monday first; `WorkCalendar` checks the number


@dataclass(frozen=True, slots=True)
class DayException:
    """A date that differs from its week: closed (holiday, swapped day off) or open (make-up Saturday).

    ``windows`` are the hours of an open date; None means those of an ordinary working day. ``verified`` is false while
    nobody has read the enacted rule behind the date.
    """

    day: date
    is_open: bool
    name: str
    windows: Windows | None = None
    verified: bool = True


@dataclass(frozen=True, slots=True)
class Season:
    """Other working hours from ``first`` to ``last``, both included (giờ mùa hè, mùa đông)."""

    first: date
    last: date
    week: Week


@dataclass(frozen=True)
class WorkCalendar:
    """One version of a calendar, with prefix sums so that every count is cheap.

    ``years`` has each declared year with whether it was announced; if not, it is an estimate. ``perpetual`` says that
    the ordinary week holds for ever, so that no answer is an estimate. Raises WorktimeError for a calendar without any
    working day, with overlapping or impossible windows, with a gap in its years, or with an exception or season that is
    outside the years or declared twice.
    """

    code: str
    version: str
    week: Week
    years: tuple[tuple[int, bool], ...]
    exceptions: tuple[DayException, ...] = ()
    seasons: tuple[Season, ...] = ()
    basis: str = ""
    perpetual: bool = False

    first: int = field(init=False, repr=False, compare=False)  # ordinals of the declared days
    last: int = field(init=False, repr=False, compare=False)
    by_day: dict[int, DayException] = field(init=False, repr=False, compare=False)
    days: RunningSum = field(init=False, repr=False, compare=False)  # working days
    time: RunningSum = field(init=False, repr=False, compare=False)  # working microseconds
    doubts: RunningSum = field(init=False, repr=False, compare=False)  # days that are an estimate
    hours: list[Windows] = field(init=False, repr=False, compare=False)  # of each declared day

    def __post_init__(self) -> None:
        _check_years(self.years)
        _check_week(self.week)
        set_ = object.__setattr__  # the instance is frozen; these are computed once from what was declared
        set_(self, "first", date(self.years[0][0], 1, 1).toordinal())
        set_(self, "last", date(self.years[-1][0], 12, 31).toordinal())
        set_(self, "by_day", {exception.day.toordinal(): exception for exception in self.exceptions})
        _check_exceptions(self)
        _check_seasons(self)
        set_(self, "hours", _hours_by_day(self))
        working_time = list(map(_working_time, self.hours))
        if not any(working_time):
            raise WorktimeError(_("Lịch phải có ít nhất một ngày làm việc."))
        time_of_week = list(map(_working_time, self.week))
        working_days = [int(amount > 0) for amount in working_time]
        days_of_week = [int(amount > 0) for amount in time_of_week]
        set_(self, "days", RunningSum.over(self.first, working_days, days_of_week, unit=True))
        set_(self, "time", RunningSum.over(self.first, working_time, time_of_week))
        set_(self, "doubts", RunningSum.over(self.first, _doubts_by_day(self), [int(not self.perpetual)] * 7))

    @classmethod
    def declare(
        cls,
        code: str,
        version: str,
        *,
        week: Mapping[int, Iterable[str]],
        years: Mapping[int, bool],
        exceptions: Sequence[DayException] = (),
        seasons: Sequence[Season] = (),
        basis: str = "",
        perpetual: bool = False,
    ) -> Self:
        """Return a calendar from readable parts: ``week={0: ["7:30-11:30", "13:30-17:00"], ...}``, Monday is 0."""
        return cls(
            code=code,
            version=version,
            week=week_of(week),
            years=tuple(sorted(years.items())),
            exceptions=tuple(sorted(exceptions, key=lambda exception: exception.day)),
            seasons=tuple(sorted(seasons, key=lambda season: season.first)),
            basis=basis,
            perpetual=perpetual,
        )

    @property
    def first_day(self) -> date:
        return date.fromordinal(self.first)

    @property
    def last_day(self) -> date:
        return date.fromordinal(self.last)

    def windows(self, ordinal: int) -> Windows:
        """Return the working hours of a day (an ordinal); none on a day off."""
        if self.first <= ordinal <= self.last:
            return self.hours[ordinal - self.first]
        return self.week[(ordinal - 1) % 7]

    def is_working(self, day: date) -> bool:
        return bool(self.windows(day.toordinal()))

    def leans_on_estimate(self, after: int, upto: int) -> bool:
        """Return whether any of the days after+1..upto is estimated, unverified or outside the declared years."""
        return self.doubts.at(upto) > self.doubts.at(after)


def week_of(week: Mapping[int, Iterable[str]]) -> Week:
    """Return the seven days of a week from ``{weekday: ["7:30-11:30", ...]}``; a missing weekday is a day off.

    Raises WorktimeError for a weekday outside 0..6.
    """
    if not all(0 <= weekday <= 6 for weekday in week):
        raise WorktimeError(_("Thứ trong tuần được đánh số từ 0 (thứ Hai) đến 6 (Chủ nhật)."))
    return tuple(_sorted_windows(week.get(weekday, ())) for weekday in range(7))


def _sorted_windows(texts: Iterable[str]) -> Windows:
    return tuple(sorted(WorkWindow.parse(text) for text in texts))


def _working_time(windows: Windows) -> int:
    """Return the working time of a day in microseconds."""
    return sum(window.closes - window.opens for window in windows) * MINUTE


def local_time(moment: datetime) -> datetime:
    """Return the moment in Vietnam's time, in which all terms are counted. Raises WorktimeError for a naive moment."""
    if moment.tzinfo is None:
        raise WorktimeError(_("Thời điểm phải kèm múi giờ."))
    try:
        return moment.astimezone(ZONE)
    except OverflowError:
        raise WorktimeError(_("Thời điểm vượt quá những năm mà lịch có thể tính.")) from None


def _check_windows(windows: Windows) -> None:
    for window in windows:
        if not 0 <= window.opens < window.closes <= DAY_MINUTES:
            raise WorktimeError(_("Khung giờ %(window)s không hợp lệ."), window=window)
    for earlier, later in pairwise(windows):
        if later.opens < earlier.closes:
            raise WorktimeError(
                _("Hai khung giờ %(earlier)s và %(later)s chồng lên nhau."), earlier=earlier, later=later
            )


def _check_week(week: Week) -> None:
    if len(week) != 7:
        raise WorktimeError(_("Tuần làm việc phải khai đủ bảy ngày."))
    for windows in week:
        _check_windows(windows)
    if not any(week):
        raise WorktimeError(_("Lịch phải có ít nhất một ngày làm việc trong tuần."))


def _check_years(years: tuple[tuple[int, bool], ...]) -> None:
    if not years:
        raise WorktimeError(_("Lịch phải khai ít nhất một năm."))
    if len(years) > MAX_YEARS:
        raise WorktimeError(_("Lịch khai tối đa %(limit)s năm."), limit=MAX_YEARS)
    for (year, _announced), (following, _also) in pairwise(years):
        if following != year + 1:
            raise WorktimeError(_("Lịch thiếu năm %(year)s."), year=year + 1)
    if not 1 < years[0][0] <= years[-1][0] < 9999:
        raise WorktimeError(_("Năm của lịch phải từ 2 đến 9998."))


def _check_exceptions(calendar: WorkCalendar) -> None:
    if len(calendar.by_day) != len(calendar.exceptions):
        raise WorktimeError(_("Có ngày được khai ngoại lệ hai lần."))
    for exception in calendar.exceptions:
        day = f"{exception.day:%d/%m/%Y}"
        if not calendar.first <= exception.day.toordinal() <= calendar.last:
            raise WorktimeError(_("Ngày ngoại lệ %(day)s nằm ngoài các năm của lịch."), day=day)
        if exception.windows is not None and exception.is_open != bool(exception.windows):
            raise WorktimeError(_("Giờ làm việc của ngày %(day)s trái với loại ngoại lệ."), day=day)
        _check_windows(exception.windows or ())


def _check_seasons(calendar: WorkCalendar) -> None:
    for season in calendar.seasons:
        _check_week(season.week)
        if not calendar.first <= season.first.toordinal() <= season.last.toordinal() <= calendar.last:
            raise WorktimeError(
                _("Mùa từ %(first)s đến %(last)s không nằm gọn trong các năm của lịch."),
                first=f"{season.first:%d/%m/%Y}",
                last=f"{season.last:%d/%m/%Y}",
            )
    for earlier, later in pairwise(calendar.seasons):
        if later.first <= earlier.last:
            raise WorktimeError(_("Hai mùa giờ làm việc chồng lên nhau."))


def _hours_by_day(calendar: WorkCalendar) -> list[Windows]:
    """Return the windows of each declared day: from the week, changed by seasons and then by exceptions."""
    weeks = [calendar.week] * (calendar.last - calendar.first + 1)
    for season in calendar.seasons:
        start, end = season.first.toordinal() - calendar.first, season.last.toordinal() - calendar.first + 1
        weeks[start:end] = [season.week] * (end - start)
    hours = [week[(calendar.first + i - 1) % 7] for i, week in enumerate(weeks)]
    for ordinal, exception in calendar.by_day.items():
        i = ordinal - calendar.first
        if not exception.is_open:
            hours[i] = ()
        elif exception.windows is not None:
            hours[i] = exception.windows
        elif not hours[i]:  # a make-up Saturday has the hours of an ordinary day of that week
            hours[i] = next(windows for windows in weeks[i] if windows)
    return hours


def _doubts_by_day(calendar: WorkCalendar) -> list[int]:
    """Return 1 for each declared day that is only an estimate, else 0."""
    doubts: list[int] = []
    for year, announced in calendar.years:
        doubts += [int(not announced)] * (date(year + 1, 1, 1) - date(year, 1, 1)).days
    for ordinal, exception in calendar.by_day.items():
        if not exception.verified:
            doubts[ordinal - calendar.first] = 1
    return doubts
