"""The sender's reply to a question of the unit."""

from backend.errors import Conflict
from backend.messengers.messenger import ChatInput
from backend.notify.invitation import ButtonPress
from backend.tickets import dossier, service
from backend.tickets.lifecycle import Event
from backend.tickets.sender_rights import read_sender_rights
from backend.users.policy import SENDER
from backend.web.language import day_text
from bot import texts
from bot.conversations.follow import own_ticket
from bot.conversations.talk import ConversationTurn


def press_reply(talk: ConversationTurn, said: ChatInput, invited: ButtonPress) -> None:
    ticket = own_ticket(talk, invited.ticket_id)
    talk.remove_buttons(said)
    if Event.INFO_RECEIVED not in read_sender_rights(dossier.read_dossier(talk.session, ticket, talk.now)):
        raise Conflict(texts.REPLY_NOT_NEEDED)
    talk.turn_aside("reply", ticket_id=ticket.id)
    talk.say(texts.REPLY, number=ticket.number)


def take_input(talk: ConversationTurn, said: ChatInput, _value: str | None) -> None:
    ticket_id = int((talk.aside or {})["ticket_id"])
    own_ticket(talk, ticket_id)
    ticket = service.apply(
        talk.session, ticket_id, service.ActionRequest(Event.INFO_RECEIVED, text=said.text), SENDER, now=talk.now
    )
    talk.come_back()
    talk.say(texts.REPLY_SENT, due=day_text(ticket.due_date))
