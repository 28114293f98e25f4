"""A second look asked for in the chat: a button below the answer, then the reason."""

from backend.errors import Conflict
from backend.messengers.messenger import ChatInput
from backend.notify.invitation import ButtonPress
from backend.tickets.dossier import read_dossier
from backend.tickets.second_looks import asking, service
from backend.web.language import day_text
from bot import texts
from bot.conversations.talk import ConversationTurn, own_ticket


def press_look(talk: ConversationTurn, chat_input: ChatInput, button: ButtonPress) -> None:
    """Ask for the reason. Raises NotFound unless this chat sent the ticket, Conflict if no second look is possible."""
    ticket = own_ticket(talk, button.ticket_id)
    talk.remove_buttons(chat_input)
    if asking.read_offer(read_dossier(talk.session, ticket, talk.now)) is None:
        raise Conflict(texts.LOOK_NOT_POSSIBLE)
    talk.turn_aside("second_look", ticket_id=ticket.id)
    talk.say(texts.LOOK_REASON, number=ticket.number)


def take_input(talk: ConversationTurn, chat_input: ChatInput, _value: str | None) -> None:
    """Send the typed text as the reason. Raises NotFound unless this chat sent the ticket."""
    ticket_id = own_ticket(talk, int((talk.aside or {})["ticket_id"])).id
    look = service.ask_second_look(talk.session, ticket_id, chat_input.text, now=talk.now)
    talk.come_back()
    talk.say(texts.LOOK_ASKED, due=day_text(look.due_date))
