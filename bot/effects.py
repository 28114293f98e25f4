"""What a conversation wants done in the chat. Written into the database with the state that calls for it, and done
after the commit, so that a process that dies in between owes it and the next one pays.

A receipt's secret is not among what is written: its place is marked, and it is derived again from the key when it is
said.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from backend.messengers.messenger import Keyboard
from backend.notify.channels import Buttons, ChatButton
from backend.settings import get_settings
from backend.tickets.reception import receipts

PLACE = "\ue000"  # a sign for private use, which nobody's text holds here


class EffectKind(StrEnum):
    """The kinds of effects."""

    SAY = "say"
    DELETE = "delete"
    REMOVE_BUTTONS = "remove_buttons"
    KEEP_PHOTO = "keep_photo"


@dataclass(frozen=True)
class BotEffect:
    """One of them; ``key`` is a receipt's, ``ticket_id`` the ticket that a photo belongs to."""

    do: EffectKind
    text: str = ""
    buttons: Buttons = ()
    keyboard: Keyboard = Keyboard.NONE
    keyboard_text: str = ""
    key: str = ""
    message_id: int = 0
    file_id: str = ""
    ticket_id: int = 0

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        rows = tuple(tuple(ChatButton(**button) for button in row) for row in kept.get("buttons", ()))
        keyboard = Keyboard(kept.get("keyboard", ""))
        return cls(**{**kept, "do": EffectKind(kept["do"]), "buttons": rows, "keyboard": keyboard})

    def words(self) -> str:
        """The text as it is said, with the receipt's secret in its place."""
        if not self.key:
            return self.text
        secret = receipts.access_secret(get_settings().secret_key.get_secret_value(), self.key)
        return self.text.replace(PLACE, receipts.group_secret(secret))
