"""What a sender may still do about a ticket, and what the page shows of pauses, extension and the time to reopen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from backend.deadlines.clock_states import TicketClocks
from backend.deadlines.clocks import ClockPreview
from backend.deadlines.terms import TicketPause
from backend.tickets.dossier import Dossier
from backend.tickets.lifecycle import Event
from backend.tickets.queries import CourseStep
from backend.tickets.senders.sender_rights import read_sender_rights

# The last part of an action's address -> the event it causes.
SENDER_ACTIONS: Final = {
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
    """A pause with the question that the unit asked, and whether a dispute about it was judged."""

    pause: TicketPause
    question: str
    judged: bool


@dataclass(frozen=True)
class ExtensionView:
    """When the extension was approved, and the reason that the unit gave for it."""

    at: datetime
    reason: str


def list_open_actions(dossier: Dossier) -> dict[str, ClockPreview]:
    """Return what the sender may do now: path of the action -> its preview."""
    rights = read_sender_rights(dossier)
    return {path: rights[event] for path, event in SENDER_ACTIONS.items() if event in rights}


def list_pauses(dossier: Dossier, steps: Sequence[CourseStep]) -> list[PauseView]:
    """Return each pause with its question. The nth question began the nth pause: both stand in order of time."""
    questions = [step.text for step in steps if step.event is Event.INFO_REQUESTED]
    judged = {event.data.get("pause") for event in dossier.history if event.event is Event.PAUSE_JUDGED}
    pauses = zip(dossier.clocks.breaks, questions, strict=False)
    return [PauseView(pause, question, pause.number in judged) for pause, question in pauses]


def read_extension(clocks: TicketClocks, course: Sequence[CourseStep]) -> ExtensionView | None:
    """Return the approved extension of the present episode with its reason. Before approval the sender sees neither.

    ``course`` is the whole course with its internal steps: the request for the extension is one of them.
    """
    extension = clocks.resolve.term.extension
    if extension is None:
        return None
    requests = [step for step in course if step.event is Event.EXTENSION_REQUESTED and step.at <= extension.at]
    return ExtensionView(extension.at, requests[-1].text if requests else "")
