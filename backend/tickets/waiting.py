"""What a ticket waits for, and since when, from its history alone. Pure.

An open ticket waits for one thing at a time: the one that holds up its answer. Where two could be named, the first row
of ``_waits_for`` decides. So a leader never misses an approval because the sender disputes an earlier pause as well.
``projection`` stores the result with the ticket; the inbox, its views and counts read it there.

To add something to wait for: a member of ``WaitsFor``, a row in ``_waits_for``, the events that begin it in
``BEGUN_BY``, its names in ``texts``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from backend.deadlines.events import TicketEvent
from backend.tickets.lifecycle import BEGINNINGS, Event
from backend.tickets.models import OPEN_STATES, TicketState, WaitsFor

# Events that tell whoever works on the ticket nothing new: the system's own notes, and groups, which change nothing.
QUIET: Final = frozenset({Event.RECOUNTED, Event.PROGRESS_TOLD, Event.NOTIFIED, Event.GROUPED, Event.UNGROUPED})
# What a sender says that somebody must read.
REPLIES: Final = frozenset({Event.INFO_RECEIVED, Event.INFO_PASSED_ON, Event.DISPUTED, Event.REOPENED})
_ENDS: Final = frozenset(
    {Event.ANSWERED, Event.ANSWERED_TOGETHER, Event.REFUSED, Event.REDIRECTED, Event.WITHDRAWN, Event.MERGED}
)
# The events that begin a wait. It lasts since the latest of them.
BEGUN_BY: Final[Mapping[WaitsFor, frozenset[Event]]] = {
    WaitsFor.NEW: frozenset({Event.RECEIVED, Event.FORWARDED, Event.UNMERGED}),
    WaitsFor.WORK: frozenset(
        {
            *(Event.ACCEPTED, Event.ASSIGNED, Event.RESUMED, Event.PAUSE_EXPIRED, Event.PAUSE_JUDGED, Event.EXTENDED),
            *(Event.EXTENSION_DENIED, Event.RETURNED, Event.DELAY_EXPLAINED, Event.UNMERGED),
            Event.SECOND_LOOK_SENT_BACK,
        }
    ),
    WaitsFor.REPLIED: REPLIES,
    WaitsFor.ANSWER_APPROVAL: frozenset({Event.SUBMITTED_FOR_APPROVAL}),
    WaitsFor.EXTENSION_APPROVAL: frozenset({Event.EXTENSION_REQUESTED}),
    WaitsFor.PAUSE_DISPUTE: frozenset({Event.PAUSE_DISPUTED}),
    WaitsFor.SENDER: frozenset({Event.INFO_REQUESTED}),
    WaitsFor.NOTHING: _ENDS,
}


class TicketParty(StrEnum):
    """Who is to act next."""

    HANDLER = "handler"  # the assignee, or else an officer of the unit
    LEADER = "leader"
    COORDINATOR = "coordinator"
    SENDER = "sender"


# Who is to act next, by what the ticket waits for.
WAITED_BY: Final[Mapping[WaitsFor, TicketParty]] = {
    WaitsFor.NEW: TicketParty.HANDLER,
    WaitsFor.WORK: TicketParty.HANDLER,
    WaitsFor.REPLIED: TicketParty.HANDLER,
    WaitsFor.ANSWER_APPROVAL: TicketParty.LEADER,
    WaitsFor.EXTENSION_APPROVAL: TicketParty.LEADER,
    WaitsFor.PAUSE_DISPUTE: TicketParty.COORDINATOR,
    WaitsFor.SENDER: TicketParty.SENDER,
}
_WORK_STATES: Final = frozenset({TicketState.ACCEPTED, TicketState.IN_PROGRESS})
_EXTENSION_DECIDED: Final = BEGINNINGS | {Event.EXTENDED, Event.EXTENSION_DENIED}


@dataclass(frozen=True)
class TicketWait:
    """What a ticket waits for, since when, and when something last happened to it that concerns staff."""

    waits_for: WaitsFor
    since: datetime
    changed_at: datetime


def wait_of(history: Sequence[TicketEvent], state: TicketState, clock_stopped: bool) -> TicketWait:
    """Return what the ticket waits for after its last event. ``clock_stopped``: a question to the sender stops it."""
    changed = next(ticket_event for ticket_event in reversed(history) if ticket_event.event not in QUIET)
    waits_for = _waits_for(history, state, changed.event, clock_stopped)
    beginnings = (ticket_event for ticket_event in reversed(history) if ticket_event.event in BEGUN_BY[waits_for])
    begun = next(beginnings, changed)
    return TicketWait(waits_for, begun.at, changed.at)


def pending_extension(history: Sequence[TicketEvent]) -> TicketEvent | None:
    """Return the request for an extension that nobody has decided yet in the present episode."""
    for ticket_event in reversed(history):
        if ticket_event.event is Event.EXTENSION_REQUESTED:
            return ticket_event
        if ticket_event.event in _EXTENSION_DECIDED:
            return None
    return None


def pending_disputes(history: Sequence[TicketEvent]) -> set[int]:
    """Return the numbers of the pauses that the sender disputes and nobody has judged yet."""
    return _pauses(history, Event.PAUSE_DISPUTED) - _pauses(history, Event.PAUSE_JUDGED)


def _waits_for(history: Sequence[TicketEvent], state: TicketState, last: Event, clock_stopped: bool) -> WaitsFor:
    if state not in OPEN_STATES:
        return WaitsFor.NOTHING
    if state is TicketState.AWAITING_APPROVAL:
        return WaitsFor.ANSWER_APPROVAL
    if state in _WORK_STATES and pending_extension(history) is not None:
        return WaitsFor.EXTENSION_APPROVAL
    if pending_disputes(history):
        return WaitsFor.PAUSE_DISPUTE
    if clock_stopped:
        return WaitsFor.SENDER
    if state is TicketState.NEW:
        return WaitsFor.NEW
    return WaitsFor.REPLIED if last in REPLIES else WaitsFor.WORK


def _pauses(history: Sequence[TicketEvent], event: Event) -> set[int]:
    return {int(ticket_event.data.get("pause", 0)) for ticket_event in history if ticket_event.event is event}
