"""Read the roll-ups: the cells of a scope, with the days of months that lie only partly in its period counted live.

A period begins and ends in one month each, so a figure reads tickets of two months at most, however far it reaches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    FromClause,
    Integer,
    String,
    Text,
    and_,
    cast,
    column,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import CompoundSelect
from sqlalchemy.types import TypeEngine

from backend.db import table_of
from backend.indicators.rollups.facts import take_up_limits, ticket_facts
from backend.indicators.rollups.given_rows import rows_as_table
from backend.indicators.rollups.kinds import NAMES, base_cells, count_of, value_of
from backend.indicators.rollups.models import EVERY_MONTH, EVERY_UNIT, CountedMonth, RollupCell, RollupKind
from backend.indicators.rollups.takeup_terms import TakeUpTerms, days_of_month
from backend.ratings.models import Rating
from backend.tickets.models import Channel, Ticket
from backend.units.models import Unit
from backend.worktime import service as worktime

CELLS, COUNTED_MONTHS = table_of(RollupCell), table_of(CountedMonth)


@dataclass(frozen=True)
class RollupScope:
    """What is read: tickets of these units, received from ``first`` to ``last``, as of ``today``.

    ``channel`` None: all channels. ``sees_conduct``: also complaints about the conduct of the unit that has them.
    """

    unit_ids: tuple[int, ...]
    first: date
    last: date
    channel: Channel | None
    today: date
    sees_conduct: bool = True


class DayRange(NamedTuple):
    """Days of one month, both included."""

    first: date
    last: date


@dataclass(frozen=True)
class PeriodParts:
    """A period in parts: whole months, which were counted, and the days of months that lie in it partly."""

    months: tuple[date, ...]
    edges: tuple[DayRange, ...]
    every_unit: bool  # the scope is all units, and all that they have


def split_period(session: Session, scope: RollupScope) -> PeriodParts:
    """Return the parts of the period of a scope. A month whose tickets all lie in the period is a whole one."""
    within = COUNTED_MONTHS.c.month.between(scope.first.replace(day=1), scope.last)
    counted = select(COUNTED_MONTHS.c.month).where(within).distinct().order_by(COUNTED_MONTHS.c.month)
    months = list(session.scalars(counted))
    partial = {month for month in (*months[:1], *months[-1:]) if _reaches_out(session, month, scope)}
    edges = (DayRange(max(month, scope.first), min(days_of_month(month)[-1], scope.last)) for month in sorted(partial))
    whole = tuple(month for month in months if month not in partial)
    return PeriodParts(whole, tuple(edges), scope.sees_conduct and _is_every_unit(session, scope))


def _any(unit_ids: Sequence[int]) -> ColumnElement[int]:
    return func.any(literal(list(unit_ids), ARRAY(Integer())))


def _is_every_unit(session: Session, scope: RollupScope) -> bool:
    others = Unit.id != func.all(literal(list(scope.unit_ids), ARRAY(Integer())))
    return not session.scalar(select(exists().where(others)))


def _reaches_out(session: Session, month: date, scope: RollupScope) -> bool:
    """Whether tickets of a month were received outside the period."""
    last = days_of_month(month)[-1]
    if scope.first <= month and last <= scope.last:
        return False
    day = Ticket.received_on
    earliest = session.scalar(select(day).where(day >= month).order_by(day).limit(1))
    latest = session.scalar(select(day).where(day <= last).order_by(day.desc()).limit(1))
    return bool(earliest and latest and (earliest < scope.first or latest > scope.last))


class CellReader:
    """Reads the cells of a scope. ``summed``: of all units together, where the scope is all units."""

    def __init__(self, scope: RollupScope, parts: PeriodParts, live: Sequence[Sequence[Any]] = ()) -> None:
        self.scope = scope
        self.parts = parts
        self._live = live

    def held(self, kind: RollupKind, *, summed: bool = False) -> FromClause:
        """Return the cells of the tickets that the units hold."""
        return self._cells(kind, "unit_id", summed=summed)

    def credited(self, kind: RollupKind, *, summed: bool = False) -> FromClause:
        """Return the cells of the tickets whose ratings count to the units."""
        return self._cells(kind, "credited_id", summed=summed)

    def either(self, kind: RollupKind, *, summed: bool = False) -> FromClause:
        """Return the cells of both."""
        return self._cells(kind, "", summed=summed)

    def _cells(self, kind: RollupKind, unit_column: str, *, summed: bool) -> FromClause:
        stored = select(*(CELLS.c[name] for name in _COLUMNS)).where(CELLS.c.kind == kind, self._in_months())
        if summed and self.parts.every_unit:
            stored = stored.where(CELLS.c.unit_id == EVERY_UNIT)
        else:
            stored = stored.where(self._of_units(CELLS, unit_column))
        stored = stored.where(*self._narrowed(CELLS))
        rows = [row[1:] for row in self._live if row[0] == kind]
        if not rows:
            return stored.subquery(kind.value)
        live = rows_as_table("live", _COLUMNS, rows)
        columns = [cast(live.c[name], type_) for name, type_ in (*_COLUMNS.items(),)][:-1]
        numbers = cast(live.c.numbers, ARRAY(BigInteger()))
        theirs = select(*columns, numbers.label("numbers")).where(self._of_units(live, unit_column))
        return union_all(stored, theirs.where(*self._narrowed(live))).subquery(kind.value)

    def _in_months(self) -> ColumnElement[bool]:
        return CELLS.c.month == func.any(literal(list(self.parts.months), ARRAY(Date())))

    def _of_units(self, cells: FromClause, unit_column: str) -> ColumnElement[bool]:
        """Whether a cell belongs to the units. The partial index finds ratings that count to another unit."""
        held = cells.c.unit_id == _any(self.scope.unit_ids)
        elsewhere = and_(cells.c.credited_id != cells.c.unit_id, cells.c.credited_id == _any(self.scope.unit_ids))
        if unit_column == "unit_id":
            return held
        both = or_(held, elsewhere)
        return both if not unit_column else and_(both, cells.c.credited_id == _any(self.scope.unit_ids))

    def _narrowed(self, cells: FromClause) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = [] if self.scope.sees_conduct else [~cells.c.hidden]
        return conditions if self.scope.channel is None else [*conditions, cells.c.channel == self.scope.channel.value]


# The columns of a cell that are read, with their types; the numbers of live cells come as text.
_COLUMNS: dict[str, TypeEngine[Any]] = {
    "unit_id": Integer(),
    "month": Date(),
    "credited_id": Integer(),
    "channel": String(),
    "hidden": Boolean(),
    "detail": String(),
    "numbers": String(),
}


def read_cells(session: Session, scope: RollupScope) -> CellReader:
    """Return a reader of a scope. The caller has brought the roll-ups up to date."""
    parts = split_period(session, scope)
    live = [cell for edge in parts.edges for cell in _count_days(session, scope, edge, parts.every_unit)]
    return CellReader(scope, parts, live)


def _count_days(session: Session, scope: RollupScope, edge: DayRange, every_unit: bool) -> list[Sequence[Any]]:
    """Count the tickets of some days of a month as the roll-ups count a whole month."""
    calendar = worktime.load_calendar(session, worktime.active_id(session))
    days = [day for day in days_of_month(edge.first.replace(day=1)) if edge.first <= day <= edge.last]
    facts = ticket_facts(scope.today, take_up_limits(TakeUpTerms(session, calendar), days))
    facts = facts.where(Ticket.received_on.between(*edge) if every_unit else Ticket.id.in_(_theirs(scope, edge)))
    cells = base_cells(facts.cte().prefix_with("MATERIALIZED", dialect="postgresql")).subquery()
    columns = [cells.c.kind, *(cells.c[name] for name in _COLUMNS if name != "numbers"), cast(cells.c.numbers, Text)]
    return [tuple(row) for row in session.execute(select(*columns))]


def _theirs(scope: RollupScope, edge: DayRange) -> CompoundSelect[Any]:
    """Return the tickets of some days that the units hold, or whose ratings count to them."""
    held = select(Ticket.id).where(Ticket.unit_id == _any(scope.unit_ids), Ticket.received_on.between(*edge))
    credited = select(Rating.ticket_id).where(Rating.unit_id == _any(scope.unit_ids), Rating.received_on.between(*edge))
    return held.union(credited)


def open_cells(scope: RollupScope) -> FromClause:
    """Return the cells of open tickets of the units, whenever they were received."""
    theirs = CELLS.c.unit_id == _any(scope.unit_ids)
    conditions = [] if scope.sees_conduct else [~CELLS.c.hidden]
    if scope.channel is not None:
        conditions.append(CELLS.c.channel == scope.channel)
    of_all_months = and_(CELLS.c.kind == RollupKind.OPEN, CELLS.c.month == EVERY_MONTH)
    return select(CELLS).where(of_all_months, theirs, *conditions).subquery("open")


def total(cells: FromClause, kind: RollupKind, name: str) -> ColumnElement[int]:
    """Return the sum of one number of the cells of a kind."""
    place = NAMES[kind].index(name) + 1
    return func.coalesce(cast(func.sum(cells.c.numbers[place]), BigInteger), 0).label(name)


def unpack_values(cells: FromClause) -> tuple[FromClause, ColumnElement[int], ColumnElement[int]]:
    """Return the join of cells with their values, the value, and how often it occurs."""
    unpacked = func.unnest(cells.c.numbers).table_valued(column("packed", BigInteger)).render_derived(name="unpacked")
    joined = cells.join(unpacked, true())
    return joined, value_of(unpacked.c.packed), count_of(unpacked.c.packed)
