"""Where complaints about the conduct of a unit go: its conduct desk, always another unit."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from backend import audit
from backend.errors import Invalid, NotFound, _
from backend.units.models import Unit


def unit_chain(unit_id: int) -> str:
    """Return the chain of a unit in the history: ``unit:12``."""
    return f"unit:{unit_id}"


def list_desks(session: Session, today: date) -> Sequence[tuple[Unit, Unit | None]]:
    """Return each unit that receives feedback today with its conduct desk, by kind and name."""
    valid = (Unit.receives, Unit.valid_from <= today, or_(Unit.valid_to.is_(None), Unit.valid_to >= today))
    units = session.scalars(select(Unit).where(*valid).order_by(Unit.kind.desc(), Unit.folded, Unit.id)).all()
    desk_ids = {unit.conduct_desk_id for unit in units if unit.conduct_desk_id is not None}
    desks = {desk.id: desk for desk in session.scalars(select(Unit).where(Unit.id.in_(desk_ids)))}
    return [(unit, desks.get(unit.conduct_desk_id or 0)) for unit in units]


def find_receiving(session: Session, unit_id: int, *, lock: bool = False) -> Unit:
    """Return a unit that receives feedback, with ``lock`` for a change. Raises NotFound."""
    statement = select(Unit).where(Unit.id == unit_id, Unit.receives)
    statement = statement.with_for_update() if lock else statement
    unit = session.scalar(statement.execution_options(populate_existing=True))
    if unit is None:
        raise NotFound
    return unit


def set_conduct_desk(
    session: Session, unit_id: int, desk_id: int | None, *, by: str, now: datetime, today: date
) -> Unit:
    """Set which unit handles complaints about the conduct of a unit that are received from now on.

    ``by`` is the key of the actor. Raises NotFound, and Invalid at ``desk`` for the unit itself and for a unit that
    receives nothing today.
    """
    unit = find_receiving(session, unit_id, lock=True)
    desk = session.get(Unit, desk_id) if desk_id is not None else None
    if desk is None or not desk.receives or not desk.valid_on(today):
        raise Invalid(_("Xin chọn cơ quan trong danh sách."), field="desk")
    if desk.id == unit.id:
        raise Invalid(_("Cơ quan không tự xử lý phản ánh về hành vi của chính mình."), field="desk")
    if unit.conduct_desk_id != desk.id:
        data = {"desk": [unit.conduct_desk_id, desk.id]}
        unit.conduct_desk_id = desk.id
        session.flush()
        audit.record(session, unit_chain(unit_id), "conduct_desk_set", actor=by, now=now, data=data)
    return unit
