"""Feedback in one conversation. What is missing from the draft decides the next question, so that editing is: take one
thing out and ask again.

``draft``: key, unit [id, name], category, content, photos (file ids), albums, photos_done, consent (chat, details,
none), name, phone or email, title; ``asking`` while a title is being typed.
"""

from backend.attachments.service import MOST as PHOTOS_MOST
from backend.messengers.messenger import FILE_MOST, ChatInput, InputKind
from backend.messengers.texts import PHOTO_LARGE
from backend.tickets import queries
from backend.tickets.reception import receipts
from backend.web.language import SOURCE
from bot import texts
from bot.conversations import contact, review, unit_choice
from bot.conversations.talk import ConversationTurn, Draft, DraftStep, check_field
from bot.effects import BotEffect, EffectKind


def begin_draft(talk: ConversationTurn) -> None:
    """A new draft with a key of its own; one already begun goes on."""
    talk.state.setdefault("draft", {"key": receipts.new_key(), "photos": []})


def next_step(draft: Draft) -> str:
    """The next thing to ask."""
    if draft.get("asking"):
        return str(draft["asking"])
    for name in ("unit", "category", "content", "photos_done"):
        if name not in draft:
            return name
    return contact.missing_contact(draft) or "review"


def ask_next(talk: ConversationTurn) -> None:
    """Ask for what is missing."""
    draft = talk.state["draft"]
    talk.state.pop("nonce", None)
    STEPS[next_step(draft)].ask(talk, draft)


def take_input(talk: ConversationTurn, said: ChatInput, value: str | None) -> None:
    """What was typed, sent or pressed (``value``), at the step where the draft stands."""
    draft = talk.state["draft"]
    if STEPS[next_step(draft)].take(talk, draft, said, value) and "draft" in talk.state:
        ask_next(talk)


def late_photo(talk: ConversationTurn, said: ChatInput) -> bool:
    """A photo of an album whose feedback has been sent meanwhile goes to that ticket."""
    ticket_id = talk.state.get("albums", {}).get(said.album) if said.album else None
    if ticket_id is None:
        return False
    talk.effects.append(BotEffect(EffectKind.KEEP_PHOTO, file_id=said.file_id, ticket_id=ticket_id))
    talk.say(texts.PHOTO_LATE)
    return True


def _ask_unit(talk: ConversationTurn, _draft: Draft) -> None:
    unit_choice.ask_unit(talk)


def _take_unit(talk: ConversationTurn, draft: Draft, said: ChatInput, value: str | None) -> bool:
    unit = unit_choice.take_unit(talk, said, value)
    if unit is None:
        return False
    draft["unit"] = [unit.id, unit.name]
    talk.say(texts.UNIT_CHOSEN, unit=unit.name)
    return True


def _ask_category(talk: ConversationTurn, _draft: Draft) -> None:
    found = queries.list_categories(talk.session)
    talk.ask(talk.words(texts.CATEGORY), [[(c.name(talk.language or SOURCE), f"c:{c.code}")] for c in found])


def _take_category(talk: ConversationTurn, draft: Draft, _said: ChatInput, value: str | None) -> bool:
    listed = {category.code: category for category in queries.list_categories(talk.session)}
    category = listed.get((value or "").removeprefix("c:"))
    if category is None:
        talk.say(texts.PRESS_A_BUTTON)
    else:
        draft["category"] = category.code
        talk.say(texts.CATEGORY_CHOSEN, category=category.name(talk.language or SOURCE))
    return True


def _ask_content(talk: ConversationTurn, _draft: Draft) -> None:
    talk.say(texts.CONTENT)


def _take_content(talk: ConversationTurn, draft: Draft, said: ChatInput, _value: str | None) -> bool:
    """Text, or a photo with its caption. A photo alone is kept and the text still asked for."""
    if said.kind is InputKind.PHOTO:
        first = _keep_photo(talk, draft, said)
        if not said.text:
            if first:
                talk.say(texts.PHOTO_FIRST_TEXT)
            return False
    elif said.kind is not InputKind.TEXT:
        return True
    check_field("content", content=said.text)
    draft["content"] = said.text
    return True


def _ask_photos(talk: ConversationTurn, draft: Draft) -> None:
    label = texts.PHOTOS_DONE if draft["photos"] else texts.PHOTOS_NONE
    talk.ask(talk.words(texts.PHOTOS, most=PHOTOS_MOST), [[(talk.words(label), "done")]])


def _take_photos(talk: ConversationTurn, draft: Draft, said: ChatInput, value: str | None) -> bool:
    """Photos one by one or as an album of several updates, of which only the first is answered; text that comes now is
    the rest of a long message."""
    if value == "done":
        draft["photos_done"] = True
        return True
    first = True
    if said.kind is InputKind.PHOTO:
        first = _keep_photo(talk, draft, said)
        if first:
            talk.say(texts.PHOTO_TAKEN)
    if said.text and said.kind in (InputKind.TEXT, InputKind.PHOTO):
        longer = f"{draft['content']}\n{said.text}"
        check_field("content", content=longer)
        draft["content"] = longer
        talk.say(texts.CONTENT_MORE)
    return first


def _keep_photo(talk: ConversationTurn, draft: Draft, said: ChatInput) -> bool:
    """Note the photo; whether it is to be answered: the first of its album, and kept."""
    albums: list[str] = draft.setdefault("albums", [])
    first = not said.album or said.album not in albums
    if said.album and first:
        albums.append(said.album)
    if said.file_id in draft["photos"]:
        return first
    if said.size > FILE_MOST:
        talk.say(PHOTO_LARGE)
        return False
    if len(draft["photos"]) >= PHOTOS_MOST:
        talk.say(texts.PHOTO_FULL, most=PHOTOS_MOST)
        return False
    draft["photos"].append(said.file_id)
    return first


STEPS: dict[str, DraftStep] = {
    "unit": DraftStep(_ask_unit, _take_unit),
    "category": DraftStep(_ask_category, _take_category),
    "content": DraftStep(_ask_content, _take_content),
    "photos_done": DraftStep(_ask_photos, _take_photos),
    **contact.STEPS,
    **review.STEPS,
}
