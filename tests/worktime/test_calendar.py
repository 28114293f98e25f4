"""What a calendar may declare, how its hours are read, how terms are written, and what counting costs."""

from datetime import date, datetime
from timeit import repeat

import numpy as np
import pytest

from backend.worktime.arithmetic import due_moment, elapsed_units
from backend.worktime.calendar import ZONE, DayException, Season, WorkCalendar, WorkWindow, week_of
from backend.worktime.duration import Duration, TimeUnit
from backend.worktime.errors import WorktimeError
from backend.worktime.explain import explain_days
from backend.worktime.shipped import shipped_calendar
from backend.worktime.vector import due_dates, working_days_between

OFFICE = {weekday: ["7:30-11:30", "13:30-17:00"] for weekday in range(5)}
MORNINGS = {weekday: ["7:00-11:00"] for weekday in range(5)}


def declare(**changes):
    return WorkCalendar.declare("c", "1", **{"week": OFFICE, "years": {2026: True}, **changes})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def closed(day: date) -> DayException:
    return DayException(day, False, "nghỉ")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"week": {}}, "ít nhất một ngày làm việc"),
        (
            {
                "week": {0: ["8:00-17:00"]},
                "exceptions": [closed(date(2026, 1, 5 + 7 * i)) for i in range(3)]
                + [closed(date.fromordinal(date(2026, 1, 26).toordinal() + 7 * i)) for i in range(49)],
            },
            "ít nhất một ngày làm việc",
        ),
        ({"week": {0: ["7:30-11:30", "11:00-17:00"]}}, "chồng lên nhau"),
        ({"week": {0: ["11:30-7:30"]}}, "không hợp lệ"),
        ({"week": {0: ["7:30-7:30"]}}, "không hợp lệ"),
        ({"week": {0: ["7:30-24:30"]}}, "không hợp lệ"),
        ({"week": {0: ["7:30"]}}, "dạng 7:30-11:30"),
        ({"week": {0: ["7:75-11:30"]}}, "dạng 7:30-11:30"),
        ({"week": {7: ["7:30-11:30"]}}, "từ 0"),
        ({"years": {}}, "ít nhất một năm"),
        ({"years": {2024: True, 2026: True}}, "thiếu năm 2025"),
        ({"years": dict.fromkeys(range(1900, 2026), True)}, "tối đa"),
        ({"exceptions": [closed(date(2027, 1, 1))]}, "nằm ngoài các năm"),
        ({"exceptions": [closed(date(2026, 1, 1)), closed(date(2026, 1, 1))]}, "hai lần"),
        (
            {"exceptions": [DayException(date(2026, 1, 10), True, "bù", (WorkWindow(480, 600), WorkWindow(540, 660)))]},
            "chồng lên nhau",
        ),
        ({"exceptions": [DayException(date(2026, 1, 10), True, "bù", ())]}, "trái với loại"),
        ({"exceptions": [DayException(date(2026, 1, 10), False, "nghỉ", (WorkWindow(480, 600),))]}, "trái với loại"),
        ({"seasons": [Season(date(2026, 5, 1), date(2027, 1, 1), week_of(MORNINGS))]}, "không nằm gọn"),
        ({"seasons": [Season(date(2026, 5, 2), date(2026, 5, 1), week_of(MORNINGS))]}, "không nằm gọn"),
        (
            {
                "seasons": [
                    Season(date(2026, 5, 1), date(2026, 6, 1), week_of(MORNINGS)),
                    Season(date(2026, 6, 1), date(2026, 7, 1), week_of(MORNINGS)),
                ]
            },
            "chồng lên nhau",
        ),
    ],
)
def test_calendar_that_cannot_be_worked_by_is_refused_with_a_reason(changes, sentence):
    with pytest.raises(WorktimeError, match=sentence) as refused:
        declare(**changes)
    assert refused.value.status == 422


def test_two_shifts_of_one_day_do_not_collapse():
    week = {0: ["7:00-9:00", "10:00-12:00", "14:00-16:00"]}
    day = declare(week=week)
    assert elapsed_units(day, TimeUnit.WORKING_HOURS, at("2026-03-02T00:00"), at("2026-03-02T23:00")) == 6
    assert due_moment(day, Duration.parse("5 working hours"), at("2026-03-02T07:00")).at == at("2026-03-02T15:00")


def test_season_has_its_own_hours_and_then_the_week_returns():
    summer = declare(seasons=[Season(date(2026, 4, 16), date(2026, 4, 17), week_of(MORNINGS))])
    hour = Duration.parse("1 working hour")
    assert due_moment(summer, hour, at("2026-04-15T06:00")).at == at("2026-04-15T08:30")
    assert due_moment(summer, hour, at("2026-04-16T06:00")).at == at("2026-04-16T08:00")
    assert due_moment(summer, hour, at("2026-04-17T10:30")).at == at("2026-04-20T08:00")


def test_makeup_day_may_have_hours_of_its_own():
    own = declare(exceptions=[DayException(date(2026, 1, 10), True, "bù", (WorkWindow(480, 600),))])
    assert elapsed_units(own, TimeUnit.WORKING_MINUTES, at("2026-01-10T00:00"), at("2026-01-11T00:00")) == 120


def test_makeup_day_in_a_season_works_the_hours_of_that_season():
    summer = declare(
        seasons=[Season(date(2026, 8, 1), date(2026, 8, 31), week_of(MORNINGS))],
        exceptions=[DayException(date(2026, 8, 22), True, "bù")],
    )
    assert elapsed_units(summer, TimeUnit.WORKING_HOURS, at("2026-08-22T00:00"), at("2026-08-23T00:00")) == 4


def test_day_worked_until_midnight_closes_within_itself():
    late = declare(week={0: ["16:00-24:00"]})
    end = due_moment(late, Duration.parse("1 working day"), at("2026-03-01T10:00"))
    assert end.on == date(2026, 3, 2)
    assert elapsed_units(late, TimeUnit.WORKING_DAYS, at("2026-03-01T10:00"), end.at) == 1
    assert elapsed_units(late, TimeUnit.WORKING_HOURS, at("2026-03-02T00:00"), at("2026-03-03T00:00")) == 8


def test_pause_that_ends_before_it_starts_is_refused():
    with pytest.raises(WorktimeError, match="trước khi bắt đầu"):
        due_moment(declare(), Duration.parse("1 day"), at("2026-01-05T08:00"), [(at("2026-01-07"), at("2026-01-06"))])


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("15 working days", "15 working days"),
        ("1 working day", "1 working day"),
        ("20 days", "20 days"),
        ("20 calendar days", "20 days"),
        ("  4   Working Hours ", "4 working hours"),
        ("30 working minutes", "30 working minutes"),
        ("15 ngày làm việc", "15 working days"),
        ("20 ngày", "20 days"),
        ("4 giờ làm việc", "4 working hours"),
        ("30 phút làm việc", "30 working minutes"),
    ],
)
def test_term_is_read_in_both_languages_and_written_back(text, written):
    term = Duration.parse(text)
    assert str(term) == written
    assert Duration.parse(str(term)) == term


@pytest.mark.parametrize(
    "text",
    ["", "days", "15", "15 weeks", "-3 days", "0 days", "1.5 days", "15working", "1000001 days", "9" * 5000 + " days"],
)
def test_term_that_cannot_be_read_is_refused(text):
    with pytest.raises(WorktimeError, match=r"[Tt]hời hạn"):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("received", "term"),
    [
        ("9998-06-01T08:00", "1000 days"),
        ("9998-06-01T08:00", "1000 working days"),
        ("9999-12-01T16:59", "1000 working hours"),
    ],
)
def test_term_past_the_last_year_is_refused(received, term):
    with pytest.raises(WorktimeError, match="vượt quá"):
        due_moment(shipped_calendar("vn"), Duration.parse(term), at(received))


@pytest.mark.parametrize(
    "array",
    [
        np.array(["2026-01-01", "NaT"], dtype="datetime64[D]"),
        np.array(["2026-01-01T10:00"], dtype="datetime64[s]"),
        np.array([20000]),
    ],
)
def test_array_that_is_not_of_full_dates_is_refused(array):
    with pytest.raises(WorktimeError, match="mảng ngày"):
        due_dates(shipped_calendar("vn"), 5, array)


def test_array_counts_on_past_the_last_declared_day():
    # Fri 31/12/2027, Mon 3, Tue 4, Wed 5/1/2028
    end = np.array(["2027-12-31", "2028-01-02", "2028-01-03", "2028-01-05"], dtype="datetime64[D]")
    start = np.array("2027-12-30", dtype="datetime64[D]")
    assert working_days_between(shipped_calendar("vn"), start, end).tolist() == [1, 1, 2, 4]


def test_array_takes_a_term_for_each_date_and_may_be_empty():
    received = np.array(["2026-02-13", "2024-04-26"], dtype="datetime64[D]")
    assert due_dates(shipped_calendar("vn"), np.array([3, 4]), received).tolist() == [
        date(2026, 2, 25),
        date(2024, 5, 6),
    ]
    assert due_dates(shipped_calendar("vn"), 3, received[:0]).size == 0
    assert working_days_between(shipped_calendar("vn"), received[:0], received[:0]).size == 0


@pytest.mark.parametrize("text", ["0", "1.5", "1000001"])
def test_array_refuses_a_term_that_is_not_a_count_of_days(text):
    with pytest.raises(WorktimeError, match="Thời hạn"):
        due_dates(
            shipped_calendar("vn"),
            np.array([float(text) if "." in text else int(text)]),
            np.array(["2026-01-01"], "M8[D]"),
        )


@pytest.mark.parametrize(
    "term", ["15 working days", "900000 working days", "20 days", "8 working hours", "900000 working minutes"]
)
def test_one_due_date_costs_under_20_microseconds_whatever_the_distance(term):
    calendar, duration, received = shipped_calendar("vn"), Duration.parse(term), at("2026-11-20T16:45")
    best = min(repeat(lambda: due_moment(calendar, duration, received), number=500, repeat=20)) / 500
    assert best < 20e-6


def test_explanation_of_fifteen_days_costs_under_a_fifth_of_a_millisecond():
    calendar, duration, received = shipped_calendar("vn"), Duration.parse("15 working days"), at("2026-11-20T16:45")
    assert min(repeat(lambda: explain_days(calendar, duration, received), number=50, repeat=20)) / 50 < 200e-6


def test_a_million_due_dates_cost_under_a_second():
    spread = np.random.default_rng(1).integers(-4_000, 4_000, 1_000_000)
    received = np.datetime64("2025-06-01", "D") + spread
    assert min(repeat(lambda: due_dates(shipped_calendar("vn"), 15, received), number=1, repeat=3)) < 1
