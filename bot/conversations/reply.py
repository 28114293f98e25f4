"""The sender's reply to a question of the unit."""

from backend.errors import Conflict
from backend.messengers.messenger import Incoming
from backend.notify.invitation import Invited
from backend.tickets import service
from backend.tickets.lifecycle import Event
from backend.tickets.models import State
from backend.users.policy import SENDER
from backend.web.language import day
from bot import texts
from bot.conversations.follow import own
from bot.conversations.talk import Talk


def press(talk: Talk, said: Incoming, invited: Invited) -> None:
    ticket = own(talk, invited.ticket_id)
    talk.remove_buttons(said)
    if ticket.state is not State.AWAITING_SENDER:
        raise Conflict(texts.REPLY_NOT_NEEDED)
    talk.turn_aside("reply", ticket_id=ticket.id)
    talk.say(texts.REPLY, number=ticket.number)


def take(talk: Talk, said: Incoming, _value: str | None) -> None:
    ticket_id = int((talk.aside or {})["ticket_id"])
    own(talk, ticket_id)
    ticket = service.apply(
        talk.session, ticket_id, service.Change(Event.INFO_RECEIVED, text=said.text), SENDER, now=talk.now
    )
    talk.come_back()
    talk.say(texts.REPLY_SENT, due=day(ticket.due_date))
