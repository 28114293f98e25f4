"""Effects: what a conversation wants done in the chat.

They are stored in the same transaction as the state that causes them, and carried out after the commit. If the process
dies in between, the next process carries them out.

The secret of a receipt is never stored. A mark stands in its place, and the secret is derived again from the receipt's
key when the text is sent.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from backend.messengers.messenger import Keyboard
from backend.notify.channels import Buttons, ChatButton
from backend.settings import get_settings
from backend.tickets.reception import receipts

PLACE = "\ue000"  # a character for private use; no other text of the bot contains it


class EffectKind(StrEnum):
    """What is done: send a text, delete a message, remove its buttons, or fetch and store a photo."""

    SAY = "say"
    DELETE = "delete"
    REMOVE_BUTTONS = "remove_buttons"
    KEEP_PHOTO = "keep_photo"


@dataclass(frozen=True)
class BotEffect:
    """One effect. ``key`` is the key of a receipt, ``ticket_id`` the ticket to which a photo belongs."""

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
    def from_json(cls, stored: dict[str, Any]) -> Self:
        rows = tuple(tuple(ChatButton(**button) for button in row) for row in stored.get("buttons", ()))
        keyboard = Keyboard(stored.get("keyboard", ""))
        return cls(**{**stored, "do": EffectKind(stored["do"]), "buttons": rows, "keyboard": keyboard})

    def words(self) -> str:
        """Return the text to send, with the receipt's secret in its place."""
        if not self.key:
            return self.text
        secret = receipts.access_secret(get_settings().secret_key.get_secret_value(), self.key)
        return self.text.replace(PLACE, receipts.group_secret(secret))
