"""One turn of a conversation: what it can read, what it says, where it stands afterwards."""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from backend.errors import DomainError, Invalid
from backend.messengers.messenger import ChatInput, InputKind, Keyboard
from backend.notify.channels import Buttons, ChatButton
from backend.tickets import service
from backend.tickets.reception import drafts
from backend.web.language import SOURCE, gettext, translate_error
from backend.worktime.calendar import ZONE
from bot.effects import BotEffect, EffectKind

Rows = Sequence[Sequence[tuple[str, str]]]
Draft = dict[str, Any]


def chosen_number(value: str | None, kind: str) -> int:
    """The number in ``u:12`` where ``kind`` is ``u``; else 0, which is nobody's."""
    name, _colon, number = (value or "").partition(":")
    return int(number) if name == kind and re.fullmatch("[0-9]{1,9}", number) else 0


@dataclass
class ConversationTurn:
    """``state`` is plain JSON and survives a restart:

    ``draft``  feedback being written (see ``feedback``)
    ``aside``  a short exchange beside it, with its ``kind``: language, menu, follow, list, reply, remark
    ``nonce``  what the buttons of the latest question carry; a press with another one is old or forged
    ``scores`` ratings begun: ticket id -> item -> score
    ``albums`` albums whose feedback is sent: a photo that comes late still finds its ticket
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
        """A message of the catalogue in the chat's language."""
        return gettext(self.language or SOURCE, message, params)

    def say(
        self, message: str, *, keyboard: Keyboard = Keyboard.NONE, keyboard_text: str = "", **params: object
    ) -> None:
        """A message of the catalogue, without buttons."""
        text = self.words(keyboard_text) if keyboard_text else ""
        self.effects.append(
            BotEffect(EffectKind.SAY, self.words(message, **params), keyboard=keyboard, keyboard_text=text)
        )

    def tell(self, text: str, buttons: Buttons = (), *, key: str = "") -> None:
        """Text that is put together already."""
        self.effects.append(BotEffect(EffectKind.SAY, text, buttons, key=key))

    def ask(self, text: str, rows: Rows) -> None:
        """A question whose buttons work until the next one is asked; rows of (label, value)."""
        nonce = secrets.token_urlsafe(4)
        self.state["nonce"] = nonce
        self.tell(text, tuple(tuple(ChatButton(label, f"{nonce}:{value}") for label, value in row) for row in rows))

    def pressed(self, said: ChatInput) -> str | None:
        """The value of the button, if it belongs to the latest question."""
        nonce, _colon, value = said.text.partition(":")
        return value if said.kind is InputKind.PRESS and nonce and nonce == self.state.get("nonce") else None

    def refuse(self, refusal: DomainError) -> None:
        """Say every sentence of a refusal."""
        errors = refusal.errors if isinstance(refusal, Invalid) and refusal.errors else (refusal,)
        self.tell("\n".join(translate_error(error, self.language or SOURCE) for error in errors))

    def remove_buttons(self, said: ChatInput) -> None:
        if said.message_id:
            self.effects.append(BotEffect(EffectKind.REMOVE_BUTTONS, message_id=said.message_id))

    def delete(self, said: ChatInput) -> None:
        self.effects.append(BotEffect(EffectKind.DELETE, message_id=said.message_id))

    @property
    def aside(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.state.get("aside")
        return found

    def turn_aside(self, kind: str, **more: Any) -> None:
        self.state["aside"] = {"kind": kind, **more}

    def come_back(self) -> None:
        self.state.pop("aside", None)


@dataclass(frozen=True)
class DraftStep:
    """One question of the feedback: how it is asked, and what is done with what comes. ``take`` says whether the next
    question is to be asked now."""

    ask: Callable[[ConversationTurn, Draft], None]
    take: Callable[[ConversationTurn, Draft, ChatInput, str | None], bool]


def check_field(field: str, **typed: str) -> None:
    """Raise what reception would say of this field alone."""
    empty = service.FeedbackDraft(key="", unit_id=None, category_code="", title="", content="", consent=True)
    draft = drafts.tidy_draft(replace(empty, **typed))  # type: ignore[arg-type]  # all that is typed is text
    Invalid.collect([error for error in drafts.refusals_of(draft, contact_required=False) if error.field == field])
