"""One turn of a conversation: what it can read, the effects it causes, and the state it leaves."""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from backend.errors import DomainError, Invalid, NotFound
from backend.messengers.messenger import ChatInput, InputKind, Keyboard
from backend.notify.channels import Buttons, ChatButton
from backend.tickets import queries, service
from backend.tickets.models import Contact, Ticket
from backend.tickets.reception import drafts
from backend.web.language import SOURCE, gettext, translate_error
from backend.worktime.calendar import ZONE
from bot.effects import BotEffect, EffectKind

Rows = Sequence[Sequence[tuple[str, str]]]
Draft = dict[str, Any]


def chosen_number(value: str | None, kind: str) -> int:
    """Return the number of a button's value: 12 for ``u:12`` and kind ``u``; else 0, which is no id and no page."""
    name, _colon, number = (value or "").partition(":")
    return int(number) if name == kind and re.fullmatch("[0-9]{1,9}", number) else 0


@dataclass
class ConversationTurn:
    """One turn of a chat. ``state`` is plain JSON and survives a restart:

    ``draft``  the feedback that is being written (see ``feedback``)
    ``aside``  a short exchange beside the draft, with its ``kind``: language, menu, follow, list, reply, remark,
               objection, second_look
    ``nonce``  a token in the buttons of the latest question; a press with another token is old or forged
    ``scores`` ratings begun: key of the answer (see ``rating``) -> item -> score
    ``albums`` album -> ticket id of feedback already sent, so that a late photo still finds its ticket
    """

    session: Session
    chat_id: int
    language: str | None
    state: dict[str, Any]
    now: datetime
    effects: list[BotEffect] = field(default_factory=list)

    @property
    def today(self) -> date:
        return self.now.astimezone(ZONE).date()

    def words(self, message: str, **params: object) -> str:
        """Return a message of the catalogue in the chat's language."""
        return gettext(self.language or SOURCE, message, params)

    def say(
        self, message: str, *, keyboard: Keyboard = Keyboard.NONE, keyboard_text: str = "", **params: object
    ) -> None:
        """Send a message of the catalogue, without buttons."""
        text = self.words(keyboard_text) if keyboard_text else ""
        self.effects.append(
            BotEffect(EffectKind.SAY, self.words(message, **params), keyboard=keyboard, keyboard_text=text)
        )

    def tell(self, text: str, buttons: Buttons = (), *, key: str = "") -> None:
        """Send a text that is already translated and complete."""
        self.effects.append(BotEffect(EffectKind.SAY, text, buttons, key=key))

    def ask(self, text: str, rows: Rows) -> None:
        """Ask a question with rows of buttons (label, value). They work until the next question is asked."""
        nonce = secrets.token_urlsafe(4)
        self.state["nonce"] = nonce
        self.tell(text, tuple(tuple(ChatButton(label, f"{nonce}:{value}") for label, value in row) for row in rows))

    def pressed(self, chat_input: ChatInput) -> str | None:
        """Return the value of the pressed button, if it belongs to the latest question."""
        nonce, _colon, value = chat_input.text.partition(":")
        return value if chat_input.kind is InputKind.PRESS and nonce and nonce == self.state.get("nonce") else None

    def refuse(self, refusal: DomainError) -> None:
        """Send all sentences of a refusal."""
        errors = refusal.errors if isinstance(refusal, Invalid) and refusal.errors else (refusal,)
        self.tell("\n".join(translate_error(error, self.language or SOURCE) for error in errors))

    def remove_buttons(self, chat_input: ChatInput) -> None:
        if chat_input.message_id:
            self.effects.append(BotEffect(EffectKind.REMOVE_BUTTONS, message_id=chat_input.message_id))

    def delete(self, chat_input: ChatInput) -> None:
        self.effects.append(BotEffect(EffectKind.DELETE, message_id=chat_input.message_id))

    @property
    def aside(self) -> dict[str, Any] | None:
        """The open aside, if any."""
        aside: dict[str, Any] | None = self.state.get("aside")
        return aside

    def turn_aside(self, kind: str, **more: Any) -> None:
        self.state["aside"] = {"kind": kind, **more}

    def come_back(self) -> None:
        self.state.pop("aside", None)


@dataclass(frozen=True)
class DraftStep:
    """One question of the draft. ``ask`` sends it. ``take`` handles the input and returns whether to ask the next
    question now."""

    ask: Callable[[ConversationTurn, Draft], None]
    take: Callable[[ConversationTurn, Draft, ChatInput, str | None], bool]


def own_ticket(talk: ConversationTurn, ticket_id: int) -> Ticket:
    """Return a ticket that was sent from this chat. Raises NotFound for any other: a press can be forged."""
    contact = talk.session.get(Contact, ticket_id)
    if contact is None or contact.chat_id != talk.chat_id:
        raise NotFound
    return queries.by_id(talk.session, ticket_id)


def check_field(field: str, **typed: str) -> None:
    """Check one field of a draft as reception will check it. Raises Invalid with the refusals of this field."""
    empty = service.FeedbackDraft(key="", unit_id=None, category_code="", title="", content="", consent=True)
    draft = drafts.tidy_draft(replace(empty, **typed))  # type: ignore[arg-type]  # every field typed is text
    Invalid.collect([error for error in drafts.refusals_of(draft, contact_required=False) if error.field == field])
