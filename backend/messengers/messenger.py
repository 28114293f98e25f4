"""The interface to a messenger: input, output and failures. The bot uses a messenger only through it.

Another messenger is another class with the methods of `Messenger`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from backend.notify.channels import Buttons

FILE_MOST = 20 * 1024 * 1024  # bytes; the Bot API does not send larger files (getFile)


class InputKind(StrEnum):
    """What a person did."""

    TEXT = "text"
    PRESS = "press"
    PHOTO = "photo"
    PHONE = "phone"
    EDITED = "edited"
    OTHER = "other"


@dataclass(frozen=True)
class ChatInput:
    """One thing a person did in a private chat.

    ``text`` is the typed text, the caption, the shared number or the data of the button. ``message_id`` is the message
    itself, or the one that the button belongs to. ``own`` says whether a shared number is the person's own.
    """

    update_id: int
    chat_id: int
    kind: InputKind
    message_id: int
    text: str = ""
    file_id: str = ""
    size: int = 0
    album: str = ""
    own: bool = True
    press_id: str = ""


@dataclass(frozen=True)
class UpdateBatch:
    """Input and its position: the next call passes ``confirmed``, and the messenger then drops this input."""

    incoming: Sequence[ChatInput]
    confirmed: int | None


class Keyboard(StrEnum):
    """Change of the keyboard: none, a button that shares the phone number, or back to the letters."""

    NONE = ""
    PHONE = "phone"
    REMOVE = "remove"


class ChatGone(Exception):
    """The person has blocked the bot or left. No message can reach this chat."""


class TryLater(Exception):
    """The messenger cannot do it now. ``seconds`` is the time to wait before the next try."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"try again in {seconds:g} s")
        self.seconds = seconds


class Messenger(Protocol):
    """What a messenger can do. Every method raises ChatGone or TryLater.

    ``settle``, ``remove_buttons`` and ``delete`` ignore a message that is too old to change.
    """

    async def updates(self, confirmed: int | None, wait: int) -> UpdateBatch: ...

    async def say(self, chat_id: int, text: str, buttons: Buttons, keyboard: Keyboard, keyboard_text: str) -> None: ...

    async def settle(self, press_id: str) -> None: ...

    async def remove_buttons(self, chat_id: int, message_id: int) -> None: ...

    async def delete(self, chat_id: int, message_id: int) -> None: ...

    async def file(self, file_id: str) -> bytes: ...
