"""What a sender may still do about a ticket, and what the page tells of its pauses, its extension and its window."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from backend.deadlines import limits
from backend.deadlines.clock_states import TicketClocks
from backend.deadlines.clocks import ClockPreview
from backend.deadlines.terms import TicketPause
from backend.errors import DomainError
from backend.tickets import service
from backend.tickets.dossier import Dossier
from backend.tickets.lifecycle import Event
from backend.tickets.queries import CourseStep
from backend.users.policy import SENDER

# Wishes by the path of their address.
WISHES: Final = {
    "khong-tam-dung": Event.PAUSE_DISPUTED,
    "dong-y": Event.CONFIRMED,
    "chua-xong": Event.DISPUTED,
    "xu-ly-lai": Event.REOPENED,
    "rut": Event.WITHDRAWN,
}
_OF_AN_ANSWER: Final = frozenset({Event.CONFIRMED, Event.DISPUTED, Event.REOPENED})


@dataclass(frozen=True)
class PauseView:
    """A pause with the question that it waits for."""

    held: TicketPause
    question: str
    judged: bool


@dataclass(frozen=True)
class ExtensionView:
    """The extension, and the reason that was given for it."""

    at: datetime
    reason: str


def open_wishes(known: Dossier) -> dict[str, ClockPreview]:
    """What this sender may do now, with what it would do. An answer is to be read before it is judged."""
    found: dict[str, ClockPreview] = {}
    for path, event in WISHES.items():
        if event in _OF_AN_ANSWER and known.ticket.told_at is None:
            continue
        for change in _examples(known.clocks, event):
            try:
                found.setdefault(path, service.preview_action(known, change, SENDER))
            except DomainError:
                continue
    return found


def _examples(clocks: TicketClocks, event: Event) -> list[service.ActionRequest]:
    """A pause may be disputed one by one; the others are about the ticket."""
    if event is not Event.PAUSE_DISPUTED:
        return [service.ActionRequest(event)]
    return [service.ActionRequest(event, pause=held.number) for held in clocks.breaks if not held.disputed]


def pauses_told(known: Dossier, steps: Sequence[CourseStep]) -> list[PauseView]:
    """Each pause with its question: both are counted in the order of the history."""
    questions = [step.text for step in steps if step.event is Event.INFO_REQUESTED]
    judged = {h.data.get("pause") for h in known.history if h.event is Event.PAUSE_JUDGED}
    told = zip(known.clocks.breaks, questions, strict=False)
    return [PauseView(held, text, held.number in judged) for held, text in told]


def extension_told(clocks: TicketClocks, course: Sequence[CourseStep]) -> ExtensionView | None:
    """The extension of the present episode with its reason, which its sender reads once it was granted. ``course`` is
    the whole one, with what staff settle among themselves."""
    given = clocks.resolve.term.extension
    if given is None:
        return None
    asked = [s.text for s in course if s.event is Event.EXTENSION_REQUESTED and s.at <= given.at]
    return ExtensionView(given.at, asked[-1] if asked else "")


def reopening_ends(clocks: TicketClocks) -> date | None:
    """The last day on which the sender may have it taken up again."""
    if clocks.decided is None:
        return None
    return limits.last_day(clocks.resolve.term.calendar, clocks.ruling.get(limits.REOPEN_WINDOW), clocks.decided)
