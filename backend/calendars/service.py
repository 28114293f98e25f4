"""Save new versions of calendars and put them in force. Stored versions are never changed or deleted."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import audit
from backend.calendars import editing
from backend.db import AdvisoryLock, hold_lock
from backend.errors import Conflict, Invalid, _
from backend.files.text import clean_text
from backend.jobs.models import LongJob
from backend.jobs.service import JobKind, ask_job
from backend.units.models import Unit
from backend.users.policy import Actor
from backend.worktime import service as worktime
from backend.worktime.calendar import WorkCalendar, local_time
from backend.worktime.document import to_document
from backend.worktime.models import CalendarVersion

# The job that follows an activation. Its subject is the version's id. It must end: no due date may stay as it was.
RECOUNT = JobKind("calendars.recount", must_end=True)
BASIS_MOST = 1000


def save_version(
    session: Session, code: str, texts: Mapping[str, str], basis: str, *, actor: Actor, now: datetime
) -> CalendarVersion:
    """Store a new version, which is not in force yet. Raises Invalid with a refusal for each field that is wrong."""
    errors: list[Invalid] = []
    reason = _basis(basis, errors)
    _check_scope(session, code, errors, now)
    number = _lock_and_number(session, code)
    version = f"{code}.{number}"
    try:
        calendar = editing.read_calendar(code, version, texts, reason)
    except Invalid as refusal:
        Invalid.collect([*refusal.errors, *errors])
        raise
    Invalid.collect(errors)
    return _store(session, calendar, number, actor, now)


def activate_version(session: Session, calendar_id: int, previewed: int, *, actor: Actor, now: datetime) -> LongJob:
    """Put a version in force and ask for the recount of the due dates of open tickets.

    ``previewed`` is the id of the version that was in force when the preview was made, 0 for none. Raises NotFound, and
    Conflict where the preview is no longer true.
    """
    row = worktime.find_version(session, calendar_id)
    _lock_and_number(session, row.code)
    active = worktime.in_force(session).get(row.code, 0)
    if active == calendar_id:
        raise Conflict(_("Bản lịch này đang được áp dụng."))
    if active != previewed:
        raise Conflict(_("Người khác vừa áp dụng một bản lịch khác. Xin xem trước lại."))
    row.activated_at = now
    data = {"calendar": calendar_id, "version": row.version, "before": active}
    audit.record(session, f"calendar:{row.code}", "activated", actor=actor.key, now=now, data=data)
    return ask_job(session, RECOUNT, str(calendar_id), now=now, user_id=actor.user_id)


def _store(session: Session, calendar: WorkCalendar, number: int, actor: Actor, now: datetime) -> CalendarVersion:
    row = CalendarVersion(
        code=calendar.code,
        version=number,
        document=to_document(calendar),
        basis=calendar.basis,
        created_at=now,
        created_by=actor.user_id,
    )
    session.add(row)
    session.flush()
    data = {"calendar": row.id, "version": number, "document": _digest(row)}
    audit.record(session, f"calendar:{row.code}", "saved", actor=actor.key, now=now, data=data)
    return row


def _digest(row: CalendarVersion) -> str:
    """Return the hash that the history keeps: SHA-256 over the document with sorted keys."""
    return hashlib.sha256(json.dumps(row.document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _basis(text: str, errors: list[Invalid]) -> str:
    try:
        basis = clean_text(text, limit=BASIS_MOST, multiline=True, field="basis")
    except Invalid as refusal:
        errors.append(refusal)
        return ""
    if not basis:
        errors.append(Invalid(_("Hãy ghi căn cứ: văn bản, số, ngày, hoặc lý do."), field="basis"))
    return basis


def _check_scope(session: Session, code: str, errors: list[Invalid], now: datetime) -> None:
    """Refuse a scope that is neither the province nor a unit that receives feedback today."""
    if code == worktime.DEFAULT:
        return
    code_of_unit = code.removeprefix(worktime.UNIT) if code.startswith(worktime.UNIT) else None
    units = session.scalars(select(Unit).where(Unit.code == code_of_unit, Unit.receives)).all()
    if not any(unit.valid_on(local_time(now).date()) for unit in units):
        errors.append(Invalid(_("Xin chọn nơi áp dụng trong danh sách."), field="scope"))


def _lock_and_number(session: Session, code: str) -> int:
    """Return the next number of a code. Until the transaction ends nobody else saves or activates a version of it."""
    hold_lock(session, AdvisoryLock.CALENDAR, code)
    return 1 + (session.scalar(select(func.max(CalendarVersion.version)).where(CalendarVersion.code == code)) or 0)
