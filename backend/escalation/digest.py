"""Collect the notices of staff into messages: one digest for each person and half day, urgent notices one by one.

Reminders of the ladder and notices about events are rows of one table, so they come in one letter.
"""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend import audit
from backend.db import transaction
from backend.escalation import arrivals, ladder, queries
from backend.escalation.models import StaffNotice
from backend.outbox import service as outbox
from backend.outbox.models import Medium
from backend.tickets.notices import service as notices
from backend.tickets.notices.kinds import NoticeWay
from backend.tickets.notices.models import NoticeSettings
from backend.tickets.notices.queries import unsent
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
        settings = notices.read_settings(session, user_id)
        return _send_alone(session, settings, now) + _send_digest(session, user, settings, now)


def _calendar_of(session: Session, user: User) -> WorkCalendar:
    unit = session.get(Unit, user.unit_id) if user.unit_id is not None else None
    calendar_id = worktime.active_id_for(session, unit.code) if unit else worktime.active_id(session)
    return worktime.load_calendar(session, calendar_id)


def _medium(settings: NoticeSettings) -> Medium:
    """Return by what messages to a person leave: a messenger only while the person's own chat is bound."""
    return settings.medium if settings.chat_id is not None else Medium.EMAIL


def _send_alone(session: Session, settings: NoticeSettings, now: datetime) -> int:
    """Put notices that leave at once into the outbox, each as one message, at most ``ALONE_MOST`` in a half day."""
    here = local_time(now)
    half_day_start = here.replace(hour=0 if here.hour < NOON else NOON, minute=0, second=0, microsecond=0)
    user_id, medium = settings.user_id, _medium(settings)
    earlier_messages = outbox.sent_to_staff(session, user_id, ALONE, since=half_day_start)
    waiting_notices = session.scalars(
        select(StaffNotice)
        .where(StaffNotice.user_id == user_id, unsent(), StaffNotice.way == NoticeWay.AT_ONCE)
        .order_by(StaffNotice.at, StaffNotice.id)
        .limit(max(ALONE_MOST - earlier_messages, 0))
    ).all()
    for notice in waiting_notices:
        notice.message_id = outbox.put_to_staff(session, ALONE, user_id=user_id, key=notice.key, now=now, medium=medium)
    session.flush()
    return len(waiting_notices)


def _send_digest(session: Session, user: User, settings: NoticeSettings, now: datetime) -> int:
    """Put all waiting notices and new tickets into one digest, once the oldest has waited for ``queries.SETTLE``."""
    waiting = (StaffNotice.user_id == user.id, unsent())
    span = arrivals.find_span(session, user, settings)
    oldest = [moment for moment in (_oldest_notice(session, user.id), span.since if span else None) if moment]
    if not oldest or min(oldest) > now - queries.SETTLE:
        return 0
    key = f"{audit.user_key(user.id)}:{DIGEST}:{half_day(now)}"
    message_id = outbox.put_to_staff(session, DIGEST, user_id=user.id, key=key, now=now, medium=_medium(settings))
    if message_id is None:
        return 0
    session.execute(update(StaffNotice).where(*waiting).values(message_id=message_id))
    if span is not None:
        settings.arrivals_after, settings.arrivals_upto = span.after, span.upto
        settings.arrivals_message_id = message_id
    return 1


def _oldest_notice(session: Session, user_id: int) -> datetime | None:
    return session.scalar(select(func.min(StaffNotice.at)).where(StaffNotice.user_id == user_id, unsent()))


def find_recipients(now: datetime) -> list[int]:
    """Return the ids of people for whom notices or new tickets wait."""
    with transaction() as session:
        with_arrivals = arrivals.people_with_arrivals(session, now - queries.SETTLE)
        return sorted({*queries.people_with_notices(session, now), *with_arrivals})
