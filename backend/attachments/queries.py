"""Photos of a ticket, found by their position in the ticket, never by a name that could be guessed."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.attachments.models import Attachment
from backend.errors import NotFound


def of_ticket(session: Session, ticket_id: int) -> Sequence[Attachment]:
    """Return the photos of a ticket in the order in which they came."""
    return session.scalars(select(Attachment).where(Attachment.ticket_id == ticket_id).order_by(Attachment.id)).all()


def find_photo(session: Session, ticket_id: int, place: int) -> Attachment:
    """Return the photo at a position, counted from 1. The caller has checked that the reader may see the ticket. Raises
    NotFound."""
    rows = of_ticket(session, ticket_id)
    if not 1 <= place <= len(rows):
        raise NotFound
    return rows[place - 1]
