"""What the bot answers. ``respond`` takes one turn: it reads and writes through the services, in the caller's
transaction, and leaves its replies in ``talk.effects``. Nothing here knows which messenger it talks through."""

from collections.abc import Callable

from backend.errors import DomainError, Invalid
from backend.messengers.messenger import ChatInput, InputKind, Keyboard
from backend.notify import invitation
from backend.web.language import LANGUAGES
from bot import texts
from bot.conversations import feedback, follow, rating, reply
from bot.conversations.talk import ConversationTurn

__all__ = ["ConversationTurn", "respond", "tell_refusal"]


def respond(talk: ConversationTurn, said: ChatInput) -> None:
    """One turn. Raises DomainError where something is refused; the caller then rolls back and calls ``refused``."""
    command = _command(said)
    if said.kind is InputKind.EDITED:
        talk.say(texts.EDITED_DRAFT if "draft" in talk.state else texts.EDITED_SENT)
    elif talk.language is None and talk.pressed(said) is None:
        _ask_language(talk, first=True)
    elif command in COMMANDS:
        if command != "huy":
            rating.finish_before(talk)
        COMMANDS[command](talk, said)
    elif said.kind is InputKind.PRESS:
        _press(talk, said)
    else:
        _hear(talk, said)


def tell_refusal(talk: ConversationTurn, said: ChatInput, refusal: DomainError) -> None:
    """The sentences of the refusal, and the question again where there is one. A secret that was typed goes anyway."""
    talk.refuse(refusal)
    if follow.holds_secret(talk, said):
        talk.delete(said)
    if talk.aside is not None and talk.aside["kind"] in ("reply", "remark") and not isinstance(refusal, Invalid):
        talk.come_back()  # that ticket takes none any more
    if talk.aside is None and "draft" in talk.state:
        feedback.ask_next(talk)


def _command(said: ChatInput) -> str:
    """``/gui`` of "/gui@lang_nghe_bot anything"; what follows ``/start`` (a link somebody made) means nothing here."""
    if said.kind is not InputKind.TEXT or not said.text.startswith("/"):
        return ""
    return said.text.split(maxsplit=1)[0].removeprefix("/").partition("@")[0].lower()


def _press(talk: ConversationTurn, said: ChatInput) -> None:
    invited = invitation.read_press(said.text, talk.chat_id)
    if invited is not None:
        if not (talk.aside and talk.aside.get("ticket_id") == invited.ticket_id):
            rating.finish_before(talk)
        (rating.press_score if invited.purpose == invitation.RATE else reply.press_reply)(talk, said, invited)
        return
    value = talk.pressed(said)
    talk.remove_buttons(said)
    if value is None:
        talk.say(texts.OLD_BUTTON)
        _ask_again(talk)
    elif talk.aside is not None:
        _attend(talk, said, value)
    elif "draft" in talk.state:
        feedback.take_input(talk, said, value)
    else:
        _menu(talk)


def _hear(talk: ConversationTurn, said: ChatInput) -> None:
    """Something typed, or a photo: for the aside where it asked for text, else for the draft."""
    if said.kind is InputKind.PHOTO and feedback.late_photo(talk, said):
        return
    if talk.aside is not None:
        if talk.aside["kind"] in LISTENING and said.kind is InputKind.TEXT:
            _attend(talk, said, None)
            return
        rating.finish_before(talk)
        talk.come_back()
    if said.kind is InputKind.OTHER:
        talk.say(texts.NOT_A_PHOTO)
    elif "draft" in talk.state:
        feedback.take_input(talk, said, None)
    else:
        _menu(talk)


def _attend(talk: ConversationTurn, said: ChatInput, value: str | None) -> None:
    """Let the aside have it; when that is over, the draft goes on where it stood."""
    kind = (talk.aside or {})["kind"]
    ASIDES[kind](talk, said, value)
    if talk.aside is None and "draft" in talk.state:
        feedback.ask_next(talk)


def _ask_again(talk: ConversationTurn) -> None:
    """The question that is open, with working buttons."""
    if talk.aside is not None and talk.aside["kind"] == "remark":
        rating.ask_remark(talk)
    elif talk.aside is not None and talk.aside["kind"] == "language":
        _ask_language(talk, first=bool(talk.aside.get("first")))
    elif "draft" in talk.state:
        talk.come_back()
        feedback.ask_next(talk)


def _ask_language(talk: ConversationTurn, *, first: bool) -> None:
    talk.turn_aside("language", first=first)
    talk.ask(texts.LANGUAGE, [[(name, code) for code, name in LANGUAGES.items()]])


def _language(talk: ConversationTurn, _said: ChatInput, value: str | None) -> None:
    first = bool(talk.aside and talk.aside.get("first"))
    if value not in LANGUAGES:
        _ask_language(talk, first=first)
        return
    talk.language = value
    talk.come_back()
    talk.say(texts.GREETING if first else texts.LANGUAGE_KEPT)
    if first:
        feedback.begin_draft(talk)


def _menu(talk: ConversationTurn) -> None:
    talk.turn_aside("menu")
    labels = (("new", texts.MENU_NEW), ("follow", texts.MENU_FOLLOW), ("mine", texts.MENU_MINE))
    talk.ask(talk.words(texts.MENU), [[(talk.words(label), value)] for value, label in labels])


def _choose(talk: ConversationTurn, said: ChatInput, value: str | None) -> None:
    talk.come_back()
    if value == "follow":
        follow.start_following(talk, said)
    elif value == "mine":
        follow.list_mine(talk, said)
    else:
        feedback.begin_draft(talk)


def _start(talk: ConversationTurn, said: ChatInput) -> None:
    """Begin a draft, or go on with the one there is."""
    if _command(said) == "start":
        talk.say(texts.GREETING)
    talk.come_back()
    feedback.begin_draft(talk)
    feedback.ask_next(talk)


def _change_language(talk: ConversationTurn, _said: ChatInput) -> None:
    _ask_language(talk, first=False)


def _help(talk: ConversationTurn, _said: ChatInput) -> None:
    talk.say(texts.HELP)


def _cancel(talk: ConversationTurn, _said: ChatInput) -> None:
    """What was begun last goes first: an aside, then the draft."""
    aside = talk.aside
    talk.come_back()
    talk.state.pop("nonce", None)
    if aside is not None and "draft" in talk.state:
        talk.say(texts.ASIDE_CANCELLED)
        feedback.ask_next(talk)
        return
    something = talk.state.pop("draft", None) or aside
    talk.say(texts.CANCELLED if something else texts.NOTHING_TO_CANCEL, keyboard=Keyboard.REMOVE)


COMMANDS: dict[str, Callable[[ConversationTurn, ChatInput], None]] = {
    "start": _start,
    "gui": _start,
    "theodoi": follow.start_following,
    "cuatoi": follow.list_mine,
    "ngonngu": _change_language,
    "trogiup": _help,
    "help": _help,
    "huy": _cancel,
}
ASIDES: dict[str, Callable[[ConversationTurn, ChatInput, str | None], None]] = {
    "language": _language,
    "menu": _choose,
    "follow": follow.take_input,
    "list": follow.open_own,
    "reply": reply.take_input,
    "remark": rating.take_remark,
}
LISTENING = frozenset({"follow", "reply", "remark"})
