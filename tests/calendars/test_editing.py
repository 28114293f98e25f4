"""Calendars as the texts of a form and as uploaded files: what is read, what is refused, and where."""

from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.calendars import day_changes, editing, imports
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
        ({"announced": "2024-2025, 2027"}, "announced", "Lịch thiếu năm 2026."),
        ({"announced": "", "estimated": ""}, "announced", "ít nhất một năm"),
        ({"announced": "2024-2027", "estimated": "2027"}, "announced", "vừa ghi là đã công bố vừa ghi là dự kiến"),
        ({"announced": "hai nghìn"}, "announced", "viết các năm như"),
        ({"announced": "0001-9999"}, "announced", "tối đa 100 năm"),
        ({"exceptions": "02/01/2026 | nghi | Sai"}, "exceptions", "Dòng 1"),
        ({"exceptions": "31/02/2026 | nghỉ | Sai"}, "exceptions", "Dòng 1"),
        ({"exceptions": "\n02/01/2026 | nghỉ |"}, "exceptions", "Dòng 2"),
        ({"exceptions": "02/01/2030 | nghỉ | Xa"}, "exceptions", "nằm ngoài các năm"),
        ({"exceptions": "02/01/2026 | nghỉ | A\n02/01/2026 | nghỉ | B"}, "exceptions", "đã có ở dòng 1 (A)"),
        ({"exceptions": "02/01/2026 | nghỉ | A | 7:30-11:30"}, "exceptions", "ngày nghỉ không có giờ"),
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
        (b"", "thiếu cột date, kind, name"),
        (b"date,kind\n", "Dòng 1: thiếu cột name"),
        (b"date,kind,name\n", "không có ngày"),
        (
            b"date,kind,name\n2026-02-30,off,A\n",
            "Dòng 2: cột date: “2026-02-30” không có trong lịch: tháng 2",
        ),
        (b"date,kind,name\n2026-02-20,holiday,A\n", "Dòng 2: cột kind: “holiday” phải là off"),
        (b"date,kind,name\n2026-02-20,off,\n", "Dòng 2: cột name"),
        (b"date,kind,name\n2026-02-20\n", "Dòng 2: cột kind"),
        (b"date,kind,name\n2026-02-20,off,A, B\n", "Dòng 2: “B” thừa ra sau cột cuối"),
        (b"date,kind,name\n2026-02-20,off,A\n2026-02-20,off,B\n", "Dòng 3: ngày 20/02/2026 đã có ở dòng 2 (A)"),
        (
            b"date,kind,name\n11/20/2026,off,A\n",
            "Dòng 2: cột date: “11/20/2026” không có trong lịch: tháng viết sau",
        ),
        (b"sep=;\ndate;kind;name\n2026-02-30;off;A\n", "Dòng 3: cột date"),
        (b"date,kind,name\n2026-02-20,off," + b"x" * 140_000, "Dòng 2: không đọc được"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"a\0b", "UTF-8"),
        (b"x" * (imports.BYTES_MOST + 1), "lớn quá"),
        (b"BEGIN:VCALENDAR", "Dòng 1: thiếu END:VCALENDAR"),
        (b"BEGIN:VCALENDAR\nEND:VEVENT\nEND:VCALENDAR", "Dòng 2: “END:VEVENT” không khớp"),
        (event("SUMMARY:A", "ba chấm"), "Dòng 4: “ba chấm” phải có dạng TÊN:giá trị"),
        (event("DTSTART;VALUE=DATE:2026XX01"), "Dòng 3: “2026XX01” phải là một ngày"),
        (event("DTSTART;VALUE=DATE:20260231"), "Dòng 3: “20260231” không có trong lịch: tháng 2/2026 có 28 ngày"),
        (event("DTSTART;VALUE=DATE:00010101"), "Dòng 3: “00010101”: năm phải từ 1900"),
        (event("DTSTART;VALUE=DATE:20260102", "DTEND;VALUE=DATE:hôm sau"), "Dòng 4: “hôm sau” phải là một ngày"),
        (event("DTSTART;VALUE=DATE:20260102", "DURATION:-P1D"), "Dòng 4: “-P1D” phải là một khoảng thời gian"),
        (event("DTSTART;VALUE=DATE:20260102", "RRULE:FREQ=YEARLY", "SUMMARY:A"), "Dòng 4: ngày lặp lại"),
        (event("DTSTART;VALUE=DATE:20260102", "DTEND;VALUE=DATE:20280102"), "dài 730 ngày"),
        (event("DTSTART;VALUE=DATE:20260102", "DTEND;VALUE=DATE:20260101"), "Dòng 4: “20260101” ở trước DTSTART"),
        (event("SUMMARY:Không có ngày"), "Dòng 2: sự kiện thiếu DTSTART"),
        (event("DTSTART;VALUE=DATE:20260102", "STATUS:CANCELLED"), "không có ngày"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_with_the_reason(content: bytes, sentence: str) -> None:
    with pytest.raises(WorktimeError) as caught:
        imports.read(content)
    assert sentence in str(caught.value)


def test_every_wrong_line_of_a_table_is_told() -> None:
    content = "date,kind,name\n31/02/2026,off,A\n20/11/2026,off,B\n2026-13-01,nghi,\n"
    with pytest.raises(WorktimeError) as caught:
        imports.read(content.encode())
    assert [(line.number, str(line.reason)) for line in caught.value.lines] == [
        (2, "cột date: “31/02/2026” không có trong lịch: tháng 2/2026 có 28 ngày."),
        (4, "cột date: “2026-13-01” không có trong lịch: tháng viết sau ngày và từ 1 đến 12, như 28/02/2026."),
        (4, "cột kind: “nghi” phải là off (nghỉ) hoặc working_saturday (làm bù)."),
        (4, "cột name: tên ngày phải có, dài nhất 120 ký tự."),
    ]


def test_every_wrong_line_of_an_icalendar_file_is_told() -> None:
    content = event("DTSTART;VALUE=DATE:20260231").decode().splitlines()
    second = event("DTSTART;VALUE=DATE:20260102", "DTEND;VALUE=DATE:20260101").decode().splitlines()
    with pytest.raises(WorktimeError) as caught:
        imports.read("\n".join([*content[:-1], *second[1:-1], "x", content[-1]]).encode())
    assert [line.number for line in caught.value.lines] == [3, 7, 9]


def test_every_wrong_line_of_the_form_is_told_with_what_would_be_right() -> None:
    wrong = "31/02/2026 | nghỉ | A\n\n20/11/2026 | nghỉ | B\n20/11/2026 | làm việc | C\n1/1/2031 | nghi | | x"
    with pytest.raises(Invalid) as caught:
        read(exceptions=wrong)
    (refusal,) = caught.value.errors
    assert refusal.field == "exceptions" and str(refusal).splitlines()[1:] == [
        "Dòng 1: “31/02/2026” không có trong lịch: tháng 2/2026 có 28 ngày.",
        "Dòng 4: ngày 20/11/2026 đã có ở dòng 3 (B); hãy giữ một dòng.",
        "Dòng 5: ngày 1/1/2031 nằm ngoài các năm của lịch; hãy thêm năm ấy hoặc bỏ dòng.",
        "Dòng 5: “nghi” phải là “nghỉ” hoặc “làm việc”.",
        "Dòng 5: phần thứ ba, tên ngày, phải có, dài nhất 120 ký tự.",
        "Dòng 5: Khung giờ “x” phải có dạng 7:30-11:30.",
    ]


def test_every_wrong_line_of_the_seasons_is_told() -> None:
    with pytest.raises(Invalid) as caught:
        read(seasons="31/04/2026 - 14/10/2026 | T2-T6 | 8:00-9:00\n15/04/2026 - 14/10/2026 | T9 | 8:00-9:00")
    assert str(caught.value.errors[0]).splitlines()[1:] == [
        "Dòng 1: “31/04/2026” không có trong lịch: tháng 4/2026 có 30 ngày.",
        "Dòng 2: “T9” phải là các thứ, như T2-T6 hoặc T7, CN.",
    ]


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
    merged = day_changes.merge_days(VN, brought, replace_years=False)
    assert {item.day: item.name for item in merged.exceptions}[date(2026, 1, 2)] == "Ten moi"
    assert len(merged.exceptions) == len(VN.exceptions)
    assert [(change.day, change.worked, change.name) for change in merged.changes] == [
        (date(2028, 1, 3), False, "Nam sau")
    ]
    days = day_changes.apply_changes(merged.exceptions, merged.changes, [date(2028, 1, 3)])
    assert days[-1] == DayException(date(2028, 1, 3), is_open=False, name="Nam sau")
    assert day_changes.apply_changes(merged.exceptions, merged.changes, []) == list(merged.exceptions)


def test_days_that_a_file_leaves_out_of_its_years_wait_for_a_word_too() -> None:
    brought = imports.read(b"date,kind,name\n2026-01-02,off,Ten moi\n")
    merged = day_changes.merge_days(VN, brought, replace_years=True)
    gone = [item.day for item in VN.exceptions if item.day.year == 2026 and item.day != date(2026, 1, 2)]
    assert [change.day for change in merged.changes if change.removes] == gone
    assert len(merged.exceptions) == len(VN.exceptions), "nothing goes before it is confirmed"
    days = day_changes.apply_changes(merged.exceptions, merged.changes, gone)
    assert [item.day for item in days if item.day.year == 2026] == [date(2026, 1, 2)]
    assert [item for item in days if item.day.year == 2025]


def test_changes_survive_the_hidden_field() -> None:
    changes = [
        day_changes.DayChange(date(2026, 11, 20), worked=False, name='Nghỉ "riêng"', unsure=True, verified=False),
        day_changes.DayChange(date(2026, 1, 1), worked=True, name="Tết", removes=True),
    ]
    assert day_changes.read_changes(day_changes.write_changes(changes)) == changes
    assert day_changes.read_changes("") == []


@pytest.mark.parametrize(
    "text", ["{", "[1]", "{}x", '[{"day": "x"}]', '[{"name": 1, "day": 2}]', "[" * 100_000, '"abc"', "[null]", "7"]
)
def test_a_hidden_field_of_somebody_else_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        day_changes.read_changes(text)


def test_more_changes_than_can_be_looked_at_are_refused() -> None:
    rows = "".join(f"{date(2028, 1, 1) + timedelta(n)},off,A\n" for n in range(366))
    with pytest.raises(Invalid, match="chia tệp theo năm"):
        day_changes.merge_days(VN, imports.read(f"date,kind,name\n{rows}".encode()), replace_years=False)


def test_hours_of_a_makeup_day_stay_when_a_file_names_it_again() -> None:
    own = read(exceptions="10/01/2026 | làm việc | Làm bù | 8:00-12:00")
    brought = imports.read(b"date,kind,name\n2026-01-10,working_saturday,Ten moi\n")
    (day,) = day_changes.merge_days(own, brought, replace_years=False).exceptions
    assert (day.name, day.windows) == ("Ten moi", (WorkWindow(8 * 60, 12 * 60),))


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
