"""Reads of reminders: which tickets to look at, who gets a notice, for whom notices wait."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, or_, select
from sqlalchemy.orm import Session, joinedload

from backend.escalation.ladder import StepRecipient, shipped_codes
from backend.escalation.models import StaffNotice, StepRecord, TicketWatch
from backend.tickets.due_status import clock_running
from backend.tickets.models import Ticket
from backend.tickets.notices.kinds import NoticeKind, NoticeWay
from backend.tickets.notices.models import NoticeChoice
from backend.tickets.notices.queries import PERMISSIONS, unsent
from backend.tickets.service import policy_subject
from backend.users.models import User
from backend.users.policy import Actor, can

SETTLE = timedelta(minutes=15)  # a digest waits so long, so that all notices of one sweep are in it
LOOK_CODES = "look_"  # the codes of notices about second looks begin so
UPWARDS = (StepRecipient.OFFICER, StepRecipient.LEADER, StepRecipient.COORDINATOR, StepRecipient.MANAGER)


@dataclass(frozen=True)
class StaffDirectory:
    """The active people with a role of the ladder; a few hundred in a province.

    ``at_once`` are the ids of those who want every reminder at once.
    """

    people: Sequence[User]
    at_once: frozenset[int] = frozenset()

    def to_tell(self, to: StepRecipient, ticket: Ticket) -> list[User]:
        """Return the people of a role who may know about the ticket.

        These are the officers and leaders of the unit, and the coordinators and managers of the province. The assigned
        officer gets the notice alone, while they are active. Where nobody has the role, return the people of the next
        role above that somebody has: so a unit without a leader does not keep an overdue ticket to itself.
        """
        for role in UPWARDS[UPWARDS.index(to) :]:
            people = [user for user in self.people if user.role.value == role.value and may_know(user, ticket)]
            if people:
                return [user for user in people if user.id == ticket.assignee_id] or people
        return []


def may_know(user: User, ticket: Ticket) -> bool:
    """Tell whether a member of staff may get notices about a ticket. Needs ``ticket.category`` loaded."""
    permission = PERMISSIONS.get(user.role)
    if permission is None:
        return False
    return can(Actor(user.role, user.id, user.unit_id), permission, policy_subject(ticket))


def load_staff(session: Session) -> StaffDirectory:
    people = select(User).where(User.active, User.role.in_(list(PERMISSIONS))).order_by(User.id)
    at_once = select(NoticeChoice.user_id).where(
        NoticeChoice.kind == NoticeKind.REMINDER, NoticeChoice.way == NoticeWay.AT_ONCE
    )
    return StaffDirectory(session.scalars(people).all(), frozenset(session.scalars(at_once)))


def due_for_a_look(session: Session, stale: ColumnElement[bool], after: int, limit: int) -> Sequence[int]:
    """Return ids above ``after`` of tickets that need a look: a step may be due, or the ticket has changed.

    ``stale`` is ``stale_clock`` or ``stale_promise``; each has its own partial index.
    """
    return session.scalars(
        select(Ticket.id)
        .outerjoin(TicketWatch, TicketWatch.ticket_id == Ticket.id)
        .where(Ticket.id > after, stale)
        .order_by(Ticket.id)
        .limit(limit)
    ).all()


def lock_tickets(session: Session, ids: Collection[int], now: datetime) -> Sequence[Ticket]:
    """Lock those of the tickets that still need a look. Tickets that somebody else has locked are left out."""
    return session.scalars(
        select(Ticket)
        .outerjoin(TicketWatch, TicketWatch.ticket_id == Ticket.id)
        .where(Ticket.id.in_(ids), or_(stale_clock(now), stale_promise(now)))
        .options(joinedload(Ticket.category, innerjoin=True), joinedload(Ticket.unit, innerjoin=True))
        .order_by(Ticket.id)
        .with_for_update(of=Ticket, skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def steps_known(session: Session, ids: Collection[int]) -> dict[str, int]:
    """Return how often each recorded step of the tickets was reached, by the key of the step."""
    rows = session.execute(select(StepRecord.key, StepRecord.times).where(StepRecord.ticket_id.in_(ids)))
    return {row.key: row.times for row in rows}


def people_with_notices(session: Session, now: datetime) -> Sequence[int]:
    """Return ids of people with a notice to send at once, or with one that has waited for ``SETTLE``."""
    ready = or_(StaffNotice.way == NoticeWay.AT_ONCE, StaffNotice.at <= now - SETTLE)
    waiting = select(StaffNotice.user_id).where(unsent(), ready)
    return session.scalars(waiting.distinct().order_by(StaffNotice.user_id)).all()


def notices_of(session: Session, message_id: int, limit: int) -> Sequence[tuple[StaffNotice, Ticket]]:
    """Return the notices of a message to staff with their tickets as they are now, soonest due first.

    A reminder about a ticket whose clock has stopped is left out.
    """
    still_true = or_(
        clock_running(), Ticket.promise_until.is_not(None), StaffNotice.code.not_in(sorted(shipped_codes()))
    )
    rows = session.execute(
        select(StaffNotice, Ticket)
        .join(Ticket, Ticket.id == StaffNotice.ticket_id)
        .where(StaffNotice.message_id == message_id, still_true, ~StaffNotice.code.startswith(LOOK_CODES))
        .options(joinedload(Ticket.category, innerjoin=True), joinedload(Ticket.unit, innerjoin=True))
        .order_by(Ticket.due_date, Ticket.id, StaffNotice.id)
        .limit(limit)
    )
    return [(notice, ticket) for notice, ticket in rows]


def look_notices_of(session: Session, message_id: int, limit: int) -> Sequence[StaffNotice]:
    """Return the notices of a message to staff that are about second looks."""
    return session.scalars(
        select(StaffNotice)
        .where(StaffNotice.message_id == message_id, StaffNotice.code.startswith(LOOK_CODES))
        .order_by(StaffNotice.id)
        .limit(limit)
    ).all()


def stale_clock(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a ticket waits for its answer and needs a look."""
    return and_(clock_running(), _changed_or_due(Ticket.due_date, now))


def stale_promise(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a ticket waits for work that its answer promised and needs a look."""
    return and_(Ticket.promise_until.is_not(None), _changed_or_due(Ticket.promise_until, now))


def _changed_or_due(day: SQLColumnExpression[date | None], now: datetime) -> ColumnElement[bool]:
    """Return the condition that a ticket has changed since the last look, or that its next step is due."""
    changed = or_(TicketWatch.ticket_id.is_(None), TicketWatch.version != Ticket.version, TicketWatch.due_date != day)
    return or_(changed, TicketWatch.next_at <= now)
