"""The questions about consent and about the sender's contact, as far as the category requires it."""

from backend.files.text import clean_text
from backend.messengers.messenger import ChatInput, InputKind, Keyboard
from backend.tickets.models import Category
from backend.tickets.reception import drafts
from bot import texts
from bot.conversations.talk import ConversationTurn, Draft, DraftStep, check_field

# Whether the category needs a contact -> the question, and its answers: value -> label.
CONSENTS: dict[bool, tuple[str, dict[str, str]]] = {
    True: (texts.CONSENT_REQUIRED, {"details": texts.CONSENT_YES, "none": texts.CONSENT_NO}),
    False: (
        texts.CONSENT_OPTIONAL,
        {"chat": texts.CONSENT_CHAT, "details": texts.CONSENT_DETAILS, "none": texts.CONSENT_ANONYMOUS},
    ),
}


def missing_contact(draft: Draft) -> str | None:
    """Return the name of the next question about the contact, or None if nothing is missing."""
    if "consent" not in draft:
        return "consent"
    if draft["consent"] != "details":
        return None
    if "name" not in draft:
        return "name"
    return None if "phone" in draft or "email" in draft else "phone"


def is_required(talk: ConversationTurn, draft: Draft) -> bool:
    return talk.session.get_one(Category, draft["category"]).contact_required


def _ask_consent(talk: ConversationTurn, draft: Draft) -> None:
    question, options = CONSENTS[is_required(talk, draft)]
    talk.ask(talk.words(question), [[(talk.words(label), value)] for value, label in options.items()])


def _take_consent(talk: ConversationTurn, draft: Draft, _chat_input: ChatInput, value: str | None) -> bool:
    """Take the consent. It is never assumed. A category that needs a contact cannot be sent without it."""
    required = is_required(talk, draft)
    if value == "none" and required:
        talk.say(texts.CONSENT_NEEDED)
        draft.pop("category")
    elif value in CONSENTS[required][1]:
        draft["consent"] = value
    else:
        talk.say(texts.PRESS_A_BUTTON)
    return True


def _ask_name(talk: ConversationTurn, _draft: Draft) -> None:
    talk.say(texts.NAME)


def _take_name(_talk: ConversationTurn, draft: Draft, chat_input: ChatInput, _value: str | None) -> bool:
    if chat_input.kind is InputKind.TEXT and (name := clean_text(chat_input.text, limit=drafts.LATER)):
        check_field("name", name=name)
        draft["name"] = name
    return True


def _ask_phone(talk: ConversationTurn, _draft: Draft) -> None:
    talk.say(texts.PHONE, keyboard=Keyboard.PHONE, keyboard_text=texts.PHONE_BUTTON)


def _take_phone(talk: ConversationTurn, draft: Draft, chat_input: ChatInput, _value: str | None) -> bool:
    """Take a phone number that its owner shares, or a typed phone number or e-mail address."""
    if chat_input.kind is InputKind.PHONE and not chat_input.own:
        talk.say(texts.PHONE_NOT_OWN)
        return False
    if chat_input.kind in (InputKind.PHONE, InputKind.TEXT):
        field = "email" if "@" in chat_input.text else "phone"
        check_field(field, **{field: chat_input.text})
        draft[field] = chat_input.text
        talk.say(texts.PHONE_TAKEN, keyboard=Keyboard.REMOVE)
    return True


STEPS = {
    "consent": DraftStep(_ask_consent, _take_consent),
    "name": DraftStep(_ask_name, _take_name),
    "phone": DraftStep(_ask_phone, _take_phone),
}
