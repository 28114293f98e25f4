"""The ladder: who is told when, for any ticket, calendar and moment."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.escalation.ladder import (
    EscalationFacts,
    EscalationStep,
    StepRecipient,
    after_pause,
    at_work,
    choose_steps,
    ladder_by,
    next_look,
    shipped_ladder,
    steps_due,
)
from backend.worktime.calendar import ZONE
from backend.worktime.duration import Duration, TimeUnit
from backend.worktime.shipped import shipped_calendar

VN = shipped_calendar("vn")
FORTNIGHT = EscalationFacts(
    42, date(2026, 10, 5), date(2026, 10, 26), Duration(15, TimeUnit.WORKING_DAYS)
)  # Monday to Monday

BACKSTOP = ["backstop_warning", "backstop", "backstop_above"]
LATE = ["half", "last_day", "overdue", "overdue_3", "overdue_5"]


def morning(day: int, month: int = 10) -> datetime:
    return datetime(2026, month, day, 8, 0, tzinfo=ZONE)


def codes(facts: EscalationFacts, now: datetime) -> list[str]:
    return [f"{step.code}:{step.times}" if step.times else step.code for step in steps_due(facts, VN, now)]


def known_of(facts: EscalationFacts, steps: Iterable[EscalationStep]) -> dict[str, int]:
    return {step.key(facts.ticket_id): step.times for step in steps}


@pytest.mark.parametrize(
    ("now", "reached"),
    [
        (morning(14), []),  # eight working days left after today
        (morning(15), ["half"]),  # seven left of fifteen
        (morning(22), ["half"]),
        (morning(23), ["half", "last_day"]),  # Friday: only Monday is left
        (morning(26), ["half", "last_day"]),  # the due date itself is on time to its end
        (morning(27), ["half", "last_day", "overdue", "apology"]),
        (morning(29), ["half", "last_day", "overdue", "apology"]),
        (morning(30), ["half", "last_day", "overdue", "overdue_3", "apology"]),  # 27th, 28th, 29th are over
        (morning(2, 11), ["half", "last_day", "overdue", "overdue_3", "apology", "progress:1"]),
        (morning(3, 11), [*LATE, "apology", "progress:1"]),
        (morning(4, 11), ["half", "last_day", "backstop_warning", *LATE[2:], "apology", "progress:1"]),
        (morning(9, 11), ["half", "last_day", "backstop_warning", *LATE[2:], "apology", "progress:2"]),
        (morning(19, 11), ["half", "last_day", *BACKSTOP, *LATE[2:], "apology", "progress:3"]),
    ],
)
def test_each_rung_is_reached_on_its_day(now: datetime, reached: list[str]) -> None:
    assert codes(FORTNIGHT, now) == reached


def test_half_of_a_pause_is_no_half_of_the_term() -> None:
    """The due date has moved with the pause; half of the term is counted back from it."""
    paused_for_a_week = replace(FORTNIGHT, due=date(2026, 11, 2))
    assert codes(paused_for_a_week, morning(21)) == []
    assert codes(paused_for_a_week, morning(22)) == ["half"]


def test_days_off_before_tet_do_not_count_as_days_left() -> None:
    """Due on the first day after Tết 2026 (14 to 22 February): the reminder comes before the holiday."""
    facts = EscalationFacts(1, date(2026, 1, 26), date(2026, 2, 23), Duration(15, TimeUnit.WORKING_DAYS))
    reached = [day for day in range(9, 24) if "last_day" in codes(facts, morning(day, 2))]
    assert reached[0] == 13


def test_nobody_is_told_while_it_is_paused_or_answered() -> None:
    done = replace(FORTNIGHT, waiting=False)
    assert steps_due(done, VN, morning(23, 11)) == ()
    assert next_look(done, VN, morning(1)) is None


def test_after_a_standstill_each_person_hears_one_thing_and_nothing_outdated() -> None:
    steps = steps_due(FORTNIGHT, VN, morning(10, 11))
    tell, silent = choose_steps(FORTNIGHT, steps, {})
    assert [step.code for step in tell] == ["backstop_warning", "overdue_3", "overdue_5", "apology"]
    assert [step.code for step in silent] == ["half", "last_day", "overdue", "progress"]


def test_the_next_notice_of_progress_comes_in_its_turn() -> None:
    known = known_of(FORTNIGHT, steps_due(FORTNIGHT, VN, morning(10, 11)))
    steps = steps_due(FORTNIGHT, VN, morning(16, 11))
    assert choose_steps(FORTNIGHT, steps, known)[0] == [
        EscalationStep("progress", StepRecipient.SENDER, date(2026, 10, 5), 3)
    ]


def test_a_moved_due_date_is_a_new_occasion_but_an_episode_has_one_apology() -> None:
    late = morning(23, 11)
    known = known_of(FORTNIGHT, steps_due(FORTNIGHT, VN, late))
    moved = replace(FORTNIGHT, due=date(2026, 10, 27))
    fresh = choose_steps(moved, steps_due(moved, VN, late), known)[0]
    assert [step.code for step in fresh] == ["overdue", "overdue_3", "overdue_5"]


def test_the_time_since_reception_counts_in_the_first_episode_only() -> None:
    assert not set(BACKSTOP) & set(codes(replace(FORTNIGHT, episode=2), morning(23, 12)))


def test_a_ticket_with_a_far_due_date_is_not_left_lying() -> None:
    """An extension to January does not silence the bound of 45 days from reception: leader and coordinator hear."""
    extended = replace(FORTNIGHT, due=date(2027, 1, 15))
    known = known_of(extended, steps_due(extended, VN, morning(4, 11)))
    tell, _silent = choose_steps(extended, steps_due(extended, VN, morning(19, 11)), known)
    assert [(step.code, step.to) for step in tell] == [
        ("backstop", StepRecipient.LEADER),
        ("backstop_above", StepRecipient.COORDINATOR),
    ]


def test_a_rule_that_was_not_in_force_at_reception_gives_no_notice() -> None:
    assert not set(BACKSTOP) & {step.code for step in steps_due(FORTNIGHT, VN, morning(23, 12), ladder_by({}))}


def test_a_reopened_ticket_starts_over() -> None:
    known = known_of(FORTNIGHT, steps_due(FORTNIGHT, VN, morning(23, 11)))
    again = replace(FORTNIGHT, episode=2)
    fresh = choose_steps(again, steps_due(again, VN, morning(27)), known)[0]
    assert [step.key(42) for step in fresh] == [
        "ticket:42:overdue:2026-10-26:episode2",
        "ticket:42:apology:2026-10-05:episode2",
    ]


def test_keys_say_ticket_step_and_occasion() -> None:
    steps = steps_due(replace(FORTNIGHT, due=date(2026, 11, 22)), VN, morning(30, 11))
    assert "ticket:42:overdue:2026-11-22" in {step.key(42) for step in steps}


def test_nobody_works_at_night_at_lunch_or_on_days_off() -> None:
    def at(text: str) -> bool:
        return at_work(VN, datetime.fromisoformat(f"2026-11-{text}+07:00"))

    assert [at("23T07:29"), at("23T07:30"), at("23T11:30"), at("23T13:30"), at("23T17:00"), at("22T09:00")] == [
        False,
        True,
        False,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("now", "next_moment"),
    [
        ("2026-11-23T09:10", "2026-11-23T09:10"),
        ("2026-11-23T03:00", "2026-11-23T07:30"),
        ("2026-11-23T12:00", "2026-11-23T13:30"),
        ("2026-11-20T17:00", "2026-11-23T07:30"),
        ("2026-02-13T18:00", "2026-02-23T07:30"),
    ],
)
def test_what_cannot_be_said_now_waits_for_the_next_opening(now: str, next_moment: str) -> None:
    moment = datetime.fromisoformat(now + "+07:00")
    assert after_pause(VN, moment) == datetime.fromisoformat(next_moment + "+07:00")


days = st.dates(date(2024, 1, 2), date(2027, 12, 20))
terms = st.one_of(
    st.builds(Duration, st.integers(1, 60), st.sampled_from([TimeUnit.WORKING_DAYS, TimeUnit.CALENDAR_DAYS])),
    st.builds(Duration, st.integers(1, 16), st.just(TimeUnit.WORKING_HOURS)),
)
tickets = st.builds(
    lambda start, length, term: EscalationFacts(7, start, start + timedelta(length), term),
    days,
    st.integers(0, 120),
    terms,
)
moments = st.builds(
    lambda day, second: datetime(day.year, day.month, day.day, tzinfo=ZONE) + timedelta(seconds=second),
    st.dates(date(2024, 1, 1), date(2028, 12, 31)),
    st.integers(0, 86_399),
)


@given(tickets, moments, moments)
def test_what_is_reached_stays_reached(facts: EscalationFacts, one: datetime, other: datetime) -> None:
    earlier, later = sorted([one, other])
    reached = known_of(facts, steps_due(facts, VN, later))
    for key, times in known_of(facts, steps_due(facts, VN, earlier)).items():
        assert reached[key] >= times


@given(tickets, moments)
def test_a_ticket_has_one_step_at_most_for_each_rung(facts: EscalationFacts, now: datetime) -> None:
    rungs = [step.code for step in steps_due(facts, VN, now)]
    assert len(rungs) == len(set(rungs)) <= len(shipped_ladder())


def test_ten_years_overdue_are_as_many_steps_as_ten_days() -> None:
    steps = steps_due(FORTNIGHT, VN, datetime(2036, 10, 27, 8, 0, tzinfo=ZONE))
    assert [step.code for step in steps] == ["half", "last_day", *BACKSTOP, *LATE[2:], "apology", "progress"]
    assert steps[-1].times == 522  # 3,654 days
    assert steps[-1].key(42) == "ticket:42:progress:2026-10-05"
    assert steps[-1].message_key(42) == "ticket:42:progress:2026-10-05:522"


def test_what_fell_due_before_the_ticket_came_is_told_to_nobody_and_what_comes_after_is() -> None:
    came = replace(FORTNIGHT, reminded_after=date(2026, 10, 27), has_sender=False)
    assert codes(came, morning(27)) == []
    assert codes(came, morning(30)) == ["overdue_3"]
    assert codes(came, morning(23, 11)) == [*BACKSTOP, "overdue_3", "overdue_5"]
    assert next_look(came, VN, morning(23, 11)) is None, "nobody is left to be told"


@given(tickets, moments)
def test_told_once_is_told(facts: EscalationFacts, now: datetime) -> None:
    steps = steps_due(facts, VN, now)
    tell, silent = choose_steps(facts, steps, {})
    known = known_of(facts, [*tell, *silent])
    assert len(known) == len(steps)
    assert choose_steps(facts, steps_due(facts, VN, now), known) == ([], [])
    assert len({step.to for step in tell}) == len(tell)


@given(tickets, moments)
def test_nothing_is_missed_before_the_next_look(facts: EscalationFacts, now: datetime) -> None:
    """Between now and the next look no working moment has a step that is not reached yet."""
    look = next_look(facts, VN, now)
    assert look is not None and look > now and at_work(VN, look)
    before = after_pause(VN, now)
    day_before_look = look - timedelta(days=1)
    assert set(steps_due(facts, VN, look)) != set(steps_due(facts, VN, now))
    if before < day_before_look and at_work(VN, day_before_look):
        assert steps_due(facts, VN, day_before_look) == steps_due(facts, VN, now)


@given(tickets, st.lists(moments, min_size=1, max_size=12))
def test_a_beat_that_comes_when_it_likes_tells_nobody_twice(facts: EscalationFacts, looks: list[datetime]) -> None:
    known: dict[str, int] = {}
    told: list[str] = []
    for now in sorted(looks):
        tell, silent = choose_steps(facts, steps_due(facts, VN, now), known)
        told += [step.message_key(7) for step in tell]
        known |= known_of(facts, [*tell, *silent])
    assert len(told) == len(set(told))


def test_every_row_of_the_ladder_names_where_it_is_from() -> None:
    assert all(rung.basis for rung in shipped_ladder())
    assert len({rung.code for rung in shipped_ladder()}) == len(shipped_ladder()) == 10
