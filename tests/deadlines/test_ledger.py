"""Who had a ticket for how long, and how each did on its own share."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.deadlines.clocks import state_of_clocks
from backend.deadlines.events import TicketEvent
from backend.deadlines.unit_shares import Ledger, closed_days, share_time
from backend.tickets.lifecycle import Event
from backend.tickets.models import Verdict
from backend.worktime.arithmetic import worked_time
from tests.deadlines.courses import BOOK, END, RECEIVED, VN, at, courses, event

ON_TIME, LATE = Verdict.ON_TIME, Verdict.LATE
CALENDAR = BOOK.calendars[VN]


def read(*events: TicketEvent, now: str = "12-31T09:00") -> Ledger:
    return share_time(state_of_clocks(events, BOOK, at(now)), CALENDAR, at(now))


def forwarded(when: str, to: int) -> TicketEvent:
    return event(Event.FORWARDED, when, unit=to)


def test_each_unit_is_charged_the_working_time_it_had_the_ticket() -> None:
    # Received on Monday at 9:00 (6 hours of that day left), forwarded on Tuesday at 9:00, answered at 11:00.
    shares = read(RECEIVED, forwarded("11-03T09:00", 2), event(Event.ANSWERED, "11-03T11:00")).shares
    assert [(share.unit, share.minutes, share.closes) for share in shares] == [(1, 450, 1), (2, 120, 0)]


def test_what_was_paused_is_charged_to_nobody() -> None:
    asked, replied = event(Event.INFO_REQUESTED, "11-02T10:00"), event(Event.INFO_RECEIVED, "11-04T10:00")
    shares = read(RECEIVED, asked, replied, event(Event.ANSWERED, "11-04T11:00")).shares
    assert [(share.minutes, share.closes) for share in shares] == [(120, 0)]


def test_a_pause_struck_out_is_charged_after_all() -> None:
    asked, replied = event(Event.INFO_REQUESTED, "11-02T10:00"), event(Event.INFO_RECEIVED, "11-03T10:00")
    struck = event(Event.PAUSE_JUDGED, "11-03T10:30", pause=1, stands=False)
    shares = read(RECEIVED, asked, replied, struck, event(Event.ANSWERED, "11-03T11:00")).shares
    assert [(share.minutes, share.closes) for share in shares] == [(570, 1)]


def test_sending_it_back_and_forth_is_counted() -> None:
    course = [RECEIVED, *(forwarded(f"11-{day:02}T09:00", unit) for day, unit in ((3, 2), (4, 1), (5, 2), (6, 3)))]
    found = read(*course, now="11-09T09:00")
    assert [(share.unit, share.came) for share in found.shares] == [(1, 2), (2, 2), (3, 1)]
    assert found.forwards_back == 2


def test_an_unmerge_gives_it_back_which_nobody_sent() -> None:
    detour = event(Event.MERGED, "11-03T09:00"), event(Event.UNMERGED, "11-04T09:00")
    found = read(RECEIVED, *detour, now="11-04T10:00")
    assert [(share.came, share.minutes) for share in found.shares] == [(1, 510)]


@pytest.mark.parametrize(
    ("course", "verdicts"),
    [
        # passed on within five working days, answered by the due date
        ([forwarded("11-09T17:00", 2), event(Event.ANSWERED, "11-23T17:00")], [ON_TIME, ON_TIME]),
        # the first sat on it; the second, with nine working days left, still made it
        ([forwarded("11-10T08:00", 2), event(Event.ANSWERED, "11-23T17:00")], [LATE, ON_TIME]),
        # it came on the last day: late as a whole, in time on the second unit's own full term
        ([forwarded("11-23T16:00", 2), event(Event.ANSWERED, "12-15T17:00")], [LATE, ON_TIME]),
        ([forwarded("11-23T16:00", 2), event(Event.ANSWERED, "12-16T08:00")], [LATE, LATE]),
        # nothing is decided while it can still be done in time
        ([], [None]),
        ([forwarded("11-05T09:00", 2)], [ON_TIME, None]),
        # an end without an answer is no case
        ([event(Event.REFUSED, "11-03T09:00")], [None]),
    ],
)
def test_each_unit_is_judged_on_its_own_share(course: list[TicketEvent], verdicts: list[Verdict | None]) -> None:
    now = "11-20T09:00" if None in verdicts else "12-31T09:00"
    assert [share.verdict for share in read(RECEIVED, *course, now=now).shares] == verdicts


def test_who_still_has_it_after_its_own_term_is_late() -> None:
    assert [share.verdict for share in read(RECEIVED, now="11-25T09:00").shares] == [LATE]


def test_a_new_episode_has_shares_of_its_own() -> None:
    course = [event(Event.ANSWERED, "11-03T09:00"), event(Event.DISPUTED, "11-10T09:00")]
    found = read(RECEIVED, *course, event(Event.ANSWERED, "11-10T10:00"))
    assert [(share.episode, share.minutes, share.verdict) for share in found.shares] == [
        (1, 450, ON_TIME),
        (2, 60, ON_TIME),
    ]


@given(courses())
def test_the_shares_add_up_to_the_working_time_that_anybody_had_it(course: list[TicketEvent]) -> None:
    clocks = state_of_clocks(course, BOOK, END)
    found = share_time(clocks, CALENDAR, END)
    kept = [held for held in clocks.breaks if not held.struck]
    pauses: list[Any] = [(held.start, held.end) for held in kept]
    for episode in {share.episode for share in found.shares}:
        held = [h for h in clocks.holdings if h.episode == episode]
        total = sum((worked_time(CALENDAR, h.since, h.until or END, pauses) for h in held), timedelta())
        assert found.total(episode) == total
        assert all(h.until == following.since for h, following in pairwise(held) if h.forwarded)


@given(st.integers(0, 40 * 1440), st.integers(0, 20 * 1440), st.integers(0, 20 * 1440))
def test_closes_of_neighbouring_spans_add_up(begins: int, first: int, second: int) -> None:
    start = at("11-02T09:00") + timedelta(minutes=begins)
    middle, end = start + timedelta(minutes=first), start + timedelta(minutes=first + second)
    assert closed_days(CALENDAR, start, end) == closed_days(CALENDAR, start, middle) + closed_days(
        CALENDAR, middle, end
    )
