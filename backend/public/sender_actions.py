"""What a sender may still do about a ticket, and what the page tells of its pauses, its extension and its window."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from backend.deadlines import limits
from backend.deadlines.clock_states import TicketClocks
from backend.deadlines.clocks import ClockPreview
from backend.deadlines.terms import TicketPause
from backend.tickets.dossier import Dossier
from backend.tickets.lifecycle import Event
from backend.tickets.queries import CourseStep
from backend.tickets.sender_rights import read_sender_rights

# Wishes by the path of their address.
WISHES: Final = {
    "tra-loi": Event.INFO_RECEIVED,
    "danh-gia": Event.RATED,
    "khong-tam-dung": Event.PAUSE_DISPUTED,
    "dong-y": Event.CONFIRMED,
    "chua-xong": Event.DISPUTED,
    "xu-ly-lai": Event.REOPENED,
    "rut": Event.WITHDRAWN,
}


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
    """What this sender may do now by the path of its form, with what it would do."""
    rights = read_sender_rights(known)
    return {path: rights[event] for path, event in WISHES.items() if event in rights}


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
