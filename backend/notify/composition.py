"""Make a message with an address from a row of the outbox. Text and address are read when the message is sent."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial

from sqlalchemy.orm import Session

from backend import audit
from backend.escalation import letters
from backend.notify import invitation, texts
from backend.notify.channels import Buttons, OutgoingMessage
from backend.outbox.models import Medium, OutboxMessage
from backend.settings import get_settings
from backend.tickets import queries
from backend.tickets.answers.promises import open_promise
from backend.tickets.answers.queries import answer_with_text
from backend.tickets.answers.texts import answer_texts
from backend.tickets.dossier import Dossier, read_dossier
from backend.tickets.due_status import clock_runs
from backend.tickets.lifecycle import CLOSURES, Event
from backend.tickets.models import Contact, Ticket, TicketMessage
from backend.tickets.notices import queries as notices
from backend.tickets.second_looks import queries as second_looks
from backend.tickets.second_looks.service import ASKED_TEMPLATE
from backend.tickets.senders.sender_checks import decision_number
from backend.tickets.senders.sender_rights import SenderRights, read_sender_rights, reopening_end
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
    if row.template in texts.WHILE_PROMISED and facts.until is None:
        raise RecipientMissing("the promise is settled")
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
    """Return the buttons for the first of three scores and for "solved?", or for a reply; none for what the reader
    cannot give."""
    if facts.template in texts.OF_CLOSURE:
        names = texts.judging_labels(facts.template, facts.judges)
        labels = {purpose: facts.say(name) for purpose, name in names.items()}
        scores = invitation.rating_buttons(ticket_id, chat_id, 0, facts.answer) if facts.asks == Event.RATED else ()
        return (*scores, *invitation.solved_buttons(ticket_id, chat_id, facts.answer, labels))
    if facts.asks == Event.INFO_RECEIVED:
        return invitation.reply_button(ticket_id, chat_id, facts.say(texts.REPLY_BUTTON))
    return ()


def _asks(row: OutboxMessage, dossier: Dossier, rights: SenderRights) -> Event | None:
    """Return the event that the message asks its reader for; None where the reader cannot cause it now.

    A message about an earlier closure asks for no rating, because only the latest one is rated.
    """
    asks = texts.ASKS.get(row.template)
    if asks is None or asks not in rights:
        return None
    return None if asks is Event.RATED and not _is_latest(row, dossier) else asks


def _judges(row: OutboxMessage, dossier: Dossier, rights: SenderRights) -> frozenset[Event]:
    """Return how the reader may judge the closure that the message tells of; nothing for an earlier closure."""
    if row.template not in texts.OF_CLOSURE or not _is_latest(row, dossier):
        return frozenset()
    return frozenset(rights) & {Event.CONFIRMED, Event.DISPUTED, Event.REOPENED}


def _is_latest(row: OutboxMessage, dossier: Dossier) -> bool:
    """Tell whether the message tells of the latest closure of the ticket."""
    latest = next((event for event in reversed(dossier.history) if event.event in CLOSURES), None)
    return latest is not None and row.message_id == latest.data.get("message")


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
    rights = read_sender_rights(dossier, reading=True)
    view = answer_with_text(session, dossier.history, row.message_id)
    answer = answer_texts(view, ticket.language) if view is not None else None
    return texts.MessageFacts(
        template=row.template,
        number=ticket.number,
        unit=_unit_then(session, row, ticket, dossier.entries),
        due=ticket.due_date,
        today=local_time(now).date(),
        delay=queries.find_delay(session, dossier.entries) if row.template in texts.OF_DELAY else None,
        asks=_asks(row, dossier, rights),
        judges=_judges(row, dossier, rights),
        window=reopening_end(dossier),
        outcome=answer.outcome if answer else "",
        beside=answer.beside(ticket.language) if answer else (),
        until=_promised(dossier),
        answer=decision_number(dossier.history),
        look_due=second_looks.due_date_of(session, ticket.id) if row.template == ASKED_TEMPLATE else None,
        text=text,
        language=ticket.language,
        follow=get_settings().base_url.rstrip("/") + "/theo-doi",
    )


def _promised(dossier: Dossier) -> date | None:
    """Return the date that the unit promises now for work that it still owes."""
    promise = open_promise(dossier.history)
    return promise.until if promise is not None else None


def _unit_then(session: Session, row: OutboxMessage, ticket: Ticket, entries: Sequence[audit.AuditEntry]) -> str:
    """Return the unit that had the ticket right after the event of the message. The ticket may have moved since."""
    unit_id = ticket.unit_id
    for entry in entries:
        unit_id = entry.data.get("unit", unit_id)
        if entry.action == row.template and entry.at == row.created_at:
            return session.get_one(Unit, unit_id).name
    return ticket.unit.name
