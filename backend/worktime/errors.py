"""The refusal of this room."""

from backend.errors import Invalid


def _(message: str) -> str:
    """Mark a text for the catalogue and return it. The edge that displays it translates it."""
    return message


class WorktimeError(Invalid, ValueError):
    """A calendar, a duration or a moment that is not valid or cannot be counted."""
