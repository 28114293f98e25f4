"""Due dates of 2024-2027 worked out by hand from the shipped table and the law.

The rule: the day of the event is not counted, then each day worked is one, Monday to Friday and make-up
Saturdays, less the days off of the table. The comment of each case is the count that was done on paper.
"""

from dataclasses import replace
from datetime import date, datetime

import pytest

from backend.worktime.arithmetic import due_moment, elapsed_units
from backend.worktime.calendar import ZONE, DayException, WorkCalendar
from backend.worktime.duration import Duration, TimeUnit
from backend.worktime.explain import DayDoubt, DayReason, explain_days
from backend.worktime.shipped import shipped_calendar

VN = shipped_calendar("vn")
# As it was before 24/11 was law and 2027 was announced: a calendar that still has doubts.
PROVISIONAL = replace(
    VN,
    years=tuple((year, year < 2027) for year, _announced in VN.years),
    exceptions=tuple(replace(day, verified=day.day != date(2026, 11, 24)) for day in VN.exceptions),
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def due_on(received: str, term: str) -> str:
    return due_moment(VN, Duration.parse(term), at(received)).on.isoformat()


@pytest.mark.parametrize(
    ("received", "term", "expected"),
    [
        # Tết 2024, off Thu 8, Fri 9, Mon 12-Wed 14/2: Thu 15, Fri 16, Mon 19, Tue 20, Wed 21
        ("2024-02-07T16:00", "5 working days", "2024-02-21"),
        # Tết 2025, off Mon 27-Fri 31/1: Mon 3 to Fri 7/2
        ("2025-01-24T08:00", "5 working days", "2025-02-07"),
        # Tết 2026, off Mon 16-Fri 20/2: Mon 23, Tue 24, Wed 25
        ("2026-02-13T08:00", "3 working days", "2026-02-25"),
        # Tết 2027, off Thu 4, Fri 5, Mon 8-Wed 10/2: Thu 11, Fri 12
        ("2027-02-03T08:00", "2 working days", "2027-02-12"),
        # 29/4 swapped for Saturday 4/5/2024; 30/4 and 1/5 off: Thu 2, Fri 3, Sat 4, then Mon 6/5
        ("2024-04-26T16:00", "3 working days", "2024-05-04"),
        ("2024-04-26T16:00", "4 working days", "2024-05-06"),
        # 2/5/2025 swapped for Saturday 26/4: Fri 25, Sat 26, Mon 28, Tue 29, (30/4, 1/5, 2/5 off) Mon 5/5
        ("2025-04-24T09:00", "2 working days", "2025-04-26"),
        ("2025-04-24T09:00", "5 working days", "2025-05-05"),
        # 2/1/2026 swapped for Saturday 10/1; 1/1 off: Mon 5 to Fri 9 are five, Sat 10 the sixth, Mon 12 the seventh
        ("2025-12-31T10:00", "6 working days", "2026-01-10"),
        ("2025-12-31T10:00", "7 working days", "2026-01-12"),
        # 31/8/2026 swapped for Saturday 22/8: Fri 21, Sat 22, Mon 24, Tue 25, Wed 26
        ("2026-08-20T10:00", "5 working days", "2026-08-26"),
        # ... Thu 27, Fri 28, (31/8, 1/9, 2/9 off) Thu 3/9
        ("2026-08-20T10:00", "8 working days", "2026-09-03"),
        # received on a make-up Saturday: the day of the event all the same. Mon 12 to Fri 16
        ("2026-01-10T09:00", "5 working days", "2026-01-16"),
        ("2024-05-04T09:00", "1 working day", "2024-05-06"),
        # received on a holiday, Tue 17/2/2026: the first working day after is Mon 23
        ("2026-02-17T09:00", "1 working day", "2026-02-23"),
        ("2026-02-17T09:00", "5 working days", "2026-02-27"),
        # received on Monday 2/3/2026 at any hour: Tue 3, 4, 5, Fri 6, Mon 9
        ("2026-03-02T00:00", "5 working days", "2026-03-09"),
        ("2026-03-02T11:30", "5 working days", "2026-03-09"),
        ("2026-03-02T23:59:59.999999", "5 working days", "2026-03-09"),
        # one microsecond later it is Tuesday
        ("2026-03-03T00:00", "5 working days", "2026-03-10"),
        # received on 29/2/2024, a Thursday: Fri 1/3, Mon 4 to Thu 7
        ("2024-02-29T14:00", "1 working day", "2024-03-01"),
        ("2024-02-29T14:00", "5 working days", "2024-03-07"),
        # over 29/2/2024: Wed 28, Thu 29
        ("2024-02-27T14:00", "2 working days", "2024-02-29"),
        # Mon 23, (24 off) 25-27, 30/11-4/12, 7-11/12 = 1 + 3 + 5 + 5 = 14, Mon 14/12 the fifteenth
        ("2026-11-20T16:45", "15 working days", "2026-12-14"),
        # calendar days: 13/1 + 20 = Mon 2/2
        ("2026-01-13T10:00", "20 days", "2026-02-02"),
        # 9/2 + 10 = Thu 19/2, Tết: the next working day is Mon 23
        ("2026-02-09T10:00", "10 days", "2026-02-23"),
        # 17/1 + 7 = Sat 24, off; 3/1 + 7 = Sat 10, worked
        ("2026-01-17T10:00", "7 days", "2026-01-26"),
        ("2026-01-03T10:00", "7 days", "2026-01-10"),
    ],
)
def test_due_date_is_the_one_counted_on_paper(received, term, expected):
    assert due_on(received, term) == expected


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        (2024, 251),  # 52 weeks of 5 + Mon 30, Tue 31/12 = 262, 12 off, 1 made up
        (2025, 250),  # 260 + Wed 31/12 = 261, 12 off, 1 made up
        (2026, 249),  # 260 + Thu 31/12 = 261, 14 off, 2 made up
        (2027, 249),  # 260 + Fri 31/12 = 261, 12 off
    ],
)
def test_year_has_the_working_days_of_the_table(year, expected):
    start, end = at(f"{year - 1}-12-31T00:00"), at(f"{year}-12-31T23:59")
    assert elapsed_units(VN, TimeUnit.WORKING_DAYS, start, end) == expected


@pytest.mark.parametrize(
    ("received", "term", "expected", "estimate"),
    [
        # 29, 30, 31/12/2026 are announced; the fourth and fifth fall after 1/1/2027, in an estimated year
        ("2026-12-28T10:00", "3 working days", "2026-12-31", False),
        ("2026-12-28T10:00", "5 working days", "2027-01-05", True),
        # past the table: Fri 31/12/2027, Mon 3, Tue 4/1/2028
        ("2027-12-30T10:00", "3 working days", "2028-01-04", True),
        # before the table: Tue 6 to Fri 9, Mon 12/1/2015
        ("2015-01-05T10:00", "5 working days", "2015-01-12", True),
        # from before into it: 1/1/2024 off, Tue 2, Wed 3; the end of 2023 is not declared
        ("2023-12-29T10:00", "2 working days", "2024-01-03", True),
        # announced throughout
        ("2026-03-02T10:00", "5 working days", "2026-03-09", False),
        # leans on 24/11/2026, a day off by a rule not seen enacted; the day before does not
        ("2026-11-23T10:00", "1 working day", "2026-11-25", True),
        ("2026-11-20T10:00", "1 working day", "2026-11-23", False),
        ("2026-11-24T10:00", "1 working day", "2026-11-25", False),
    ],
)
def test_date_that_leans_on_an_unannounced_day_says_so(received, term, expected, estimate):
    result = due_moment(PROVISIONAL, Duration.parse(term), at(received))
    assert (result.on.isoformat(), result.estimate) == (expected, estimate)


@pytest.mark.parametrize(
    ("received", "term", "expected", "estimate"),
    [
        # Wed 4 to Mon 23/11/2026 are 14, Tue 24 is a day off by law, Wed 25
        ("2026-11-03T09:00", "15 working days", "2026-11-25", False),
        # Wed 16 to Thu 31/12/2026 are 12, Fri 1/1/2027 off, Mon 4, Tue 5, Wed 6
        ("2026-12-15T09:00", "15 working days", "2027-01-06", False),
        ("2027-11-23T10:00", "1 working day", "2027-11-25", False),
        ("2027-12-31T10:00", "1 working day", "2028-01-03", True),
    ],
)
def test_nothing_of_2026_and_2027_is_an_estimate(received, term, expected, estimate):
    result = due_moment(VN, Duration.parse(term), at(received))
    assert (result.on.isoformat(), result.estimate) == (expected, estimate)


@pytest.mark.parametrize(
    ("received", "term", "expected"),
    [
        # Friday 16:45: a quarter of an hour, then 3:45 from Monday 7:30
        ("2026-11-20T16:45", "4 working hours", "2026-11-23T11:15"),
        # half an hour to the lunch break, half an hour after it
        ("2026-03-03T11:00", "60 working minutes", "2026-03-03T14:00"),
        # used up exactly at the lunch break: then, not after it
        ("2026-03-03T11:00", "30 working minutes", "2026-03-03T11:30"),
        # received in the lunch break, before opening, after closing, on a Sunday, in Tết
        ("2026-03-03T12:00", "30 working minutes", "2026-03-03T14:00"),
        ("2026-03-03T00:00", "30 working minutes", "2026-03-03T08:00"),
        ("2026-03-03T23:59", "30 working minutes", "2026-03-04T08:00"),
        ("2026-03-08T10:00", "30 working minutes", "2026-03-09T08:00"),
        ("2026-02-17T10:00", "30 working minutes", "2026-02-23T08:00"),
        # make-up Saturday works the hours of an ordinary day
        ("2026-01-09T16:30", "60 working minutes", "2026-01-10T08:00"),
        ("2026-01-10T16:30", "60 working minutes", "2026-01-12T08:00"),
        # to the second: 14:30 on the day, 30 seconds on the next
        ("2026-03-03T16:45:30", "15 working minutes", "2026-03-04T07:30:30"),
        # a working day is 7:30 hours long
        ("2026-03-03T07:30", "15 working hours", "2026-03-04T17:00"),
    ],
)
def test_clock_of_hours_runs_inside_working_hours_only(received, term, expected):
    assert due_moment(VN, Duration.parse(term), at(received)).at == at(expected)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-03-04T10:00", "2026-03-04T16:59", "2026-03-09"),  # over before Wednesday closes
        ("2026-03-04T10:00", "2026-03-04T17:00", "2026-03-09"),  # half-open: resumed by the close
        ("2026-03-04T10:00", "2026-03-04T17:00:01", "2026-03-10"),
        ("2026-03-04T17:00", "2026-03-04T17:01", "2026-03-10"),  # paused at the close, however shortly
        ("2026-03-04T10:00", "2026-03-06T08:00", "2026-03-11"),  # closes of Wednesday and Thursday
        ("2026-03-06T17:01", "2026-03-09T07:00", "2026-03-09"),  # a weekend
        ("2026-03-02T09:00", "2026-03-02T22:00", "2026-03-09"),  # the day of the event
        ("2026-03-09T16:59", "2026-03-09T17:01", "2026-03-10"),  # the close of the due date itself
        ("2026-03-09T18:00", "2026-03-12T18:00", "2026-03-09"),  # after the due date's close
    ],
)
def test_pause_moves_a_day_clock_by_the_closes_inside_it(start, end, expected):
    pause = (at(start), at(end))
    result = due_moment(VN, Duration.parse("5 working days"), at("2026-03-02T10:00"), [pause])
    assert result.on.isoformat() == expected


def test_pause_adds_its_working_minutes_to_a_minute_clock():
    # 11:00 + 60 minutes is 14:00; the pause 11:10-13:40 holds 20 + 10 working minutes
    pause = (at("2026-03-03T11:10"), at("2026-03-03T13:40"))
    assert due_moment(VN, Duration.parse("1 working hour"), at("2026-03-03T11:00"), [pause]).at == at(
        "2026-03-03T14:30"
    )


def test_pause_from_the_due_minute_on_moves_nothing():
    pause = (at("2026-03-03T14:00"), at("2026-03-03T15:00"))
    assert due_moment(VN, Duration.parse("1 working hour"), at("2026-03-03T11:00"), [pause]).at == at(
        "2026-03-03T14:00"
    )


def test_answer_is_late_only_on_the_day_after():
    end = due_moment(VN, Duration.parse("5 working days"), at("2026-03-02T10:00"))
    assert end.at == at("2026-03-09T23:59:59.999999")
    assert not end.missed_by(at("2026-03-09T23:59:59.999999"))
    assert end.missed_by(at("2026-03-10T00:00"))
    # the same moments as a server in UTC has them
    assert not end.missed_by(datetime.fromisoformat("2026-03-09T16:59:59+00:00"))
    assert end.missed_by(datetime.fromisoformat("2026-03-09T17:00:00+00:00"))


def test_explanation_gives_each_day_its_reason():
    pause = (at("2024-05-02T09:00"), at("2024-05-03T09:00"))
    days = explain_days(VN, Duration.parse("2 working days"), at("2024-04-26T16:00"), [pause])
    assert [(day.day.isoformat(), day.counted, day.why) for day in days] == [
        ("2024-04-26", False, DayReason.DAY_OF_EVENT),
        ("2024-04-27", False, DayReason.WEEKEND),
        ("2024-04-28", False, DayReason.WEEKEND),
        ("2024-04-29", False, DayReason.HOLIDAY),
        ("2024-04-30", False, DayReason.HOLIDAY),
        ("2024-05-01", False, DayReason.HOLIDAY),
        ("2024-05-02", False, DayReason.PAUSED),
        ("2024-05-03", True, DayReason.COUNTED),
        ("2024-05-04", True, DayReason.MAKEUP),
    ]
    named = {day.day: day.params for day in days}
    assert named[date(2024, 4, 30)] == {"name": "Ngày Chiến thắng"}
    assert named[date(2024, 5, 2)] == {"pause": 0}
    assert named[date(2024, 5, 4)] == {"name": "làm bù cho 29/4/2024"}


def test_explanation_of_calendar_days_shows_the_roll():
    days = explain_days(VN, Duration.parse("7 days"), at("2026-01-17T10:00"))
    assert [(day.day.day, day.counted, day.why) for day in days[-4:]] == [
        (23, True, DayReason.COUNTED),
        (24, True, DayReason.COUNTED),
        (25, False, DayReason.ROLLED),
        (26, False, DayReason.ROLLED),
    ]


def test_explanation_of_hours_shows_what_each_day_gave():
    pause = (at("2026-01-09T16:45"), at("2026-01-09T19:00"))
    days = explain_days(VN, Duration.parse("60 working minutes"), at("2026-01-09T16:30"), [pause])
    assert [(day.day.day, day.why, day.worked.total_seconds() / 60) for day in days] == [
        (9, DayReason.COUNTED, 15),
        (10, DayReason.MAKEUP, 45),
    ]


@pytest.mark.parametrize(
    ("received", "doubts"),
    [
        ("2026-11-23T10:00", {"2026-11-24": DayDoubt.UNVERIFIED}),
        ("2026-12-31T10:00", {f"2027-01-0{day}": DayDoubt.ESTIMATED_YEAR for day in (1, 2, 3, 4)}),
        (
            "2027-12-31T10:00",
            {f"2028-01-0{day}": DayDoubt.UNDECLARED_YEAR for day in (1, 2, 3)}
            | {"2027-12-31": DayDoubt.ESTIMATED_YEAR},
        ),
    ],
)
def test_explanation_says_why_a_day_is_an_estimate(received, doubts):
    days = explain_days(PROVISIONAL, Duration.parse("1 working day"), at(received))
    assert {day.day.isoformat(): day.doubt for day in days if day.estimate} == doubts


def test_plain_weekdays_know_no_holiday_and_are_never_an_estimate():
    result = due_moment(shipped_calendar("weekdays"), Duration.parse("5 working days"), at("2026-02-13T10:00"))
    assert (result.on.isoformat(), result.estimate) == ("2026-02-20", False)
    far = due_moment(shipped_calendar("weekdays"), Duration.parse("5 working days"), at("1999-01-01T10:00"))
    assert (far.on.isoformat(), far.estimate) == ("1999-01-08", False)


def year_2024(*exceptions: DayException) -> WorkCalendar:
    """Monday to Friday in 2024, on Friday the morning alone."""
    week = dict.fromkeys(range(4), ("7:30-11:30", "13:30-17:00")) | {4: ("7:30-11:30",)}
    return WorkCalendar.declare("half", "1", week=week, years={2024: True}, exceptions=exceptions)


def test_last_declared_day_may_be_a_day_off():
    calendar = year_2024(DayException(date(2024, 12, 31), is_open=False, name="nghỉ"))
    ends = [due_moment(calendar, Duration(days, TimeUnit.WORKING_DAYS), at("2024-12-27T10:00")).on for days in (1, 2)]
    assert ends == [date(2024, 12, 30), date(2025, 1, 1)]


def test_day_said_to_be_open_keeps_the_hours_it_has():
    calendar = year_2024(DayException(date(2024, 3, 8), is_open=True, name="làm việc bình thường"))
    assert due_moment(calendar, Duration.parse("3 working hours"), at("2024-03-08T10:00")).at == at("2024-03-11T09:00")


def test_day_that_two_pauses_cover_names_the_earlier_one():
    morning, later = (at("2026-03-03T08:00"), at("2026-03-04T08:00")), (at("2026-03-03T09:00"), at("2026-03-04T07:30"))
    days = explain_days(VN, Duration.parse("1 working day"), at("2026-03-02T10:00"), [morning, later])
    assert [day.params.get("pause") for day in days] == [None, 0, None]


def test_day_that_pauses_fill_on_a_clock_of_hours_names_the_last_one_begun():
    first, second = (at("2026-03-02T12:00"), at("2026-03-02T15:00")), (at("2026-03-02T15:00"), at("2026-03-05T07:30"))
    days = explain_days(VN, Duration.parse("1 working hour"), at("2026-03-02T13:00"), [first, second])
    assert [(day.day.day, day.why, day.params.get("pause")) for day in days] == [
        (2, DayReason.PAUSED, 1),
        (3, DayReason.PAUSED, 1),
        (4, DayReason.PAUSED, 1),
        (5, DayReason.COUNTED, None),
    ]
