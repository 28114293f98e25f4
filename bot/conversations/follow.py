"""Following a ticket in the chat: by number and secret, or out of the list of what was sent from this chat."""

import re

from backend.messengers.messenger import ChatInput, InputKind
from backend.notify import invitation
from backend.notify import texts as notices
from backend.settings import get_settings
from backend.tickets import citizen_texts, queries
from backend.tickets.answers.queries import latest_decision
from backend.tickets.answers.texts import answer_texts
from backend.tickets.dossier import Dossier, read_dossier
from backend.tickets.lifecycle import Event
from backend.tickets.models import Contact, Ticket
from backend.tickets.reception import receipts
from backend.tickets.second_looks import asking
from backend.tickets.senders.sender_rights import read_sender_rights, tell_sender
from backend.web.language import SOURCE, day_text, moment_text
from bot import texts
from bot.conversations.judgement import offer_judgement, offer_rating
from bot.conversations.talk import ConversationTurn, chosen_number, own_ticket

NUMBER = re.compile(r"(?<![0-9])(?:PAKN[. ]?)?20[0-9]{6}[. ][0-9]{4,12}(?![0-9])", re.IGNORECASE)
SECRET_LIKE = re.compile(r"(?:[0-9A-Za-z][- ]?){16}")


def start_following(talk: ConversationTurn, chat_input: ChatInput) -> None:
    """Handle ``/theodoi``. Number and secret may stand behind the command; else ask for them."""
    talk.turn_aside("follow")
    text = re.sub(r"^/\S+", "", chat_input.text) if chat_input.kind is InputKind.TEXT else ""
    if NUMBER.search(text):
        _read(talk, chat_input, text)
    else:
        talk.say(texts.FOLLOW)


def take_input(talk: ConversationTurn, chat_input: ChatInput, _value: str | None) -> None:
    _read(talk, chat_input, chat_input.text)


def holds_secret(talk: ConversationTurn, chat_input: ChatInput) -> bool:
    """Return whether a message for following contains something like a secret and must be deleted from the chat."""
    if chat_input.kind is not InputKind.TEXT:
        return False
    following = chat_input.text.startswith("/theodoi") or (talk.aside or {}).get("kind") == "follow"
    return following and SECRET_LIKE.search(NUMBER.sub("", chat_input.text)) is not None


def _read(talk: ConversationTurn, chat_input: ChatInput, text: str) -> None:
    """Read number and secret, in one message or two, and show the ticket.

    A wrong number and a wrong secret get the same refusal. Each wrong try counts against this chat's limit.
    """
    aside = talk.aside or {}
    match = NUMBER.search(text)
    number = receipts.read_number(match[0]) if match else str(aside.get("number", ""))
    secret = NUMBER.sub("", text).strip()
    if number and not secret:
        talk.turn_aside("follow", number=number)
        talk.say(texts.FOLLOW_SECRET, number=number)
        return
    if holds_secret(talk, chat_input):
        talk.delete(chat_input)
    ticket = queries.for_sender(talk.session, number, secret, address=f"telegram:{talk.chat_id}", now=talk.now)
    talk.come_back()
    talk.say(texts.FOLLOW_DELETED)
    show_ticket(talk, ticket)


def list_mine(talk: ConversationTurn, _chat_input: ChatInput) -> None:
    """Handle ``/cuatoi``: list the tickets sent from this chat, newest first."""
    tickets = queries.of_chat(talk.session, talk.chat_id)
    if not tickets:
        talk.come_back()
        talk.say(texts.MINE_NONE)
        return
    talk.turn_aside("list")
    rows = []
    for ticket in tickets:
        state = talk.words(citizen_texts.STATES[ticket.state][0])
        rows.append([(f"{ticket.number} · {state}", f"t:{ticket.id}")])
    talk.ask(talk.words(texts.MINE), rows)


def open_own(talk: ConversationTurn, _chat_input: ChatInput, value: str | None) -> None:
    talk.come_back()
    show_ticket(talk, own_ticket(talk, chosen_number(value, "t")))


def show_ticket(talk: ConversationTurn, ticket: Ticket) -> None:
    """Show state, unit, due date and course, and below them what the sender can do now."""
    tell_sender(talk.session, ticket, talk.now)
    ticket = queries.by_id(talk.session, ticket.id)
    state = talk.words(citizen_texts.STATES[ticket.state][0])
    head = talk.words(
        texts.VIEW,
        number=ticket.number,
        title=ticket.title,
        state=state,
        unit=ticket.unit.name,
        due=day_text(ticket.due_date),
    )
    parts = [head]
    for step in queries.list_course(talk.session, ticket.id):
        line = f"• {moment_text(step.at)} – {talk.words(citizen_texts.EVENTS[step.event])}"
        parts.append(f"{line}\n{step.text}" if step.text else line)
    parts += _latest_answer(talk, ticket)
    contact = talk.session.get(Contact, ticket.id)
    if contact is not None and contact.chat_id == talk.chat_id:
        talk.tell("\n".join(parts))
        _offer_actions(talk, ticket)
    else:
        talk.tell("\n".join([*parts, "", talk.words(texts.VIEW_ON_WEB, address=_address())]))


def _latest_answer(talk: ConversationTurn, ticket: Ticket) -> list[str]:
    """Return what the latest answer says beside its text, once the sender has read it."""
    if ticket.told_at is None or ticket.open:
        return []
    language, history = talk.language or SOURCE, read_dossier(talk.session, ticket, talk.now).history
    view = latest_decision(talk.session, history)
    if view is None:
        return []
    answer = answer_texts(view, language)
    return ["", *(part for part in (answer.outcome, *answer.beside(language)) if part)]


def _address() -> str:
    return get_settings().base_url.rstrip("/") + "/theo-doi"


def _offer_look(talk: ConversationTurn, dossier: Dossier) -> None:
    """Offer a second look, if the sender may ask for one now."""
    offer = asking.read_offer(dossier)
    if offer is not None:
        button = invitation.look_button(dossier.ticket.id, talk.chat_id, talk.words(texts.LOOK_BUTTON))
        talk.tell(talk.words(texts.LOOK_OFFER, due=day_text(offer.clock.term.due().on)), button)


def _offer_actions(talk: ConversationTurn, ticket: Ticket) -> None:
    """Offer what the sender may do now: reply, rate and judge by buttons here, everything else on the web page."""
    dossier = read_dossier(talk.session, ticket, talk.now)
    rights = read_sender_rights(dossier)
    if Event.INFO_RECEIVED in rights:
        buttons = invitation.reply_button(ticket.id, talk.chat_id, talk.words(notices.REPLY_BUTTON))
        talk.tell(talk.words(notices.REPLY_HERE), buttons)
    offer_rating(talk, dossier, rights)
    offer_judgement(talk, dossier, rights)
    _offer_look(talk, dossier)
    names = [talk.words(name) for event, name in texts.ON_THE_PAGE.items() if event in rights]
    if names:
        talk.say(texts.MORE_ON_WEB, what=", ".join(names), address=_address())
