"""The table of moves: what leads where, for whom, and what never happens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import Conflict
from backend.tickets.lifecycle import INTERNAL, TRANSITIONS, By, Event, Standing, advance, move, possible, replay
from backend.tickets.models import OPEN_STATES, SETTLED_STATES, MessageKind, State
from backend.tickets.service import KINDS, TOLD

MOVES = [event for event in Event if event is not Event.RECEIVED]
A, Q, R = Event.ACCEPTED, Event.INFO_REQUESTED, Event.INFO_RECEIVED


def ends(*events: Event) -> State:
    return replay((event, False) for event in (Event.RECEIVED, *events)).state


@pytest.mark.parametrize(
    ("course", "state"),
    [
        ([A, Event.ANSWERED, Event.NOTIFIED, Event.RATED], State.ANSWERED),
        ([A, Event.ASSIGNED, Event.SUBMITTED_FOR_APPROVAL], State.AWAITING_APPROVAL),
        ([A, Event.SUBMITTED_FOR_APPROVAL, Event.RETURNED], State.IN_PROGRESS),
        ([A, Event.SUBMITTED_FOR_APPROVAL, Event.ANSWERED, Event.PUBLISHED], State.PUBLISHED),
        ([A, Event.EXTENSION_REQUESTED, Event.EXTENDED], State.ACCEPTED),
        ([A, Event.FORWARDED, A], State.ACCEPTED),
        ([Event.FORWARDED, Event.FORWARDED], State.NEW),
        ([A, Event.ANSWERED, Event.CONFIRMED, Event.PUBLISHED, Event.CLOSED], State.CLOSED),
        ([A, Event.ANSWERED, Event.DISPUTED], State.IN_PROGRESS),
        ([A, Event.ANSWERED, Event.CLOSED, Event.REOPENED], State.IN_PROGRESS),
        ([Event.REFUSED, Event.REOPENED], State.IN_PROGRESS),
        ([Event.REDIRECTED], State.REDIRECTED),
        ([A, Q, Event.WITHDRAWN], State.WITHDRAWN),
    ],
)
def test_ordinary_courses(course: list[Event], state: State) -> None:
    assert ends(*course) is state


@pytest.mark.parametrize(
    ("course", "state"),
    [
        ([Q, R], State.ACCEPTED),  # whoever asks has taken it up
        ([A, Q, R], State.ACCEPTED),
        ([A, Event.ASSIGNED, Q, Event.RESUMED], State.IN_PROGRESS),
        ([Event.MERGED, Event.UNMERGED], State.NEW),
        ([A, Event.SUBMITTED_FOR_APPROVAL, Event.MERGED, Event.UNMERGED], State.AWAITING_APPROVAL),
        ([A, Event.ASSIGNED, Q, Event.MERGED, Event.UNMERGED], State.AWAITING_SENDER),
        ([A, Event.ASSIGNED, Q, Event.MERGED, Event.UNMERGED, R], State.IN_PROGRESS),
    ],
)
def test_a_detour_ends_where_it_began(course: list[Event], state: State) -> None:
    assert ends(*course) is state


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (State.NEW, Event.ANSWERED),
        (State.NEW, R),
        (State.ACCEPTED, A),
        (State.ACCEPTED, Event.RECEIVED),
        (State.AWAITING_SENDER, Event.ANSWERED),
        (State.AWAITING_SENDER, Event.FORWARDED),
        (State.AWAITING_SENDER, Q),
        (State.ANSWERED, Event.ANSWERED),
        (State.ANSWERED, Event.FORWARDED),
        (State.ANSWERED, Event.REOPENED),
        (State.CLOSED, Event.DISPUTED),
        (State.MERGED, Event.ANSWERED),
        (State.MERGED, Event.MERGED),
        (State.NEW, Event.UNMERGED),
        (State.NEW, Event.RATED),
    ],
)
def test_moves_that_the_table_does_not_have_are_conflicts(state: State, event: Event) -> None:
    with pytest.raises(Conflict):
        move(state, event)


@given(st.sampled_from(State), st.sampled_from(Event))
def test_a_move_is_possible_exactly_where_it_does_not_conflict(state: State, event: Event) -> None:
    listed = event in {row.event for row in possible(state)}
    try:
        move(state, event)
    except Conflict:
        assert not listed
    else:
        assert listed


@given(st.lists(st.sampled_from(MOVES), max_size=14))
def test_an_answered_ticket_is_opened_again_by_its_sender_alone(course: list[Event]) -> None:
    standing = Standing(State.NEW)
    for event in course:
        before = standing
        try:
            standing = advance(standing, event)
        except Conflict:
            continue
        if before.state in SETTLED_STATES and standing.state in OPEN_STATES:
            assert event in (Event.DISPUTED, Event.REOPENED)
        assert bool(standing.before) == (standing.state in (State.AWAITING_SENDER, State.MERGED))


def test_every_state_is_reached() -> None:
    seen, frontier = {Standing(State.NEW)}, [Standing(State.NEW)]
    while frontier:
        standing = frontier.pop()
        for row in possible(standing.state):
            following = advance(standing, row.event)
            if following not in seen:
                seen.add(following)
                frontier.append(following)
    assert {standing.state for standing in seen} == set(State)


def test_each_event_has_one_row_for_a_state() -> None:
    for rows in TRANSITIONS.values():
        origins = [origin for row in rows for origin in row.origins]
        assert len(origins) == len(set(origins))


def test_a_move_needs_a_right_or_is_the_sender_s_or_the_system_s_and_no_sender_makes_one_of_staff() -> None:
    for rows in TRANSITIONS.values():
        for row in rows:
            assert row.by in ((By.SENDER, By.SYSTEM, By.EITHER) if row.right is None else (By.STAFF, By.SYSTEM))


def test_every_text_is_kept_by_its_kind_and_drafts_are_never_the_sender_s() -> None:
    assert {event for event, rows in TRANSITIONS.items() if any(row.text for row in rows)} == set(KINDS)
    assert {event for event, kind in KINDS.items() if kind is MessageKind.DRAFT} <= INTERNAL
    assert not INTERNAL & set(TOLD)


def test_an_event_of_another_system_leads_where_it_leads_from_any_state() -> None:
    assert replay([(Event.RECEIVED, True), (Event.ANSWERED, True)]).state is State.ANSWERED
