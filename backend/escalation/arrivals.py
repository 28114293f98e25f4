"""New tickets of a unit in the digest: one line however many they are, for those who want them gathered.

Nothing is written for a new ticket. Each person has a mark: the last new ticket that a digest named or the list showed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from backend.tickets import queries as tickets
from backend.tickets.models import Ticket
from backend.tickets.notices.kinds import NoticeKind, NoticeWay
from backend.tickets.notices.models import NoticeChoice, NoticeSettings
from backend.tickets.notices.queries import new_tickets
from backend.users.models import User
from backend.users.policy import HANDLERS, Actor, Permission

NAMED_MOST = 10  # new tickets that a message names; of more it tells the number alone


@dataclass(frozen=True)
class ArrivalSpan:
    """New tickets with ids above ``after`` up to ``upto``. The oldest came at ``since``."""

    after: int
    upto: int
    since: datetime


def people_with_arrivals(session: Session, waited_since: datetime) -> Sequence[int]:
    """Return ids of people who want new tickets gathered and have one that came before a moment.

    Only those who chose it have a row: it is not the default.
    """
    seen = func.greatest(
        func.coalesce(NoticeSettings.arrivals_upto, 0), func.coalesce(NoticeSettings.seen_ticket_id, 0)
    )
    arrived = exists().where(*new_tickets(User.unit_id, seen), Ticket.received_at <= waited_since)
    return session.scalars(
        select(User.id)
        .join(NoticeChoice, NoticeChoice.user_id == User.id)
        .outerjoin(NoticeSettings, NoticeSettings.user_id == User.id)
        .where(NoticeChoice.kind == NoticeKind.NEW, NoticeChoice.way == NoticeWay.GATHERED)
        .where(User.active, User.role.in_(HANDLERS), arrived)
        .order_by(User.id)
    ).all()


def find_span(session: Session, user: User, settings: NoticeSettings) -> ArrivalSpan | None:
    """Return the new tickets that the next digest names; None where there are none, or the person wants none."""
    way = session.scalar(
        select(NoticeChoice.way).where(NoticeChoice.user_id == user.id, NoticeChoice.kind == NoticeKind.NEW)
    )
    if way is not NoticeWay.GATHERED or user.role not in HANDLERS:
        return None
    after = max(settings.arrivals_upto, settings.seen_ticket_id)
    waiting = _visible_new(user, after).with_only_columns(func.max(Ticket.id), func.min(Ticket.received_at))
    upto, since = session.execute(waiting).one()
    return ArrivalSpan(after, upto, since) if upto is not None else None


def named_arrivals(session: Session, user: User, message_id: int) -> tuple[Sequence[Ticket], int]:
    """Return the new tickets that a message is about, at most ``NAMED_MOST``, and how many there are.

    Tickets that were taken up meanwhile, or that the reader must not see any more, are left out.
    """
    settings = session.get(NoticeSettings, user.id)
    if settings is None or settings.arrivals_message_id != message_id or user.role not in HANDLERS:
        return (), 0
    named = _visible_new(user, settings.arrivals_after).where(Ticket.id <= settings.arrivals_upto)
    count = session.scalar(select(func.count()).select_from(named.with_only_columns(Ticket.id).subquery())) or 0
    if count > NAMED_MOST:
        return (), count
    return session.scalars(named.order_by(Ticket.id)).all(), count


def _visible_new(user: User, after: int) -> Select[Ticket]:
    actor = Actor(user.role, user.id, user.unit_id)
    return tickets.select_visible(actor, Permission.VIEW_INBOX).where(*new_tickets(user.unit_id or 0, after))
