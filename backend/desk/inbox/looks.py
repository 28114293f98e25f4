"""When a person last opened a ticket: what makes a row of the inbox unread."""

from datetime import datetime
from typing import Final

from sqlalchemy import exists, literal, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.db import Moment
from backend.desk.inbox.models import TicketLook
from backend.tickets.models import Ticket
from backend.users.policy import Actor

MOST_FORGOTTEN: Final = 10_000  # looks that one sweep removes, so that it holds few locks
FORGET: Final = text("""
    DELETE FROM ticket_looks WHERE (user_id, ticket_id) IN (
        SELECT looks.user_id, looks.ticket_id
        FROM ticket_looks AS looks JOIN tickets ON tickets.id = looks.ticket_id JOIN users ON users.id = looks.user_id
        WHERE tickets.waits_for = 'nothing' OR NOT users.active LIMIT :most
    )
""")


def note_look(session: Session, ticket: Ticket, actor: Actor, now: datetime) -> None:
    """Note that a person has an open ticket before them. Looking again writes nothing until something happens."""
    if actor.user_id is None or not ticket.open:
        return
    seen = exists().where(
        TicketLook.user_id == actor.user_id, TicketLook.ticket_id == ticket.id, TicketLook.at >= ticket.changed_at
    )
    # The clock of the machine that recorded the last event may be a little ahead of ours.
    values = select(literal(actor.user_id), literal(ticket.id), literal(max(now, ticket.changed_at), Moment))
    statement = insert(TicketLook).from_select(["user_id", "ticket_id", "at"], values.where(~seen))
    session.execute(
        statement.on_conflict_do_update(index_elements=["user_id", "ticket_id"], set_={"at": statement.excluded.at})
    )


def forget_looks(session: Session) -> None:
    """Remove looks at tickets that are not open any more, and those of closed accounts."""
    session.execute(FORGET, {"most": MOST_FORGOTTEN})
