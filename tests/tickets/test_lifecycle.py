"""The table of moves: what leads where, for whom, and what never happens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import Conflict
from backend.tickets.lifecycle import (
    INTERNAL,
    TEXT_KINDS,
    TRANSITIONS,
    Event,
    EventAuthor,
    StatePath,
    advance_state,
    find_transition,
    possible_at,
    possible_transitions,
    replay_states,
)
from backend.tickets.models import OPEN_STATES, SETTLED_STATES, MessageKind, TicketState
from backend.tickets.senders.sender_messages import SENDER_TEMPLATES

MOVES = [event for event in Event if event is not Event.RECEIVED]
A, Q, R = Event.ACCEPTED, Event.INFO_REQUESTED, Event.INFO_RECEIVED


def ends(*events: Event) -> TicketState:
    return replay_states((event, False) for event in (Event.RECEIVED, *events)).state


@pytest.mark.parametrize(
    ("course", "state"),
    [
        ([A, Event.ANSWERED, Event.NOTIFIED, Event.RATED], TicketState.ANSWERED),
        ([A, Event.ASSIGNED, Event.SUBMITTED_FOR_APPROVAL], TicketState.AWAITING_APPROVAL),
        ([A, Event.SUBMITTED_FOR_APPROVAL, Event.RETURNED], TicketState.IN_PROGRESS),
        ([A, Event.SUBMITTED_FOR_APPROVAL, Event.ANSWERED, Event.PUBLISHED], TicketState.PUBLISHED),
        ([A, Event.EXTENSION_REQUESTED, Event.EXTENDED], TicketState.ACCEPTED),
        ([A, Event.FORWARDED, A], TicketState.ACCEPTED),
        ([Event.FORWARDED, Event.FORWARDED], TicketState.NEW),
        ([A, Event.ANSWERED, Event.CONFIRMED, Event.PUBLISHED, Event.CLOSED], TicketState.CLOSED),
        ([A, Event.ANSWERED, Event.DISPUTED], TicketState.IN_PROGRESS),
        ([A, Event.ANSWERED, Event.CLOSED, Event.REOPENED], TicketState.IN_PROGRESS),
        ([Event.REFUSED, Event.REOPENED], TicketState.IN_PROGRESS),
        ([A, Event.ANSWERED, Event.SECOND_LOOK_UPHELD], TicketState.ANSWERED),
        ([A, Event.ANSWERED, Event.SECOND_LOOK_SENT_BACK], TicketState.IN_PROGRESS),
        ([Event.REFUSED, Event.SECOND_LOOK_SENT_BACK], TicketState.IN_PROGRESS),
        ([Event.REDIRECTED], TicketState.REDIRECTED),
        ([A, Q, Event.WITHDRAWN], TicketState.WITHDRAWN),
    ],
)
def test_ordinary_courses(course: list[Event], state: TicketState) -> None:
    assert ends(*course) is state


@pytest.mark.parametrize(
    ("course", "state"),
    [
        ([Q, R], TicketState.ACCEPTED),  # whoever asks has taken it up
        ([A, Q, R], TicketState.ACCEPTED),
        ([A, Event.ASSIGNED, Q, Event.RESUMED], TicketState.IN_PROGRESS),
        ([Event.MERGED, Event.UNMERGED], TicketState.NEW),
        ([A, Event.SUBMITTED_FOR_APPROVAL, Event.MERGED, Event.UNMERGED], TicketState.AWAITING_APPROVAL),
        ([A, Event.ASSIGNED, Q, Event.MERGED, Event.UNMERGED], TicketState.AWAITING_SENDER),
        ([A, Event.ASSIGNED, Q, Event.MERGED, Event.UNMERGED, R], TicketState.IN_PROGRESS),
        ([A, Event.ASSIGNED, Q, Event.MERGED, R], TicketState.MERGED),
        ([A, Event.ASSIGNED, Q, Event.MERGED, R, Event.UNMERGED], TicketState.IN_PROGRESS),
    ],
)
def test_a_detour_ends_where_it_began(course: list[Event], state: TicketState) -> None:
    assert ends(*course) is state


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (TicketState.NEW, Event.ANSWERED),
        (TicketState.NEW, R),
        (TicketState.ACCEPTED, A),
        (TicketState.ACCEPTED, Event.RECEIVED),
        (TicketState.AWAITING_SENDER, Event.ANSWERED),
        (TicketState.AWAITING_SENDER, Event.FORWARDED),
        (TicketState.AWAITING_SENDER, Q),
        (TicketState.ANSWERED, Event.ANSWERED),
        (TicketState.ANSWERED, Event.FORWARDED),
        (TicketState.ANSWERED, Event.REOPENED),
        (TicketState.CLOSED, Event.DISPUTED),
        (TicketState.REFUSED, Event.SECOND_LOOK_CORRECTED),
        (TicketState.REDIRECTED, Event.SECOND_LOOK_UPHELD),
        (TicketState.IN_PROGRESS, Event.SECOND_LOOK_SENT_BACK),
        (TicketState.MERGED, Event.ANSWERED),
        (TicketState.MERGED, Event.MERGED),
        (TicketState.NEW, Event.UNMERGED),
        (TicketState.NEW, Event.RATED),
    ],
)
def test_moves_that_the_table_does_not_have_are_conflicts(state: TicketState, event: Event) -> None:
    with pytest.raises(Conflict):
        find_transition(state, event)


@given(st.sampled_from(TicketState), st.sampled_from(Event))
def test_a_move_is_possible_exactly_where_it_does_not_conflict(state: TicketState, event: Event) -> None:
    listed = event in {row.event for row in possible_transitions(state)}
    try:
        find_transition(state, event)
    except Conflict:
        assert not listed
    else:
        assert listed


@given(st.lists(st.sampled_from(MOVES), max_size=14))
def test_an_answered_ticket_is_opened_again_by_its_sender_or_after_a_second_look_alone(course: list[Event]) -> None:
    standing = StatePath(TicketState.NEW)
    for event in course:
        before = standing
        try:
            standing = advance_state(standing, event)
        except Conflict:
            continue
        if before.state in SETTLED_STATES and standing.state in OPEN_STATES:
            assert event in (Event.DISPUTED, Event.REOPENED, Event.SECOND_LOOK_SENT_BACK)
        assert bool(standing.before) == (standing.state in (TicketState.AWAITING_SENDER, TicketState.MERGED))


def test_every_state_is_reached() -> None:
    seen, frontier = {StatePath(TicketState.NEW)}, [StatePath(TicketState.NEW)]
    while frontier:
        standing = frontier.pop()
        for row in possible_at(standing):
            following = advance_state(standing, row.event)
            if following not in seen:
                seen.add(following)
                frontier.append(following)
    assert {standing.state for standing in seen} == set(TicketState)


def test_each_event_has_one_row_for_a_state() -> None:
    for rows in TRANSITIONS.values():
        origins = [origin for row in rows for origin in row.origins]
        assert len(origins) == len(set(origins))


def test_a_move_needs_a_right_or_is_the_sender_s_or_the_system_s_and_no_sender_makes_one_of_staff() -> None:
    for rows in TRANSITIONS.values():
        for row in rows:
            assert row.by in (
                (EventAuthor.SENDER, EventAuthor.SYSTEM, EventAuthor.EITHER)
                if row.right is None
                else (EventAuthor.STAFF, EventAuthor.SYSTEM)
            )


def test_every_text_is_kept_by_its_kind_and_drafts_are_never_the_sender_s() -> None:
    assert {event for event, rows in TRANSITIONS.items() if any(row.text for row in rows)} == set(TEXT_KINDS)
    assert {event for event, kind in TEXT_KINDS.items() if kind is MessageKind.DRAFT} <= INTERNAL
    assert not INTERNAL & set(SENDER_TEMPLATES)


def test_an_event_of_another_system_leads_where_it_leads_from_any_state() -> None:
    assert replay_states([(Event.RECEIVED, True), (Event.ANSWERED, True)]).state is TicketState.ANSWERED
