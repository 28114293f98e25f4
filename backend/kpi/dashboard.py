"""The figures of one unit and period for the managers' page: counts become figures with n and interval. Reads only."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy.orm import Session

from analytics.operations import ShareInterval, wilson_interval
from backend.indicators import counts
from backend.indicators.counts import AGES, KpiScope, OpenTickets, PeriodCounts, RatingSums, TicketCounts
from backend.indicators.filters import DashboardFilters, units_within
from backend.indicators.rollups import service as rollups
from backend.indicators.rollups.queries import read_cells
from backend.indicators.rollups.recent_answers import RecentAnswers
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
    reception and notice.
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

    @property
    def open_now(self) -> int:
        return sum(age.count for age in self.ages)

    @property
    def overdue_now(self) -> int:
        return sum(age.overdue for age in self.ages)


def build_dashboard(session: Session, filters: DashboardFilters, actor: Actor, today: date) -> Dashboard:
    """Return the figures that the address asks for, as of ``today``. Counts first what has changed since."""
    mark = rollups.bring_up_to_date(today)
    units = units_within(session, filters.unit, actor)
    scope = scope_of(filters, units, actor, today)
    counted = _COUNTED.get_or_count((mark, scope), lambda: _count(session, scope, units))
    published = published_by_code(session)
    rows, unit_of = counted.tickets.units.values(), {unit.id: unit for unit in units}
    return Dashboard(
        figures=counted.whole,
        spans=_spans(counted.tickets.months, scope),
        units=[replace(row, unit=unit_of[row.unit.id]) for row in counted.ranked],
        ages=_ages(counted.waiting),
        items=subindices(rows, counted.whole, counted.scores, published),
        group=published.get(PUBLISHED_GROUP),
        response=wilson_interval(min(counted.scores.n, counted.whole.answered), counted.whole.answered),
        demonstration=sum(row.demonstration for row in rows),
        imported=sum(row.received - row.own for row in rows),
    )


def scope_of(filters: DashboardFilters, units: Sequence[Unit], actor: Actor, today: date) -> KpiScope:
    """Return the scope of the counts. Who sees one unit alone sees no complaint about its conduct, not even counted."""
    unit_ids = tuple(unit.id for unit in units)
    return KpiScope(unit_ids, filters.first, filters.last, filters.channel, today, actor.unit_id is None)


@dataclass(frozen=True)
class _CountedScope:
    """All counts of a scope, and what follows from them alone."""

    tickets: PeriodCounts
    waiting: Sequence[OpenTickets]
    scores: RatingSums
    whole: Figures
    ranked: Sequence[UnitRow]


_COUNTED: RecentAnswers[_CountedScope] = RecentAnswers()


def _count(session: Session, scope: KpiScope, units: Sequence[Unit]) -> _CountedScope:
    reader = read_cells(session, scope)
    tickets, days = counts.count_tickets(session, reader), counts.days_taken(session, reader)
    waiting = counts.count_backlog(session, scope)
    return _CountedScope(
        tickets=tickets,
        waiting=waiting,
        scores=counts.sum_scores(session, reader),
        whole=figures_of(tickets.units.values(), days),
        ranked=rank_units(units, tickets.units, days, waiting),
    )


def _spans(by_month: Mapping[date, TicketCounts], scope: KpiScope) -> list[FigureSpan]:
    """Return one span per month of the period, or per year where it is longer than `MOST_MONTHS`.

    Spans without tickets are listed too. Spans that lie wholly in the future are left out.
    """
    last = min(scope.last, max(scope.today, scope.first))
    months = (last.year - scope.first.year) * 12 + last.month - scope.first.month + 1
    yearly = months > MOST_MONTHS
    rows_of: dict[date, list[TicketCounts]] = defaultdict(list)
    for month, row in by_month.items():
        rows_of[month.replace(month=1) if yearly else month].append(row)
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
