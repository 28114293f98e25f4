"""Reads of second looks: the lists of the level above, one second look, what its sender and its unit may know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Boolean, ColumnElement, func, literal_column, select, tuple_
from sqlalchemy.orm import Session, joinedload

from backend.errors import NotFound
from backend.tickets.models import Ticket, TicketMessage
from backend.tickets.second_looks.models import OPEN_LOOK, SecondLook, find_look
from backend.tickets.second_looks.reviewers import may_see, visible_to
from backend.users.policy import Actor

PAGE = 25
COUNTED = 1_000
SHOWN = (
    joinedload(SecondLook.ticket).options(
        joinedload(Ticket.category), joinedload(Ticket.unit), joinedload(Ticket.about_unit)
    ),
    joinedload(SecondLook.unit),
    joinedload(SecondLook.reviewer),
)

LookKey = tuple[date, int]


def _is_open() -> ColumnElement[bool]:
    """Return the condition of open second looks, as their partial indexes state it."""
    return literal_column(f"second_looks.{OPEN_LOOK}", Boolean())


@dataclass(frozen=True)
class LookPage:
    """A page of second looks. ``after`` is the key of the last one; None on the last page."""

    looks: Sequence[SecondLook]
    after: LookKey | None


@dataclass(frozen=True)
class LookLetter:
    """A second look as its sender reads it, with the letter once there is one."""

    look: SecondLook
    letter: str


def list_open_looks(session: Session, actor: Actor, after: LookKey | None = None, limit: int = PAGE) -> LookPage:
    """Return a page of the open second looks that ``actor`` may see, soonest due first."""
    key = tuple_(SecondLook.due_date, SecondLook.id)
    statement = select(SecondLook).where(_is_open(), visible_to(actor)).options(*SHOWN)
    if after is not None:
        statement = statement.where(key > after)
    rows = session.scalars(statement.order_by(SecondLook.due_date, SecondLook.id).limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return LookPage(rows[:limit], (last.due_date, last.id) if last is not None else None)


def list_decided_looks(session: Session, actor: Actor, limit: int = PAGE) -> Sequence[SecondLook]:
    """Return the latest decided second looks that ``actor`` may see."""
    statement = select(SecondLook).where(SecondLook.decided_at.is_not(None), visible_to(actor)).options(*SHOWN)
    return session.scalars(statement.order_by(SecondLook.id.desc()).limit(limit)).all()


def count_open_looks(session: Session, actor: Actor) -> int:
    """Count the open second looks that ``actor`` may see, at most ``COUNTED``."""
    waiting = select(SecondLook.id).where(_is_open(), visible_to(actor)).limit(COUNTED).subquery()
    return session.scalar(select(func.count()).select_from(waiting)) or 0


def for_reviewer(session: Session, look_id: int, actor: Actor) -> SecondLook:
    """Return a second look with its ticket. Raises NotFound also where ``actor`` must not know of it."""
    look = session.scalar(select(SecondLook).where(SecondLook.id == look_id).options(*SHOWN))
    if look is None or not may_see(session, actor, look):
        raise NotFound
    return look


def for_sender(session: Session, ticket_id: int) -> LookLetter | None:
    """Return the second look that the sender of a ticket asked for, with the letter if it is decided."""
    look = find_look(session, ticket_id)
    if look is None:
        return None
    message = session.get(TicketMessage, look.message_id) if look.message_id is not None else None
    return LookLetter(look, message.body if message is not None else "")


def due_date_of(session: Session, ticket_id: int) -> date | None:
    """Return the due date of the second look of a ticket, for the message to its sender."""
    return session.scalar(select(SecondLook.due_date).where(SecondLook.ticket_id == ticket_id))


def due_for_reminder(session: Session, now: datetime, limit: int) -> Sequence[int]:
    """Return ids of open second looks whose next reminder may be due."""
    statement = select(SecondLook.id).where(_is_open(), SecondLook.remind_at <= now)
    return session.scalars(statement.order_by(SecondLook.remind_at).limit(limit)).all()


def lock_for_reminder(session: Session, look_ids: Sequence[int], now: datetime) -> Sequence[SecondLook]:
    """Lock those of the second looks that still need a reminder. What somebody else has locked waits."""
    return session.scalars(
        select(SecondLook)
        .where(SecondLook.id.in_(look_ids), _is_open(), SecondLook.remind_at <= now)
        .order_by(SecondLook.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()


def noticed_looks(session: Session, ticket_ids: Sequence[int]) -> dict[int, SecondLook]:
    """Return the open second looks of these tickets by the id of the ticket, for messages to the level above."""
    statement = select(SecondLook).where(SecondLook.ticket_id.in_(ticket_ids), _is_open())
    return {look.ticket_id: look for look in session.scalars(statement.options(*SHOWN))}
