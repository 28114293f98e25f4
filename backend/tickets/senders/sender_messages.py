"""Messages to the sender of a ticket, by every medium that the sender gave."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.outbox import service as outbox
from backend.outbox.models import Medium
from backend.tickets.lifecycle import Event
from backend.tickets.models import Contact

# Events that the sender gets a message about, with the name of its template.
SENDER_TEMPLATES = {
    event: event.value
    for event in (
        *(Event.ACCEPTED, Event.INFO_REQUESTED, Event.FORWARDED, Event.ANSWERED, Event.EXTENDED, Event.PAUSE_JUDGED),
        *(Event.REFUSED, Event.REDIRECTED, Event.MERGED, Event.UNMERGED, Event.DELAY_EXPLAINED),
        *(Event.PROMISE_KEPT, Event.PROMISE_EXPLAINED),
        *(Event.SECOND_LOOK_UPHELD, Event.SECOND_LOOK_CORRECTED, Event.SECOND_LOOK_SENT_BACK),
    )
} | {Event.ANSWERED_TOGETHER: Event.ANSWERED.value}


def media_of(contact: Contact | None) -> list[Medium]:
    """Return the media by which a sender can be reached."""
    if contact is None:
        return []
    media = [Medium.EMAIL] if contact.email else []
    return [*media, Medium.TELEGRAM] if contact.chat_id is not None else media


def put_to_sender(
    session: Session, template: str, *, ticket_id: int, occasion: str, now: datetime, message_id: int | None = None
) -> None:
    """Queue a message to the sender of a ticket. ``occasion`` makes its key unique within the ticket."""
    contact = session.scalar(select(Contact).where(Contact.ticket_id == ticket_id))
    outbox.put(
        session,
        template,
        ticket_id=ticket_id,
        occasion=occasion,
        by=media_of(contact),
        now=now,
        message_id=message_id,
    )
