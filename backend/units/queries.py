"""Units as people look for them."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, aliased

from backend.files.text import fold_text
from backend.units.models import Succession, Unit


def list_receiving(session: Session, today: date) -> Sequence[Unit]:
    """Units that receive feedback today, in the order of their names without tone marks."""
    return session.scalars(
        select(Unit).where(Unit.receives, *_valid(today)).order_by(Unit.kind.desc(), Unit.folded, Unit.id)
    ).all()


def find_units(session: Session, typed: str, today: date, limit: int = 8) -> Sequence[Unit]:
    """Receiving units whose name holds every word typed, with or without tone marks; best match first: an equal name,
    then a name that begins so, then the rest."""
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
    """Pairs of a former unit whose name holds every word typed and a receiving unit that took it over, best match
    first: people know their commune by the name that it had."""
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
    """The unit of this code, of those that had it the one valid now or last: for figures, which reach back in time.
    Whoever knows the day asks ``directory.find_unit``."""
    return session.scalar(
        select(Unit).where(Unit.code == code).order_by(Unit.valid_to.is_not(None), Unit.valid_from.desc()).limit(1)
    )


def _distance(name: str, text: str) -> int:
    """How far a folded name is from what was typed; the kind of unit before the name does not count."""
    bare = name.split(" ", 1)[-1]
    if text in (name, bare):
        return 0
    return 1 if name.startswith(text) or bare.startswith(text) else 2


def _valid(today: date) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (Unit.valid_from <= today, or_(Unit.valid_to.is_(None), Unit.valid_to >= today))
