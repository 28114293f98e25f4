"""What must hold of working time for any calendar, term, moment and pauses, and agreement with a slow loop.

The loop below knows nothing of the code's sums: it walks day after day, or minute after minute.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from backend.worktime.arithmetic import due_moment, elapsed_units, worked_time
from backend.worktime.calendar import ZONE, DayException, Season, WorkCalendar, WorkWindow
from backend.worktime.duration import Duration, TimeUnit
from backend.worktime.errors import WorktimeError
from backend.worktime.explain import DayReason, explain_days
from backend.worktime.moments import Pause
from backend.worktime.vector import due_dates, lean_on_estimate, working_days_between
from tests.worktime.slow_loop import DAY, MINUTE, close_of, open_windows, slow_counts, slow_due_date, slow_minutes

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


# --- any calendar, moment, pauses ---------------------------------------------------------------------------


@st.composite
def windows(draw: st.DrawFn) -> tuple[WorkWindow, ...]:
    """Up to three windows; now and then they touch, or the last ends at 24:00."""
    marks = sorted(draw(st.sets(st.integers(0, 48), min_size=2, max_size=6)))
    return tuple(WorkWindow(marks[i] * 30, marks[i + 1] * 30) for i in range(0, len(marks) - 1, 2))


weeks = st.tuples(*[st.one_of(st.just(()), windows(), windows()) for _ in range(7)]).filter(any)
dates = st.dates(date(2023, 6, 1), date(2027, 6, 30))


@st.composite
def calendars(draw: st.DrawFn) -> WorkCalendar:
    """One to three declared years from 2024 on, so that moments fall before, in and after them."""
    years = draw(st.lists(st.booleans(), min_size=1, max_size=3))
    within = st.dates(date(2024, 1, 1), date(2023 + len(years), 12, 31))
    days = draw(st.dictionaries(within, st.tuples(st.booleans(), st.booleans(), st.none() | windows()), max_size=25))
    season = sorted(draw(st.tuples(within, within)))
    try:
        return WorkCalendar(
            "any",
            "1",
            draw(weeks),
            tuple((2024 + i, announced) for i, announced in enumerate(years)),
            tuple(
                DayException(day, is_open, "một ngày", own if is_open else None, verified)
                for day, (is_open, verified, own) in sorted(days.items())
            ),
            draw(st.sampled_from([(), (Season(season[0], season[1], draw(weeks)),)])),
        )
    except WorktimeError:  # every day closed: nothing to count on
        assume(False)
        raise


minutes = st.builds(
    lambda day, minute: datetime.combine(day, time(minute // 60, minute % 60), ZONE), dates, st.integers(0, 1439)
)
moments = st.builds(lambda at, extra: at + timedelta(microseconds=extra), minutes, st.integers(0, 59_999_999))
terms = st.builds(Duration, st.integers(1, 60), st.sampled_from(TimeUnit))
day_terms = st.builds(Duration, st.integers(1, 60), st.sampled_from([TimeUnit.WORKING_DAYS, TimeUnit.CALENDAR_DAYS]))
working_day_terms = st.builds(Duration, st.integers(1, 60), st.just(TimeUnit.WORKING_DAYS))
minute_terms = st.builds(Duration, st.integers(1, 900), st.just(TimeUnit.WORKING_MINUTES))


def pauses_near(start: datetime, at: timedelta = MINUTE) -> st.SearchStrategy[list[Pause]]:
    """A few pauses from some days before a moment on, overlapping at will."""
    span = st.tuples(st.integers(-4_000, 60_000), st.integers(0, 12_000))
    return st.lists(span.map(lambda s: (start + s[0] * at, start + (s[0] + s[1]) * at)), max_size=4)


@st.composite
def cases(draw: st.DrawFn, term: st.SearchStrategy[Duration] = terms) -> tuple[Duration, datetime, list[Pause]]:
    received = draw(moments)
    return draw(term), received, draw(pauses_near(received))


# --- the slow, obvious reference ----------------------------------------------------------------------------


# --- agreement ----------------------------------------------------------------------------------------------


@unhurried
@given(calendars(), cases(day_terms))
def test_due_date_agrees_with_a_day_by_day_loop(calendar, case):
    term, received, pauses = case
    assert due_moment(calendar, term, received, pauses).on == slow_due_date(calendar, term, received, pauses)


@unhurried
@given(calendars(), st.sampled_from([TimeUnit.WORKING_DAYS, TimeUnit.CALENDAR_DAYS]), moments, st.data())
def test_elapsed_days_agree_with_a_day_by_day_loop(calendar, unit, start, data):
    pauses = data.draw(pauses_near(start))
    end = start + data.draw(st.integers(-1_000, 100_000)) * MINUTE
    days = (start.date() + i * DAY for i in range(1, max((end - start).days, 0) + 2))
    counted = [day for day in days if slow_counts(calendar, unit, day, pauses) and close_of(calendar, unit, day) <= end]
    assert elapsed_units(calendar, unit, start, end, pauses) == len(counted)


@settings(unhurried, max_examples=40)
@given(calendars(), minutes, st.integers(1, 400), st.data())
def test_due_minute_agrees_with_a_minute_by_minute_loop(calendar, received, value, data):
    assume(sum(window.closes - window.opens for windows in calendar.week for window in windows) >= 600)
    pauses = data.draw(pauses_near(received))
    loop = slow_minutes(calendar, received, pauses)
    slow = next(minute for i, minute in enumerate(loop, 1) if i == value)
    assert due_moment(calendar, Duration(value, TimeUnit.WORKING_MINUTES), received, pauses).at == slow


@unhurried
@given(calendars(), cases(working_day_terms), st.lists(dates, min_size=1, max_size=8))
def test_arrays_agree_with_one_by_one(calendar, case, received):
    term = case[0]
    array = np.array(received, dtype="datetime64[D]")
    result = due_dates(calendar, term.value, array)
    one_by_one = [due_moment(calendar, term, datetime.combine(day, time(12), ZONE)) for day in received]
    assert result.tolist() == [one.on for one in one_by_one]
    assert lean_on_estimate(calendar, array, result).tolist() == [one.estimate for one in one_by_one]
    assert working_days_between(calendar, array, result).tolist() == [term.value] * len(received)
    assert working_days_between(calendar, result, array).tolist() == [-term.value] * len(received)


# --- invariants ---------------------------------------------------------------------------------------------


@unhurried
@given(calendars(), cases(), st.dates(date(2024, 1, 1), date(2024, 12, 31)))
def test_adding_a_day_off_never_makes_a_due_date_earlier(calendar, case, day):
    others = tuple(exception for exception in calendar.exceptions if exception.day != day)
    exceptions = tuple(sorted((*others, DayException(day, False, "nghỉ")), key=lambda e: e.day))
    try:
        closed = replace(calendar, exceptions=exceptions)
    except WorktimeError:  # that was the only working day
        assume(False)
    assert due_moment(closed, *case).at >= due_moment(calendar, *case).at


@unhurried
@given(calendars(), cases())
def test_elapsed_until_the_due_moment_is_the_term(calendar, case):
    term, received, pauses = case
    end = due_moment(calendar, term, received, pauses)
    counted = elapsed_units(calendar, term.unit, received, end.at, pauses)
    assert counted >= term.value if end.rolled else counted == term.value


@unhurried
@given(calendars(), cases(minute_terms), st.integers(0, 3_000), st.integers(0, 5_000))
def test_pause_of_k_working_minutes_moves_a_minute_due_date_by_k(calendar, case, later, length):
    term, received, _pauses = case
    before = due_moment(calendar, term, received).at
    start = received + later * MINUTE
    assume(start < before)
    pause = (start, start + length * MINUTE)
    after = due_moment(calendar, term, received, [pause]).at
    assert worked_time(calendar, before, after) == worked_time(calendar, *pause)


@unhurried
@given(calendars(), cases(minute_terms), st.data())
def test_pause_outside_working_time_moves_nothing_on_minutes(calendar, case, data):
    term, received, pauses = case
    start = data.draw(st.integers(-3_000, 20_000)) * MINUTE + received
    end = start + data.draw(st.integers(0, 1_500)) * MINUTE
    assume(not worked_time(calendar, start, end))
    assert due_moment(calendar, term, received, [*pauses, (start, end)]) == due_moment(calendar, term, received, pauses)


@unhurried
@given(calendars(), cases(working_day_terms), st.integers(0, 60_000), st.integers(0, 20_000))
def test_pause_moves_a_day_due_date_by_the_closes_inside_it(calendar, case, later, length):
    term, received, _pauses = case
    start = received + later * MINUTE
    end = start + length * MINUTE
    before = due_moment(calendar, term, received)
    assume(start <= close_of(calendar, TimeUnit.WORKING_DAYS, before.on))
    days = (received.date() + i * DAY for i in range(1, (end - received).days + 2))
    inside = [
        day
        for day in days
        if open_windows(calendar, day) and start <= close_of(calendar, TimeUnit.WORKING_DAYS, day) < end
    ]
    after = due_moment(calendar, term, received, [(start, end)])
    assert elapsed_units(calendar, TimeUnit.WORKING_DAYS, before.at, after.at) == len(inside)


@unhurried
@given(calendars(), cases(), st.integers(0, 10_000), st.integers(0, 5_000), st.integers(0, 5_000))
def test_pause_split_in_two_equals_one(calendar, case, later, first, second):
    term, received, pauses = case
    start = received + later * MINUTE
    middle, end = start + first * MINUTE, start + (first + second) * MINUTE
    whole, split = [*pauses, (start, end)], [(middle, end), *pauses, (start, middle)]
    assert due_moment(calendar, term, received, split) == due_moment(calendar, term, received, whole)
    overlapping = [*pauses, (start, end), (start, middle)]
    assert due_moment(calendar, term, received, overlapping) == due_moment(calendar, term, received, whole)


@unhurried
@given(calendars(), cases(), st.integers(0, 20_000))
def test_later_reception_is_never_due_earlier(calendar, case, later):
    term, received, pauses = case
    assert (
        due_moment(calendar, term, received + later * MINUTE, pauses).at
        >= due_moment(calendar, term, received, pauses).at
    )


@unhurried
@given(calendars(), cases(), st.integers(0, 10_000), st.integers(0, 5_000))
def test_one_more_pause_is_never_due_earlier(calendar, case, later, length):
    term, received, pauses = case
    start = received + later * MINUTE
    more = [*pauses, (start, start + length * MINUTE)]
    assert due_moment(calendar, term, received, more).at >= due_moment(calendar, term, received, pauses).at


@unhurried
@given(calendars(), cases(), st.lists(st.integers(0, 50_000), min_size=1, max_size=6))
def test_shares_of_working_time_add_up_to_the_total(calendar, case, cuts):
    _term, received, pauses = case
    marks = [received, *(received + cut * MINUTE for cut in sorted(cuts))]
    shares = [worked_time(calendar, a, b, pauses) for a, b in pairwise(marks)]
    assert sum(shares, timedelta(0)) == worked_time(calendar, marks[0], marks[-1], pauses)


@unhurried
@given(calendars(), cases())
def test_moment_counts_the_same_in_any_time_zone(calendar, case):
    term, received, pauses = case
    elsewhere = [(start.astimezone(UTC), end.astimezone(UTC)) for start, end in pauses]
    assert due_moment(calendar, term, received.astimezone(UTC), elsewhere) == due_moment(
        calendar, term, received, pauses
    )


@unhurried
@given(calendars(), cases())
def test_explanation_lists_every_day_and_its_counted_days_are_the_term(calendar, case):
    term, received, pauses = case
    end = due_moment(calendar, term, received, pauses)
    days = explain_days(calendar, term, received, pauses)
    assert [day.day for day in days] == [received.date() + i * DAY for i in range(len(days))]
    assert days[-1].day == end.on
    if term.unit.minutes:
        assert sum((day.worked for day in days), timedelta(0)) == term.value * term.unit.minutes * MINUTE
        assert all(day.counted == bool(day.worked) for day in days)
        assert end.estimate == any(day.estimate for day in days)
    else:
        assert sum(day.counted for day in days) == term.value
        assert end.estimate == any(day.estimate for day in days[1:])
        assert end.rolled == any(day.why is DayReason.ROLLED for day in days)


@unhurried
@given(calendars(), cases(day_terms))
def test_paused_days_of_an_explanation_name_a_pause_that_covers_their_close(calendar, case):
    term, received, pauses = case
    for day in explain_days(calendar, term, received, pauses):
        if day.why is DayReason.PAUSED:
            start, end = pauses[day.params["pause"]]
            assert start <= close_of(calendar, term.unit, day.day) < end


@unhurried
@given(calendars(), moments, st.integers(10_000, 900_000))
def test_far_due_date_comes_back_to_its_term(calendar, received, value):
    term = Duration(value, TimeUnit.WORKING_DAYS)
    try:
        end = due_moment(calendar, term, received)
    except WorktimeError:
        per_week = sum(map(bool, calendar.week))
        assert value > (date.max - received.date()).days // 7 * per_week - 3 * 366
        return
    assert elapsed_units(calendar, term.unit, received, end.at) == value
    assert end.estimate


@pytest.mark.parametrize("text", ["2026-11-20T16:45", "2026-11-20"])
def test_naive_moment_is_refused(text):
    calendar = WorkCalendar("c", "1", ((WorkWindow(450, 690),),) * 7, ((2026, True),))
    with pytest.raises(WorktimeError, match="múi giờ"):
        due_moment(calendar, Duration(1, TimeUnit.WORKING_DAYS), datetime.fromisoformat(text))
