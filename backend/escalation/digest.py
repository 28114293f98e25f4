"""Collect the notices of staff into messages: one digest for each person and half day, urgent tickets one by one."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend import audit
from backend.db import transaction
from backend.escalation import ladder, queries
from backend.escalation.models import StaffNotice
from backend.outbox import service as outbox
from backend.units.models import Unit
from backend.users.models import User
from backend.worktime import service as worktime
from backend.worktime.calendar import WorkCalendar, local_time

DIGEST, ALONE = "digest", "urgent"  # templates of the two kinds of messages to staff
ALONE_MOST = 10  # urgent messages to one person in one half day; the rest goes into the digest
NOON = 12


def half_day(now: datetime) -> str:
    """Return the half day of a moment as keys write it: ``2026-11-22:am``."""
    here = local_time(now)
    return f"{here.date().isoformat()}:{'am' if here.hour < NOON else 'pm'}"


def collect_notices(user_id: int, now: datetime) -> int:
    """Put the waiting notices of one person into the outbox if they are at work. Return the number of messages.

    A second run in the same half day finds that the digest has its key already. Newer notices then wait for the next
    half day.
    """
    with transaction() as session:
        user = session.scalar(select(User).where(User.id == user_id, User.active).with_for_update(key_share=True))
        if user is None or not ladder.at_work(_calendar_of(session, user), now):
            return 0
        return _send_alone(session, user_id, now) + _send_digest(session, user_id, now)


def _calendar_of(session: Session, user: User) -> WorkCalendar:
    unit = session.get(Unit, user.unit_id) if user.unit_id is not None else None
    calendar_id = worktime.active_id_for(session, unit.code) if unit else worktime.active_id(session)
    return worktime.load_calendar(session, calendar_id)


def _send_alone(session: Session, user_id: int, now: datetime) -> int:
    """Put urgent notices into the outbox, each as one message, at most ``ALONE_MOST`` in a half day."""
    here = local_time(now)
    half_day_start = here.replace(hour=0 if here.hour < NOON else NOON, minute=0, second=0, microsecond=0)
    earlier_messages = outbox.sent_to_staff(session, user_id, ALONE, since=half_day_start)
    notices = session.scalars(
        select(StaffNotice)
        .where(StaffNotice.user_id == user_id, StaffNotice.message_id.is_(None), StaffNotice.urgent)
        .order_by(StaffNotice.at, StaffNotice.id)
        .limit(max(ALONE_MOST - earlier_messages, 0))
    ).all()
    for notice in notices:
        notice.message_id = outbox.put_to_staff(session, ALONE, user_id=user_id, key=notice.key, now=now)
    session.flush()
    return len(notices)


def _send_digest(session: Session, user_id: int, now: datetime) -> int:
    """Put all waiting notices into one digest, as soon as the oldest has waited for ``queries.SETTLE``."""
    waiting = (StaffNotice.user_id == user_id, StaffNotice.message_id.is_(None))
    oldest = session.scalar(select(func.min(StaffNotice.at)).where(*waiting))
    if oldest is None or oldest > now - queries.SETTLE:
        return 0
    key = f"{audit.user_key(user_id)}:{DIGEST}:{half_day(now)}"
    message_id = outbox.put_to_staff(session, DIGEST, user_id=user_id, key=key, now=now)
    if message_id is None:
        return 0
    session.execute(update(StaffNotice).where(*waiting).values(message_id=message_id))
    return 1


def find_recipients(now: datetime) -> list[int]:
    """Return the ids of people for whom notices wait."""
    with transaction() as session:
        return list(queries.people_with_notices(session, now))
