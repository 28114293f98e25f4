"""Buttons under a message that ask its reader for something: a rating, or a reply to a question.

A button can be pressed any time later, by anybody who can forge what a press sends, so each carries a mark that only
the server can make, for one ticket and one chat. Whoever takes the press still asks whether the ticket is that chat's,
and a rating whether it is of the latest answer: ``rate:42:0:5:<mark>`` is of the first, ``rate:42.2:0:5:<mark>`` of the
second.
"""

import base64
import hmac
import re
from dataclasses import dataclass

from backend.errors import NotFound, _
from backend.notify.channels import Buttons, ChatButton
from backend.settings import get_settings

RATE, REPLY = "rate", "reply"
PRESSED = re.compile(
    r"(?P<purpose>rate|reply):(?P<ticket>[0-9]{1,10})(\.(?P<answer>[0-9]{1,4}))?"
    r":(?P<item>[0-2]):(?P<score>[1-5]):(?P<mark>[A-Za-z0-9_-]{12})"
)


@dataclass(frozen=True)
class ButtonPress:
    """A press that the server had asked for: ``item`` 0..2, ``score`` 1..5 and the number of the answer mean something
    for a rating only."""

    purpose: str
    ticket_id: int
    item: int
    score: int
    answer: int = 1


def sign_button(purpose: str, subject: str, chat_id: int) -> str:
    """72 bits of HMAC-SHA256 over what the button is for. ``subject``: the ticket, and which answer of it."""
    secret = get_settings().secret_key.get_secret_value().encode()
    digest = hmac.digest(secret, f"invitation:{purpose}:{subject}:{chat_id}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:9]).decode()


def rating_buttons(ticket_id: int, chat_id: int, item: int, answer: int = 1) -> Buttons:
    """Five buttons for one of the three items, of one answer of the ticket."""
    subject = str(ticket_id) if answer == 1 else f"{ticket_id}.{answer}"
    tail = sign_button(RATE, subject, chat_id)
    return (tuple(ChatButton(str(score), f"{RATE}:{subject}:{item}:{score}:{tail}") for score in range(1, 6)),)


def reply_button(ticket_id: int, chat_id: int, text: str) -> Buttons:
    """One button that opens the reply to a question."""
    return ((ChatButton(text, f"{REPLY}:{ticket_id}:0:1:{sign_button(REPLY, str(ticket_id), chat_id)}"),),)


def read_press(data: str, chat_id: int) -> ButtonPress | None:
    """What was pressed; None where it is not such a button. Raises NotFound where it was never given to this chat."""
    found = PRESSED.fullmatch(data)
    if found is None:
        return None
    subject = found["ticket"] if found["answer"] is None else f"{found['ticket']}.{found['answer']}"
    if not hmac.compare_digest(found["mark"], sign_button(found["purpose"], subject, chat_id)):
        raise NotFound(_("Nút này không dùng được trong cuộc trò chuyện này."))
    item, score, answer = int(found["item"]), int(found["score"]), int(found["answer"] or 1)
    return ButtonPress(found["purpose"], int(found["ticket"]), item, score, answer)
