"""Choosing a unit: by typing, with or without tone marks, or from pages of buttons."""

from backend.messengers.messenger import ChatInput, InputKind
from backend.units import queries
from backend.units.models import Unit
from bot import texts
from bot.conversations.talk import ConversationTurn, chosen_number

PAGE = 8


def ask_unit(talk: ConversationTurn) -> None:
    talk.ask(talk.words(texts.UNIT), [[(talk.words(texts.UNIT_LIST), "p:1")]])


def take_unit(talk: ConversationTurn, said: ChatInput, value: str | None) -> Unit | None:
    """The unit, once it is chosen; else another question has been asked."""
    if unit_id := chosen_number(value, "u"):
        unit = talk.session.get(Unit, unit_id)
        if unit is not None and unit.receives and unit.valid_on(talk.today):
            return unit
    elif page := chosen_number(value, "p"):
        _page(talk, page)
        return None
    elif said.kind is InputKind.TEXT:
        return _take_text(talk, said.text)
    ask_unit(talk)
    return None


def _take_text(talk: ConversationTurn, text: str) -> Unit | None:
    found = queries.find_units(talk.session, text, talk.today)
    if len(found) == 1:
        return found[0]
    rows = [[(unit.name, f"u:{unit.id}")] for unit in found]
    question = texts.UNIT_MATCHES if found else texts.UNIT_NONE
    talk.ask(talk.words(question), [*rows, [(talk.words(texts.UNIT_LIST), "p:1")]])
    return None


def _page(talk: ConversationTurn, page: int) -> None:
    units = queries.list_receiving(talk.session, talk.today)
    pages = max(1, -(-len(units) // PAGE))
    page = min(max(page, 1), pages)
    rows = [[(unit.name, f"u:{unit.id}")] for unit in units[(page - 1) * PAGE : page * PAGE]]
    turns = [("‹", f"p:{page - 1}")] if page > 1 else []
    turns += [("›", f"p:{page + 1}")] if page < pages else []
    talk.ask(talk.words(texts.UNIT_PAGE, page=page, pages=pages), [*rows, turns] if turns else rows)
