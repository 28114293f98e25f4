"""The choice of a unit: by its name, with or without tone marks, or from pages of buttons."""

from backend.messengers.messenger import ChatInput, InputKind
from backend.units import queries
from backend.units.models import Unit
from bot import texts
from bot.conversations.talk import ConversationTurn, chosen_number

PAGE = 8


def ask_unit(talk: ConversationTurn) -> None:
    talk.ask(talk.words(texts.UNIT), [[(talk.words(texts.UNIT_LIST), "p:1")]])


def take_unit(talk: ConversationTurn, chat_input: ChatInput, value: str | None) -> Unit | None:
    """Return the chosen unit. Return None if there is none yet; then the next question has been asked."""
    if unit_id := chosen_number(value, "u"):
        unit = talk.session.get(Unit, unit_id)
        if unit is not None and unit.receives and unit.valid_on(talk.today):
            return unit
    elif page := chosen_number(value, "p"):
        _show_page(talk, page)
        return None
    elif chat_input.kind is InputKind.TEXT:
        return _take_text(talk, chat_input.text)
    ask_unit(talk)
    return None


def _take_text(talk: ConversationTurn, text: str) -> Unit | None:
    units = queries.find_units(talk.session, text, talk.today)
    if len(units) == 1:
        return units[0]
    rows = [[(unit.name, f"u:{unit.id}")] for unit in units]
    question = texts.UNIT_MATCHES if units else texts.UNIT_NONE
    talk.ask(talk.words(question), [*rows, [(talk.words(texts.UNIT_LIST), "p:1")]])
    return None


def _show_page(talk: ConversationTurn, page: int) -> None:
    units = queries.list_receiving(talk.session, talk.today)
    pages = max(1, -(-len(units) // PAGE))
    page = min(max(page, 1), pages)
    rows = [[(unit.name, f"u:{unit.id}")] for unit in units[(page - 1) * PAGE : page * PAGE]]
    arrows = [("‹", f"p:{page - 1}")] if page > 1 else []
    arrows += [("›", f"p:{page + 1}")] if page < pages else []
    talk.ask(talk.words(texts.UNIT_PAGE, page=page, pages=pages), [*rows, arrows] if arrows else rows)
