"""Count tickets and ratings for the managers' pages, from the roll-ups: no statement scans the history.

What is counted stands in `backend.indicators.conditions`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.indicators import conditions
from backend.indicators.rollups.facts import AGES as AGES
from backend.indicators.rollups.kinds import ITEMS
from backend.indicators.rollups.models import RollupKind
from backend.indicators.rollups.queries import CellReader, RollupScope, open_cells, total, unpack_values
from backend.tickets.models import Ticket

KpiScope = RollupScope


@dataclass(frozen=True)
class TicketCounts:
    """Tickets received in a period, by what became of them.

    answered = on_time + late; received = answered + undecided + ended without a verdict; undecided = overdue + not due
    yet. ``own`` tickets came in by our channels, so reception and notice were recorded. ``notices`` are the tickets for
    which timely notice is settled, ``told`` those of them whose sender was notified in time. ``official`` are the
    tickets that QĐ 766 counts, ``official_missed`` those of them that are late or overdue.
    """

    received: int
    on_time: int
    late: int
    demonstration: int
    own: int
    acknowledged: int
    notices: int
    told: int
    official: int
    official_missed: int
    undecided: int
    overdue: int


@dataclass(frozen=True)
class PeriodCounts:
    """The tickets of a period, once by unit and once by month of reception (its first day)."""

    units: Mapping[int, TicketCounts]
    months: Mapping[date, TicketCounts]


# The number of a roll-up that each count is.
ROLLED_UP = {
    "received": "tickets",
    "on_time": "on_time_yes",
    "late": "late_yes",
    "demonstration": "demonstration",
    "own": "acknowledged_known",
    "acknowledged": "acknowledged_yes",
    "notices": "told_known",
    "told": "told_yes",
    "official": "official_yes",
    "official_missed": "official_missed_yes",
    "undecided": "undecided_yes",
    "overdue": "overdue_yes",
}


@dataclass(frozen=True)
class HandlingDays:
    """How many answered tickets of a unit took this number of working days."""

    unit_id: int
    days: int
    count: int


@dataclass(frozen=True)
class OpenTickets:
    """Tickets of a unit that are open today, by age class: an index into ``AGES``, one more for older tickets."""

    unit_id: int
    age: int
    count: int
    overdue: int


@dataclass(frozen=True)
class RatingSums:
    """Ratings of the three items: their number, and for each item the sum of scores and of squared scores."""

    n: int
    sums: tuple[int, int, int]
    squares: tuple[int, int, int]


def count_tickets(session: Session, reader: CellReader) -> PeriodCounts:
    """Count the tickets of each unit and of each month that has tickets."""
    cells = reader.held(RollupKind.HELD)
    sums = [total(cells, RollupKind.HELD, ROLLED_UP[field.name]) for field in fields(TicketCounts)]
    grouping = func.grouping_sets(cells.c.unit_id, cells.c.month)
    rows = session.execute(select(cells.c.unit_id, cells.c.month, *sums).group_by(grouping)).all()
    counted = [(row[0], row[1], TicketCounts(*row[2:])) for row in rows]
    return PeriodCounts(
        {unit_id: counts for unit_id, month, counts in counted if month is None},
        {month: counts for unit_id, month, counts in counted if unit_id is None},
    )


def days_taken(session: Session, reader: CellReader) -> list[HandlingDays]:
    """Return the working days of the answered tickets by unit, for medians."""
    cells = reader.held(RollupKind.DAYS)
    joined, days, number = unpack_values(cells)
    rows = session.execute(
        select(cells.c.unit_id, days.label("days"), func.sum(number))
        .select_from(joined)
        .group_by(cells.c.unit_id, days)
    )
    return [HandlingDays(unit_id, days, int(count)) for unit_id, days, count in rows]


def count_backlog(session: Session, scope: KpiScope) -> list[OpenTickets]:
    """Count what is open today, whenever it was received: a period must not hide an old ticket."""
    cells = open_cells(scope)
    ages = range(len(AGES) + 1)
    sums = [total(cells, RollupKind.OPEN, f"{part}_{age}") for part in ("open", "late") for age in ages]
    rows = session.execute(select(cells.c.unit_id, *sums).group_by(cells.c.unit_id))
    counted = ((row[0], age, row[1 + age], row[1 + len(ages) + age]) for row in rows for age in ages)
    return [OpenTickets(*open_tickets) for open_tickets in counted if open_tickets[2]]


def sum_scores(session: Session, reader: CellReader) -> RatingSums:
    """Sum the ratings of tickets received in the period, of the latest answer of each, for the unit that answered.

    Ratings that an officer entered at the counter are left out.
    """
    cells = reader.credited(RollupKind.HELD, summed=True)
    names = ("rated", *ITEMS, *(f"{item}_squares" for item in ITEMS))
    row = tuple(session.execute(select(*(total(cells, RollupKind.HELD, name) for name in names))).one())
    return RatingSums(row[0], row[1:4], row[4:7])


def behind_figure(scope: KpiScope, *, now: bool) -> list[ColumnElement[bool]]:
    """Return the conditions of the tickets behind a figure: those of the period, or with ``now`` those open today."""
    open_ones = conditions.OPEN.condition(scope.today)
    return [_held_by(Ticket.unit_id, scope), open_ones, *_by_channel(scope)] if now else _received_in(scope)


def _received_in(scope: KpiScope) -> list[ColumnElement[bool]]:
    period = Ticket.received_on.between(scope.first, scope.last)
    return [_held_by(Ticket.unit_id, scope), period, *_by_channel(scope)]


def _held_by(column: InstrumentedAttribute[int], scope: KpiScope) -> ColumnElement[bool]:
    """Whether a column is one of the scope's units."""
    return column.in_(scope.unit_ids)


def _by_channel(scope: KpiScope) -> list[ColumnElement[bool]]:
    return [] if scope.channel is None else [Ticket.channel == scope.channel]
