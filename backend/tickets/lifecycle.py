"""The life of a ticket as one table: event x state -> state, and who may cause it. Pure.

States and moves: rules for handling feedback, section "States". Some moves depend on the past: a reply takes the
ticket back to where the question found it, an un-merge to where the merge found it. Their ``to`` maps the state before
such a detour to the state after it; ``Standing`` carries the states before along.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from backend.deadlines.events import Event as Event
from backend.errors import Conflict, _
from backend.tickets.models import OPEN_STATES, TicketState
from backend.users.policy import Permission

# What staff settle among themselves; the sender is told what comes of it.
INTERNAL = frozenset(
    {
        *(Event.ASSIGNED, Event.SUBMITTED_FOR_APPROVAL, Event.RETURNED, Event.EXTENSION_REQUESTED),
        *(Event.EXTENSION_DENIED, Event.RECOUNTED),
    }
)


# With these an episode begins, and the versions that it is counted by are noted.
BEGINNINGS = frozenset({Event.RECEIVED, Event.DISPUTED, Event.REOPENED})


class EventAuthor(StrEnum):
    """Who causes a move without a right; ``STAFF``: nobody."""

    STAFF = "staff"
    SENDER = "sender"
    SYSTEM = "system"
    EITHER = "either"  # the sender, or the system on the sender's behalf


@dataclass(frozen=True)
class Transition:
    """From which states an event leads where. ``right`` is asked of the policy; ``by`` names who else causes it.
    ``to`` None leaves the state as it is; a mapping is read at the state before the detour. ``text``: it needs words.
    """

    event: Event
    origins: frozenset[TicketState]
    to: TicketState | Mapping[TicketState, TicketState] | None = None
    right: Permission | None = None
    by: EventAuthor = EventAuthor.STAFF
    text: bool = False


@dataclass(frozen=True)
class StatePath:
    """Where a ticket is, and the states that it left for a detour (waiting for its sender, merged), outermost first."""

    state: TicketState
    before: tuple[TicketState, ...] = ()


DETOURS = frozenset({TicketState.AWAITING_SENDER, TicketState.MERGED})
_NEW = frozenset({TicketState.NEW})
_WORK = frozenset({TicketState.ACCEPTED, TicketState.IN_PROGRESS})
_UNANSWERED = frozenset(OPEN_STATES)
_ANSWERED = frozenset({TicketState.ANSWERED, TicketState.PUBLISHED})
_SETTLED = _ANSWERED | {TicketState.CONFIRMED, TicketState.CLOSED}
_DECIDED = _SETTLED | {TicketState.REFUSED, TicketState.REDIRECTED}
# Whoever asks has taken the ticket up: a question put to a new ticket leads to an accepted one.
_BACK_TO_WORK = dict.fromkeys(_NEW | _WORK, TicketState.ACCEPTED) | {TicketState.IN_PROGRESS: TicketState.IN_PROGRESS}
_AS_BEFORE = {state: state for state in _UNANSWERED}

_T, _E, _A, _S = Transition, Event, Permission, TicketState
_ROWS = (
    _T(_E.ACCEPTED, _NEW, _S.ACCEPTED, _A.HANDLE_TICKET),
    _T(_E.ASSIGNED, _NEW | _WORK, _S.IN_PROGRESS, _A.ASSIGN_TICKET),
    _T(_E.INFO_REQUESTED, _NEW | _WORK, _S.AWAITING_SENDER, _A.HANDLE_TICKET, text=True),
    _T(_E.INFO_RECEIVED, frozenset({_S.AWAITING_SENDER}), _BACK_TO_WORK, by=EventAuthor.SENDER, text=True),
    _T(_E.RESUMED, frozenset({_S.AWAITING_SENDER}), _BACK_TO_WORK, _A.HANDLE_TICKET, text=True),
    _T(_E.PAUSE_EXPIRED, frozenset({_S.AWAITING_SENDER}), by=EventAuthor.SYSTEM),
    _T(_E.PAUSE_DISPUTED, _UNANSWERED, by=EventAuthor.SENDER, text=True),
    _T(_E.PAUSE_JUDGED, _UNANSWERED, right=_A.JUDGE_DISPUTE, text=True),
    _T(_E.FORWARDED, _NEW | _WORK, _S.NEW, _A.FORWARD_TICKET, text=True),
    _T(_E.EXTENSION_REQUESTED, _WORK, right=_A.HANDLE_TICKET, text=True),
    _T(_E.EXTENDED, _WORK, right=_A.EXTEND_TICKET),
    _T(_E.EXTENSION_DENIED, _WORK, right=_A.EXTEND_TICKET, text=True),
    _T(_E.SUBMITTED_FOR_APPROVAL, _WORK, _S.AWAITING_APPROVAL, _A.HANDLE_TICKET, text=True),
    _T(_E.RETURNED, frozenset({_S.AWAITING_APPROVAL}), _S.IN_PROGRESS, _A.APPROVE_ANSWER, text=True),
    _T(_E.ANSWERED, _WORK, _S.ANSWERED, _A.HANDLE_TICKET, text=True),
    _T(_E.ANSWERED, frozenset({_S.AWAITING_APPROVAL}), _S.ANSWERED, _A.APPROVE_ANSWER),
    _T(_E.ANSWERED_TOGETHER, frozenset({_S.MERGED}), by=EventAuthor.SYSTEM),
    _T(_E.NOTIFIED, _DECIDED | {_S.MERGED}, by=EventAuthor.EITHER),
    _T(_E.DELAY_EXPLAINED, _UNANSWERED - {_S.AWAITING_SENDER}, right=_A.HANDLE_TICKET, text=True),
    _T(_E.PROGRESS_TOLD, _UNANSWERED, by=EventAuthor.SYSTEM),
    _T(_E.PUBLISHED, frozenset({_S.ANSWERED}), _S.PUBLISHED, _A.PUBLISH_ANSWER),
    _T(_E.PUBLISHED, frozenset({_S.CONFIRMED, _S.CLOSED}), right=_A.PUBLISH_ANSWER),
    _T(_E.CONFIRMED, _ANSWERED, _S.CONFIRMED, by=EventAuthor.SENDER),
    _T(_E.DISPUTED, _ANSWERED, _S.IN_PROGRESS, by=EventAuthor.SENDER, text=True),
    _T(_E.REOPENED, frozenset({_S.CONFIRMED, _S.CLOSED, _S.REFUSED}), _S.IN_PROGRESS, by=EventAuthor.SENDER, text=True),
    _T(_E.WITHDRAWN, _UNANSWERED, _S.WITHDRAWN, by=EventAuthor.SENDER),
    _T(_E.REFUSED, _NEW | {_S.ACCEPTED}, _S.REFUSED, _A.HANDLE_TICKET, text=True),
    _T(_E.REDIRECTED, _NEW | {_S.ACCEPTED}, _S.REDIRECTED, _A.HANDLE_TICKET, text=True),
    _T(_E.MERGED, _UNANSWERED, _S.MERGED, _A.MERGE_TICKET, text=True),
    _T(_E.UNMERGED, frozenset({_S.MERGED}), _AS_BEFORE, _A.MERGE_TICKET, EventAuthor.SYSTEM, text=True),
    _T(_E.RATED, _SETTLED | {_S.MERGED}, by=EventAuthor.SENDER),
    _T(_E.CLOSED, _ANSWERED | {_S.CONFIRMED}, _S.CLOSED, by=EventAuthor.SYSTEM),
    _T(_E.RECOUNTED, _UNANSWERED | {_S.MERGED}, by=EventAuthor.SYSTEM),
)
TRANSITIONS: dict[Event, tuple[Transition, ...]] = {
    event: tuple(row for row in _ROWS if row.event is event) for event in Event if event is not Event.RECEIVED
}
_BY_STATE = {(row.event, origin): row for row in _ROWS for origin in row.origins}


def find_transition(state: TicketState, event: Event) -> Transition:
    """The row for ``event`` in ``state``; raises Conflict where the table has no such move."""
    found = _BY_STATE.get((event, state))
    if found is None:
        raise Conflict(_("Phản ánh này đang ở bước khác nên không thực hiện được việc vừa chọn. Xin tải lại trang."))
    return found


def advance_state(standing: StatePath, event: Event) -> StatePath:
    """Where the ticket is after ``event``. Raises Conflict for a move that the table does not have."""
    to = find_transition(standing.state, event).to
    if to is None:
        return standing
    if isinstance(to, Mapping):
        return StatePath(to[standing.before[-1]], standing.before[:-1])
    if to in DETOURS:
        return StatePath(to, (*standing.before, standing.state))
    return StatePath(to)


def replay_states(events: Iterable[tuple[Event, bool]]) -> StatePath:
    """Where a course ends, from its first event on. The flag marks an event brought over from another system, whose
    steps in between are not known: it leads where it leads from any state."""
    standing = StatePath(TicketState.NEW)
    for event, imported in events:
        if event is Event.RECEIVED:
            standing = StatePath(TicketState.NEW)
        elif imported and (to := TRANSITIONS[event][0].to) and isinstance(to, TicketState):
            standing = StatePath(to)
        else:
            standing = advance_state(standing, event)
    return standing


def possible_transitions(state: TicketState) -> list[Transition]:
    """The moves that the table has from ``state``."""
    return [row for row in _ROWS if state in row.origins]
