"""What one look at a unit and a period shows: counts become figures, each with its n and interval. Reads only."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from analytics.operations import ShareInterval, wilson_interval
from backend.indicators import counts
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
    """Tickets received in a month, or in a year where the period is long."""

    start: date
    yearly: bool
    figures: Figures


@dataclass(frozen=True)
class AgeClass:
    """Open tickets by days since reception, ``low`` to ``high`` (None: and more)."""

    low: int
    high: int | None
    count: int
    overdue: int


@dataclass(frozen=True)
class Dashboard:
    """Everything on the page. ``demonstration`` and ``imported``: how many of the tickets are made up, or came from
    another system without a record of reception and notice."""

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
    """Answer the question of the address as of ``today``."""
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
    )


def scope_of(session: Session, filters: DashboardFilters, units: Sequence[Unit], today: date) -> KpiScope:
    """The question as the counts ask it."""
    return KpiScope(tuple(unit.id for unit in units), filters.first, filters.last, filters.channel, today)


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
        spans.append(FigureSpan(start, yearly, figures_of(held[start], ())))
        start = (start + timedelta(days=366 if yearly else 31)).replace(day=1)
        start = start.replace(month=1) if yearly else start
    return spans


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
