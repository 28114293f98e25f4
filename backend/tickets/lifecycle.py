"""The state table of a ticket: event and state -> next state, and who may cause the move. Pure.

States and moves follow the rules for handling feedback, section "States". Some moves depend on an earlier state: a
reply returns the ticket to its state before the question, an un-merge to its state before the merge. The ``to`` of such
a move maps the earlier state to the next one, and ``StatePath`` remembers the earlier states.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from backend.deadlines.events import Event as Event
from backend.errors import Conflict, _
from backend.tickets.models import OPEN_STATES, MessageKind, TicketState
from backend.users.policy import Permission

# Events that the sender does not see: what staff settle among themselves, and what another sender wrote.
INTERNAL = frozenset(
    {
        *(Event.ASSIGNED, Event.SUBMITTED_FOR_APPROVAL, Event.RETURNED, Event.EXTENSION_REQUESTED),
        *(Event.EXTENSION_DENIED, Event.RECOUNTED, Event.INFO_PASSED_ON, Event.NOTED, Event.POINTS_LISTED),
        *(Event.GROUPED, Event.UNGROUPED),
    }
)
ANSWERS = frozenset({Event.ANSWERED, Event.ANSWERED_TOGETHER})
TURNED_AWAY = frozenset({Event.REFUSED, Event.REDIRECTED})
# What ends the work from the sender's side: after each of these the sender is asked.
CLOSURES = ANSWERS | TURNED_AWAY | {Event.PROMISE_KEPT}
# How a sender judges a decision. The sender must have read it.
JUDGEMENTS = frozenset({Event.CONFIRMED, Event.DISPUTED, Event.REOPENED, Event.RATED})

# Events of the work on a ticket for which a new ticket may be accepted in the same step.
TAKEN_ALONG = frozenset({Event.ANSWERED, Event.SUBMITTED_FOR_APPROVAL})

# Events that begin an episode. Their notes name the versions of calendar and rules that count it.
BEGINNINGS = frozenset({Event.RECEIVED, Event.DISPUTED, Event.REOPENED, Event.SECOND_LOOK_SENT_BACK})


class EventAuthor(StrEnum):
    """Who may cause a move without a permission. ``STAFF``: nobody may."""

    STAFF = "staff"
    SENDER = "sender"
    SYSTEM = "system"
    EITHER = "either"  # the sender, or the system on the sender's behalf


@dataclass(frozen=True)
class Transition:
    """A row of the table: from which states (``origins``) an event leads to which state (``to``).

    ``to``: None leaves the state as it is; a mapping is read at the state before the detour. ``right`` is the
    permission that the move needs; ``by`` says who else may cause it. ``text``: the event needs a text.
    """

    event: Event
    origins: frozenset[TicketState]
    to: TicketState | Mapping[TicketState, TicketState] | None = None
    right: Permission | None = None
    by: EventAuthor = EventAuthor.STAFF
    text: bool = False


@dataclass(frozen=True)
class StatePath:
    """The state of a ticket, and the states before its detours (waiting for the sender, merged), outermost first."""

    state: TicketState
    before: tuple[TicketState, ...] = ()


DETOURS = frozenset({TicketState.AWAITING_SENDER, TicketState.MERGED})
_NEW = frozenset({TicketState.NEW})
_WORK = frozenset({TicketState.ACCEPTED, TicketState.IN_PROGRESS})
_UNANSWERED = frozenset(OPEN_STATES)
_ANSWERED = frozenset({TicketState.ANSWERED, TicketState.PUBLISHED})
_SETTLED = _ANSWERED | {TicketState.CONFIRMED, TicketState.CLOSED}
_DECIDED = _SETTLED | {TicketState.REFUSED, TicketState.REDIRECTED}
_TURNED_AWAY = frozenset({TicketState.REFUSED, TicketState.REDIRECTED})
_REOPENABLE = frozenset({TicketState.CONFIRMED, TicketState.CLOSED}) | _TURNED_AWAY
_LOOKED_AT = _SETTLED | {TicketState.REFUSED, TicketState.MERGED}  # see ``second_looks``
# A unit that asks the sender has accepted the ticket: after the reply a new ticket is an accepted one.
_BACK_TO_WORK = dict.fromkeys(_NEW | _WORK, TicketState.ACCEPTED) | {TicketState.IN_PROGRESS: TicketState.IN_PROGRESS}
_AS_BEFORE = {state: state for state in _UNANSWERED}

_T, _E, _A, _S = Transition, Event, Permission, TicketState
_ROWS = (
    _T(_E.ACCEPTED, _NEW, _S.ACCEPTED, _A.HANDLE_TICKET),
    _T(_E.ASSIGNED, _NEW | _WORK, _S.IN_PROGRESS, _A.ASSIGN_TICKET, EventAuthor.SYSTEM),  # the system: of a hand-over
    _T(_E.INFO_REQUESTED, _NEW | _WORK, _S.AWAITING_SENDER, _A.HANDLE_TICKET, text=True),
    _T(_E.INFO_RECEIVED, frozenset({_S.AWAITING_SENDER}), _BACK_TO_WORK, by=EventAuthor.SENDER, text=True),
    _T(_E.INFO_RECEIVED, frozenset({_S.MERGED}), by=EventAuthor.SENDER, text=True),  # see ``advance``
    _T(_E.INFO_PASSED_ON, _UNANSWERED, by=EventAuthor.SYSTEM),
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
    _T(_E.POINTS_LISTED, _UNANSWERED - {_S.AWAITING_APPROVAL}, right=_A.HANDLE_TICKET, text=True),
    _T(_E.ANSWERED, _WORK, _S.ANSWERED, _A.HANDLE_TICKET, text=True),
    _T(_E.ANSWERED, frozenset({_S.AWAITING_APPROVAL}), _S.ANSWERED, _A.APPROVE_ANSWER),
    _T(_E.ANSWERED_TOGETHER, frozenset({_S.MERGED}), by=EventAuthor.SYSTEM),
    _T(_E.PROMISE_KEPT, _SETTLED, right=_A.HANDLE_TICKET, text=True),
    _T(_E.PROMISE_KEPT, frozenset({_S.MERGED}), by=EventAuthor.SYSTEM),
    _T(_E.PROMISE_EXPLAINED, _SETTLED, right=_A.HANDLE_TICKET, text=True),
    _T(_E.NOTIFIED, _DECIDED | {_S.MERGED}, by=EventAuthor.EITHER),
    _T(_E.DELAY_EXPLAINED, _UNANSWERED - {_S.AWAITING_SENDER}, right=_A.HANDLE_TICKET, text=True),
    _T(_E.PROGRESS_TOLD, _UNANSWERED, by=EventAuthor.SYSTEM),
    _T(_E.PUBLISHED, frozenset({_S.ANSWERED}), _S.PUBLISHED, _A.PUBLISH_ANSWER),
    _T(_E.PUBLISHED, frozenset({_S.CONFIRMED, _S.CLOSED}), right=_A.PUBLISH_ANSWER),
    _T(_E.CONFIRMED, _ANSWERED, _S.CONFIRMED, by=EventAuthor.SENDER),
    _T(_E.CONFIRMED, _TURNED_AWAY | {_S.MERGED}, by=EventAuthor.SENDER),
    _T(_E.DISPUTED, _ANSWERED | {_S.MERGED}, _S.IN_PROGRESS, by=EventAuthor.SENDER, text=True),
    _T(_E.REOPENED, _REOPENABLE | {_S.MERGED}, _S.IN_PROGRESS, by=EventAuthor.SENDER, text=True),
    _T(_E.WITHDRAWN, _UNANSWERED | {_S.MERGED}, _S.WITHDRAWN, by=EventAuthor.SENDER),
    _T(_E.REFUSED, _NEW | {_S.ACCEPTED}, _S.REFUSED, _A.HANDLE_TICKET, text=True),
    _T(_E.REDIRECTED, _NEW | {_S.ACCEPTED}, _S.REDIRECTED, _A.HANDLE_TICKET, text=True),
    _T(_E.MERGED, _UNANSWERED, _S.MERGED, _A.MERGE_TICKET, text=True),
    _T(_E.UNMERGED, frozenset({_S.MERGED}), _AS_BEFORE, _A.MERGE_TICKET, EventAuthor.SYSTEM, text=True),
    _T(_E.GROUPED, _UNANSWERED, right=_A.MERGE_TICKET),
    _T(_E.UNGROUPED, frozenset(TicketState), None, _A.MERGE_TICKET, EventAuthor.SYSTEM, text=True),
    _T(_E.RATED, _SETTLED | _TURNED_AWAY | {_S.MERGED}, by=EventAuthor.SENDER),
    _T(_E.CLOSED, _ANSWERED | {_S.CONFIRMED}, _S.CLOSED, by=EventAuthor.SYSTEM),
    _T(_E.RECOUNTED, _UNANSWERED | {_S.MERGED}, by=EventAuthor.SYSTEM),
    _T(_E.NOTED, frozenset(TicketState), right=_A.WRITE_NOTE, text=True),
    _T(_E.SECOND_LOOK_UPHELD, _LOOKED_AT, by=EventAuthor.SYSTEM, text=True),
    _T(_E.SECOND_LOOK_CORRECTED, _LOOKED_AT - {_S.REFUSED}, by=EventAuthor.SYSTEM, text=True),
    _T(_E.SECOND_LOOK_SENT_BACK, _LOOKED_AT, _S.IN_PROGRESS, by=EventAuthor.SYSTEM, text=True),
)
TRANSITIONS: dict[Event, tuple[Transition, ...]] = {
    event: tuple(row for row in _ROWS if row.event is event) for event in Event if event is not Event.RECEIVED
}
_BY_STATE = {(row.event, origin): row for row in _ROWS for origin in row.origins}


# What kind of text an event stores with the ticket.
TEXT_KINDS = {
    Event.INFO_REQUESTED: MessageKind.QUESTION,
    Event.INFO_RECEIVED: MessageKind.REPLY,
    Event.ANSWERED: MessageKind.ANSWER,
    Event.SUBMITTED_FOR_APPROVAL: MessageKind.DRAFT,
    Event.NOTED: MessageKind.NOTE,
    Event.POINTS_LISTED: MessageKind.POINTS,
    **dict.fromkeys((Event.PROMISE_KEPT, Event.PROMISE_EXPLAINED), MessageKind.REPORT),
    Event.SECOND_LOOK_CORRECTED: MessageKind.ANSWER,
    **dict.fromkeys((Event.SECOND_LOOK_UPHELD, Event.SECOND_LOOK_SENT_BACK), MessageKind.REASON),
    **dict.fromkeys((Event.PAUSE_DISPUTED, Event.DISPUTED, Event.REOPENED), MessageKind.OBJECTION),
    **dict.fromkeys(
        (
            *(Event.FORWARDED, Event.RESUMED, Event.PAUSE_JUDGED, Event.EXTENSION_REQUESTED, Event.EXTENSION_DENIED),
            *(Event.DELAY_EXPLAINED, Event.RETURNED, Event.REFUSED, Event.REDIRECTED, Event.MERGED, Event.UNMERGED),
            Event.UNGROUPED,
        ),
        MessageKind.REASON,
    ),
}


def find_transition(state: TicketState, event: Event) -> Transition:
    """Return the row for ``event`` in ``state``. Raises Conflict where the table has no such move."""
    row = _BY_STATE.get((event, state))
    if row is None:
        raise Conflict(_("Phản ánh này đang ở bước khác nên không thực hiện được việc vừa chọn. Xin tải lại trang."))
    return row


def takes_first(state: TicketState, event: Event) -> bool:
    """Return whether a new ticket has to be accepted before the event, which may happen in the same step."""
    return state is TicketState.NEW and event in TAKEN_ALONG


def advance_state(path: StatePath, event: Event) -> StatePath:
    """Return where the ticket is after ``event``. Raises Conflict for a move that the table does not have.

    A reply for a ticket that was merged after the question ends the wait behind the merge. An un-merge then leads back
    to work.
    """
    to = find_transition(path.state, event).to
    if event is Event.INFO_RECEIVED and path.state is TicketState.MERGED:
        behind = advance_state(StatePath(path.before[-1], path.before[:-1]), event)
        return StatePath(TicketState.MERGED, (*behind.before, behind.state))
    if to is None:
        return path
    if isinstance(to, Mapping):
        return StatePath(to[path.before[-1]], path.before[:-1])
    if to in DETOURS:
        return StatePath(to, (*path.before, path.state))
    return StatePath(to)


def replay_states(events: Iterable[tuple[Event, bool]]) -> StatePath:
    """Return where a ticket is after all of its events.

    The flag marks an event that was imported from another system. The steps before it are not known, so it is allowed
    from any state.
    """
    path = StatePath(TicketState.NEW)
    for event, imported in events:
        if event is Event.RECEIVED:
            path = StatePath(TicketState.NEW)
        elif imported and (to := TRANSITIONS[event][0].to) and isinstance(to, TicketState):
            path = StatePath(to)
        else:
            path = advance_state(path, event)
    return path


def possible_transitions(state: TicketState) -> list[Transition]:
    """Return the moves that the table has from ``state``."""
    return [row for row in _ROWS if state in row.origins]


def possible_at(path: StatePath) -> list[Transition]:
    """Return the moves from a path. A merged ticket takes a reply only if a question was open when it was merged."""
    moves = possible_transitions(path.state)
    awaited_sender = path.before[-1:] == (TicketState.AWAITING_SENDER,)
    if path.state is TicketState.MERGED and not awaited_sender:
        return [move for move in moves if move.event is not Event.INFO_RECEIVED]
    return moves


def sender_events(state: TicketState, into: TicketState | None = None) -> frozenset[Event]:
    """Return the events that the sender of a ticket in ``state`` may cause, as far as the table decides it.

    ``into`` is the state of the ticket that it is merged into. The event must be allowed in that state too, because the
    work goes on there. A reply is allowed as long as that ticket is open.
    """
    events = frozenset(row.event for row in possible_transitions(state) if row.by is EventAuthor.SENDER)
    if into is None:
        return events
    allowed_there = sender_events(into)
    return events & (allowed_there | {Event.INFO_RECEIVED} if into in OPEN_STATES else allowed_there)
