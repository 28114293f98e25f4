"""Count every cell of the roll-ups again from tickets and ratings, and name each that differs from what is stored.

Months of units that have changed a moment ago and wait to be counted are left out: they are not wrong, only early.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, FromClause, and_, func, select, tuple_
from sqlalchemy.orm import Session

from backend.db import table_of
from backend.indicators.rollups import recount
from backend.indicators.rollups.facts import MONTH
from backend.indicators.rollups.kinds import COUNT_BITS, NAMES, base_cells
from backend.indicators.rollups.models import EVERY_MONTH, EVERY_UNIT, CountedMonth, RollupCell, RollupKind, changes
from backend.indicators.rollups.takeup_terms import TakeUpTerms
from backend.tickets.models import Ticket
from backend.worktime import service as worktime

CELLS, COUNTED_MONTHS = table_of(RollupCell), table_of(CountedMonth)
AT_ONCE: Final = 200  # months of units


@dataclass(frozen=True)
class RollupDifference:
    """A number of a cell that is not what the tickets give. ``what``: kind and detail of the cell, name of the number.

    ``unit_id`` 0 stands for all units together, ``month`` None for all months together.
    """

    unit_id: int
    month: date | None
    channel: str
    what: str
    stored: int
    counted: int


def find_differences(session: Session, today: date) -> Iterator[RollupDifference]:
    """Yield every difference. The caller has brought the roll-ups up to date, and reads in one snapshot."""
    terms = TakeUpTerms(session, worktime.load_calendar(session, worktime.active_id(session)))
    waiting = {tuple(row) for row in session.execute(select(changes.c.unit_id, changes.c.month).distinct())}
    pairs = [pair for pair in _pairs(session) if pair not in waiting]
    for start in range(0, len(pairs), AT_ONCE):
        yield from _of_units(session, pairs[start : start + AT_ONCE], today, terms)
    months = sorted({month for _unit, month in pairs} - {month for _unit, month in waiting})
    for month in months:
        theirs = and_(CELLS.c.unit_id == EVERY_UNIT, CELLS.c.month == month)
        yield from _compare(session, recount.summed_cells([month]).cte("fresh"), theirs)
    unit_ids = sorted({unit_id for unit_id, _month in pairs} - {unit_id for unit_id, _month in waiting})
    theirs = and_(CELLS.c.month == EVERY_MONTH, CELLS.c.unit_id.in_(unit_ids))
    yield from _compare(session, recount.open_of_all_months(unit_ids).cte("fresh"), theirs)


def _pairs(session: Session) -> list[tuple[int, date]]:
    """Return the units and months that have tickets, or that were counted."""
    of_tickets = select(Ticket.unit_id, MONTH).group_by(Ticket.unit_id, MONTH)
    counted = select(COUNTED_MONTHS.c.unit_id, COUNTED_MONTHS.c.month)
    stored = select(CELLS.c.unit_id, CELLS.c.month).where(CELLS.c.unit_id != EVERY_UNIT, CELLS.c.month != EVERY_MONTH)
    rows = session.execute(of_tickets.union(counted, stored)).all()
    return sorted(((unit_id, month) for unit_id, month in rows), key=lambda pair: (pair[1], pair[0]))


def _of_units(
    session: Session, pairs: Sequence[tuple[int, date]], today: date, terms: TakeUpTerms
) -> Iterator[RollupDifference]:
    keys = recount.unit_months(pairs, terms)
    fresh = base_cells(recount.facts_of(keys, pairs, today, terms)).cte("fresh")
    theirs = tuple_(CELLS.c.unit_id, CELLS.c.month).in_(pairs)
    return _compare(session, fresh, theirs)


def _compare(session: Session, fresh: CTE, theirs: ColumnElement[bool]) -> Iterator[RollupDifference]:
    """Yield the differences between fresh cells and the stored ones."""
    stored = select(CELLS).where(theirs).subquery("stored")
    same = and_(*(fresh.c[name] == stored.c[name] for name in recount.KEY))
    key = [func.coalesce(fresh.c[name], stored.c[name]).label(name) for name in recount.KEY]
    rows = session.execute(
        select(*key, fresh.c.numbers.label("counted"), stored.c.numbers.label("stored"))
        .select_from(_full_join(fresh, stored, same))
        .where(fresh.c.numbers.is_distinct_from(stored.c.numbers))
    )
    for row in rows.all():
        yield from _differences(row)


def _full_join(fresh: FromClause, stored: FromClause, same: ColumnElement[bool]) -> FromClause:
    return fresh.outerjoin(stored, same, full=True)


def _differences(row: Any) -> Iterator[RollupDifference]:
    """Name the numbers of a cell that differ."""
    kind = RollupKind(row.kind)
    counted, stored = _named(kind, row.counted or ()), _named(kind, row.stored or ())
    month = None if row.month == EVERY_MONTH else row.month
    for name in sorted(counted.keys() | stored.keys()):
        before, after = stored.get(name, 0), counted.get(name, 0)
        if before != after:
            what = ":".join(part for part in (kind.value, row.detail, name) if part)
            yield RollupDifference(row.unit_id, month, str(row.channel), what, before, after)


def _named(kind: RollupKind, numbers: Sequence[int]) -> dict[str, int]:
    """Return the numbers of a cell by name: of sums their own, of values with counts the value."""
    if kind in NAMES:
        return dict(zip(NAMES[kind], numbers, strict=False))
    return {str(number >> COUNT_BITS): number & ((1 << COUNT_BITS) - 1) for number in numbers}
