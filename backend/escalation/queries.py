"""Which tickets to look at, who may have to be told, and whose digest is waiting."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, joinedload

from backend.escalation.ladder import StepRecipient
from backend.escalation.models import StaffNotice, StepRecord, TicketWatch
from backend.tickets.models import OPEN_STATES, Ticket, TicketState
from backend.tickets.service import policy_subject
from backend.users.models import Role, User
from backend.users.policy import Actor, Permission, can

WAITING = tuple(state for state in OPEN_STATES if state is not TicketState.AWAITING_SENDER)
SETTLE = timedelta(minutes=15)  # what comes due together goes into one digest, however long finding it takes
UPWARDS = (StepRecipient.OFFICER, StepRecipient.LEADER, StepRecipient.COORDINATOR, StepRecipient.MANAGER)
RIGHTS = {
    Role.OFFICER: Permission.VIEW_TICKET,
    Role.LEADER: Permission.VIEW_TICKET,
    Role.COORDINATOR: Permission.VIEW_TICKET,
    Role.MANAGER: Permission.VIEW_FIGURES,
}


@dataclass(frozen=True)
class StaffDirectory:
    """The active people of the roles that the ladder knows; a few hundred in a province."""

    people: Sequence[User]

    def to_tell(self, to: StepRecipient, ticket: Ticket) -> list[User]:
        """Those of a role who may know of the ticket: the unit's own officers and leaders, the province's others. Of
        officers the one it was given to, while that one can still be told. Where there is nobody, those of the next
        role above that has somebody; a unit without a leader is not left alone with what is overdue."""
        for role in UPWARDS[UPWARDS.index(to) :]:
            found = [user for user in self.people if user.role.value == role.value and may_know(user, ticket)]
            if found:
                return [user for user in found if user.id == ticket.assignee_id] or found
        return []


def may_know(user: User, ticket: Ticket) -> bool:
    """Whether a member of staff may be told of a ticket. Needs ``ticket.category`` loaded."""
    right = RIGHTS.get(user.role)
    return right is not None and can(Actor(user.role, user.id, user.unit_id), right, policy_subject(ticket))


def load_staff(session: Session) -> StaffDirectory:
    return StaffDirectory(
        session.scalars(select(User).where(User.active, User.role.in_(list(RIGHTS))).order_by(User.id)).all()
    )


def due_for_a_look(session: Session, now: datetime, after: int, limit: int) -> Sequence[int]:
    """Ids above ``after`` of waiting tickets that have a step to come due, or have changed since the last look."""
    return session.scalars(
        select(Ticket.id)
        .outerjoin(TicketWatch, TicketWatch.ticket_id == Ticket.id)
        .where(Ticket.id > after, *_stale(now))
        .order_by(Ticket.id)
        .limit(limit)
    ).all()


def lock_tickets(session: Session, ids: Collection[int], now: datetime) -> Sequence[Ticket]:
    """Those of the tickets that still want a look and that nobody is working on; held to the end of the transaction."""
    return session.scalars(
        select(Ticket)
        .outerjoin(TicketWatch, TicketWatch.ticket_id == Ticket.id)
        .where(Ticket.id.in_(ids), *_stale(now))
        .options(joinedload(Ticket.category, innerjoin=True), joinedload(Ticket.unit, innerjoin=True))
        .order_by(Ticket.id)
        .with_for_update(of=Ticket, skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def steps_known(session: Session, ids: Collection[int]) -> dict[str, int]:
    """The steps that tickets have reached before: by their keys, how often."""
    rows = session.execute(select(StepRecord.key, StepRecord.times).where(StepRecord.ticket_id.in_(ids)))
    return {row.key: row.times for row in rows}


def people_with_notices(session: Session, now: datetime) -> Sequence[int]:
    """Who has something urgent waiting, or something that has settled."""
    return session.scalars(
        select(StaffNotice.user_id)
        .where(StaffNotice.message_id.is_(None), or_(StaffNotice.urgent, StaffNotice.at <= now - SETTLE))
        .distinct()
        .order_by(StaffNotice.user_id)
    ).all()


def notices_of(session: Session, message_id: int, limit: int) -> Sequence[tuple[StaffNotice, Ticket]]:
    """What a message to staff tells of, soonest due first, with the tickets as they stand now."""
    rows = session.execute(
        select(StaffNotice, Ticket)
        .join(Ticket, Ticket.id == StaffNotice.ticket_id)
        .where(StaffNotice.message_id == message_id, Ticket.state.in_(WAITING))
        .options(joinedload(Ticket.category, innerjoin=True), joinedload(Ticket.unit, innerjoin=True))
        .order_by(Ticket.due_date, Ticket.id, StaffNotice.id)
        .limit(limit)
    )
    return [(notice, ticket) for notice, ticket in rows]


def _stale(now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Waiting, and not looked at since it changed or since its next step came due."""
    changed = or_(
        TicketWatch.ticket_id.is_(None), TicketWatch.version != Ticket.version, TicketWatch.due_date != Ticket.due_date
    )
    return Ticket.state.in_(WAITING), or_(changed, TicketWatch.next_at <= now)
