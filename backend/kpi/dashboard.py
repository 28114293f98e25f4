"""What one look at a unit and a period shows: counts become figures, each with its n and interval. Reads only."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from analytics.operations import (
    SMALL_N,
    MeanIndex,
    ShareInterval,
    mean_index_of_counts,
    weighted_quantile,
    wilson_interval,
)
from backend.deadlines.due_dates import TOLD_WITHIN
from backend.indicators import counts
from backend.indicators.counts import AGES, HandlingDays, KpiScope, MonthCounts, OpenTickets, RatingSums
from backend.indicators.filters import DashboardFilters, units_within
from backend.indices.published.queries import YearComparison, year_on_year
from backend.indices.published.shipped_figures import LAI_CHAU
from backend.units.models import Unit
from backend.users.policy import Actor
from backend.worktime import service as worktime
from backend.worktime.arithmetic import due_moment
from backend.worktime.calendar import ZONE, WorkCalendar

PUBLISHED_YEARS = (2022, 2023)
PUBLISHED_ITEMS = ("service.feedback.1", "service.feedback.2", "service.feedback.3")
PUBLISHED_GROUP = "service.feedback"
MOST_MONTHS = 36


class RatePosition(StrEnum):
    """Where a unit's interval lies against the rate of all: apart from it, or not to be told from it."""

    BELOW = "below"
    SAME = "same"
    ABOVE = "above"
    FEW = "few"


@dataclass(frozen=True)
class PeriodFigures:
    """Tickets received in the period. received = answered + overdue + not_due + ended; the last were refused,
    redirected, withdrawn or answered with another by their due date. ``rate``: on time / (answered + overdue).
    ``official``: the ratio of QĐ 766 over tickets taken up, where open and not yet due counts as on time.
    ``median_days`` is over the answered ones."""

    received: int
    on_time: int
    late: int
    overdue: int
    not_due: int
    median_days: float | None
    official_n: int = 0
    official_failed: int = 0

    @property
    def answered(self) -> int:
        return self.on_time + self.late

    @property
    def ended(self) -> int:
        return self.received - self.answered - self.overdue - self.not_due

    @property
    def rate(self) -> ShareInterval:
        return wilson_interval(self.on_time, self.answered + self.overdue)

    @property
    def official(self) -> ShareInterval:
        return wilson_interval(self.official_n - self.official_failed, self.official_n)


@dataclass(frozen=True)
class UnitRow:
    """One unit in the ranking."""

    unit: Unit
    figures: PeriodFigures
    overdue_now: int
    standing: RatePosition


@dataclass(frozen=True)
class FigureSpan:
    """Tickets received in a month, or in a year where the period is long."""

    start: date
    yearly: bool
    figures: PeriodFigures


@dataclass(frozen=True)
class AgeClass:
    """Open tickets by days since reception, ``low`` to ``high`` (None: and more)."""

    low: int
    high: int | None
    count: int
    overdue: int


@dataclass(frozen=True)
class SubIndex:
    """One item of the SIPAS feedback group, three ways. Only ``published`` and ``rated`` are the same quantity (mean
    score / 5 x 100), so only they have a gap; ``operation`` is a share of tickets."""

    published: YearComparison | None
    rated: MeanIndex
    operation: ShareInterval

    @property
    def gap(self) -> float | None:
        """Rated minus published, in points."""
        printed = self.published.later if self.published else None
        return None if printed is None or self.rated.value is None else self.rated.value - float(printed.value)

    @property
    def apart(self) -> bool:
        """Whether the published figure lies outside the interval of the ratings."""
        printed = self.published.later if self.published else None
        if printed is None or self.rated.lo is None or self.rated.hi is None:
            return False
        return not self.rated.lo <= float(printed.value) <= self.rated.hi


@dataclass(frozen=True)
class Dashboard:
    """Everything on the page. ``demonstration`` and ``imported``: how many of the tickets are made up, or came from
    another system without a record of reception and notice."""

    figures: PeriodFigures
    spans: Sequence[FigureSpan]
    units: Sequence[UnitRow]
    ages: Sequence[AgeClass]
    items: Sequence[SubIndex]
    group: YearComparison | None
    response: ShareInterval
    demonstration: int
    imported: int

    @property
    def open_now(self) -> int:
        return sum(age.count for age in self.ages)

    @property
    def overdue_now(self) -> int:
        return sum(age.overdue for age in self.ages)


def is_enough(share: ShareInterval) -> bool:
    """Whether a share is shown as a rate: fewer than ten cases are only counted."""
    return share.n >= SMALL_N


def build_dashboard(session: Session, filters: DashboardFilters, actor: Actor, today: date) -> Dashboard:
    """Answer the question of the address as of ``today``."""
    units = units_within(session, filters.unit, actor)
    scope = scope_of(session, filters, units, today)
    rows, days = counts.count_tickets(session, scope), counts.days_taken(session, scope)
    waiting, scores = counts.count_backlog(session, scope), counts.sum_scores(session, scope)
    whole = _figures(rows, days)
    published = {
        one.earlier.code if one.earlier else one.later.code if one.later else "": one
        for one in year_on_year(session, LAI_CHAU, *PUBLISHED_YEARS, (*PUBLISHED_ITEMS, PUBLISHED_GROUP))
    }
    return Dashboard(
        figures=whole,
        spans=_spans(rows, scope),
        units=_ranking(units, rows, days, waiting, whole),
        ages=_ages(waiting),
        items=_items(rows, whole, scores, published),
        group=published.get(PUBLISHED_GROUP),
        response=wilson_interval(min(scores.n, whole.answered), whole.answered),
        demonstration=sum(row.demonstration for row in rows),
        imported=sum(row.received - row.own for row in rows),
    )


def scope_of(session: Session, filters: DashboardFilters, units: Sequence[Unit], today: date) -> KpiScope:
    """The question as the counts ask it."""
    calendar = worktime.load_calendar(session, worktime.active_id(session))
    ids = tuple(unit.id for unit in units)
    return KpiScope(ids, filters.first, filters.last, filters.channel, today, _told_by(calendar, today))


def _told_by(calendar: WorkCalendar, today: date) -> date:
    """The last day whose answers should have reached their senders before today."""
    day = today - timedelta(days=1)
    while due_moment(calendar, TOLD_WITHIN, datetime.combine(day, time(12), ZONE)).on >= today:
        day -= timedelta(days=1)
    return day


def _figures(rows: Iterable[MonthCounts], days: Iterable[HandlingDays]) -> PeriodFigures:
    rows, days = list(rows), list(days)
    return PeriodFigures(
        received=sum(row.received for row in rows),
        on_time=sum(row.on_time for row in rows),
        late=sum(row.late for row in rows),
        overdue=sum(row.overdue for row in rows),
        not_due=sum(row.undecided - row.overdue for row in rows),
        median_days=weighted_quantile([row.days for row in days], [row.count for row in days], 0.5),
        official_n=sum(row.official for row in rows),
        official_failed=sum(row.official_late + row.official_overdue for row in rows),
    )


def _spans(rows: Sequence[MonthCounts], scope: KpiScope) -> list[FigureSpan]:
    """Every month of the period, those without tickets too; of a long period every year. What lies in the future and
    has no tickets is left out."""
    last = min(scope.last, max(scope.today, scope.first))
    months = (last.year - scope.first.year) * 12 + last.month - scope.first.month + 1
    yearly = months > MOST_MONTHS
    held: dict[date, list[MonthCounts]] = defaultdict(list)
    for row in rows:
        held[row.month.replace(month=1) if yearly else row.month].append(row)
    start, spans = scope.first.replace(day=1), []
    if yearly:
        start = start.replace(month=1)
    while start <= last:
        spans.append(FigureSpan(start, yearly, _figures(held[start], ())))
        start = (start + timedelta(days=366 if yearly else 31)).replace(day=1)
        start = start.replace(month=1) if yearly else start
    return spans


def _ranking(
    units: Sequence[Unit],
    rows: Sequence[MonthCounts],
    days: Sequence[HandlingDays],
    waiting: Sequence[OpenTickets],
    whole: PeriodFigures,
) -> list[UnitRow]:
    """Units with tickets, best rate first; those with too few cases for a rate behind, by name."""
    held: dict[int, list[MonthCounts]] = defaultdict(list)
    taken: dict[int, list[HandlingDays]] = defaultdict(list)
    late_now: dict[int, int] = defaultdict(int)
    for row in rows:
        held[row.unit_id].append(row)
    for day in days:
        taken[day.unit_id].append(day)
    for one in waiting:
        late_now[one.unit_id] += one.overdue
    found = []
    for unit in units:
        if held[unit.id] or late_now[unit.id]:
            figures = _figures(held[unit.id], taken[unit.id])
            found.append(UnitRow(unit, figures, late_now[unit.id], _standing(figures.rate, whole.rate)))
    few = [row for row in found if not is_enough(row.figures.rate)]
    ranked = [row for row in found if is_enough(row.figures.rate)]
    return sorted(ranked, key=lambda row: (-(row.figures.rate.value or 0), row.unit.folded)) + few


def _standing(rate: ShareInterval, whole: ShareInterval) -> RatePosition:
    if not is_enough(rate) or rate.lo is None or rate.hi is None or whole.value is None:
        return RatePosition.FEW
    if rate.hi < whole.value:
        return RatePosition.BELOW
    return RatePosition.ABOVE if rate.lo > whole.value else RatePosition.SAME


def _ages(waiting: Sequence[OpenTickets]) -> list[AgeClass]:
    ends = [*AGES, None]
    starts = [0, *(end + 1 for end in AGES)]
    return [
        AgeClass(
            low,
            high,
            sum(one.count for one in waiting if one.age == i),
            sum(one.overdue for one in waiting if one.age == i),
        )
        for i, (low, high) in enumerate(zip(starts, ends, strict=True))
    ]


def _items(
    rows: Sequence[MonthCounts], whole: PeriodFigures, scores: RatingSums, published: dict[str, YearComparison]
) -> list[SubIndex]:
    operations = (
        wilson_interval(sum(row.acknowledged for row in rows), sum(row.own for row in rows)),
        whole.rate,
        wilson_interval(sum(row.told for row in rows), sum(row.notices for row in rows)),
    )
    return [
        SubIndex(
            published.get(code),
            mean_index_of_counts(scores.n, float(total), float(squares), suppress_below=SMALL_N),
            operation,
        )
        for code, total, squares, operation in zip(
            PUBLISHED_ITEMS, scores.sums, scores.squares, operations, strict=True
        )
    ]
