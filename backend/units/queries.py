"""Queries for units: the list of receiving units, and the search by a present or former name."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, aliased

from backend.files.text import fold_text
from backend.units.models import Succession, Unit


def list_receiving(session: Session, today: date) -> Sequence[Unit]:
    """Return the units that receive feedback today, by kind and then by name without tone marks."""
    return session.scalars(
        select(Unit).where(Unit.receives, *_valid(today)).order_by(Unit.kind.desc(), Unit.folded, Unit.id)
    ).all()


def list_receiving_names(session: Session, today: date) -> dict[int, str]:
    """Return the names of the units that receive feedback today, by id, in the order of ``list_receiving``."""
    order = (Unit.kind.desc(), Unit.folded, Unit.id)
    rows = session.execute(select(Unit.id, Unit.name).where(Unit.receives, *_valid(today)).order_by(*order))
    return {row.id: row.name for row in rows}


def find_units(session: Session, typed: str, today: date, limit: int = 8) -> Sequence[Unit]:
    """Return receiving units whose name contains every typed word, with or without tone marks; best match first.

    An equal name is best, then a name that begins with the typed text, then the others.
    """
    words = fold_text(typed).split()[:8]
    if not words:
        return []
    rows = session.scalars(
        select(Unit).where(
            Unit.receives, *_valid(today), *(Unit.folded.contains(word, autoescape=True) for word in words)
        )
    ).all()
    text = " ".join(words)
    return sorted(rows, key=lambda unit: (_distance(unit.folded, text), unit.folded))[:limit]


def find_former(session: Session, typed: str, today: date, limit: int = 8) -> list[tuple[Unit, Unit]]:
    """Return pairs of a former unit and its receiving successor; best match first.

    The name of the former unit contains every typed word. People often know their commune by its former name.
    """
    words = fold_text(typed).split()[:8]
    if not words:
        return []
    former, successor = aliased(Unit), aliased(Unit)
    pairs = session.execute(
        select(former, successor)
        .join(Succession, Succession.former_id == former.id)
        .join(successor, Succession.successor_id == successor.id)
        .where(
            successor.receives,
            successor.valid_from <= today,
            or_(successor.valid_to.is_(None), successor.valid_to >= today),
            *(former.folded.contains(word, autoescape=True) for word in words),
        )
    ).all()
    text = " ".join(words)
    ranked = sorted(pairs, key=lambda pair: (_distance(pair[0].folded, text), pair[0].folded, pair[1].folded))
    return [(old, new) for old, new in ranked[:limit]]


def unit_now_or_last(session: Session, code: str) -> Unit | None:
    """Return the unit that has this code now or had it last, for figures that reach back in time.

    Code that knows the day uses `backend.units.directory.find_unit`.
    """
    return session.scalar(
        select(Unit).where(Unit.code == code).order_by(Unit.valid_to.is_not(None), Unit.valid_from.desc()).limit(1)
    )


def _distance(name: str, text: str) -> int:
    """Return 0 for an equal name, 1 for a name that begins with the text, else 2. The word for the kind is ignored."""
    bare = name.split(" ", 1)[-1]
    if text in (name, bare):
        return 0
    return 1 if name.startswith(text) or bare.startswith(text) else 2


def _valid(today: date) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (Unit.valid_from <= today, or_(Unit.valid_to.is_(None), Unit.valid_to >= today))
