"""Stored versions of calendars: the active one, any by id, and the shipped one set up once."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from backend.errors import NotFound, _
from backend.worktime.calendar import WorkCalendar
from backend.worktime.document import from_document, to_document
from backend.worktime.models import CalendarVersion
from backend.worktime.shipped import shipped_calendar

DEFAULT = "vn"
UNIT = "unit:"  # before a unit's code, the code of the calendar that overrides the default for it
_held: dict[int, WorkCalendar] = {}


def active_id(session: Session, code: str = DEFAULT) -> int:
    """The version that dates are counted by now: the one activated last."""
    found = session.scalar(
        select(CalendarVersion.id)
        .where(CalendarVersion.code == code, CalendarVersion.activated_at.is_not(None))
        .order_by(CalendarVersion.activated_at.desc(), CalendarVersion.id.desc())
        .limit(1)
    )
    if found is None:
        raise NotFound(_("Chưa có lịch làm việc nào được áp dụng."))
    return found


def in_force(session: Session) -> dict[str, int]:
    """The active version of every code that has one, by code."""
    rows = session.execute(
        select(CalendarVersion.code, CalendarVersion.id)
        .where(CalendarVersion.activated_at.is_not(None))
        .ext(distinct_on(CalendarVersion.code))
        .order_by(CalendarVersion.code, CalendarVersion.activated_at.desc(), CalendarVersion.id.desc())
    )
    return {row.code: row.id for row in rows}


def active_id_for(session: Session, unit_code: str) -> int:
    """The version that a unit counts by now: its own calendar where it has one, else the default."""
    active = in_force(session)
    found = active.get(UNIT + unit_code, active.get(DEFAULT))
    return active_id(session) if found is None else found


def find_version(session: Session, calendar_id: int) -> CalendarVersion:
    """A stored version; NotFound where there is none."""
    found = session.get(CalendarVersion, calendar_id)
    if found is None:
        raise NotFound
    return found


def load_calendar(session: Session, calendar_id: int) -> WorkCalendar:
    """A version by its id. Stored versions never change, so each is read and summed up once a process."""
    held = _held.get(calendar_id)
    if held is None:
        row = session.get_one(CalendarVersion, calendar_id)
        held = _held[calendar_id] = from_document(row.code, row.document, row.basis)
    return held


def ensure_shipped(session: Session, now: datetime, code: str = DEFAULT) -> int:
    """Store the shipped calendar as a version, and activate it if none of its code is. Returns the active id."""
    document = to_document(shipped_calendar(code))
    held = session.scalars(select(CalendarVersion).where(CalendarVersion.code == code)).all()
    if not any(version.document == document for version in held):
        session.add(
            CalendarVersion(
                code=code,
                version=1 + (session.scalar(select(func.max(CalendarVersion.version)).filter_by(code=code)) or 0),
                document=document,
                basis=shipped_calendar(code).basis,
                created_at=now,
                activated_at=None if held else now,
            )
        )
        session.flush()
    return active_id(session, code)
