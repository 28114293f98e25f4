"""A member of staff binds a chat to the own account, by ``/canbo`` and the one-time code of the page of choices."""

from backend.messengers.messenger import ChatInput
from backend.tickets.notices import staff_chats
from bot import texts
from bot.conversations.talk import ConversationTurn


def take_code(talk: ConversationTurn, chat_input: ChatInput) -> None:
    """Bind the chat. A draft that is being written here stays. Raises Invalid where the code does not work."""
    _command, _space, code = chat_input.text.partition(" ")
    user = staff_chats.bind_chat(talk.session, code, talk.chat_id, talk.now)
    talk.language = talk.language or user.language
    talk.delete(chat_input)
    talk.say(texts.STAFF_CHAT_BOUND)
