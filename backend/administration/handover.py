"""Hand over the open tickets of one officer to a colleague, before the officer's account is closed or changes units.

An administrator sees no ticket. So this names numbers of tickets alone, and the system assigns on the administrator's
word; the history of the officer's account says who wanted it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from backend import audit
from backend.errors import DomainError, Invalid, _
from backend.tickets import service as tickets
from backend.tickets.lifecycle import TRANSITIONS, Event
from backend.tickets.models import Ticket, is_open
from backend.users import queries as users
from backend.users.models import Role, User
from backend.users.policy import HANDLERS, SYSTEM, Actor
from backend.users.service import find_account

HANDED_MOST = 100  # tickets in one request; a second one hands over the rest
_ASSIGNABLE = frozenset(state for move in TRANSITIONS[Event.ASSIGNED] for state in move.origins)


@dataclass(frozen=True)
class OpenWork:
    """How many open tickets an officer has: those that can be handed over now, and those that wait for somebody."""

    movable: int = 0
    waiting: int = 0

    @property
    def total(self) -> int:
        return self.movable + self.waiting


def count_work(session: Session, user: User) -> OpenWork:
    """Count the open tickets that are assigned to an account."""
    counted = _assigned(user).with_only_columns(
        func.count().filter(Ticket.state.in_(_ASSIGNABLE)), func.count().filter(Ticket.state.not_in(_ASSIGNABLE))
    )
    return OpenWork(*session.execute(counted).one())


def list_colleagues(session: Session, user: User) -> Sequence[User]:
    """Return who can take over: the other active officers and leaders of the unit."""
    if user.unit_id is None or user.role not in HANDLERS:
        return []
    return [colleague for colleague in users.list_handlers(session, user.unit_id) if colleague.id != user.id]


def hand_over(session: Session, user_id: int, to_user_id: int | None, *, by: Actor, now: datetime) -> OpenWork:
    """Assign the open tickets of one account to a colleague. Return what could not be handed over.

    A ticket that waits for its sender or for an approval has no such move, so it stays and is counted. Raises NotFound,
    and Invalid at ``to_user`` for somebody who is no active colleague.
    """
    user = find_account(session, user_id)
    if to_user_id not in {colleague.id for colleague in list_colleagues(session, user)}:
        raise Invalid(_("Xin chọn một đồng nghiệp trong danh sách."), field="to_user")
    movable = _assigned(user).where(Ticket.state.in_(_ASSIGNABLE)).with_only_columns(Ticket.id)
    ids = session.scalars(movable.order_by(Ticket.id).limit(HANDED_MOST)).all()
    count = sum(_assign(session, ticket_id, to_user_id, now) for ticket_id in ids)
    if count:
        data = {"to": to_user_id, "tickets": count}
        audit.record(session, audit.user_key(user_id), "handed_over", actor=by.key, now=now, data=data)
    return count_work(session, user)


def _assign(session: Session, ticket_id: int, to_user_id: int | None, now: datetime) -> bool:
    """Assign one ticket. Return False where it has moved on meanwhile."""
    request = tickets.ActionRequest(Event.ASSIGNED, to_user_id=to_user_id)
    try:
        tickets.apply(session, ticket_id, request, SYSTEM, now=now)
    except DomainError:
        return False
    return True


def _assigned(user: User) -> Select[Ticket]:
    """Return the open tickets of an account. The index of the inbox of its unit serves the statement."""
    return select(Ticket).where(is_open(), Ticket.unit_id == user.unit_id, Ticket.assignee_id == user.id)


def may_handle(role: Role) -> bool:
    """Tell whether tickets can be assigned to somebody with this role."""
    return role in HANDLERS
