"""The conversations of the bot. ``respond`` takes one turn and is called by the gateway.

A turn reads and writes through the services, in the caller's transaction, and leaves its replies in ``talk.effects``.
Nothing here knows which messenger carries them.
"""

from collections.abc import Callable

from backend.errors import DomainError, Invalid
from backend.messengers.messenger import ChatInput, InputKind, Keyboard
from backend.notify import invitation
from backend.notify.invitation import ButtonPress
from backend.tickets.notices import staff_chats
from backend.web.language import LANGUAGES
from bot import texts
from bot.conversations import feedback, follow, judgement, rating, reply, second_look, staff_link
from bot.conversations.talk import ConversationTurn

__all__ = ["ConversationTurn", "respond", "tell_refusal"]


def respond(talk: ConversationTurn, chat_input: ChatInput) -> None:
    """Take one turn. Raises DomainError for a refusal; the caller then rolls back and calls ``tell_refusal``."""
    command = _command(chat_input)
    if chat_input.kind is InputKind.EDITED:
        talk.say(texts.EDITED_DRAFT if "draft" in talk.state else texts.EDITED_SENT)
    elif command == staff_chats.COMMAND:
        staff_link.take_code(talk, chat_input)
    elif talk.language is None and talk.pressed(chat_input) is None:
        _ask_language(talk, first=True)
    elif command in COMMANDS:
        if command != "huy":
            rating.finish_before(talk)
        COMMANDS[command](talk, chat_input)
    elif chat_input.kind is InputKind.PRESS:
        _press(talk, chat_input)
    else:
        _hear(talk, chat_input)


def tell_refusal(talk: ConversationTurn, chat_input: ChatInput, refusal: DomainError) -> None:
    """Tell the sentences of a refusal, and ask the open question of the draft again, if there is one.

    A message that holds a secret is deleted in any case.
    """
    talk.refuse(refusal)
    if follow.holds_secret(talk, chat_input):
        talk.delete(chat_input)
    if _ends_aside(talk, refusal):
        talk.come_back()
    _resume_draft(talk)


def _ends_aside(talk: ConversationTurn, refusal: DomainError) -> bool:
    """Return whether the refusal closes the aside: its ticket accepts no reply or remark any more.

    After Invalid the aside stays open: the text was wrong, and another text may follow.
    """
    writing = talk.aside is not None and talk.aside["kind"] in ("reply", "remark", "objection", "second_look")
    return writing and not isinstance(refusal, Invalid)


def _resume_draft(talk: ConversationTurn) -> None:
    """Ask the next question of the draft, if there is a draft and no aside is open."""
    if talk.aside is None and "draft" in talk.state:
        feedback.ask_next(talk)


def _command(chat_input: ChatInput) -> str:
    """Return the command of a message: ``gui`` for "/gui@lang_nghe_bot anything", empty for no command.

    The text after a command is ignored, also the parameter that a link can put after ``/start``.
    """
    if chat_input.kind is not InputKind.TEXT or not chat_input.text.startswith("/"):
        return ""
    return chat_input.text.split(maxsplit=1)[0].removeprefix("/").partition("@")[0].lower()


def _press(talk: ConversationTurn, chat_input: ChatInput) -> None:
    """Handle a button: one below a notice about a ticket, or one of the open question."""
    button = invitation.read_press(chat_input.text, talk.chat_id)
    if button is not None:
        _press_notice(talk, chat_input, button)
        return
    value = talk.pressed(chat_input)
    talk.remove_buttons(chat_input)
    if value is None:
        talk.say(texts.OLD_BUTTON)
        _ask_again(talk)
    elif talk.aside is not None:
        _attend(talk, chat_input, value)
    elif "draft" in talk.state:
        feedback.take_input(talk, chat_input, value)
    else:
        _show_menu(talk)


def _press_notice(talk: ConversationTurn, chat_input: ChatInput, button: ButtonPress) -> None:
    """Handle a button below a notice: a score of a rating, "solved" or not, a second look, or the reply to the unit's
    question."""
    same_ticket = talk.aside is not None and talk.aside.get("ticket_id") == button.ticket_id
    if not same_ticket:
        rating.finish_before(talk)
    if button.purpose == invitation.RATE:
        rating.press_score(talk, chat_input, button)
    elif button.purpose in (invitation.SOLVED, invitation.UNSOLVED):
        judgement.press_judgement(talk, chat_input, button)
    elif button.purpose == invitation.LOOK:
        second_look.press_look(talk, chat_input, button)
    else:
        reply.press_reply(talk, chat_input, button)


def _hear(talk: ConversationTurn, chat_input: ChatInput) -> None:
    """Handle a text or a photo. It goes to the open aside if that waits for text, else to the draft."""
    if chat_input.kind is InputKind.PHOTO and feedback.late_photo(talk, chat_input):
        return
    if talk.aside is not None:
        if talk.aside["kind"] in LISTENING and chat_input.kind is InputKind.TEXT:
            _attend(talk, chat_input, None)
            return
        rating.finish_before(talk)
        talk.come_back()
    if chat_input.kind is InputKind.OTHER:
        talk.say(texts.NOT_A_PHOTO)
    elif "draft" in talk.state:
        feedback.take_input(talk, chat_input, None)
    else:
        _show_menu(talk)


def _attend(talk: ConversationTurn, chat_input: ChatInput, value: str | None) -> None:
    """Pass the input to the open aside. When the aside is over, the draft continues."""
    kind = (talk.aside or {})["kind"]
    ASIDES[kind](talk, chat_input, value)
    _resume_draft(talk)


def _ask_again(talk: ConversationTurn) -> None:
    """Ask the open question again, with buttons that work."""
    aside = talk.aside or {}
    if aside.get("kind") == "remark":
        rating.ask_remark(talk)
    elif aside.get("kind") == "language":
        _ask_language(talk, first=bool(aside.get("first")))
    elif "draft" in talk.state:
        talk.come_back()
        feedback.ask_next(talk)


def _ask_language(talk: ConversationTurn, *, first: bool) -> None:
    talk.turn_aside("language", first=first)
    talk.ask(texts.LANGUAGE, [[(name, code) for code, name in LANGUAGES.items()]])


def _take_language(talk: ConversationTurn, _chat_input: ChatInput, value: str | None) -> None:
    first = bool(talk.aside and talk.aside.get("first"))
    if value not in LANGUAGES:
        _ask_language(talk, first=first)
        return
    talk.language = value
    talk.come_back()
    talk.say(texts.GREETING if first else texts.LANGUAGE_KEPT)
    if first:
        feedback.begin_draft(talk)


def _show_menu(talk: ConversationTurn) -> None:
    talk.turn_aside("menu")
    labels = (("new", texts.MENU_NEW), ("follow", texts.MENU_FOLLOW), ("mine", texts.MENU_MINE))
    talk.ask(talk.words(texts.MENU), [[(talk.words(label), value)] for value, label in labels])


def _take_menu(talk: ConversationTurn, chat_input: ChatInput, value: str | None) -> None:
    talk.come_back()
    if value == "follow":
        follow.start_following(talk, chat_input)
    elif value == "mine":
        follow.list_mine(talk, chat_input)
    else:
        feedback.begin_draft(talk)


def _start(talk: ConversationTurn, chat_input: ChatInput) -> None:
    """Begin a draft, or continue the one that exists."""
    if _command(chat_input) == "start":
        talk.say(texts.GREETING)
    talk.come_back()
    feedback.begin_draft(talk)
    feedback.ask_next(talk)


def _change_language(talk: ConversationTurn, _chat_input: ChatInput) -> None:
    _ask_language(talk, first=False)


def _help(talk: ConversationTurn, _chat_input: ChatInput) -> None:
    talk.say(texts.HELP)


def _cancel(talk: ConversationTurn, _chat_input: ChatInput) -> None:
    """Cancel what was begun last: the aside if one is open, else the draft."""
    aside = talk.aside
    talk.come_back()
    talk.state.pop("nonce", None)
    if aside is not None and "draft" in talk.state:
        talk.say(texts.ASIDE_CANCELLED)
        feedback.ask_next(talk)
        return
    cancelled = talk.state.pop("draft", None) or aside
    talk.say(texts.CANCELLED if cancelled else texts.NOTHING_TO_CANCEL, keyboard=Keyboard.REMOVE)


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
    "language": _take_language,
    "menu": _take_menu,
    "follow": follow.take_input,
    "list": follow.open_own,
    "reply": reply.take_input,
    "remark": rating.take_remark,
    "objection": judgement.take_objection,
    "second_look": second_look.take_input,
}
LISTENING = frozenset({"follow", "reply", "remark", "objection", "second_look"})  # asides that wait for text
