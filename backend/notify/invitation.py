"""Buttons under a message that ask its reader for something: a rating, or a reply to a question.

A button can be pressed any time later, by anybody who can forge what a press sends, so each carries a mark that only
the server can make, for one ticket and one chat. Whoever takes the press still asks whether the ticket is that chat's.
"""

import base64
import hmac
import re
from dataclasses import dataclass

from backend.errors import NotFound, _
from backend.notify.channels import Buttons, ChatButton
from backend.settings import get_settings

RATE, REPLY = "rate", "reply"
PRESSED = re.compile(r"(rate|reply):([0-9]{1,10}):([0-2]):([1-5]):([A-Za-z0-9_-]{12})")


@dataclass(frozen=True)
class ButtonPress:
    """A press that the server had asked for: ``item`` 0..2 and ``score`` 1..5 mean something for a rating only."""

    purpose: str
    ticket_id: int
    item: int
    score: int


def sign_button(purpose: str, ticket_id: int, chat_id: int) -> str:
    """72 bits of HMAC-SHA256 over what the button is for."""
    secret = get_settings().secret_key.get_secret_value().encode()
    digest = hmac.digest(secret, f"invitation:{purpose}:{ticket_id}:{chat_id}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:9]).decode()


def rating_buttons(ticket_id: int, chat_id: int, item: int) -> Buttons:
    """Five buttons for one of the three items."""
    tail = sign_button(RATE, ticket_id, chat_id)
    return (tuple(ChatButton(str(score), f"{RATE}:{ticket_id}:{item}:{score}:{tail}") for score in range(1, 6)),)


def reply_button(ticket_id: int, chat_id: int, text: str) -> Buttons:
    """One button that opens the reply to a question."""
    return ((ChatButton(text, f"{REPLY}:{ticket_id}:0:1:{sign_button(REPLY, ticket_id, chat_id)}"),),)


def read_press(data: str, chat_id: int) -> ButtonPress | None:
    """What was pressed; None where it is not such a button. Raises NotFound where it was never given to this chat."""
    found = PRESSED.fullmatch(data)
    if found is None:
        return None
    purpose, ticket_id = found[1], int(found[2])
    if not hmac.compare_digest(found[5], sign_button(purpose, ticket_id, chat_id)):
        raise NotFound(_("Nút này không dùng được trong cuộc trò chuyện này."))
    return ButtonPress(purpose, ticket_id, int(found[3]), int(found[4]))
