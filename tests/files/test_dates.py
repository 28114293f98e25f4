"""Days, hours and numbers of files, and what a whole file shows about them."""

from datetime import date, datetime

import pytest

from backend.files.dates import DateEvidence, DateOrder, read_day, read_moment
from backend.files.faults import FileRefused, TableFault
from backend.files.numbers import DecimalSign, WrittenNumber, decimal_sign, read_number

DMY, MDY, YMD = DateOrder


def shown(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(" ", "minutes")


@pytest.mark.parametrize(
    ("text", "order", "moment"),
    [
        ("05/10/2026", DMY, "2026-10-05 00:00"),
        ("05/10/2026", MDY, "2026-05-10 00:00"),
        ("5.10.2026 7:05", DMY, "2026-10-05 07:05"),
        ("2026-10-05", MDY, "2026-10-05 00:00"),
        ("2026/10/5", DMY, "2026-10-05 00:00"),
        ("05/10/2026 2:30:00 CH", DMY, "2026-10-05 14:30"),
        ("05/10/2026 9:00:00 SA", DMY, "2026-10-05 09:00"),
        ("05/10/2026 12:15 SA", DMY, "2026-10-05 00:15"),
        ("05/10/2026 12:15 ch", DMY, "2026-10-05 12:15"),
        ("2026-10-05 02:30:00 PM", DMY, "2026-10-05 14:30"),
        ("05/10/2026 02:30 p.m.", DMY, "2026-10-05 14:30"),
        ("05/10/2026 14:30 CH", DMY, "2026-10-05 14:30"),
        ("05/10/2026 14:30 SA", DMY, None),
        ("05/10/2026 0:30 CH", DMY, None),
        ("31/02/2026", DMY, None),
        ("10/20/2026", DMY, None),
        ("20/10/2026", YMD, None),
        ("05/10/26", DMY, None),
        ("05/10-2026", DMY, None),
        ("05/10/2026 25:00", DMY, None),
        ("hôm qua", DMY, None),
    ],
)
def test_moment_is_read_by_the_order(text: str, order: DateOrder, moment: str | None) -> None:
    assert shown(read_moment(text, order)) == moment


def test_day_numbers_of_a_workbook_are_days_and_hours() -> None:
    assert read_day("46331", DMY, 0) == date(2026, 11, 5)
    assert shown(read_moment("46331.75", DMY, 0)) == "2026-11-05 18:00"
    assert read_day("44869", DMY, 1462) == date(2026, 11, 5)  # counted from 1904
    assert read_day("46331", DMY, None) is None


def evidence(*texts: str, serial_days: int | None = None) -> DateEvidence:
    made = DateEvidence(serial_days)
    for line, text in enumerate(texts, start=2):
        made.add(line, "ngày", text)
    return made


@pytest.mark.parametrize(
    ("texts", "fault", "says"),
    [
        (("05/10/2026", "10/20/2026"), TableFault.MONTH_FIRST, "dòng 3: “10/20/2026”"),
        (("20/10/2026", "10/20/2026"), TableFault.MIXED_ORDER, "dòng 3 (“10/20/2026”)"),
        (("20/10/2026", "46331"), TableFault.SPOILED_DAYS, "dòng 2"),
    ],
)
def test_dates_that_leave_the_order_open_refuse_the_file(texts: tuple[str, ...], fault: TableFault, says: str) -> None:
    with pytest.raises(FileRefused) as refused:
        evidence(*texts, serial_days=0).order(None)
    assert refused.value.fault is fault
    assert says in str(refused.value)
    assert evidence(*texts).order(MDY) is MDY


@pytest.mark.parametrize(
    "texts", [("05/10/2026",), ("20/10/2026", "2026-10-20"), ("46331", "46345"), ("20/10/2026", "46345"), ()]
)
def test_day_stands_first_where_nothing_speaks_against_it(texts: tuple[str, ...]) -> None:
    assert evidence(*texts, serial_days=0).order(None) is DMY


@pytest.mark.parametrize(
    ("texts", "usual", "sign"),
    [
        (["3,5", "4"], DecimalSign.POINT, DecimalSign.COMMA),
        (["1.234.567", "1.234"], None, DecimalSign.COMMA),
        (["1,234.5"], None, DecimalSign.POINT),
        (["1.234,5", "2.000"], None, DecimalSign.COMMA),
        (["0.125"], None, DecimalSign.POINT),
        (["1.234"], DecimalSign.POINT, DecimalSign.POINT),
        (["12", "13"], None, DecimalSign.POINT),
    ],
)
def test_decimal_sign_is_seen_from_the_column(texts: list[str], usual: DecimalSign | None, sign: DecimalSign) -> None:
    numbers = [WrittenNumber(line, text) for line, text in enumerate(texts, start=2)]
    assert decimal_sign("w", numbers, usual) is sign


@pytest.mark.parametrize(
    ("texts", "usual", "fault"),
    [
        (["1.234"], None, TableFault.DECIMAL_UNKNOWN),
        (["1,234"], DecimalSign.POINT, TableFault.DECIMAL_UNKNOWN),
        (["3,5", "3.5"], None, TableFault.DECIMAL_MIXED),
    ],
)
def test_signs_that_may_mean_two_things_are_asked_for(
    texts: list[str], usual: DecimalSign | None, fault: TableFault
) -> None:
    numbers = [WrittenNumber(line, text) for line, text in enumerate(texts, start=2)]
    with pytest.raises(FileRefused) as refused:
        decimal_sign("w", numbers, usual)
    assert refused.value.fault is fault
    assert decimal_sign("w", numbers, usual, DecimalSign.COMMA) is DecimalSign.COMMA


@pytest.mark.parametrize(
    ("text", "sign", "value"),
    [
        ("1.234,5", DecimalSign.COMMA, 1234.5),
        ("1.234", DecimalSign.COMMA, 1234.0),
        ("1.234", DecimalSign.POINT, 1.234),
        ("1 234 567", DecimalSign.COMMA, 1234567.0),
        ("−3,5", DecimalSign.COMMA, -3.5),
        ("1.23,5", DecimalSign.COMMA, None),
        ("1,2,3", DecimalSign.COMMA, None),
        ("1_000", DecimalSign.POINT, None),
        ("nữ", DecimalSign.POINT, None),
    ],
)
def test_number_is_read_by_its_sign(text: str, sign: DecimalSign, value: float | None) -> None:
    assert read_number(text, sign) == value
