"""Reads of notices: the number at the bell, the list behind it, new tickets of the unit, the choices of a person.

The policy is asked when a notice is shown. A ticket that was forwarded or hidden since is neither listed nor counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, exists, func, literal_column, select
from sqlalchemy.orm import Session, joinedload

from backend.deadlines.events import Event
from backend.tickets import queries as tickets
from backend.tickets.models import Ticket, is_new
from backend.tickets.notices.kinds import DEFAULTS, NoticeKind, NoticeWay
from backend.tickets.notices.models import NoticeChoice, NoticeSettings, StaffNotice
from backend.users.models import Role
from backend.users.policy import HANDLERS, Actor, Permission

PAGE = 50
COUNTED = 100  # the bell counts no further

# What a role must be allowed so that a notice about a ticket is shown. A role without a row gets no notices.
PERMISSIONS: Final = {
    Role.OFFICER: Permission.VIEW_TICKET,
    Role.LEADER: Permission.VIEW_TICKET,
    Role.COORDINATOR: Permission.VIEW_TICKET,
    Role.MANAGER: Permission.VIEW_FIGURES,
}
OPENS_TICKETS: Final = frozenset(role for role, right in PERMISSIONS.items() if right is Permission.VIEW_TICKET)


@dataclass(frozen=True)
class NoticePage:
    """A page of the list, latest first. ``older`` is the id before which the next page begins."""

    notices: Sequence[tuple[StaffNotice, Ticket]]
    older: int | None


@dataclass(frozen=True)
class NewArrivals:
    """How many new tickets of the unit the person has not seen, at most ``COUNTED``, and the latest of them."""

    count: int = 0
    last_ticket_id: int = 0
    last_at: datetime | None = None


def gets_notices(actor: Actor) -> bool:
    """Tell whether the role of this person gets notices at all."""
    return actor.role in PERMISSIONS and actor.user_id is not None


def count_unread(session: Session, actor: Actor) -> int:
    """Return the number at the bell, in one statement: unread notices and new tickets, at most ``COUNTED``."""
    return min(session.scalar(_counting(actor.role, actor.user_id, actor.unit_id, COUNTED)) or 0, COUNTED)


@lru_cache(maxsize=1_000)
def _counting(role: Role, user_id: int | None, unit_id: int | None, most: int) -> Select[int]:
    """Return the statement of the bell for one person. Every page of staff runs it, and building it takes longer than
    running it, so each process keeps those of the people who are here."""
    actor = Actor(role, user_id, unit_id)
    unread = _visible_notices(actor).where(StaffNotice.read_at.is_(None)).with_only_columns(StaffNotice.id)
    total = select(func.count()).select_from(unread.limit(most).subquery()).scalar_subquery()
    if role not in HANDLERS:
        return select(total)
    arrived = _unseen_arrivals(actor).with_only_columns(Ticket.id).limit(most).subquery()
    return select(total + select(func.count()).select_from(arrived).scalar_subquery())


def list_notices(session: Session, actor: Actor, *, before: int | None = None, limit: int = PAGE) -> NoticePage:
    """Return a page of the notices about tickets that the person may see now."""
    statement = _visible_notices(actor).options(joinedload(Ticket.unit, innerjoin=True))
    if before is not None:
        statement = statement.where(StaffNotice.id < before)
    statement = statement.order_by(StaffNotice.id.desc()).limit(limit + 1)
    rows = [(notice, ticket) for ticket, notice in session.execute(statement.add_columns(StaffNotice))]
    return NoticePage(rows[:limit], rows[limit - 1][0].id if len(rows) > limit else None)


def find_arrivals(session: Session, actor: Actor) -> NewArrivals:
    """Return the new tickets of the unit that the person has not seen yet."""
    if actor.role not in HANDLERS:
        return NewArrivals()
    arrived = _unseen_arrivals(actor).with_only_columns(Ticket.id, Ticket.received_at)
    rows = arrived.order_by(Ticket.id.desc()).limit(COUNTED).subquery()
    count, last_id, last_at = session.execute(
        select(func.count(), func.max(rows.c.id), func.max(rows.c.received_at))
    ).one()
    return NewArrivals(count, last_id or 0, last_at)


def read_ways(session: Session, user_id: int) -> dict[NoticeKind, NoticeWay]:
    """Return how a person wants each kind of notice."""
    choices = session.scalars(select(NoticeChoice).where(NoticeChoice.user_id == user_id))
    return DEFAULTS | {choice.kind: choice.way for choice in choices}


def find_settings(session: Session, user_id: int) -> NoticeSettings | None:
    """Return the settings of a person, if there are any yet."""
    return session.get(NoticeSettings, user_id)


def find_chat(session: Session, user_id: int) -> int | None:
    """Return the person's own chat with the bot, if one is bound."""
    return session.scalar(select(NoticeSettings.chat_id).where(NoticeSettings.user_id == user_id))


def new_tickets(
    unit_id: int | SQLColumnExpression[int | None], after: int | ColumnElement[int]
) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on tickets that nobody of a unit has taken up, with an id above ``after``.

    The partial index of new tickets serves them.
    """
    return is_new(), Ticket.unit_id == unit_id, Ticket.id > after


def unsent() -> ColumnElement[bool]:
    """Return the condition that a notice waits to be sent: unread, and its reader wants more than the bell.

    The partial index of waiting notices serves it, so the way stands in it as a literal.
    """
    more_than_bell = StaffNotice.way != literal_column(f"'{NoticeWay.BELL.value}'")
    return and_(StaffNotice.message_id.is_(None), StaffNotice.read_at.is_(None), more_than_bell)


def _visible_notices(actor: Actor) -> Select[Ticket]:
    """Return the tickets that the person may see, each with the notices to this person."""
    visible = tickets.select_visible(actor, PERMISSIONS[actor.role])
    mine = and_(StaffNotice.ticket_id == Ticket.id, StaffNotice.user_id == actor.user_id)
    return visible.join(StaffNotice, mine)


def _unseen_arrivals(actor: Actor) -> Select[Ticket]:
    """Return the new tickets above the person's mark. One that was forwarded here has a notice of its own."""
    seen = select(NoticeSettings.seen_ticket_id).where(NoticeSettings.user_id == actor.user_id).scalar_subquery()
    unwanted = exists().where(
        NoticeChoice.user_id == actor.user_id,
        NoticeChoice.kind == NoticeKind.NEW,
        NoticeChoice.way == NoticeWay.OFF,
    )
    forwarded = exists().where(
        StaffNotice.ticket_id == Ticket.id,
        StaffNotice.user_id == actor.user_id,
        StaffNotice.code == Event.FORWARDED.value,
    )
    visible = tickets.select_visible(actor, Permission.VIEW_INBOX)
    return visible.where(*new_tickets(actor.unit_id or 0, func.coalesce(seen, 0)), ~unwanted, ~forwarded)
