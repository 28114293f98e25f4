"""The table of moves: what leads where, for whom, and what never happens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import Conflict
from backend.tickets.lifecycle import TRANSITIONS, Event, next_state, possible
from backend.tickets.models import OPEN_STATES, State

MOVES = [event for event in Event if event is not Event.RECEIVED]


@pytest.mark.parametrize(
    ("course", "ends"),
    [
        ([Event.ACCEPTED, Event.ANSWERED, Event.NOTIFIED, Event.RATED], State.ANSWERED),
        ([Event.INFO_REQUESTED, Event.INFO_RECEIVED, Event.ANSWERED], State.ANSWERED),
        ([Event.ACCEPTED, Event.FORWARDED, Event.ACCEPTED], State.ACCEPTED),
        ([Event.ACCEPTED, Event.INFO_REQUESTED], State.AWAITING_SENDER),
        ([Event.FORWARDED, Event.FORWARDED], State.NEW),
    ],
)
def test_ordinary_courses(course: list[Event], ends: State) -> None:
    state = State.NEW
    for event in course:
        state = next_state(state, event)
    assert state is ends


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (State.NEW, Event.ANSWERED),
        (State.NEW, Event.INFO_RECEIVED),
        (State.ACCEPTED, Event.ACCEPTED),
        (State.ACCEPTED, Event.RECEIVED),
        (State.AWAITING_SENDER, Event.ANSWERED),
        (State.AWAITING_SENDER, Event.FORWARDED),
        (State.ANSWERED, Event.ANSWERED),
        (State.ANSWERED, Event.FORWARDED),
        (State.NEW, Event.RATED),
    ],
)
def test_moves_that_the_table_does_not_have_are_conflicts(state: State, event: Event) -> None:
    with pytest.raises(Conflict):
        next_state(state, event)


@given(st.sampled_from(State), st.sampled_from(Event))
def test_a_move_is_possible_exactly_where_it_does_not_conflict(state: State, event: Event) -> None:
    listed = event in {move.event for move in possible(state)}
    try:
        next_state(state, event)
    except Conflict:
        assert not listed
    else:
        assert listed


@given(st.lists(st.sampled_from(MOVES), max_size=12))
def test_no_course_leads_out_of_answered_or_back_to_open(course: list[Event]) -> None:
    state = State.NEW
    for event in course:
        before = state
        try:
            state = next_state(state, event)
        except Conflict:
            continue
        assert before in OPEN_STATES or state is before


def test_every_state_is_reached() -> None:
    reached, frontier = {State.NEW}, [State.NEW]
    while frontier:
        state = frontier.pop()
        for move in possible(state):
            target = move.to or state
            if target not in reached:
                reached.add(target)
                frontier.append(target)
    assert reached == set(State)


def test_what_staff_cause_needs_a_right_and_what_is_said_to_the_sender_a_text() -> None:
    of_staff = {Event.ACCEPTED, Event.INFO_REQUESTED, Event.FORWARDED, Event.ANSWERED}
    assert {event for event, move in TRANSITIONS.items() if move.right is not None} == of_staff
    with_text = {Event.INFO_REQUESTED, Event.INFO_RECEIVED, Event.FORWARDED, Event.ANSWERED}
    assert {event for event, move in TRANSITIONS.items() if move.text} == with_text
