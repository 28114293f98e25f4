"""The days on which a ticket's people are reminded, and a beat's round.

The calendar is the shipped one; Monday 5 October 2026 is received, Monday 26 October is the due date (15 working days).
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.escalation import digest, service
from backend.escalation.models import StaffNotice
from backend.outbox.models import OutboxMessage
from backend.users.models import User


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}+07:00")


RECEIVED = at("10-05T09:00")
HALF, LAST_DAY, OVERDUE = at("10-15T08:00"), at("10-23T08:00"), at("10-27T08:00")
AFTER_3, AFTER_5 = at("10-30T08:00"), at("11-03T08:00")


def beat(now: datetime) -> int:
    """A beat's round: sweep and every task it hands out, digests once things have settled."""
    looked = 0

    def decide(ids: list[int]) -> None:
        nonlocal looked
        looked += service.decide_steps(ids, now)

    service.sweep_tickets(now, decide)
    for user_id in digest.find_recipients(now):
        digest.collect_notices(user_id, now)
    return looked


def told(session: Session, user: User) -> list[str]:
    codes = select(StaffNotice.code).where(StaffNotice.user_id == user.id).order_by(StaffNotice.id)
    return list(session.scalars(codes))


def staff_messages(session: Session) -> list[OutboxMessage]:
    session.expire_all()
    return list(
        session.scalars(select(OutboxMessage).where(OutboxMessage.user_id.is_not(None)).order_by(OutboxMessage.id))
    )
