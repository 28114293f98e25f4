"""The fields of a ticket's page that take a template, and the names of what chooses one. Pure."""

from collections.abc import Mapping
from typing import Final

from backend.desk.replies.models import ReplyKind

BUTTON: Final = "insert"  # the button sends the name of the field
CHECK: Final = "check"  # so does the button that asks for hints
FIELD_KINDS: Final[Mapping[str, ReplyKind]] = {
    "answer": ReplyKind.ANSWER,
    "draft": ReplyKind.ANSWER,
    "approved": ReplyKind.ANSWER,
    "question": ReplyKind.QUESTION,
    "refusal_reason": ReplyKind.REFUSAL,
}


def choice_name(field: str) -> str:
    """Return the name of the select beside a field."""
    return f"{field}_template"


# Quick to choose again, and no text of anybody.
CHOICE_NAMES: Final = frozenset({BUTTON, CHECK, *(choice_name(field) for field in FIELD_KINDS)})
# The texts that the checklist is about.
CHECKED: Final = frozenset(field for field, kind in FIELD_KINDS.items() if kind is ReplyKind.ANSWER)
