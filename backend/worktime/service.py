"""Stored versions of calendars: find the active one, load any by its id, and store the shipped one."""

from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from backend.errors import NotFound, _
from backend.worktime.calendar import WorkCalendar
from backend.worktime.document import from_document, to_document
from backend.worktime.models import CalendarVersion
from backend.worktime.shipped import shipped_calendar

DEFAULT = "vn"
UNIT = "unit:"  # prefix of the code of a unit's own calendar, which replaces the default: unit:03388
_calendars: dict[int, WorkCalendar] = {}


def active_id(session: Session, code: str = DEFAULT) -> int:
    """Return the id of the active version of a code: the one activated last. Raises NotFound where there is none."""
    calendar_id = session.scalar(active_version(code))
    if calendar_id is None:
        raise NotFound(_("Chưa có lịch làm việc nào được áp dụng."))
    return calendar_id


def active_version(code: str = DEFAULT) -> Select[int]:
    """Return the statement that finds the id of the active version of a code."""
    return (
        select(CalendarVersion.id)
        .where(CalendarVersion.code == code, CalendarVersion.activated_at.is_not(None))
        .order_by(CalendarVersion.activated_at.desc(), CalendarVersion.id.desc())
        .limit(1)
    )


def in_force(session: Session) -> dict[str, int]:
    """Return the id of the active version of every code that has one."""
    rows = session.execute(
        select(CalendarVersion.code, CalendarVersion.id)
        .where(CalendarVersion.activated_at.is_not(None))
        .ext(distinct_on(CalendarVersion.code))
        .order_by(CalendarVersion.code, CalendarVersion.activated_at.desc(), CalendarVersion.id.desc())
    )
    return {row.code: row.id for row in rows}


def active_id_for(session: Session, unit_code: str) -> int:
    """Return the active version for a unit: that of its own calendar if it has one, else the default's."""
    active = in_force(session)
    calendar_id = active.get(UNIT + unit_code, active.get(DEFAULT))
    return active_id(session) if calendar_id is None else calendar_id


def find_version(session: Session, calendar_id: int) -> CalendarVersion:
    """Return a stored version. Raises NotFound where there is none."""
    version = session.get(CalendarVersion, calendar_id)
    if version is None:
        raise NotFound
    return version


def load_calendar(session: Session, calendar_id: int) -> WorkCalendar:
    """Return the calendar of a version. A version never changes, so each process reads and sums it up only once."""
    calendar = _calendars.get(calendar_id)
    if calendar is None:
        row = session.get_one(CalendarVersion, calendar_id)
        calendar = _calendars[calendar_id] = from_document(row.code, row.document, row.basis)
    return calendar


def ensure_shipped(session: Session, now: datetime, code: str = DEFAULT) -> int:
    """Store the shipped calendar as a version unless it is stored, and return the id of the active version.

    It becomes active only where no version of its code is stored.
    """
    document = to_document(shipped_calendar(code))
    versions = session.scalars(select(CalendarVersion).where(CalendarVersion.code == code)).all()
    if not any(version.document == document for version in versions):
        session.add(
            CalendarVersion(
                code=code,
                version=1 + (session.scalar(select(func.max(CalendarVersion.version)).filter_by(code=code)) or 0),
                document=document,
                basis=shipped_calendar(code).basis,
                created_at=now,
                activated_at=None if versions else now,
            )
        )
        session.flush()
    return active_id(session, code)
