"""The figures of one unit and period for the managers' page: counts become figures with n and interval. Reads only."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from analytics.operations import ShareInterval, wilson_interval
from backend.indicators import counts
from backend.indicators.citizen_verdicts import CitizenCounts, count_verdicts, sum_verdicts
from backend.indicators.counts import AGES, KpiScope, MonthCounts, OpenTickets
from backend.indicators.filters import DashboardFilters, units_within
from backend.indices.published.queries import YearComparison
from backend.kpi.figures import Figures, figures_of
from backend.kpi.ranking import UnitRow, rank_units
from backend.kpi.subindices import PUBLISHED_GROUP, SubIndex, published_by_code, subindices
from backend.units.models import Unit
from backend.users.policy import Actor

MOST_MONTHS = 36


@dataclass(frozen=True)
class FigureSpan:
    """Figures of the tickets received in one month, or in one year of a long period."""

    start: date
    yearly: bool
    figures: Figures


@dataclass(frozen=True)
class AgeClass:
    """Open tickets that came in ``low`` to ``high`` days ago. ``high`` None: no upper end."""

    low: int
    high: int | None
    count: int
    overdue: int


@dataclass(frozen=True)
class Dashboard:
    """Everything on the page.

    ``demonstration`` counts made-up tickets. ``imported`` counts tickets of another system, which have no record of
    reception and notice. ``verdicts``: what senders said, by unit.
    """

    figures: Figures
    spans: Sequence[FigureSpan]
    units: Sequence[UnitRow]
    ages: Sequence[AgeClass]
    items: Sequence[SubIndex]
    group: YearComparison | None
    response: ShareInterval
    demonstration: int
    imported: int
    verdicts: Mapping[int, CitizenCounts]

    @property
    def citizens(self) -> CitizenCounts:
        """What all senders said, of every unit on the page."""
        return sum_verdicts(self.verdicts.values())

    @property
    def open_now(self) -> int:
        return sum(age.count for age in self.ages)

    @property
    def overdue_now(self) -> int:
        return sum(age.overdue for age in self.ages)


def build_dashboard(session: Session, filters: DashboardFilters, actor: Actor, today: date) -> Dashboard:
    """Return the figures that the address asks for, as of ``today``."""
    units = units_within(session, filters.unit, actor)
    scope = scope_of(session, filters, units, today)
    rows, days = counts.count_tickets(session, scope), counts.days_taken(session, scope)
    waiting, scores = counts.count_backlog(session, scope), counts.sum_scores(session, scope)
    whole = figures_of(rows, days)
    published = published_by_code(session)
    return Dashboard(
        figures=whole,
        spans=_spans(rows, scope),
        units=rank_units(units, rows, days, waiting),
        ages=_ages(waiting),
        items=subindices(rows, whole, scores, published),
        group=published.get(PUBLISHED_GROUP),
        response=wilson_interval(min(scores.n, whole.answered), whole.answered),
        demonstration=sum(row.demonstration for row in rows),
        imported=sum(row.received - row.own for row in rows),
        verdicts=count_verdicts(session, scope),
    )


def scope_of(session: Session, filters: DashboardFilters, units: Sequence[Unit], today: date) -> KpiScope:
    """Return the scope that the counting statements need."""
    return KpiScope(tuple(unit.id for unit in units), filters.first, filters.last, filters.channel, today)


def _spans(rows: Sequence[MonthCounts], scope: KpiScope) -> list[FigureSpan]:
    """Return one span per month of the period, or per year where it is longer than `MOST_MONTHS`.

    Spans without tickets are listed too. Spans that lie wholly in the future are left out.
    """
    last = min(scope.last, max(scope.today, scope.first))
    months = (last.year - scope.first.year) * 12 + last.month - scope.first.month + 1
    yearly = months > MOST_MONTHS
    rows_of: dict[date, list[MonthCounts]] = defaultdict(list)
    for row in rows:
        rows_of[row.month.replace(month=1) if yearly else row.month].append(row)
    start, spans = scope.first.replace(day=1), []
    if yearly:
        start = start.replace(month=1)
    while start <= last:
        spans.append(FigureSpan(start, yearly, figures_of(rows_of[start], ())))
        start = (start + timedelta(days=366 if yearly else 31)).replace(day=1)
        start = start.replace(month=1) if yearly else start
    return spans


def _ages(waiting: Sequence[OpenTickets]) -> list[AgeClass]:
    ends = [*AGES, None]
    starts = [0, *(end + 1 for end in AGES)]
    return [_age_class(low, high, i, waiting) for i, (low, high) in enumerate(zip(starts, ends, strict=True))]


def _age_class(low: int, high: int | None, age: int, waiting: Sequence[OpenTickets]) -> AgeClass:
    tickets = [group for group in waiting if group.age == age]
    return AgeClass(low, high, sum(group.count for group in tickets), sum(group.overdue for group in tickets))
