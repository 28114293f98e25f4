"""Calendars as the texts of a form and as uploaded files: what is read, what is refused, and where."""

from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.calendars import editing, imports
from backend.calendars.months import DayKind, day_differences, day_of, months_of
from backend.errors import Invalid
from backend.worktime.calendar import DayException, Season, WorkCalendar, WorkWindow, week_of
from backend.worktime.errors import WorktimeError
from backend.worktime.shipped import shipped_calendar

VN = shipped_calendar("vn")
TEXTS = editing.texts_of(VN)


def read(**changed: str) -> WorkCalendar:
    return editing.read_calendar("vn", "vn.2", TEXTS | changed, "Thử")


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_calendar_is_written_in_the_readers_language_and_read_back_the_same(language: str) -> None:
    season = Season(date(2026, 4, 15), date(2026, 10, 14), week_of(dict.fromkeys(range(5), ("7:00-11:30",))))
    calendar = WorkCalendar.declare(
        "vn", "2", week=dict.fromkeys(range(5), ("7:30-11:30",)), years=dict(VN.years), exceptions=VN.exceptions,
        seasons=[season], basis="Thử",
    )  # fmt: skip
    texts = editing.texts_of(calendar, language)
    assert editing.read_calendar("vn", "2", texts, "Thử") == calendar
    days, off = ("T2-T6", "nghỉ") if language == "vi" else ("Mon-Fri", "off")
    assert f"| {days} |" in texts["seasons"] and f"01/01/2026 | {off} | Tết Dương lịch" in texts["exceptions"]
    assert ("| nghỉ |" in texts["exceptions"]) is (language == "vi")


def refusals(**changed: str) -> dict[str | None, str]:
    with pytest.raises(Invalid) as caught:
        read(**changed)
    return {error.field: str(error) for error in caught.value.errors}


def test_the_shipped_calendar_survives_the_form() -> None:
    again = editing.read_calendar("vn", VN.version, TEXTS, VN.basis)
    assert again == VN


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        (dict.fromkeys((f"day{n}" for n in range(7)), ""), "day0", "ít nhất một ngày làm việc"),
        ({"day2": "7:30-11:30, 11:00-17:00"}, "day2", "chồng lên nhau"),
        ({"day5": "8-11"}, "day5", "phải có dạng"),
        ({"day5": "17:00-8:00"}, "day5", "không hợp lệ"),
        ({"announced": "2024-2025", "estimated": "2027"}, "announced", "Lịch thiếu năm 2026."),
        ({"announced": "", "estimated": ""}, "announced", "ít nhất một năm"),
        ({"announced": "2024-2027"}, "announced", "vừa ghi là đã công bố vừa ghi là dự kiến"),
        ({"announced": "hai nghìn"}, "announced", "viết các năm như"),
        ({"announced": "0001-9999"}, "announced", "tối đa 100 năm"),
        ({"exceptions": "02/01/2026 | nghi | Sai"}, "exceptions", "Dòng 1"),
        ({"exceptions": "31/02/2026 | nghỉ | Sai"}, "exceptions", "Dòng 1"),
        ({"exceptions": "\n02/01/2026 | nghỉ |"}, "exceptions", "Dòng 2"),
        ({"exceptions": "02/01/2030 | nghỉ | Xa"}, "exceptions", "nằm ngoài các năm"),
        ({"exceptions": "02/01/2026 | nghỉ | A\n02/01/2026 | nghỉ | B"}, "exceptions", "hai lần"),
        ({"exceptions": "02/01/2026 | nghỉ | A | 7:30-11:30"}, "exceptions", "trái với loại"),
        ({"exceptions": "10/01/2026 | làm việc | A | 7:30-11:30, 11:00-12:00"}, "exceptions", "chồng lên nhau"),
        ({"exceptions": "10/01/2026 | làm việc | A | | có lẽ"}, "exceptions", "chưa chắc"),
        ({"seasons": "15/04/2026 - 14/10/2026 | T2-T6 | 8:00-7:00"}, "seasons", "không hợp lệ"),
        ({"seasons": "15/04/2026 - 14/10/2026 | T9 | 8:00-9:00"}, "seasons", "Dòng 1"),
        ({"seasons": "15/04/2026 - 14/04/2026 | T2 | 8:00-9:00"}, "seasons", "không nằm gọn"),
        (
            {"seasons": "15/04/2026 - 14/10/2026 | T2 | 8:00-9:00\n01/10/2026 - 31/12/2026 | T2 | 8:00-9:00"},
            "seasons",
            "chồng lên nhau",
        ),
        ({"seasons": "15/04/2026 - 14/10/2026 | T2-T4 | 8-9"}, "seasons", "phải có dạng"),
    ],
)
def test_what_cannot_be_counted_by_is_refused_at_its_field(changed: dict[str, str], field: str, sentence: str) -> None:
    found = refusals(**changed)
    assert list(found) == [field] and sentence in found[field]


def test_every_field_is_refused_at_once() -> None:
    assert set(refusals(day1="x", announced="2024, 2026", exceptions="x", seasons="x")) == {
        "day1",
        "announced",
        "exceptions",
        "seasons",
    }


def test_a_year_of_nothing_but_days_off_is_refused() -> None:
    every_day = "\n".join(f"{date(2026, 1, 1) + timedelta(n):%d/%m/%Y} | nghỉ | Nghỉ" for n in range(365))
    assert list(refusals(announced="2026", estimated="", exceptions=every_day)) == ["exceptions"]


days_of_2026 = st.dates(date(2026, 1, 1), date(2026, 12, 31))
hours = st.lists(st.integers(0, 24 * 60), min_size=2, max_size=6, unique=True).map(
    lambda marks: tuple(WorkWindow(a, b) for a, b in zip(sorted(marks)[::2], sorted(marks)[1::2], strict=False))
)
exceptions = st.lists(
    st.builds(
        lambda day, is_open, name, windows, verified: DayException(
            day, is_open, name, windows if is_open else None, verified
        ),
        days_of_2026,
        st.booleans(),
        st.sampled_from(["Quốc khánh", "Làm bù", "Nghỉ, theo thông báo; số 5"]),
        st.none() | hours,
        st.booleans(),
    ),
    max_size=8,
    unique_by=lambda item: item.day,
)
weeks = st.dictionaries(st.integers(0, 6), hours, min_size=1).map(
    lambda week: week_of({day: [str(window) for window in windows] for day, windows in week.items()})
)


@given(weeks, exceptions, st.none() | weeks)
def test_any_calendar_survives_the_form(week: object, items: list[DayException], season: object) -> None:
    seasons = (Season(date(2026, 4, 15), date(2026, 10, 14), season),) if season else ()  # type: ignore[arg-type]
    ordered = tuple(sorted(items, key=lambda item: item.day))
    calendar = WorkCalendar("vn", "9", week, ((2026, True), (2027, False)), ordered, seasons, "Thử")  # type: ignore[arg-type]
    assert editing.read_calendar("vn", "9", editing.texts_of(calendar), "Thử") == calendar


ICS = "\r\n".join(
    [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "BEGIN:VEVENT",
        "DTSTART;VALUE=DATE:20280126",
        "DTEND;VALUE=DATE:20280129",
        "SUMMARY:Tết Nguyên",
        "  Đán\\, ba ngày",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "DTSTART;VALUE=DATE:20280205",
        "SUMMARY:Làm bù cho 26/1",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "DTSTART:20280301T080000Z",
        "SUMMARY:Họp",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
)


def test_icalendar_gives_days_off_and_makeup_days() -> None:
    brought = imports.read(ICS.encode())
    assert [(item.day.day, item.is_open, item.name) for item in brought.exceptions] == [
        (26, False, "Tết Nguyên Đán, ba ngày"),
        (27, False, "Tết Nguyên Đán, ba ngày"),
        (28, False, "Tết Nguyên Đán, ba ngày"),
        (5, True, "Làm bù cho 26/1"),
    ]
    assert (brought.years, brought.skipped) == ({2028: False}, 1)


def test_the_shipped_table_can_be_brought_again() -> None:
    csv = "date,kind,name,status\n2028-01-03,off,Nghỉ bù,ESTIMATE\n2028-01-08,working_saturday,Làm bù,OPEN: x\n"
    brought = imports.read(("\ufeff" + csv).encode())
    assert [(item.is_open, item.verified) for item in brought.exceptions] == [(False, True), (True, False)]
    assert brought.years == {2028: False}


def event(*lines: str) -> bytes:
    return "\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"]).encode()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "các cột"),
        (b"date,kind\n", "các cột"),
        (b"date,kind,name\n", "không có ngày"),
        (b"date,kind,name\n2026-02-30,off,A\n", "Dòng 2"),
        (b"date,kind,name\n2026-02-20,holiday,A\n", "Dòng 2"),
        (b"date,kind,name\n2026-02-20,off,\n", "Dòng 2"),
        (b"date,kind,name\n2026-02-20\n", "Dòng 2"),
        (b"date,kind,name\n2026-02-20,off,A\n2026-02-20,off,B\n", "Dòng 3"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"a\0b", "UTF-8"),
        (b"x" * (imports.BYTES_MOST + 1), "lớn quá"),
        (b"BEGIN:VCALENDAR", "Không đọc được"),
        (event("DTSTART;VALUE=DATE:2026XX01"), "Không đọc được"),
        (event("DTSTART;VALUE=DATE:20260102", "DTEND;VALUE=DATE:hôm sau"), "Không đọc được"),
        (event("DTSTART;VALUE=DATE:20260102", "RRULE:FREQ=YEARLY", "SUMMARY:A"), "lặp lại"),
        (event("DTSTART;VALUE=DATE:20260102", "DTEND;VALUE=DATE:20280102"), "dài quá"),
        (event("DTSTART;VALUE=DATE:20260102", "DTEND;VALUE=DATE:20260101"), "dài quá"),
        (event("SUMMARY:Không có ngày"), "không có ngày"),
        (event("DTSTART;VALUE=DATE:20260102", "STATUS:CANCELLED"), "không có ngày"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_with_the_reason(content: bytes, sentence: str) -> None:
    with pytest.raises(WorktimeError) as caught:
        imports.read(content)
    assert sentence in str(caught.value)


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: event(text)))
def test_no_file_does_anything_but_be_read_or_refused(content: bytes) -> None:
    with suppress(WorktimeError):
        imports.read(content)


@given(st.lists(st.sampled_from(ICS.splitlines()), max_size=25))
def test_no_shuffled_calendar_does_either(lines: list[str]) -> None:
    with suppress(WorktimeError):
        imports.read("\r\n".join(["BEGIN:VCALENDAR", *lines]).encode())


def test_dates_of_a_file_take_the_place_of_the_same_dates() -> None:
    brought = imports.read(b"date,kind,name\n2026-01-02,off,Ten moi\n2028-01-03,off,Nam sau\n")
    texts = editing.merge_texts(TEXTS, brought, replace=False)
    assert texts["announced"] == "2024-2026, 2028" and texts["estimated"] == "2027"
    assert "02/01/2026 | nghỉ | Ten moi" in texts["exceptions"]
    assert texts["exceptions"].count("\n") == TEXTS["exceptions"].count("\n") + 1
    replaced = editing.merge_texts(TEXTS, brought, replace=True)["exceptions"].splitlines()
    assert [line for line in replaced if "/2026 |" in line] == ["02/01/2026 | nghỉ | Ten moi"]
    assert [line for line in replaced if "/2025 |" in line]


def test_months_show_each_day_once_with_its_kind() -> None:
    year = months_of(VN, 2026)
    days = [day for month in year for week in month.weeks for day in week if day is not None]
    assert [day.day for day in days] == [date(2026, 1, 1) + timedelta(n) for n in range(365)]
    kinds = {day.day: day.kind for day in days}
    assert [kinds[date(2026, 1, n)] for n in (1, 2, 3, 5, 10)] == [
        DayKind.HOLIDAY,
        DayKind.HOLIDAY,
        DayKind.WEEKEND,
        DayKind.WORKED,
        DayKind.MAKEUP,
    ]
    assert sum(month.working_days for month in year) == sum(bool(day.hours) for day in days)
    assert all(len(week) == 7 for month in year for week in month.weeks)


def test_differences_are_the_days_that_change() -> None:
    after = read(exceptions=TEXTS["exceptions"] + "\n16/03/2026 | nghỉ | Nghỉ thử")
    assert [(before.kind, now) for before, now in day_differences(VN, after)] == [
        (DayKind.WORKED, day_of(after, date(2026, 3, 16)))
    ]
    assert list(day_differences(VN, VN)) == []
