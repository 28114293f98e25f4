"""The one refusal of this room."""

from backend.errors import Invalid


def _(message: str) -> str:
    """Mark a text for the catalogue; the edge that shows it translates it."""
    return message


class WorktimeError(Invalid, ValueError):
    """A calendar, a term or a moment that cannot be counted with."""
