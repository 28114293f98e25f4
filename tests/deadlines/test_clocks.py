"""The clocks of a ticket, derived from its history alone."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backend.deadlines.clock_states import ClockKind, explain_state
from backend.deadlines.clocks import TicketClocks, preview_event, state_of_clocks
from backend.deadlines.events import TicketEvent
from backend.deadlines.terms import PauseEnd
from backend.deadlines.unit_shares import share_time
from backend.errors import Conflict
from backend.tickets.lifecycle import Event, StatePath, advance_state
from backend.tickets.models import TicketState, Verdict
from backend.worktime.explain import DayReason
from tests.deadlines.courses import BOOK, END, PLAIN, RECEIVED, START, VN, WITHIN, at, courses, event

ON_TIME, LATE = Verdict.ON_TIME, Verdict.LATE


def read(*events: TicketEvent, now: str = "12-31T23:00") -> TicketClocks:
    return state_of_clocks(events, BOOK, at(now))


def verdicts(clocks: TicketClocks, clock: ClockKind) -> list[Verdict | None]:
    return [state.verdict for state in clocks.states if state.clock is clock]


ACCEPTED = event(Event.ACCEPTED, "11-03T09:00")


class TestHandling:
    def test_an_answer_on_the_due_date_is_on_time_at_any_hour_and_late_the_day_after(self) -> None:
        for when, verdict, days in (("11-23T23:59", ON_TIME, 0), ("11-24T00:00", LATE, 1)):
            resolve = read(RECEIVED, ACCEPTED, event(Event.ANSWERED, when)).resolve
            assert (resolve.due.on, resolve.verdict, resolve.late_days) == (date(2026, 11, 23), verdict, days)

    def test_a_late_answer_says_by_how_much_working_time(self) -> None:
        # 24 November is a holiday; a whole working day of 7.5 hours and 30 minutes more have passed.
        resolve = read(RECEIVED, event(Event.ANSWERED, "11-26T08:00")).resolve
        assert (resolve.late_days, resolve.late_minutes) == (3, 480)

    def test_running_clocks_have_no_verdict_yet(self) -> None:
        clocks = read(RECEIVED, now="11-30T09:00")
        assert clocks.resolve.running and clocks.resolve.verdict is None
        assert not clocks.paused

    def test_the_first_decision_ends_the_term_to_classify(self) -> None:
        assert verdicts(read(RECEIVED, ACCEPTED), ClockKind.CLASSIFY) == [ON_TIME]
        assert verdicts(read(RECEIVED, event(Event.ACCEPTED, "11-10T09:00")), ClockKind.CLASSIFY) == [LATE]

    def test_a_refusal_has_two_days_and_is_no_case_of_handling(self) -> None:
        for when, verdict in (("11-04T17:00", ON_TIME), ("11-05T08:00", LATE)):
            clocks = read(RECEIVED, event(Event.REFUSED, when))
            assert verdicts(clocks, ClockKind.REFUSE) == [verdict]
            assert verdicts(clocks, ClockKind.RESOLVE) == [None]
            assert clocks.of(ClockKind.NOTIFY)[0].running

    def test_an_end_without_answer_after_the_due_date_is_late(self) -> None:
        for end in (Event.WITHDRAWN, Event.REDIRECTED, Event.MERGED):
            assert verdicts(read(RECEIVED, ACCEPTED, event(end, "11-25T09:00")), ClockKind.RESOLVE) == [LATE]

    def test_the_sender_is_told_within_a_day_and_the_answer_published_within_two(self) -> None:
        answered = event(Event.ANSWERED, "11-05T10:00")  # a Thursday
        told, shown = event(Event.NOTIFIED, "11-06T20:00"), event(Event.PUBLISHED, "11-10T08:00")
        clocks = read(RECEIVED, answered, told, shown)
        assert verdicts(clocks, ClockKind.NOTIFY) == [ON_TIME]
        assert verdicts(clocks, ClockKind.PUBLISH) == [LATE]

    def test_progress_is_due_every_seven_days_from_the_due_date_on(self) -> None:
        assert not read(RECEIVED, now="11-23T22:00").of(ClockKind.PROGRESS)
        due = read(RECEIVED, now="11-24T08:00").of(ClockKind.PROGRESS)[0].due.on
        assert due == date(2026, 11, 30)
        told = read(RECEIVED, event(Event.PROGRESS_TOLD, "12-01T09:00"), now="12-02T09:00").of(ClockKind.PROGRESS)
        assert [(state.nth, state.verdict, state.due.on.day) for state in told] == [(1, LATE, 30), (2, None, 8)]


class TestPauses:
    ASKED = event(Event.INFO_REQUESTED, "11-05T09:00")

    def test_days_whose_close_is_paused_do_not_count(self) -> None:
        clocks = read(RECEIVED, self.ASKED, event(Event.INFO_RECEIVED, "11-09T10:00"), now="11-10T09:00")
        assert clocks.resolve.due.on == date(2026, 11, 26)  # 5 and 6 November were paused; the 24th is a holiday

    def test_a_pause_that_lasts_counts_up_to_now(self) -> None:
        assert read(RECEIVED, self.ASKED, now="11-05T16:59").resolve.due.on == date(2026, 11, 23)
        clocks = read(RECEIVED, self.ASKED, now="11-06T08:00")
        assert clocks.resolve.due.on == date(2026, 11, 25)
        assert clocks.paused

    def test_it_ends_at_its_limit_of_ten_working_days_whoever_noticed_when(self) -> None:
        # Asked on Thursday 5 November: the limit ends on 19 November; the closes of 5..19 do not count.
        lasting = read(RECEIVED, self.ASKED, now="12-31T09:00")
        replied = read(RECEIVED, self.ASKED, event(Event.INFO_RECEIVED, "12-25T09:00"))
        noticed = read(RECEIVED, self.ASKED, event(Event.PAUSE_EXPIRED, "12-01T09:00"))
        assert lasting.breaks[0].ended_by is PauseEnd.LIMIT and not lasting.paused
        assert lasting.resolve.due.on == replied.resolve.due.on == noticed.resolve.due.on == date(2026, 12, 9)

    def test_the_unit_may_go_on_without_a_reply(self) -> None:
        clocks = read(RECEIVED, self.ASKED, event(Event.RESUMED, "11-06T08:00"), now="11-30T09:00")
        assert (clocks.breaks[0].ended_by, clocks.resolve.due.on.day) == (PauseEnd.UNIT, 25)

    def test_asking_a_second_time_is_late_whenever_it_is(self) -> None:
        again = event(Event.INFO_REQUESTED, "11-06T09:00")
        clocks = read(RECEIVED, self.ASKED, event(Event.INFO_RECEIVED, "11-05T10:00"), again)
        assert verdicts(clocks, ClockKind.ASK) == [ON_TIME, LATE]

    def test_asking_after_five_working_days_is_late(self) -> None:
        assert verdicts(read(RECEIVED, event(Event.INFO_REQUESTED, "11-10T07:00")), ClockKind.ASK) == [LATE]

    def test_asking_again_while_the_sender_still_owes_an_answer_changes_nothing(self) -> None:
        twice = read(RECEIVED, self.ASKED, event(Event.INFO_REQUESTED, "11-06T09:00"), now="11-10T09:00")
        assert len(twice.breaks) == 1 and verdicts(twice, ClockKind.ASK) == [ON_TIME]

    def test_a_pause_struck_out_after_a_dispute_moves_nothing(self) -> None:
        course = [RECEIVED, self.ASKED, event(Event.INFO_RECEIVED, "11-09T10:00")]
        course.append(event(Event.PAUSE_DISPUTED, "11-09T11:00", pause=1))
        stands = event(Event.PAUSE_JUDGED, "11-10T09:00", pause=1, stands=True)
        struck = event(Event.PAUSE_JUDGED, "11-10T09:00", pause=1, stands=False)
        assert read(*course, stands, now="11-11T09:00").resolve.due.on.day == 26
        assert read(*course, struck, now="11-11T09:00").resolve.due.on.day == 23

    def test_striking_out_a_pause_after_the_verdict_leaves_the_verdict(self) -> None:
        course = [RECEIVED, self.ASKED, event(Event.INFO_RECEIVED, "11-09T10:00"), event(Event.ANSWERED, "11-26T09:00")]
        struck = event(Event.PAUSE_JUDGED, "11-27T09:00", pause=1, stands=False)
        assert read(*course, struck).resolve.verdict is ON_TIME


class TestExtension:
    @pytest.mark.parametrize(
        ("notes", "due"),
        [
            ({"value": "5 working days"}, date(2026, 12, 1)),
            ({"value": "10 days"}, date(2026, 12, 3)),  # counted from the old due date
            ({"until": "2026-12-04"}, date(2026, 12, 4)),
            ({"until": "2026-12-05"}, date(2026, 12, 7)),  # a Saturday
        ],
    )
    def test_it_adds_time_or_names_a_date(self, notes: dict[str, Any], due: date) -> None:
        clocks = read(RECEIVED, event(Event.EXTENDED, "11-20T09:00", **notes), now="11-30T09:00")
        assert clocks.resolve.due.on == due
        days = clocks.resolve.term.days()
        assert days[0].day == date(2026, 11, 2) and days[-1].day == due
        assert len(days) == (due - days[0].day).days + 1

    def test_a_pause_after_it_moves_the_named_date(self) -> None:
        extended = event(Event.EXTENDED, "11-20T09:00", until="2026-12-04")
        asked, replied = event(Event.INFO_REQUESTED, "11-25T09:00"), event(Event.INFO_RECEIVED, "11-27T08:00")
        clocks = read(RECEIVED, extended, asked, replied, now="11-30T09:00")
        assert clocks.resolve.due.on == date(2026, 12, 8)
        assert sum(day.why is DayReason.PAUSED for day in clocks.resolve.term.days()) == 2

    def test_only_the_first_counts_and_none_after_the_due_date(self) -> None:
        first, second = (event(Event.EXTENDED, f"11-{day}T09:00", value="5 working days") for day in (19, 20))
        assert read(RECEIVED, first, second, now="11-30T09:00").resolve.due.on == date(2026, 12, 1)
        late = event(Event.EXTENDED, "11-24T00:00", value="5 working days")
        assert read(RECEIVED, late, now="11-30T09:00").resolve.due.on == date(2026, 11, 23)


class TestForwarding:
    SENT_ON = event(Event.FORWARDED, "11-06T09:00", unit=2)

    def test_the_ticket_keeps_its_term_and_the_next_unit_gets_its_own_to_classify(self) -> None:
        clocks = read(RECEIVED, self.SENT_ON, now="11-16T09:00")
        assert clocks.resolve.due.on == date(2026, 11, 23)
        assert (clocks.unit, clocks.of(ClockKind.CLASSIFY)[-1].due.on) == (2, date(2026, 11, 13))

    def test_each_unit_has_five_working_days_to_send_it_on(self) -> None:
        on = event(Event.FORWARDED, "11-16T09:00", unit=3)  # six working days later
        clocks = read(RECEIVED, self.SENT_ON, on)
        assert [(s.unit, s.verdict) for s in clocks.states if s.clock is ClockKind.FORWARD] == [(1, ON_TIME), (2, LATE)]


class TestEpisodes:
    ANSWERED = event(Event.ANSWERED, "11-27T09:00")

    def test_a_reopened_ticket_has_a_clock_of_its_own_and_keeps_its_old_verdict(self) -> None:
        reopened = event(Event.REOPENED, "12-01T09:00")
        clocks = read(RECEIVED, self.ANSWERED, reopened, event(Event.ANSWERED, "12-10T09:00"))
        assert [(s.episode, s.verdict) for s in clocks.states if s.clock is ClockKind.RESOLVE] == [
            (1, LATE),
            (2, ON_TIME),
        ]
        assert clocks.resolve.due.on == date(2026, 12, 22)

    def test_a_dispute_begins_an_episode_too(self) -> None:
        assert read(RECEIVED, self.ANSWERED, event(Event.DISPUTED, "11-28T09:00")).episode == 2


class TestMerging:
    def test_a_merged_ticket_is_suspended(self) -> None:
        clocks = read(RECEIVED, ACCEPTED, event(Event.MERGED, "11-05T09:00", into=7), now="12-01T09:00")
        assert clocks.suspended

    def test_the_answer_of_the_other_ticket_is_no_case_on_time(self) -> None:
        merged, together = event(Event.MERGED, "11-05T09:00"), event(Event.ANSWERED_TOGETHER, "11-10T09:00")
        assert verdicts(read(RECEIVED, ACCEPTED, merged, together), ClockKind.RESOLVE) == [None]

    def test_it_is_late_where_that_answer_came_after_its_own_due_date(self) -> None:
        merged, together = event(Event.MERGED, "11-05T09:00"), event(Event.ANSWERED_TOGETHER, "11-24T09:00")
        assert verdicts(read(RECEIVED, ACCEPTED, merged, together), ClockKind.RESOLVE) == [LATE]

    def test_an_unmerged_ticket_stands_as_if_it_had_never_been_merged(self) -> None:
        detour = [event(Event.MERGED, "11-05T09:00"), event(Event.UNMERGED, "11-06T09:00")]
        answered = event(Event.ANSWERED, "11-23T09:00")
        assert read(RECEIVED, *detour, answered).resolve == read(RECEIVED, answered).resolve

    def test_late_at_the_merge_is_late_for_good(self) -> None:
        detour = [event(Event.MERGED, "11-25T09:00"), event(Event.UNMERGED, "11-26T09:00")]
        clocks = read(RECEIVED, *detour, event(Event.ANSWERED, "11-27T09:00"))
        assert verdicts(clocks, ClockKind.RESOLVE) == [LATE]


class TestVersions:
    def test_a_recount_moves_what_runs_and_no_verdict(self) -> None:
        recounted = event(Event.RECOUNTED, "11-20T18:00", calendar=PLAIN)  # knows no 24 November
        asked = [event(Event.INFO_REQUESTED, "11-03T09:00"), event(Event.INFO_RECEIVED, "11-04T08:00")]
        assert read(RECEIVED, *asked, now="11-20T09:00").resolve.due.on == date(2026, 11, 25)
        assert read(RECEIVED, *asked, recounted, now="11-20T19:00").resolve.due.on == date(2026, 11, 24)
        clocks = read(RECEIVED, *asked, event(Event.ANSWERED, "11-25T09:00"), replaced(recounted, "11-26T09:00"))
        assert (clocks.resolve.verdict, clocks.resolve.calendar_id, clocks.calendar_id) == (ON_TIME, VN, PLAIN)

    def test_the_explanation_names_the_days_left_out_and_why(self) -> None:
        course = [RECEIVED, event(Event.INFO_REQUESTED, "11-05T09:00"), event(Event.INFO_RECEIVED, "11-09T10:00")]
        told = explain_state(read(*course, now="11-10T09:00").resolve)
        assert told["value"] == "15 working days"
        assert ["2026-11-05", "2026-11-06", "paused"] in told["out"]
        assert ["2026-11-24", "2026-11-24", "holiday", "Ngày Văn hóa Việt Nam"] in told["out"]


class TestWhatIf:
    def test_asking_shows_the_due_date_at_the_limit_of_the_pause(self) -> None:
        effect = preview_event([RECEIVED, ACCEPTED], event(Event.INFO_REQUESTED, "11-05T09:00"), BOOK)
        assert (effect.due_before.day, effect.due_after.day, effect.latest) == (23, 23, date(2026, 12, 9))

    def test_forwarding_shows_who_is_charged_and_that_the_due_date_stays(self) -> None:
        effect = preview_event([RECEIVED], event(Event.FORWARDED, "11-10T09:00", unit=2), BOOK)
        assert (effect.charged, effect.next_unit, effect.due_after.day, effect.verdict) == (1, 2, 23, None)
        assert [(s.clock, s.verdict) for s in effect.judged] == [(ClockKind.CLASSIFY, LATE), (ClockKind.FORWARD, LATE)]

    def test_answering_shows_the_verdict(self) -> None:
        assert preview_event([RECEIVED], event(Event.ANSWERED, "11-23T20:00"), BOOK).verdict is ON_TIME
        assert preview_event([RECEIVED], event(Event.ANSWERED, "11-24T07:00"), BOOK).verdict is LATE

    def test_extending_shows_the_new_date(self) -> None:
        extended = event(Event.EXTENDED, "11-20T07:00", until="2026-12-04")
        assert preview_event([RECEIVED], extended, BOOK).due_after.day == 4


def replaced(happening: TicketEvent, when: str) -> TicketEvent:
    return TicketEvent(happening.event, at(when), happening.actor, happening.data)


# --- properties over any course that the table allows ---------------------------------------------------------------


MERGES = frozenset({Event.MERGED, Event.UNMERGED})


def on_time(events: Sequence[TicketEvent]) -> int:
    states = state_of_clocks(events, BOOK, END).states
    return sum(state.clock is ClockKind.RESOLVE and state.verdict is ON_TIME for state in states)


def late(events: Sequence[TicketEvent]) -> set[int]:
    states = state_of_clocks(events, BOOK, END).states
    return {s.episode for s in states if s.clock is ClockKind.RESOLVE and s.verdict is LATE}


@given(courses())
def test_any_course_can_be_read_at_any_moment_of_it(course: list[TicketEvent]) -> None:
    """Reading up to a moment is reading the events up to it: nothing that comes later reaches back."""
    for place, happening in enumerate(course):
        clocks = state_of_clocks(course, BOOK, happening.at)
        upto = [h for h in course if h.at <= happening.at]
        assert clocks == state_of_clocks(upto, BOOK, happening.at)
        assert place < len(upto)


@given(courses())
def test_a_verdict_once_given_never_changes(course: list[TicketEvent]) -> None:
    given_before: list[Any] = []
    for happening in course:
        judged = [s for s in state_of_clocks(course, BOOK, happening.at).states if s.verdict is not None]
        assert [s for s in given_before if s not in judged] == []
        given_before = judged


@given(WITHIN, st.integers(1, 6 * 24 * 60), st.integers(0, 100))
def test_one_pause_split_in_two_equals_one(begins: int, length: int, cut: int) -> None:
    start = START + timedelta(minutes=begins)
    end = start + timedelta(minutes=length)
    middle = start + (end - start) * cut / 100
    ask, reply = Event.INFO_REQUESTED, Event.INFO_RECEIVED
    first = TicketEvent(Event.RECEIVED, START)
    one = [first, TicketEvent(ask, start), TicketEvent(reply, end)]
    two = [
        first,
        TicketEvent(ask, start),
        TicketEvent(reply, middle),
        TicketEvent(ask, middle),
        TicketEvent(reply, end),
    ]
    assert state_of_clocks(one, BOOK, END).resolve.due == state_of_clocks(two, BOOK, END).resolve.due


@given(courses(without=MERGES), st.lists(st.tuples(WITHIN, st.integers(1, 4)), min_size=1, max_size=4))
def test_forwarding_keeps_the_total(course: list[TicketEvent], forwards: list[tuple[int, int]]) -> None:
    more = [TicketEvent(Event.FORWARDED, START + timedelta(minutes=m), data={"unit": unit}) for m, unit in forwards]
    ends = [Event.ANSWERED, Event.REFUSED, Event.REDIRECTED, Event.WITHDRAWN]
    last = next((h.at for h in course if h.event in ends), END)
    more = [h for h in more if h.at < last]
    assume(more)
    merged = sorted([*course, *more], key=lambda h: h.at)
    calendar = BOOK.calendars[VN]
    before, after = state_of_clocks(course, BOOK, last), state_of_clocks(merged, BOOK, last)
    assert before.resolve.due == after.resolve.due
    without, shared = share_time(before, calendar, last), share_time(after, calendar, last)
    assert without.total(1) == shared.total(1)
    assert sum(share.closes for share in without.shares) == sum(share.closes for share in shared.shares)


@given(courses(without=MERGES), WITHIN, st.booleans())
def test_merge_never_adds_an_on_time_case_and_never_removes_a_late_one(
    course: list[TicketEvent], minutes: int, together: bool
) -> None:
    """Cut a course by a merge: what is known by then stays, and what the other ticket brings is never on time."""
    moment = START + timedelta(minutes=minutes)
    standing = reduce(
        lambda s, h: advance_state(s, h.event), [h for h in course[1:] if h.at <= moment], StatePath(TicketState.NEW)
    )
    try:
        advance_state(standing, Event.MERGED)
    except Conflict:
        assume(False)
    kept = [h for h in course if h.at <= moment]
    overdue = state_of_clocks(kept, BOOK, moment).resolve
    merged = [*kept, TicketEvent(Event.MERGED, moment)]
    if together:
        merged.append(TicketEvent(Event.ANSWERED_TOGETHER, moment + timedelta(days=9)))
    assert on_time(merged) == on_time(kept) <= on_time(course) + len(late(course))
    assert late(kept) <= late(merged)
    assert not overdue.due.missed_by(moment) or overdue.episode in late(merged) or not overdue.running
