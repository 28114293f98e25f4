"""Feedback written in one conversation.

The next question is the first part that the draft lacks. So editing a part means: remove it, and it is asked again.

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
    """Begin a draft with a new key, unless there is one already."""
    talk.state.setdefault("draft", {"key": receipts.new_key(), "photos": []})


def next_step(draft: Draft) -> str:
    """Return the name of the next question."""
    if draft.get("asking"):
        return str(draft["asking"])
    for name in ("unit", "category", "content", "photos_done"):
        if name not in draft:
            return name
    return contact.missing_contact(draft) or "review"


def ask_next(talk: ConversationTurn) -> None:
    """Ask the next question of the draft."""
    draft = talk.state["draft"]
    talk.state.pop("nonce", None)
    STEPS[next_step(draft)].ask(talk, draft)


def take_input(talk: ConversationTurn, chat_input: ChatInput, value: str | None) -> None:
    """Handle a text, a photo or a button (``value``) at the draft's present question."""
    draft = talk.state["draft"]
    if STEPS[next_step(draft)].take(talk, draft, chat_input, value) and "draft" in talk.state:
        ask_next(talk)


def late_photo(talk: ConversationTurn, chat_input: ChatInput) -> bool:
    """Add a photo to its ticket if the feedback of its album was sent already. Return whether it was such a photo."""
    ticket_id = talk.state.get("albums", {}).get(chat_input.album) if chat_input.album else None
    if ticket_id is None:
        return False
    talk.effects.append(BotEffect(EffectKind.KEEP_PHOTO, file_id=chat_input.file_id, ticket_id=ticket_id))
    talk.say(texts.PHOTO_LATE)
    return True


def _ask_unit(talk: ConversationTurn, _draft: Draft) -> None:
    unit_choice.ask_unit(talk)


def _take_unit(talk: ConversationTurn, draft: Draft, chat_input: ChatInput, value: str | None) -> bool:
    unit = unit_choice.take_unit(talk, chat_input, value)
    if unit is None:
        return False
    draft["unit"] = [unit.id, unit.name]
    talk.say(texts.UNIT_CHOSEN, unit=unit.name)
    return True


def _ask_category(talk: ConversationTurn, _draft: Draft) -> None:
    language = talk.language or SOURCE
    categories = queries.list_categories(talk.session)
    talk.ask(talk.words(texts.CATEGORY), [[(category.name(language), f"c:{category.code}")] for category in categories])


def _take_category(talk: ConversationTurn, draft: Draft, _chat_input: ChatInput, value: str | None) -> bool:
    categories = {category.code: category for category in queries.list_categories(talk.session)}
    category = categories.get((value or "").removeprefix("c:"))
    if category is None:
        talk.say(texts.PRESS_A_BUTTON)
    else:
        draft["category"] = category.code
        talk.say(texts.CATEGORY_CHOSEN, category=category.name(talk.language or SOURCE))
    return True


def _ask_content(talk: ConversationTurn, _draft: Draft) -> None:
    talk.say(texts.CONTENT)


def _take_content(talk: ConversationTurn, draft: Draft, chat_input: ChatInput, _value: str | None) -> bool:
    """Take the text, or a photo with its caption. After a photo without a caption the text is still missing."""
    if chat_input.kind is InputKind.PHOTO:
        first = _keep_photo(talk, draft, chat_input)
        if not chat_input.text:
            if first:
                talk.say(texts.PHOTO_FIRST_TEXT)
            return False
    elif chat_input.kind is not InputKind.TEXT:
        return True
    check_field("content", content=chat_input.text)
    draft["content"] = chat_input.text
    return True


def _ask_photos(talk: ConversationTurn, draft: Draft) -> None:
    label = texts.PHOTOS_DONE if draft["photos"] else texts.PHOTOS_NONE
    talk.ask(talk.words(texts.PHOTOS, most=PHOTOS_MOST), [[(talk.words(label), "done")]])


def _take_photos(talk: ConversationTurn, draft: Draft, chat_input: ChatInput, value: str | None) -> bool:
    """Take photos one by one, or as an album.

    Each photo of an album comes as an update of its own; only the first is answered. A text that comes now is the rest
    of a long message, which the messenger had split.
    """
    if value == "done":
        draft["photos_done"] = True
        return True
    first = True
    if chat_input.kind is InputKind.PHOTO:
        first = _keep_photo(talk, draft, chat_input)
        if first:
            talk.say(texts.PHOTO_TAKEN)
    if chat_input.text and chat_input.kind in (InputKind.TEXT, InputKind.PHOTO):
        longer = f"{draft['content']}\n{chat_input.text}"
        check_field("content", content=longer)
        draft["content"] = longer
        talk.say(texts.CONTENT_MORE)
    return first


def _keep_photo(talk: ConversationTurn, draft: Draft, chat_input: ChatInput) -> bool:
    """Add the photo to the draft. Return whether to answer it: it was accepted, and is the first of its album."""
    albums: list[str] = draft.setdefault("albums", [])
    first = not chat_input.album or chat_input.album not in albums
    if chat_input.album and first:
        albums.append(chat_input.album)
    if chat_input.file_id in draft["photos"]:
        return first
    if chat_input.size > FILE_MOST:
        talk.say(PHOTO_LARGE)
        return False
    if len(draft["photos"]) >= PHOTOS_MOST:
        talk.say(texts.PHOTO_FULL, most=PHOTOS_MOST)
        return False
    draft["photos"].append(chat_input.file_id)
    return first


STEPS: dict[str, DraftStep] = {
    "unit": DraftStep(_ask_unit, _take_unit),
    "category": DraftStep(_ask_category, _take_category),
    "content": DraftStep(_ask_content, _take_content),
    "photos_done": DraftStep(_ask_photos, _take_photos),
    **contact.STEPS,
    **review.STEPS,
}
