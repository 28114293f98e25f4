"""The one interface to a messenger: what comes in, what goes out, how it can fail. Conversations know nothing else of
it; another messenger is another class with these verbs."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from backend.notify.channels import Buttons

FILE_MOST = 20 * 1024 * 1024  # bytes; the Bot API hands out no larger file (getFile)


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
    """One thing a person did in a private chat. ``text`` is what was typed, the caption, the number shared or the data
    of the button; ``message_id`` the message it came with or hangs under; ``own`` whether a shared number is theirs."""

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
    """What came in, and up to where: the next call with ``confirmed`` tells the messenger to forget these."""

    incoming: Sequence[ChatInput]
    confirmed: int | None


class Keyboard(StrEnum):
    """What stands in place of the letters: nothing, a button that shares the phone number, the letters again."""

    NONE = ""
    PHONE = "phone"
    REMOVE = "remove"


class ChatGone(Exception):
    """The person has blocked the bot or left; nothing will ever reach this chat."""


class TryLater(Exception):
    """It may work after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"try again in {seconds:g} s")
        self.seconds = seconds


class Messenger(Protocol):
    """Every verb raises Gone or TryLater; ``settle``, ``remove_buttons`` and ``delete`` do what can be done and are
    silent about the rest (a message may be too old)."""

    async def updates(self, confirmed: int | None, wait: int) -> UpdateBatch: ...

    async def say(self, chat_id: int, text: str, buttons: Buttons, keyboard: Keyboard, keyboard_text: str) -> None: ...

    async def settle(self, press_id: str) -> None: ...

    async def remove_buttons(self, chat_id: int, message_id: int) -> None: ...

    async def delete(self, chat_id: int, message_id: int) -> None: ...

    async def file(self, file_id: str) -> bytes: ...
