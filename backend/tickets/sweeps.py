"""What happens to tickets by the passing of time alone: a sender's reply that did not come, a window that closed.

A sweep finds ids; each id is looked at again by itself, in a transaction of its own. Late or double runs are harmless,
and the clock does not wait for them: it counts the limit of a pause from the history, whether this ran or not.
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
    """Hand out the tickets whose time may have run out, at most 500 from id ``after`` on; returns the last id.

    How long ago it must have begun follows from the shortest stored version of the rule. The rule of the ticket itself
    is asked when the ticket is looked at again.
    """
    with transaction() as session:
        rules = rulebook.load_rules(session).rows
        asked_before = limits.earliest_start(rules, limits.PAUSE_LIMIT, now)
        decided_before = limits.earliest_start(rules, limits.REOPEN_WINDOW, now)
        found = session.scalars(
            select(Ticket.id)
            .where(Ticket.id > after, or_(_reply_did_not_come(asked_before), _window_closed(decided_before)))
            .order_by(Ticket.id)
            .limit(MOST)
        ).all()
    for ticket_id in found:
        enqueue(ticket_id)
    return found[-1] if len(found) == MOST else 0


def lapse_ticket(session: Session, ticket_id: int, now: datetime) -> Event | None:
    """Let happen what is due by time; None where nothing is, which is not an error."""
    ticket = session.get(Ticket, ticket_id)
    event = LAPSE.get(ticket.state) if ticket is not None else None
    if event is None:
        return None
    change = service.ActionRequest(event)
    try:
        service.preview_change(session, ticket_id, change, SYSTEM, now=now)
    except DomainError:
        return None
    service.apply(session, ticket_id, change, SYSTEM, now=now)
    return event


def _reply_did_not_come(asked_before: datetime | None) -> ColumnElement[bool]:
    """Asked before a moment, and the end of that pause not yet written down. None: no pause ever ends by itself."""
    if asked_before is None:
        return false()
    asked, later = aliased(audit.AuditEntry), aliased(audit.AuditEntry)
    chain = audit.ticket_chain_of(Ticket.id)
    noted = exists().where(later.chain == asked.chain, later.seq > asked.seq, later.action == Event.PAUSE_EXPIRED.value)
    long_ago = exists().where(
        asked.chain == chain, asked.action == Event.INFO_REQUESTED.value, asked.at < asked_before, ~noted
    )
    return and_(Ticket.state == TicketState.AWAITING_SENDER, long_ago)


def _window_closed(decided_before: datetime | None) -> ColumnElement[bool]:
    """Decided before a moment. What came from another system ended there. None: no window ever closes by itself."""
    if decided_before is None:
        return false()
    decided = Ticket.state.in_([state for state, event in LAPSE.items() if event is Event.CLOSED])
    return and_(decided, Ticket.decided_at < decided_before, Ticket.channel != Channel.IMPORT)
