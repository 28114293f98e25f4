"""What happens to tickets by the passing of time alone: a sender's reply that did not come, a window that closed.

A sweep finds ids; each id is looked at again by itself, in a transaction of its own. Late or double runs are harmless,
and the clock does not wait for them: it counts the limit of a pause from the history, whether this ran or not.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, String, and_, cast, exists, literal, or_, select
from sqlalchemy.orm import Session, aliased

from backend import audit
from backend.db import transaction
from backend.errors import DomainError
from backend.tickets import service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, Ticket, TicketState
from backend.users.policy import SYSTEM

# No rule is shorter than these; the rule itself, as stored, is asked for each ticket.
PAUSED_AT_LEAST: Final = timedelta(days=10)
DECIDED_AT_LEAST: Final = timedelta(days=30)
MOST: Final = 500
LAPSE: Final = {
    TicketState.AWAITING_SENDER: Event.PAUSE_EXPIRED,
    TicketState.ANSWERED: Event.CLOSED,
    TicketState.PUBLISHED: Event.CLOSED,
    TicketState.CONFIRMED: Event.CLOSED,
}


def sweep_tickets(now: datetime, enqueue: Callable[[int], object], after: int = 0) -> int:
    """Hand out the tickets whose time may have run out, at most 500 from id ``after`` on; returns the last id."""
    with transaction() as session:
        found = session.scalars(
            select(Ticket.id)
            .where(Ticket.id > after, or_(_reply_did_not_come(now), _window_closed(now)))
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


def _reply_did_not_come(now: datetime) -> ColumnElement[bool]:
    """Asked long enough ago, and the end of that pause not yet written down."""
    asked, later = aliased(audit.AuditEntry), aliased(audit.AuditEntry)
    chain = literal("ticket:") + cast(Ticket.id, String)
    noted = exists().where(later.chain == asked.chain, later.seq > asked.seq, later.action == Event.PAUSE_EXPIRED.value)
    long_ago = exists().where(
        asked.chain == chain, asked.action == Event.INFO_REQUESTED.value, asked.at < now - PAUSED_AT_LEAST, ~noted
    )
    return and_(Ticket.state == TicketState.AWAITING_SENDER, long_ago)


def _window_closed(now: datetime) -> ColumnElement[bool]:
    """Decided long enough ago. What came from another system ended there."""
    decided = Ticket.state.in_([state for state, event in LAPSE.items() if event is Event.CLOSED])
    return and_(decided, Ticket.decided_at < now - DECIDED_AT_LEAST, Ticket.channel != Channel.IMPORT)
