"""How a unit's code stands on a day: valid, ended with its successors, not there yet, unknown."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.units.models import Succession, Unit


@dataclass(frozen=True)
class UnitStatus:
    """``unit_id`` where the code is valid; else the name that it had or will have, and who took over."""

    unit_id: int | None
    name: str
    ended: date | None = None
    successors: tuple[str, ...] = field(default=())


def unit_statuses(session: Session, day: date) -> dict[str, UnitStatus]:
    """Every code there ever was. Codes are used again over time, so that the one valid on the day comes first."""
    taken: dict[int, list[str]] = {}
    pairs = select(Succession.former_id, Unit.code, Unit.name).join(Unit, Unit.id == Succession.successor_id)
    for former, code, name in session.execute(pairs.order_by(Unit.code)):
        taken.setdefault(former, []).append(f"{name} ({code})")
    found: dict[str, UnitStatus] = {}
    for unit in session.scalars(select(Unit).order_by(Unit.valid_from)):
        known = found.get(unit.code)
        if unit.valid_on(day):
            found[unit.code] = UnitStatus(unit.id, unit.name)
        elif known is None or known.unit_id is None:
            found[unit.code] = _invalid(unit, day, tuple(taken.get(unit.id, ())))
    return found


def _invalid(unit: Unit, day: date, successors: tuple[str, ...]) -> UnitStatus:
    if unit.valid_to is not None and unit.valid_to < day:
        return UnitStatus(None, unit.name, unit.valid_to + timedelta(days=1), successors)
    return UnitStatus(None, unit.name)
