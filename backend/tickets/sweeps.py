"""Events that time alone causes: the sender's reply did not come within the limit, or the window for reopening closed.

A sweep finds ids. A task then checks each ticket again in a separate transaction. Late or double runs are harmless. The
clocks do not depend on them: they count the limit of a pause from the history.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, false, or_, select
from sqlalchemy.orm import Session, aliased

from backend import audit
from backend.db import transaction
from backend.deadlines import limits
from backend.errors import DomainError
from backend.tickets import rulebook, service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, Ticket, TicketState
from backend.users.policy import SYSTEM

MOST: Final = 500
LAPSE: Final = {
    TicketState.AWAITING_SENDER: Event.PAUSE_EXPIRED,
    TicketState.ANSWERED: Event.CLOSED,
    TicketState.PUBLISHED: Event.CLOSED,
    TicketState.CONFIRMED: Event.CLOSED,
}


def sweep_tickets(now: datetime, enqueue: Callable[[int], object], after: int = 0) -> int:
    """Hand out the tickets whose time may be over, at most 500 with ids after ``after``.

    Returns the last id where more may follow, else 0. The shortest stored version of a rule says how long ago the time
    must have begun. ``lapse_ticket`` then asks the rule of the ticket itself.
    """
    with transaction() as session:
        rules = rulebook.load_rules(session).rows
        asked_before = limits.earliest_start(rules, limits.PAUSE_LIMIT, now)
        decided_before = limits.earliest_start(rules, limits.REOPEN_WINDOW, now)
        ticket_ids = session.scalars(
            select(Ticket.id)
            .where(Ticket.id > after, or_(_reply_did_not_come(asked_before), _window_closed(decided_before)))
            .order_by(Ticket.id)
            .limit(MOST)
        ).all()
    for ticket_id in ticket_ids:
        enqueue(ticket_id)
    return ticket_ids[-1] if len(ticket_ids) == MOST else 0


def lapse_ticket(session: Session, ticket_id: int, now: datetime) -> Event | None:
    """Apply the event that time has caused to a ticket, and return it; None where there is none (no error)."""
    ticket = session.get(Ticket, ticket_id)
    event = LAPSE.get(ticket.state) if ticket is not None else None
    if event is None:
        return None
    request = service.ActionRequest(event)
    try:
        service.preview_change(session, ticket_id, request, SYSTEM, now=now)
    except DomainError:
        return None
    service.apply(session, ticket_id, request, SYSTEM, now=now)
    return event


def _reply_did_not_come(asked_before: datetime | None) -> ColumnElement[bool]:
    """Return the condition that a question was asked before a moment and the end of its pause is not recorded yet.

    None: no pause ends by itself.
    """
    if asked_before is None:
        return false()
    question, later = aliased(audit.AuditEntry), aliased(audit.AuditEntry)
    is_expired = later.action == Event.PAUSE_EXPIRED.value
    recorded = exists().where(later.chain == question.chain, later.seq > question.seq, is_expired)
    old_question = exists().where(
        question.chain == audit.ticket_chain_of(Ticket.id),
        question.action == Event.INFO_REQUESTED.value,
        question.at < asked_before,
        ~recorded,
    )
    return and_(Ticket.state == TicketState.AWAITING_SENDER, old_question)


def _window_closed(decided_before: datetime | None) -> ColumnElement[bool]:
    """Return the condition that a ticket was decided before a moment and can be closed.

    Tickets from another system ended there. Where promised work is owed the window stays open. None: no window closes
    by itself.
    """
    if decided_before is None:
        return false()
    decided = Ticket.state.in_([state for state, event in LAPSE.items() if event is Event.CLOSED])
    nothing_owed = Ticket.promise_until.is_(None)
    return and_(decided, Ticket.decided_at < decided_before, nothing_owed, Ticket.channel != Channel.IMPORT)
