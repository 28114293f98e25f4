"""The sender's reply in the chat to a question of the unit."""

from backend.errors import Conflict
from backend.messengers.messenger import ChatInput
from backend.notify.invitation import ButtonPress
from backend.tickets import service
from backend.tickets.dossier import read_dossier
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel
from backend.tickets.senders.sender_rights import read_sender_rights
from backend.users.policy import SENDER
from backend.web.language import day_text
from bot import texts
from bot.conversations.talk import ConversationTurn, own_ticket


def press_reply(talk: ConversationTurn, chat_input: ChatInput, button: ButtonPress) -> None:
    """Ask for the reply. Raises NotFound unless this chat sent the ticket, Conflict if it waits for no reply."""
    ticket = own_ticket(talk, button.ticket_id)
    talk.remove_buttons(chat_input)
    if Event.INFO_RECEIVED not in read_sender_rights(read_dossier(talk.session, ticket, talk.now)):
        raise Conflict(texts.REPLY_NOT_NEEDED)
    talk.turn_aside("reply", ticket_id=ticket.id)
    talk.say(texts.REPLY, number=ticket.number)


def take_input(talk: ConversationTurn, chat_input: ChatInput, _value: str | None) -> None:
    """Send the typed text as the reply. Raises NotFound unless this chat sent the ticket."""
    ticket_id = own_ticket(talk, int((talk.aside or {})["ticket_id"])).id
    reply = service.ActionRequest(Event.INFO_RECEIVED, text=chat_input.text, channel=Channel.TELEGRAM)
    ticket = service.apply(talk.session, ticket_id, reply, SENDER, now=talk.now)
    talk.come_back()
    talk.say(texts.REPLY_SENT, due=day_text(ticket.due_date))
