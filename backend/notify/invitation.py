"""Buttons under a message that ask its reader for a rating, for a reply to a question, whether it is solved, or for a
second look by the level above.

A press may come at any later time, and a client can forge its data. So each button carries a mark that only the server
can make, for one ticket and one chat. The code that handles a press also checks that the ticket belongs to the chat,
and that a rating is about the latest answer: ``rate:42:0:5:<mark>`` is about the first answer, ``rate:42.2:0:5:<mark>``
about the second.
"""

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from backend.errors import NotFound, _
from backend.notify.channels import Buttons, ChatButton
from backend.settings import get_settings

RATE, REPLY, SOLVED, UNSOLVED, LOOK = "rate", "reply", "solved", "unsolved", "look"
PRESSED = re.compile(
    r"(?P<purpose>rate|reply|solved|unsolved|look):(?P<ticket>[0-9]{1,10})(\.(?P<answer>[0-9]{1,4}))?"
    r":(?P<item>[0-2]):(?P<score>[1-5]):(?P<mark>[A-Za-z0-9_-]{12})"
)


@dataclass(frozen=True)
class ButtonPress:
    """A press of a button that the server made. ``item`` 0..2, ``score`` 1..5 and ``answer`` are for ratings only."""

    purpose: str
    ticket_id: int
    item: int
    score: int
    answer: int = 1


def sign_button(purpose: str, subject: str, chat_id: int) -> str:
    """Return the mark of a button: 72 bits of HMAC-SHA256. ``subject`` is the ticket and the number of its answer."""
    secret = get_settings().secret_key.get_secret_value().encode()
    digest = hmac.digest(secret, f"invitation:{purpose}:{subject}:{chat_id}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:9]).decode()


def rating_buttons(ticket_id: int, chat_id: int, item: int, answer: int = 1) -> Buttons:
    """Return five buttons for one of the three items, about one answer of the ticket."""
    subject = str(ticket_id) if answer == 1 else f"{ticket_id}.{answer}"
    tail = sign_button(RATE, subject, chat_id)
    return (tuple(ChatButton(str(score), f"{RATE}:{subject}:{item}:{score}:{tail}") for score in range(1, 6)),)


def solved_buttons(ticket_id: int, chat_id: int, answer: int, texts: Mapping[str, str]) -> Buttons:
    """Return one row that asks whether it is solved. ``texts``: purpose -> label, for what the reader may do."""
    subject = str(ticket_id) if answer == 1 else f"{ticket_id}.{answer}"
    row = (
        ChatButton(label, f"{purpose}:{subject}:0:1:{sign_button(purpose, subject, chat_id)}")
        for purpose, label in texts.items()
    )
    return (tuple(row),) if texts else ()


def reply_button(ticket_id: int, chat_id: int, text: str) -> Buttons:
    """Return one button that opens the reply to a question."""
    return ((ChatButton(text, f"{REPLY}:{ticket_id}:0:1:{sign_button(REPLY, str(ticket_id), chat_id)}"),),)


def look_button(ticket_id: int, chat_id: int, text: str) -> Buttons:
    """Return one button that asks the level above for a second look."""
    return ((ChatButton(text, f"{LOOK}:{ticket_id}:0:1:{sign_button(LOOK, str(ticket_id), chat_id)}"),),)


def read_press(data: str, chat_id: int) -> ButtonPress | None:
    """Return the press; None for data of another kind. Raises NotFound where this chat never got the button."""
    parts = PRESSED.fullmatch(data)
    if parts is None:
        return None
    subject = parts["ticket"] if parts["answer"] is None else f"{parts['ticket']}.{parts['answer']}"
    if not hmac.compare_digest(parts["mark"], sign_button(parts["purpose"], subject, chat_id)):
        raise NotFound(_("Nút này không dùng được trong cuộc trò chuyện này."))
    item, score, answer = int(parts["item"]), int(parts["score"]), int(parts["answer"] or 1)
    return ButtonPress(parts["purpose"], int(parts["ticket"]), item, score, answer)
