"""Make a message with an address from a row of the outbox. Text and address are read when the message is sent."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from backend import audit
from backend.escalation import letters
from backend.notify import invitation, texts
from backend.notify.channels import Buttons, OutgoingMessage
from backend.outbox.models import Medium, OutboxMessage
from backend.settings import get_settings
from backend.tickets import queries
from backend.tickets.dossier import Dossier, read_dossier
from backend.tickets.due_status import clock_runs
from backend.tickets.lifecycle import ANSWERS, Event
from backend.tickets.models import Contact, Ticket, TicketMessage
from backend.tickets.notices import queries as notices
from backend.tickets.senders.sender_checks import count_answers
from backend.tickets.senders.sender_rights import read_sender_rights
from backend.units.models import Unit
from backend.users.models import User
from backend.web.rendering import template_environment
from backend.worktime.calendar import local_time


class RecipientMissing(Exception):
    """The recipient's address is missing or erased, or there is nothing left to say."""


def compose_message(session: Session, row: OutboxMessage, now: datetime) -> OutgoingMessage:
    """Return the message with its present address.

    Raises RecipientMissing where the address is gone, or where the message says nothing true any more.
    """
    if row.user_id is not None:
        return _to_staff(session, row, row.user_id, now)
    if row.ticket_id is None:  # a row is to one of the two
        raise RecipientMissing("no ticket")
    contact = session.get(Contact, row.ticket_id)
    address = _address(contact, row.medium)
    ticket = queries.by_id(session, row.ticket_id)
    if row.template in texts.WHILE_OVERDUE and not clock_runs(ticket):
        raise RecipientMissing("the ticket has moved on")
    facts = _message_facts(session, row, ticket, now)
    outgoing = partial(OutgoingMessage, key=row.key, recipient=address, subject=texts.message_subject(facts), at=now)
    if row.medium is Medium.TELEGRAM:
        return outgoing(body=texts.chat_text(facts), html="", buttons=_buttons(facts, ticket.id, int(address)))
    paragraphs = texts.mail_paragraphs(facts)
    template = template_environment(facts.language).get_template("notify/email.html")
    html = template.render(told=facts, paragraphs=paragraphs)
    return outgoing(body="\n\n".join(paragraphs) + "\n", html=html)


def _to_staff(session: Session, row: OutboxMessage, user_id: int, now: datetime) -> OutgoingMessage:
    user = session.get_one(User, user_id)
    letter = letters.staff_letter(session, row, user, now) if user.active else None
    if letter is None:
        raise RecipientMissing("nothing left to tell, or a closed account")
    body = "\n\n".join(letter.paragraphs()) + "\n"
    if row.medium is Medium.TELEGRAM:
        return OutgoingMessage(row.key, _staff_chat(session, user_id), letter.subject(), body, "", now)
    html = template_environment(letter.language).get_template("notify/staff_email.html").render(told=letter)
    return OutgoingMessage(row.key, user.email, letter.subject(), body, html, now)


def _staff_chat(session: Session, user_id: int) -> str:
    """Return the chat that a member of staff has bound. Raises RecipientMissing where it is not bound any more."""
    chat_id = notices.find_chat(session, user_id)
    if chat_id is None:
        raise RecipientMissing("no chat")
    return str(chat_id)


def _buttons(facts: texts.MessageFacts, ticket_id: int, chat_id: int) -> Buttons:
    """Return the buttons for the first of three scores, or for a reply; none where the reader can give neither."""
    if facts.asks == Event.RATED:
        return invitation.rating_buttons(ticket_id, chat_id, 0, facts.answer)
    if facts.asks == Event.INFO_RECEIVED:
        return invitation.reply_button(ticket_id, chat_id, facts.say(texts.REPLY_BUTTON))
    return ()


def _asks(row: OutboxMessage, dossier: Dossier) -> Event | None:
    """Return the event that the message asks its reader for; None where the reader cannot cause it now.

    A message about an earlier answer asks for no rating, because only the latest answer is rated.
    """
    asks = texts.ASKS.get(row.template)
    if asks is None or asks not in read_sender_rights(dossier, reading=True):
        return None
    latest_answer = next((event for event in reversed(dossier.history) if event.event in ANSWERS), None)
    is_earlier = latest_answer is not None and row.message_id != latest_answer.data.get("message")
    return None if asks is Event.RATED and is_earlier else asks


def _address(contact: Contact | None, medium: Medium) -> str:
    address = None
    if contact is not None:
        address = contact.email if medium is Medium.EMAIL else contact.chat_id
    if not address:
        raise RecipientMissing("no address")
    return str(address)


def _message_facts(session: Session, row: OutboxMessage, ticket: Ticket, now: datetime) -> texts.MessageFacts:
    text = session.get_one(TicketMessage, row.message_id).body if row.message_id is not None else ""
    dossier = read_dossier(session, ticket, now)
    return texts.MessageFacts(
        template=row.template,
        number=ticket.number,
        unit=_unit_then(session, row, ticket, dossier.entries),
        due=ticket.due_date,
        today=local_time(now).date(),
        delay=queries.find_delay(session, dossier.entries) if row.template in texts.OF_DELAY else None,
        asks=_asks(row, dossier),
        answer=count_answers(dossier.history),
        text=text,
        language=ticket.language,
        follow=get_settings().base_url.rstrip("/") + "/theo-doi",
    )


def _unit_then(session: Session, row: OutboxMessage, ticket: Ticket, entries: Sequence[audit.AuditEntry]) -> str:
    """Return the unit that had the ticket right after the event of the message. The ticket may have moved since."""
    unit_id = ticket.unit_id
    for entry in entries:
        unit_id = entry.data.get("unit", unit_id)
        if entry.action == row.template and entry.at == row.created_at:
            return session.get_one(Unit, unit_id).name
    return ticket.unit.name
