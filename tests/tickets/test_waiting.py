"""What a ticket waits for after each event, and since when. Every life is replayed and compared at its end."""

from datetime import timedelta
from typing import Any

import pytest

from backend.tickets import projection, waiting
from backend.tickets.lifecycle import Event
from backend.tickets.models import OPEN_STATES, WaitsFor
from backend.users.policy import Actor
from tests.factories import SENDER, SYSTEM
from tests.life import Life

ASKED = (Event.ACCEPTED, Event.INFO_REQUESTED)
COURSES = {
    "just received": ([], WaitsFor.NEW),
    "accepted": ([Event.ACCEPTED], WaitsFor.WORK),
    "asked": ([*ASKED], WaitsFor.SENDER),
    "asked before anybody accepted": ([Event.INFO_REQUESTED], WaitsFor.SENDER),
    "replied": ([*ASKED, Event.INFO_RECEIVED], WaitsFor.REPLIED),
    "replied, then the delay was explained": ([*ASKED, Event.INFO_RECEIVED, Event.DELAY_EXPLAINED], WaitsFor.WORK),
    "the unit went on without a reply": ([*ASKED, Event.RESUMED], WaitsFor.WORK),
    "submitted": ([Event.ACCEPTED, Event.SUBMITTED_FOR_APPROVAL], WaitsFor.ANSWER_APPROVAL),
    "returned": ([Event.ACCEPTED, Event.SUBMITTED_FOR_APPROVAL, Event.RETURNED], WaitsFor.WORK),
    "more time requested": ([Event.ACCEPTED, Event.EXTENSION_REQUESTED], WaitsFor.EXTENSION_APPROVAL),
    "more time granted": ([Event.ACCEPTED, Event.EXTENSION_REQUESTED, Event.EXTENDED], WaitsFor.WORK),
    "more time denied": ([Event.ACCEPTED, Event.EXTENSION_REQUESTED, Event.EXTENSION_DENIED], WaitsFor.WORK),
    "more time requested, then asked": (
        [Event.ACCEPTED, Event.EXTENSION_REQUESTED, Event.INFO_REQUESTED],
        WaitsFor.SENDER,
    ),
    "pause disputed": ([*ASKED, Event.PAUSE_DISPUTED], WaitsFor.PAUSE_DISPUTE),
    "pause disputed, then submitted": (
        [*ASKED, Event.PAUSE_DISPUTED, Event.RESUMED, Event.SUBMITTED_FOR_APPROVAL],
        WaitsFor.ANSWER_APPROVAL,
    ),
    "pause judged": ([*ASKED, Event.PAUSE_DISPUTED, Event.PAUSE_JUDGED], WaitsFor.SENDER),
    "answered": ([Event.ACCEPTED, Event.ANSWERED], WaitsFor.NOTHING),
    "answer disputed": ([Event.ACCEPTED, Event.ANSWERED, Event.NOTIFIED, Event.DISPUTED], WaitsFor.REPLIED),
    "refused": ([Event.REFUSED], WaitsFor.NOTHING),
    "withdrawn": ([Event.WITHDRAWN], WaitsFor.NOTHING),
}
BY_SENDER = {Event.INFO_RECEIVED, Event.PAUSE_DISPUTED, Event.DISPUTED, Event.WITHDRAWN, Event.NOTIFIED}


def actor_of(life: Life, event: Event) -> Actor:
    if event in BY_SENDER:
        return SENDER
    if event is Event.PAUSE_JUDGED:
        return life.coordinator
    return life.leader if event in (Event.EXTENDED, Event.EXTENSION_DENIED, Event.RETURNED) else life.officer


def let(life: Life, *events: Event) -> None:
    for event in events:
        more: dict[str, Any] = {"more": "5 working days"} if event is Event.EXTENSION_REQUESTED else {}
        more |= {"stands": True} if event is Event.PAUSE_JUDGED else {}
        more |= {"until": life.ticket.due_date + timedelta(days=3)} if event is Event.DELAY_EXPLAINED else {}
        life.act(event, actor_of(life, event), days=0.1, **more)


@pytest.mark.parametrize("course", COURSES)
def test_ticket_waits_for_what_its_course_says(life: Life, course: str) -> None:
    events, waits_for = COURSES[course]
    let(life, *events)
    assert life.ticket.waits_for is waits_for
    assert (life.ticket.waits_for is WaitsFor.NOTHING) == (life.ticket.state not in OPEN_STATES)


def test_wait_lasts_since_the_event_that_began_it(life: Life) -> None:
    assert life.ticket.waits_since == life.ticket.changed_at == life.at
    let(life, Event.ACCEPTED, Event.SUBMITTED_FOR_APPROVAL)
    submitted = life.at
    life.act(Event.PROGRESS_TOLD, SYSTEM, days=60)
    assert (life.ticket.waits_since, life.ticket.changed_at) == (submitted, submitted)
    let(life, Event.RETURNED)
    assert life.ticket.waits_since == life.at > submitted


def test_forwarded_ticket_is_new_for_its_next_unit_since_then(life: Life) -> None:
    let(life, Event.ACCEPTED)
    life.act(Event.FORWARDED, days=1, to_unit_id=life.world.unit("LC-SXD").id)
    assert (life.ticket.waits_for, life.ticket.waits_since) == (WaitsFor.NEW, life.at)


def test_pause_past_its_limit_waits_for_the_unit_again(life: Life) -> None:
    let(life, *ASKED)
    life.act(Event.PAUSE_EXPIRED, SYSTEM, days=60)
    assert (life.ticket.waits_for, life.ticket.waits_since) == (WaitsFor.WORK, life.at)


def test_struck_out_pause_waits_for_the_unit_again(life: Life) -> None:
    let(life, *ASKED, Event.PAUSE_DISPUTED)
    life.act(Event.PAUSE_JUDGED, life.coordinator, days=1, stands=False)
    assert life.ticket.waits_for is WaitsFor.WORK


def test_merged_ticket_waits_for_nothing_until_it_is_separated(life: Life) -> None:
    other = life.world.receive(life.at)[0]
    life.act(Event.MERGED, days=1, into_id=other.id)
    assert life.ticket.waits_for is WaitsFor.NOTHING
    life.act(Event.UNMERGED, days=1)
    assert (life.ticket.waits_for, life.ticket.waits_since) == (WaitsFor.NEW, life.at)


def test_every_wait_has_events_that_begin_it() -> None:
    assert set(waiting.BEGUN_BY) == set(WaitsFor)
    ends = waiting.BEGUN_BY[WaitsFor.NOTHING]
    assert not any(ends & events for waits_for, events in waiting.BEGUN_BY.items() if waits_for is not WaitsFor.NOTHING)


def test_changed_wait_is_found_by_the_verification(life: Life) -> None:
    life.ticket.waits_for = WaitsFor.WORK
    life.session.flush()
    assert [difference.what for difference in projection.check_all(life.session)] == ["waits_for"]
    life.ticket.waits_for = WaitsFor.NEW
    life.session.flush()
