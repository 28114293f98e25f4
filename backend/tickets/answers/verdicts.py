"""The sender's own verdict on a closure: confirmed, disputed, or no word. Pure."""

from collections.abc import Sequence
from typing import Final

from backend.deadlines.events import Event, TicketEvent
from backend.tickets.models import CitizenVerdict

VERDICT_OF: Final = {
    Event.CONFIRMED: CitizenVerdict.CONFIRMED,
    Event.DISPUTED: CitizenVerdict.DISPUTED,
    Event.REOPENED: CitizenVerdict.DISPUTED,
}


def latest_verdict(history: Sequence[TicketEvent]) -> CitizenVerdict | None:
    """Return the last word of the sender; None where they said nothing.

    A unit cannot erase a dispute by another answer: only the sender's next word replaces it.
    """
    words = (VERDICT_OF[event.event] for event in reversed(history) if event.event in VERDICT_OF)
    return next(words, None)
