"""Calendars as people really have them, from feeds, Outlook and tables: which days each file makes off or worked."""

from contextlib import suppress
from datetime import date, timedelta
from time import process_time

import pytest

from backend.calendars import imports
from backend.calendars.day_names import DayMeaning, meaning_of
from backend.worktime.errors import WorktimeError
from tests.places import CASES

FILES = CASES / "ics"
Days = dict[date, bool | None]


def days_of(content: bytes) -> Days:
    """Each day with whether it is worked; None where the file does not say it."""
    brought = imports.read(content)
    return {item.day: None if item.day in brought.unsure else item.is_open for item in brought.exceptions}


def days(first: str, last: str, step: int = 1) -> list[date]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [start + timedelta(n) for n in range(0, (end - start).days + 1, step)]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("duration.ics", dict.fromkeys(days("2026-02-16", "2026-02-20"), False)),
        ("feed-kinds.ics", {date(2026, 9, 1): False, date(2026, 8, 22): True, date(2026, 12, 25): None}),
        ("makeup-names.ics", dict.fromkeys(days("2026-01-10", "2026-03-14", 7), True) | {date(2026, 3, 21): False}),
        ("dtend-same-day.ics", {date(2026, 9, 2): False}),
        ("outlook-midnight.ics", {date(2026, 9, 2): False}),
        ("semicolon.csv", {date(2026, 11, 20): False}),
        ("dmy.csv", {date(2026, 11, 20): False}),
        ("sep.csv", {date(2026, 11, 20): False}),
    ],
)
def test_a_file_gives_the_days_that_it_means(file: str, expected: Days) -> None:
    assert days_of((FILES / file).read_bytes()) == expected


def calendar(*events: str, head: str = "") -> bytes:
    blocks = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\n{head}{blocks}END:VCALENDAR\n".encode()


DAY = "DTSTART;VALUE=DATE:20260902"


@pytest.mark.parametrize(
    "event",
    [
        f"{DAY}\nDURATION:P1D",
        f"{DAY}\nDURATION:PT24H",
        f"{DAY}\nDURATION:P0D",
        "DTSTART:20260902",
        "DTSTART;TZID=SE Asia Standard Time:20260902T000000\nDTEND;TZID=SE Asia Standard Time:20260903T000000",
        "DTSTART:20260902T000000\nDTEND:20260902T235900",
        "DTSTART:20260902T000000\nDURATION:P1D",
        "DTSTART:20260902T000000\nX-MICROSOFT-CDO-ALLDAYEVENT:TRUE",
        "DTSTART:20260901T170000Z\nDTEND:20260902T170000Z",
        "DTSTART:20260902T000000Z\nDTEND:20260903T000000Z",
        f"{DAY}\nBEGIN:VALARM\nTRIGGER:-PT15M\nDURATION:P9D\nEND:VALARM",
    ],
)
def test_a_whole_day_is_read_however_it_is_written(event: str) -> None:
    assert days_of(calendar(f"{event}\nSUMMARY:Quốc khánh")) == {date(2026, 9, 2): False}


@pytest.mark.parametrize(
    "event", ["DTSTART:20260902T080000\nDTEND:20260902T170000", "DTSTART:20260902T000000", f"{DAY}\nDURATION:PT5H"]
)
def test_an_event_with_hours_is_no_day_off(event: str) -> None:
    with pytest.raises(WorktimeError, match="không có ngày"):
        imports.read(calendar(f"{event}\nSUMMARY:Nghỉ"))


@pytest.mark.parametrize(
    ("name", "weekend", "meaning"),
    [
        ("Nga\u0300y la\u0300m bu\u0300 2/1", True, DayMeaning.WORKED),  # NFD
        ("Ði làm bù", True, DayMeaning.WORKED),  # U+00D0
        ("★ LÀM BÙ 🇻🇳", True, DayMeaning.WORKED),
        ("[VN] Ngay lam bu", True, DayMeaning.WORKED),
        ("Không nghỉ 23/11", False, DayMeaning.WORKED),
        ("Hoán đổi", True, DayMeaning.WORKED),
        ("Hoán đổi", False, DayMeaning.OFF),
        ("Bù ngày 31/8", True, DayMeaning.WORKED),
        ("Make-up day", True, DayMeaning.WORKED),
        ("Compensatory workday", True, DayMeaning.WORKED),
        ("Nghỉ hoán đổi (làm bù 10/01/2026)", False, DayMeaning.OFF),
        ("Ngày nghỉ, đi làm bù 22/8", False, DayMeaning.OFF),
        ("Nghỉ bù", True, DayMeaning.OFF),
        ("Không làm việc", False, DayMeaning.OFF),
        ("Special non-working day", False, DayMeaning.OFF),
        ("Holiday in lieu of 1/5", False, DayMeaning.OFF),
        ("Day off (swap with working Saturday)", False, DayMeaning.OFF),
        ("Làm việc theo Nghị quyết", True, DayMeaning.WORKED),
        ("Ngày Văn hoá Việt Nam", False, DayMeaning.OFF),
        ("Giỗ Tổ Hùng Vương", False, DayMeaning.OFF),
        ("Tết Trung thu", False, DayMeaning.UNSURE),
        ("Ngày Nhà giáo Việt Nam", False, DayMeaning.UNSURE),
        ("Họp giao ban", False, DayMeaning.UNSURE),
        ("", False, DayMeaning.UNSURE),
    ],
)
def test_a_name_says_what_its_day_is(name: str, weekend: bool, meaning: DayMeaning) -> None:
    assert meaning_of(name, weekend=weekend) is meaning


def test_marks_and_sorts_of_makers_are_heard() -> None:
    assert meaning_of("班", weekend=True, mark="ALTERNATE-WORKDAY") is DayMeaning.WORKED
    assert meaning_of("休", weekend=False, mark="WORK-HOLIDAY") is DayMeaning.OFF
    assert meaning_of("X", weekend=False, sorts=("Ngày lễ",)) is DayMeaning.OFF
    assert meaning_of("X", weekend=False, sorts=("Ngày lễ kỷ niệm\nĐể ẩn ...",)) is DayMeaning.UNSURE
    assert meaning_of("Quốc khánh", weekend=False, sorts=("Observance",)) is DayMeaning.UNSURE
    assert meaning_of("X", weekend=True, sorts=("Working day",)) is DayMeaning.WORKED


def test_a_revision_that_calls_an_event_off_takes_its_day_away() -> None:
    kept = f"UID:b\n{DAY}\nSUMMARY:Quốc khánh"
    first = "UID:a\nSEQUENCE:0\nDTSTART;VALUE=DATE:20260903\nSUMMARY:Nghỉ"
    cancelled = "UID:a\nSEQUENCE:1\nDTSTART;VALUE=DATE:20260903\nSUMMARY:Nghỉ\nSTATUS:CANCELLED"
    assert days_of(calendar(first, cancelled, kept)) == {date(2026, 9, 2): False}
    assert days_of(calendar(cancelled, first, kept)) == {date(2026, 9, 2): False}
    moved = "UID:a\nSEQUENCE:2\nDTSTART;VALUE=DATE:20260904\nSUMMARY:Nghỉ"
    assert days_of(calendar(moved, first, cancelled, kept)) == {date(2026, 9, 4): False, date(2026, 9, 2): False}
    with pytest.raises(WorktimeError, match="không có ngày"):
        imports.read(calendar(kept, head="METHOD:CANCEL\n"))


def test_the_later_of_two_revisions_with_one_number_counts() -> None:
    first = f"UID:a\nDTSTAMP:20260101T000000Z\n{DAY}\nSUMMARY:Nghỉ"
    later = f"UID:a\nDTSTAMP:20260301T000000Z\n{DAY}\nSUMMARY:Làm bù"
    assert days_of(calendar(later, first)) == {date(2026, 9, 2): True}


def test_one_uid_for_every_event_loses_no_day() -> None:
    events = [f"UID:1\nDTSTART;VALUE=DATE:2026090{n}\nSUMMARY:Nghỉ" for n in (1, 2, 3)]
    assert len(days_of(calendar(*events))) == 3


def test_the_same_day_twice_is_one_day_and_a_contradiction_is_refused() -> None:
    off, again = f"{DAY}\nSUMMARY:Quốc khánh", f"{DAY}\nSUMMARY:Nghỉ lễ"
    observed, worked = f"{DAY}\nSUMMARY:Ngày thành lập", f"{DAY}\nSUMMARY:Làm bù"
    assert days_of(calendar(off, again)) == {date(2026, 9, 2): False}
    assert days_of(calendar(observed, worked)) == days_of(calendar(worked, observed)) == {date(2026, 9, 2): True}
    with pytest.raises(WorktimeError, match=r"Dòng 6: ngày 02/09/2026 .*trái với dòng 2 .*vừa nghỉ vừa làm việc"):
        imports.read(calendar(off, worked))


def test_a_row_that_stands_twice_is_one_day() -> None:
    assert len(days_of(b"date,kind,name\n2026-09-02,off,A\n02/09/2026,off,A\n")) == 1


def test_kinds_are_read_in_vietnamese_too() -> None:
    content = "date;kind;name\n2/9/2026;Nghỉ;A\n22/8/2026;Làm bù;B\n"
    assert days_of(content.encode()) == {date(2026, 9, 2): False, date(2026, 8, 22): True}


def event_of(line: str) -> str:
    return f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{line}\nEND:VEVENT\nEND:VCALENDAR\n"


@pytest.mark.parametrize(
    "content",
    [
        event_of("DTSTART" + ";a=," * 200_000),
        event_of('DTSTART;a="' + 'x;a="' * 150_000),
        event_of(f"{DAY}\nSUMMARY:a" + "\u0301\u0323" * 200_000),
        event_of(f"{DAY}\nCATEGORIES:" + "," * 900_000),
        event_of(f"{DAY}\nSUMMARY:" + "\n a" * 300_000),
        "BEGIN:VCALENDAR\n" + "x\n" * 400_000,
        "date,kind,name\n2026-09-02,a" + "\u0301\u0323" * 32_000 + ",A\n",
        "date,kind,name," + "," * 400_000 + "\n" + "2026-09-02,off,A\n" * 4_000,
    ],
    ids=["parameters", "quotes", "marks", "list", "folds", "lines", "cell", "columns"],
)
def test_a_hostile_file_is_read_or_refused_in_time_that_grows_with_its_length(content: str) -> None:
    """Measured in work of this process, so that a busy machine does not matter."""
    begun = process_time()
    with suppress(WorktimeError):
        imports.read(content.encode())
    assert process_time() - begun < 5
