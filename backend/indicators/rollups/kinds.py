"""The cells of the roll-ups: how facts about tickets are counted, one statement for each kind. Pure.

``detail`` and ``numbers`` of a cell mean:

- ``held``: the sums of `SUMS`, each in its place.
- ``open``: open tickets of each age class, then the overdue ones of each.
- ``standing``: the number of tickets; ``detail`` is the outcome, turned away, taken up, lowest score and reopened.
- ``closed``: the sums of `RATING_SUMS`; ``detail`` is the outcome and the category.
- ``days``, ``told``, ``rated``: values with their counts, packed by `pack_counted`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, array
from sqlalchemy.sql.selectable import CompoundSelect

from backend.indicators.rollups.facts import AGES, COUNTED
from backend.indicators.rollups.models import TALLIES, RollupKind
from backend.tickets.models import Channel

COUNT_BITS: Final = 20  # of a packed value; a value stands in the bits above
FLAG_BITS, SCORE_BITS, DAY_BITS = 1, 3, 12  # of a packed rating, from the last item up to the unit
KEY: Final = ("unit_id", "month", "credited_id", "channel", "hidden")
BY_STAFF: Final = Channel.COUNTER  # ratings that an officer entered are counted, but are no part of the scores
ITEMS: Final = ("ease", "by_rules", "timely")

# Answered tickets and the ratings of their senders: sums of each item's scores and squares, and of the three together.
RATING_SUMS: Final = (
    *("closed", "rated", "by_staff", *ITEMS, *(f"{item}_squares" for item in ITEMS), "all_items", "all_items_squares"),
)
SUMS: Final = (
    *("tickets", "demonstration", "taken_up_known", "taken_up_in_time", "with_rating"),
    *(f"{name}_{part}" for name in COUNTED for part in ("known", "yes")),
    *RATING_SUMS,
)
OPEN_SUMS: Final = (*(f"open_{age}" for age in range(len(AGES) + 1)), *(f"late_{age}" for age in range(len(AGES) + 1)))
NAMES: Final[Mapping[RollupKind, Sequence[str]]] = {
    RollupKind.HELD: SUMS,
    RollupKind.OPEN: OPEN_SUMS,
    RollupKind.STANDING: ("tickets",),
    RollupKind.CLOSED: RATING_SUMS,
}


def base_cells(facts: FromClause) -> CompoundSelect[Any]:
    """Return the cells of these facts: kind, key, detail and numbers."""
    return union_all(
        _cells(facts, RollupKind.HELD, literal(""), _held_sums(facts)),
        _cells(facts, RollupKind.OPEN, literal(""), _open_sums(facts), facts.c.is_open_now),
        _cells(facts, RollupKind.STANDING, _standing(facts), [func.count()]),
        _cells(facts, RollupKind.CLOSED, _outcome(facts), _rating_sums(facts), facts.c.answered),
        tally_cells(_values(facts)),
    )


def _cells(
    facts: FromClause,
    kind: RollupKind,
    detail: ColumnElement[str],
    sums: Sequence[ColumnElement[Any]],
    among: ColumnElement[bool] | None = None,
) -> Select[Any]:
    key = [facts.c[name] for name in KEY]
    numbers = array([cast(number, BigInteger) for number in sums])
    return (
        select(literal(kind.value, String).label("kind"), *key, detail.label("detail"), numbers.label("numbers"))
        .where(true() if among is None else among)
        .group_by(*key, *([] if kind in (RollupKind.HELD, RollupKind.OPEN) else [detail]))
    )


def _held_sums(facts: FromClause) -> list[ColumnElement[Any]]:
    answers = [facts.c[f"is_{name}"] for name in COUNTED]
    return [
        func.count(),
        _count(facts.c.demonstration),
        _count(facts.c.in_two_days.is_not(None)),
        _count(facts.c.in_two_days),
        _count(facts.c.rated_by.is_not(None)),
        *(_count(part) for answer in answers for part in (answer.is_not(None), answer)),
        *_rating_sums(facts),
    ]


def _rating_sums(facts: FromClause) -> list[ColumnElement[Any]]:
    """Sum what senders gave for answers. Scores on 1 to 5 are summed as whole numbers, so that sums are exact."""
    rated = and_(facts.c.answered, facts.c.rated_by.is_not(None), facts.c.rated_by != BY_STAFF)
    scores = [facts.c[item] for item in ITEMS]
    together = scores[0] + scores[1] + scores[2]
    return [
        _count(facts.c.answered),
        _count(rated),
        _count(and_(facts.c.answered, facts.c.rated_by == BY_STAFF)),
        *(_sum(score, rated) for score in scores),
        *(_sum(score * score, rated) for score in scores),
        _sum(together, rated),
        _sum(together * together, rated),
    ]


def _open_sums(facts: FromClause) -> list[ColumnElement[Any]]:
    ages = [facts.c.age == age for age in range(len(AGES) + 1)]
    return [*map(_count, ages), *(_count(and_(age, facts.c.is_overdue_now)) for age in ages)]


def _standing(facts: FromClause) -> ColumnElement[str]:
    """Return what the ratios of QĐ 766 need. The lowest score counts for an answered ticket alone; 0 is none."""
    lowest = case((facts.c.answered, func.least(*(facts.c[item] for item in ITEMS))))
    flags = [func.coalesce(flag, False) for flag in (facts.c.outside, facts.c.taken_up, facts.c.again)]
    parts = [facts.c.standing, *(case((flag, "1"), else_="0") for flag in flags)]
    return func.concat_ws("|", *parts, cast(func.coalesce(lowest, 0), String))


def _outcome(facts: FromClause) -> ColumnElement[str]:
    return func.concat_ws("|", facts.c.standing, facts.c.category)


def _values(facts: FromClause) -> FromClause:
    """Return kind, key and value for all that is counted value by value."""
    packed = _packed_rating(facts)
    rated = and_(facts.c.answered, facts.c.rated_by.is_not(None), facts.c.rated_by != BY_STAFF, packed.is_not(None))
    values = {
        RollupKind.DAYS: (facts.c.days, facts.c.days.is_not(None)),
        RollupKind.TOLD: (facts.c.told_after, facts.c.told_after.is_not(None)),
        RollupKind.RATED: (packed, rated),
    }
    key = [facts.c[name] for name in KEY]
    return union_all(
        *(
            select(literal(kind.value, String).label("kind"), *key, cast(value, BigInteger).label("value")).where(among)
            for kind, (value, among) in values.items()
        )
    ).subquery("valued")


def _packed_rating(facts: FromClause) -> ColumnElement[int | None]:
    """Pack what the association of ratings needs: unit, days, four flags, three scores. NULL: a part is not known."""
    flags = [facts.c.standing == "late", facts.c.is_told, facts.c.is_acknowledged, facts.c.in_two_days]
    days = func.least(facts.c.days, (1 << DAY_BITS) - 1)
    packed: ColumnElement[Any] = cast(facts.c.credited_id, BigInteger) * (1 << DAY_BITS) + days
    for flag in flags:
        packed = packed * (1 << FLAG_BITS) + case((flag, 1), (~flag, 0))
    for item in ITEMS:
        packed = packed * (1 << SCORE_BITS) + facts.c[item]
    return packed


def tally_cells(values: FromClause, count: ColumnElement[int] | None = None) -> Select[Any]:
    """Return cells of values with their counts. ``count``: how often a row of ``values`` counts."""
    key = [values.c.kind, *(values.c[name] for name in KEY)]
    number = func.count() if count is None else func.sum(count)
    counted = (
        select(*key, values.c.value, cast(number, BigInteger).label("number"))
        .group_by(*key, values.c.value)
        .subquery("counted")
    )
    packed = counted.c.value * (1 << COUNT_BITS) + counted.c.number
    key = [counted.c.kind, *(counted.c[name] for name in KEY)]
    numbers = func.array_agg(aggregate_order_by(packed, packed)).label("numbers")
    return select(*key, literal("").label("detail"), numbers).group_by(*key)


def value_of(packed: ColumnElement[int]) -> ColumnElement[int]:
    """Return the value of a packed number."""
    return packed.op(">>")(literal(COUNT_BITS, Integer))


def count_of(packed: ColumnElement[int]) -> ColumnElement[int]:
    """Return how often the value of a packed number occurs."""
    return packed.op("&")((1 << COUNT_BITS) - 1)


def _count(condition: ColumnElement[Any]) -> ColumnElement[int]:
    return func.count().filter(condition)


def _sum(number: ColumnElement[Any], among: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(number).filter(among), 0)


__all__ = ["BY_STAFF", "NAMES", "RATING_SUMS", "SUMS", "TALLIES", "base_cells", "count_of", "tally_cells", "value_of"]
