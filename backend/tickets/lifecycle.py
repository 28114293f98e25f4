"""The life of a ticket as one table: event x state -> state, and who may cause it. Pure.

States and moves: rules for handling feedback, section "States"; the moves of approval, reopening and merging join this
table when their pages do.
"""

from dataclasses import dataclass
from enum import StrEnum

from backend.errors import Conflict, _
from backend.tickets.models import State
from backend.users.policy import Action


class Event(StrEnum):
    """What happens to a ticket; also the name of its entry in the history."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    INFO_REQUESTED = "info_requested"
    INFO_RECEIVED = "info_received"
    FORWARDED = "forwarded"
    ANSWERED = "answered"
    NOTIFIED = "notified"
    RATED = "rated"


@dataclass(frozen=True)
class Transition:
    """From which states an event leads where. ``right`` is asked of the policy; without one the sender or the system
    causes the event. ``to`` None leaves the state as it is."""

    event: Event
    origins: frozenset[State]
    to: State | None
    right: Action | None = None
    text: bool = False


TRANSITIONS: dict[Event, Transition] = {
    row.event: row
    for row in (
        Transition(Event.ACCEPTED, frozenset({State.NEW}), State.ACCEPTED, Action.HANDLE_TICKET),
        Transition(
            Event.INFO_REQUESTED,
            frozenset({State.NEW, State.ACCEPTED}),
            State.AWAITING_SENDER,
            Action.HANDLE_TICKET,
            text=True,
        ),
        Transition(Event.INFO_RECEIVED, frozenset({State.AWAITING_SENDER}), State.ACCEPTED, text=True),
        Transition(
            Event.FORWARDED, frozenset({State.NEW, State.ACCEPTED}), State.NEW, Action.FORWARD_TICKET, text=True
        ),
        Transition(Event.ANSWERED, frozenset({State.ACCEPTED}), State.ANSWERED, Action.HANDLE_TICKET, text=True),
        Transition(Event.NOTIFIED, frozenset({State.ANSWERED}), None),
        Transition(Event.RATED, frozenset({State.ANSWERED}), None),
    )
}


def next_state(state: State, event: Event) -> State:
    """The state after ``event``; raises Conflict where the table has no such move."""
    move = TRANSITIONS.get(event)
    if move is None or state not in move.origins:
        raise Conflict(_("Phản ánh này đang ở bước khác nên không thực hiện được việc vừa chọn. Xin tải lại trang."))
    return move.to or state


def possible(state: State) -> list[Transition]:
    """The moves that the table has from ``state``."""
    return [move for move in TRANSITIONS.values() if state in move.origins]
