"""The sender's judgement in the chat after a closure: solved or not, by two buttons; "not" asks for the reason."""

from backend.errors import Conflict
from backend.messengers.messenger import ChatInput
from backend.notify import invitation
from backend.notify import texts as notices
from backend.notify.invitation import ButtonPress
from backend.tickets import queries, service
from backend.tickets.dossier import Dossier, read_dossier
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketState
from backend.tickets.senders.sender_checks import decision_number
from backend.tickets.senders.sender_rights import SenderRights, read_sender_rights, tell_sender
from backend.users.policy import SENDER
from backend.web.language import SOURCE, day_text, gettext
from bot import texts
from bot.conversations.talk import ConversationTurn, own_ticket

OBJECTIONS = (Event.DISPUTED, Event.REOPENED)
TURNED_AWAY = {TicketState.REFUSED: "refused", TicketState.REDIRECTED: "redirected"}


def offer_judgement(talk: ConversationTurn, dossier: Dossier, rights: SenderRights) -> None:
    """Ask whether the matter is solved, with a button for each thing that the sender may say now."""
    ticket = dossier.ticket
    template = TURNED_AWAY.get(ticket.state, "answered")
    labels = notices.judging_labels(template, frozenset(rights))
    buttons = {purpose: talk.words(label) for purpose, label in labels.items()}
    if buttons:
        question = talk.words(notices.ACCEPT_HERE if ticket.state in TURNED_AWAY else notices.SOLVED_HERE)
        number = decision_number(dossier.history)
        talk.tell(question, invitation.solved_buttons(ticket.id, talk.chat_id, number, buttons))


def offer_rating(talk: ConversationTurn, dossier: Dossier, rights: SenderRights) -> None:
    """Ask for the first of three scores, if the sender may rate now."""
    if Event.RATED in rights:
        language = talk.language or SOURCE
        text = gettext(language, texts.RATE_BUTTON_INTRO) + "\n" + notices.rating_question(language, 0)
        number = decision_number(dossier.history)
        talk.tell(text, invitation.rating_buttons(dossier.ticket.id, talk.chat_id, 0, number))


def press_judgement(talk: ConversationTurn, chat_input: ChatInput, button: ButtonPress) -> None:
    """Take "solved", or ask for the reason of "not solved".

    Raises NotFound unless this chat sent the ticket, Conflict where that cannot be said any more.
    """
    ticket = own_ticket(talk, button.ticket_id)
    talk.remove_buttons(chat_input)
    tell_sender(talk.session, ticket, talk.now)  # the button stands below the answer, so the sender has read it
    dossier = _read(talk, ticket)
    if button.answer != decision_number(dossier.history):
        raise Conflict(texts.ANSWERED_ANEW)
    rights = read_sender_rights(dossier)
    if button.purpose == invitation.UNSOLVED:
        _event_of_objection(rights)
        talk.turn_aside("objection", ticket_id=ticket.id)
        talk.say(texts.OBJECTION, number=ticket.number)
        return
    if Event.CONFIRMED not in rights:
        raise Conflict(texts.JUDGED_BEFORE)
    service.apply(talk.session, ticket.id, service.ActionRequest(Event.CONFIRMED), SENDER, now=talk.now)
    talk.say(texts.SOLVED_TAKEN)
    dossier = _read(talk, ticket)
    offer_rating(talk, dossier, read_sender_rights(dossier))


def take_objection(talk: ConversationTurn, chat_input: ChatInput, _value: str | None) -> None:
    """Have the ticket handled again, for the reason that was typed."""
    ticket = own_ticket(talk, int((talk.aside or {})["ticket_id"]))
    event = _event_of_objection(read_sender_rights(_read(talk, ticket)))
    objection = service.ActionRequest(event, text=chat_input.text)
    ticket = service.apply(talk.session, ticket.id, objection, SENDER, now=talk.now)
    talk.come_back()
    talk.say(texts.OBJECTION_SENT, due=day_text(ticket.due_date))


def _event_of_objection(rights: SenderRights) -> Event:
    """Return the event by which the sender may object now. Raises Conflict where there is none."""
    event = next((event for event in OBJECTIONS if event in rights), None)
    if event is None:
        raise Conflict(texts.JUDGED_BEFORE)
    return event


def _read(talk: ConversationTurn, ticket: Ticket) -> Dossier:
    return read_dossier(talk.session, queries.by_id(talk.session, ticket.id), talk.now)
