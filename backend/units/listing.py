"""The directory of units as administrators read it: present and former units, with their dates and successors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import and_, func, not_, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from backend.files.text import fold_text
from backend.units.models import Succession, Unit, UnitKind

UNITS_PAGE: Final = 50
WORDS_MOST: Final = 8


@dataclass(frozen=True)
class UnitFilter:
    """What to look for: words of the name or the code, a kind, units of today or former ones. Empty: all."""

    words: str = ""
    kind: UnitKind | None = None
    valid: bool | None = None


@dataclass(frozen=True)
class UnitPage:
    """A page of units, how many there are in all, the names that they refer to, and where the next page begins.

    ``names``: of parents and conduct desks, by id. ``successors``: the names of the successors of a former unit.
    """

    units: Sequence[Unit]
    count: int
    names: Mapping[int, str]
    successors: Mapping[int, Sequence[str]]
    after: int | None


def list_units(
    session: Session, wanted: UnitFilter, today: date, *, after: int | None = None, limit: int = UNITS_PAGE
) -> UnitPage:
    """Return a page of the directory, by name without tone marks. ``after`` is the id of the last unit before it."""
    statement = select(Unit)
    for word in fold_text(wanted.words).split()[:WORDS_MOST]:
        fits = or_(Unit.folded.contains(word, autoescape=True), func.lower(Unit.code).contains(word, autoescape=True))
        statement = statement.where(fits)
    if wanted.kind is not None:
        statement = statement.where(Unit.kind == wanted.kind)
    if wanted.valid is not None:
        valid = and_(Unit.valid_from <= today, or_(Unit.valid_to.is_(None), Unit.valid_to >= today))
        statement = statement.where(valid if wanted.valid else not_(valid))
    count = session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    if after is not None:
        last = select(Unit.folded).where(Unit.id == after).scalar_subquery()
        statement = statement.where(tuple_(Unit.folded, Unit.id) > tuple_(last, after))
    rows = session.scalars(statement.order_by(Unit.folded, Unit.id).limit(limit + 1)).all()
    units = rows[:limit]
    return UnitPage(
        units,
        count,
        _names(session, units),
        _successors(session, units),
        units[-1].id if len(rows) > limit else None,
    )


def _names(session: Session, units: Sequence[Unit]) -> dict[int, str]:
    ids = {unit_id for unit in units for unit_id in (unit.parent_id, unit.conduct_desk_id) if unit_id is not None}
    rows = session.execute(select(Unit.id, Unit.name).where(Unit.id.in_(ids)))
    return {row.id: row.name for row in rows}


def _successors(session: Session, units: Sequence[Unit]) -> dict[int, list[str]]:
    """Return the names of the successors of each former unit among these."""
    successor = aliased(Unit)
    rows = session.execute(
        select(Succession.former_id, successor.name)
        .join(successor, successor.id == Succession.successor_id)
        .where(Succession.former_id.in_([unit.id for unit in units]))
        .order_by(successor.folded)
    )
    names: dict[int, list[str]] = {}
    for former_id, name in rows:
        names.setdefault(former_id, []).append(name)
    return names
