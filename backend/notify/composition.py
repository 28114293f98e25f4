"""From a row of the outbox to a message with an address: both are read when it is sent, not when it was queued."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from backend import audit
from backend.escalation import letters
from backend.escalation.queries import WAITING
from backend.notify import invitation, texts
from backend.notify.channels import Buttons, OutgoingMessage
from backend.outbox.models import Medium, OutboxMessage
from backend.settings import get_settings
from backend.tickets import dossier, queries
from backend.tickets.dossier import Dossier
from backend.tickets.lifecycle import ANSWERS, Event
from backend.tickets.models import Contact, Ticket, TicketMessage
from backend.tickets.sender_checks import count_answers
from backend.tickets.sender_rights import read_sender_rights
from backend.units.models import Unit
from backend.users.models import User
from backend.web.rendering import template_environment
from backend.worktime.calendar import local_time


class RecipientMissing(Exception):
    """The recipient has been erased, or never gave this address."""


def compose_message(session: Session, row: OutboxMessage, now: datetime) -> OutgoingMessage:
    """The message with the address it goes to now. Raises NobodyThere where there is none any more, or nothing left
    to say."""
    if row.user_id is not None:
        return _to_staff(session, row, row.user_id, now)
    if row.ticket_id is None:  # a row is to one of the two
        raise RecipientMissing("no ticket")
    contact = session.get(Contact, row.ticket_id)
    address = _address(contact, row.medium)
    ticket = queries.by_id(session, row.ticket_id)
    if row.template in texts.WHILE_OVERDUE and ticket.state not in WAITING:
        raise RecipientMissing("the ticket has moved on")
    told = _message_facts(session, row, ticket, now)
    outgoing = partial(OutgoingMessage, key=row.key, recipient=address, subject=texts.message_subject(told), at=now)
    if row.medium is Medium.TELEGRAM:
        return outgoing(body=texts.chat_text(told), html="", buttons=_buttons(told, ticket.id, int(address)))
    paragraphs = texts.mail_paragraphs(told)
    html = (
        template_environment(told.language).get_template("notify/email.html").render(told=told, paragraphs=paragraphs)
    )
    return outgoing(body="\n\n".join(paragraphs) + "\n", html=html)


def _to_staff(session: Session, row: OutboxMessage, user_id: int, now: datetime) -> OutgoingMessage:
    user = session.get_one(User, user_id)
    letter = letters.staff_letter(session, row, user, now) if user.active else None
    if letter is None:
        raise RecipientMissing("nothing left to tell, or a closed account")
    html = template_environment(letter.language).get_template("notify/staff_email.html").render(told=letter)
    body = "\n\n".join(letter.paragraphs()) + "\n"
    return OutgoingMessage(row.key, user.email, letter.subject(), body, html, now)


def _buttons(told: texts.MessageFacts, ticket_id: int, chat_id: int) -> Buttons:
    """An answer asks for the first of the three scores, a question for a reply; neither once it cannot be given."""
    if told.asks == Event.RATED:
        return invitation.rating_buttons(ticket_id, chat_id, 0, told.answer)
    if told.asks == Event.INFO_RECEIVED:
        return invitation.reply_button(ticket_id, chat_id, told.say(texts.REPLY_BUTTON))
    return ()


def _asks(row: OutboxMessage, known: Dossier) -> Event | None:
    """What the message asks of its reader: only what the reader may do now, and of the decision that it tells."""
    asks = texts.ASKS.get(row.template)
    if asks is None or asks not in read_sender_rights(known, reading=True):
        return None
    answer = next((h for h in reversed(known.history) if h.event in ANSWERS), None)
    earlier = answer is not None and row.message_id != answer.data.get("message")
    return None if asks is Event.RATED and earlier else asks


def _address(contact: Contact | None, medium: Medium) -> str:
    found = None
    if contact is not None:
        found = contact.email if medium is Medium.EMAIL else contact.chat_id
    if not found:
        raise RecipientMissing("no address")
    return str(found)


def _message_facts(session: Session, row: OutboxMessage, ticket: Ticket, now: datetime) -> texts.MessageFacts:
    text = session.get_one(TicketMessage, row.message_id).body if row.message_id is not None else ""
    known = dossier.read_dossier(session, ticket, now)
    return texts.MessageFacts(
        template=row.template,
        number=ticket.number,
        unit=_unit_then(session, row, ticket, known.entries),
        due=ticket.due_date,
        today=local_time(now).date(),
        delay=queries.find_delay(session, known.entries) if row.template in texts.OF_DELAY else None,
        asks=_asks(row, known),
        answer=count_answers(known.history),
        text=text,
        language=ticket.language,
        follow=get_settings().base_url.rstrip("/") + "/theo-doi",
    )


def _unit_then(session: Session, row: OutboxMessage, ticket: Ticket, entries: Sequence[audit.AuditEntry]) -> str:
    """Who had the ticket right after what the message tells of: it may have moved on since."""
    unit_id = ticket.unit_id
    for entry in entries:
        unit_id = entry.data.get("unit", unit_id)
        if entry.action == row.template and entry.at == row.created_at:
            return session.get_one(Unit, unit_id).name
    return ticket.unit.name
