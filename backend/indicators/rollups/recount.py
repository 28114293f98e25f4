"""Count the cells of some months of units again, and write only those that differ."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    FromClause,
    Integer,
    Select,
    String,
    Text,
    and_,
    cast,
    column,
    delete,
    exists,
    false,
    func,
    literal,
    not_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import array, insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import CompoundSelect
from sqlalchemy.types import TypeEngine

from backend.db import table_of
from backend.indicators.rollups.facts import take_up_limits, ticket_facts
from backend.indicators.rollups.given_rows import rows_as_table
from backend.indicators.rollups.kinds import NAMES, base_cells, count_of, tally_cells, value_of
from backend.indicators.rollups.models import EVERY_MONTH, EVERY_UNIT, TALLIES, CountedMonth, RollupCell, RollupKind
from backend.indicators.rollups.takeup_terms import TakeUpTerms, days_of_month
from backend.tickets.models import Ticket

CELLS, COUNTED_MONTHS = table_of(RollupCell), table_of(CountedMonth)
KEY = ("kind", "month", "unit_id", "credited_id", "channel", "hidden", "detail")
FOR_EVER = date(9999, 12, 31)
# Kinds that are summed over all units as well. Open tickets are always looked at unit by unit.
SUMMED = tuple(kind for kind in NAMES if kind is not RollupKind.OPEN)


def count_cells(session: Session, pairs: Sequence[tuple[int, date]], today: date, terms: TakeUpTerms) -> None:
    """Count the tickets of these units and months, and note until when the counts hold."""
    keys = unit_months(pairs, terms)
    session.execute(delete(COUNTED_MONTHS).where(_is_among(COUNTED_MONTHS, keys)))
    facts = facts_of(keys, pairs, today, terms)
    fresh = base_cells(facts).cte("fresh").prefix_with("MATERIALIZED", dialect="postgresql")
    validity = (
        insert(COUNTED_MONTHS)
        .from_select(["unit_id", "month", "counted_on", "holds_until", "terms"], _validity(facts, keys, today))
        .cte("validity")
    )
    _write(session, fresh, and_(_is_among(CELLS, keys), CELLS.c.kind.in_(list(RollupKind))), validity)


def sum_units(session: Session, months: Sequence[date]) -> None:
    """Sum the cells of all units up, for the months in which one of them was counted."""
    fresh = summed_cells(months).cte("fresh").prefix_with("MATERIALIZED", dialect="postgresql")
    kinds = CELLS.c.kind.in_([*SUMMED, *TALLIES])
    _write(session, fresh, and_(kinds, CELLS.c.unit_id == EVERY_UNIT, CELLS.c.month.in_(months)))


def sum_open(session: Session, unit_ids: Sequence[int]) -> None:
    """Sum the open tickets of these units up, whenever they were received."""
    fresh = open_of_all_months(unit_ids).cte("fresh").prefix_with("MATERIALIZED", dialect="postgresql")
    theirs = and_(CELLS.c.kind == RollupKind.OPEN, CELLS.c.month == EVERY_MONTH, CELLS.c.unit_id.in_(unit_ids))
    _write(session, fresh, theirs)


def open_of_all_months(unit_ids: Sequence[int]) -> Select[Any]:
    """Return the cells of the open tickets of units, of all months together."""
    by_month = and_(CELLS.c.kind == RollupKind.OPEN, CELLS.c.month != EVERY_MONTH, CELLS.c.unit_id.in_(unit_ids))
    base = select(CELLS).where(by_month).subquery("base")
    key = (base.c.kind, base.c.unit_id, base.c.credited_id, base.c.channel, base.c.hidden, base.c.detail)
    columns = {column.name: column for column in key} | {"month": literal(EVERY_MONTH, Date).label("month")}
    return select(*(columns[name] for name in KEY), _summed(base, RollupKind.OPEN)).group_by(*key)


def facts_of(keys: FromClause, pairs: Sequence[tuple[int, date]], today: date, terms: TakeUpTerms) -> CTE:
    """Return the facts about the tickets of some units and months, read once by the statement that counts them."""
    days = [day for month in sorted({month for _unit, month in pairs}) for day in days_of_month(month)]
    within = Ticket.received_on.between(keys.c.month, keys.c.last)
    statement = ticket_facts(today, take_up_limits(terms, days))
    statement = statement.join(keys, and_(Ticket.unit_id == keys.c.unit_id, within))
    return statement.cte("facts").prefix_with("MATERIALIZED", dialect="postgresql")


def summed_cells(months: Sequence[date]) -> CompoundSelect[Any]:
    """Return the cells of all units together: sums place by place, and values with the sum of their counts."""
    base = select(CELLS).where(CELLS.c.unit_id != EVERY_UNIT, CELLS.c.month.in_(months)).subquery("base")
    return union_all(*(_sums(base, kind) for kind in SUMMED), _tallies(base))


def _sums(base: FromClause, kind: RollupKind) -> Select[Any]:
    key = _key_of_all(base)
    return (
        select(cast(base.c.kind, String).label("kind"), *key, base.c.detail, _summed(base, kind))
        .where(base.c.kind == kind)
        .group_by(base.c.kind, base.c.month, base.c.channel, base.c.detail)
    )


def _summed(base: FromClause, kind: RollupKind) -> ColumnElement[Any]:
    """Return the sums of the numbers of cells, place by place."""
    sums = [cast(func.sum(base.c.numbers[place]), BigInteger) for place in range(1, len(NAMES[kind]) + 1)]
    return array(sums).label("numbers")


def _tallies(base: FromClause) -> Select[Any]:
    unpacked = func.unnest(base.c.numbers).table_valued(column("packed", BigInteger)).render_derived(name="unpacked")
    packed = unpacked.c.packed
    values = (
        select(
            cast(base.c.kind, String).label("kind"), *_key_of_all(base), value_of(packed).label("value"),
            count_of(packed).label("number"),
        )
        .select_from(base)
        .join(unpacked, true())
        .where(base.c.kind.in_(TALLIES))
        .subquery("valued")
    )  # fmt: skip
    return tally_cells(values, values.c.number)


def _key_of_all(base: FromClause) -> list[ColumnElement[Any]]:
    return [
        literal(EVERY_UNIT, Integer).label("unit_id"),
        base.c.month,
        literal(EVERY_UNIT, Integer).label("credited_id"),
        base.c.channel,
        false().label("hidden"),
    ]


def unit_months(pairs: Sequence[tuple[int, date]], terms: TakeUpTerms) -> FromClause:
    """Return units and months as rows that a statement can join, with the last day and the terms of each month."""
    months = {month: (days_of_month(month)[-1], terms.mark_month(month)) for month in {pair[1] for pair in pairs}}
    rows = [(unit_id, month, *months[month]) for unit_id, month in pairs]
    columns: dict[str, TypeEngine[Any]] = {"unit_id": Integer(), "month": Date(), "last": Date(), "terms": Text()}
    return rows_as_table("keys", columns, rows)


def _is_among(table: FromClause, keys: FromClause) -> ColumnElement[bool]:
    return exists(select(keys.c.month).where(table.c.unit_id == keys.c.unit_id, table.c.month == keys.c.month))


def _validity(facts: FromClause, keys: FromClause, today: date) -> Select[Any]:
    return (
        select(
            facts.c.unit_id,
            facts.c.month,
            literal(today, Date),
            func.coalesce(func.min(facts.c.turns_on), literal(FOR_EVER, Date)),
            func.min(keys.c.terms),
        )
        .join(keys, and_(keys.c.unit_id == facts.c.unit_id, keys.c.month == facts.c.month))
        .group_by(facts.c.unit_id, facts.c.month)
    )


def _write(session: Session, fresh: CTE, theirs: ColumnElement[bool], *more: CTE) -> None:
    """Store the fresh cells: write what differs, and remove what is there no more."""
    same = and_(*(fresh.c[name] == CELLS.c[name] for name in KEY))
    gone = delete(CELLS).where(theirs, not_(exists(select(fresh.c.kind).where(same)))).cte("gone")
    stored = insert(CELLS).from_select([*KEY, "numbers"], select(*(fresh.c[name] for name in (*KEY, "numbers"))))
    statement = stored.on_conflict_do_update(
        index_elements=[CELLS.c[name] for name in KEY],
        set_={"numbers": stored.excluded.numbers},
        where=CELLS.c.numbers.is_distinct_from(stored.excluded.numbers),
    )
    session.execute(statement.add_cte(gone, *more))
