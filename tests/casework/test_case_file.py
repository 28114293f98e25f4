"""Reading a file of cases: what is taken, what is rejected and why."""

import io
from datetime import date, datetime

import pytest

from backend.casework.case_file import CaseColumns, CaseFile, ImportedCase, RejectedLine
from backend.errors import Invalid
from backend.files.texts import LONGEST_LINE
from backend.worktime.calendar import ZONE

NOW = datetime(2026, 11, 18, 9, 0, tzinfo=ZONE)
COLUMNS = CaseColumns("key", "office", "received", "answered", "type")
HEADER = "key,office,received,answered,type\n"


def read(body: str, header: str = HEADER, columns: CaseColumns = COLUMNS) -> list[ImportedCase | RejectedLine]:
    return list(CaseFile(io.BytesIO((header + body).encode("utf-8", "surrogateescape")), columns, until=NOW))


def only(body: str) -> ImportedCase | RejectedLine:
    (found,) = read(body)
    return found


@pytest.mark.parametrize(
    "written", ["2026-02-05", "05/02/2026", "5/2/2026", "05/02/2026 23:59", "2026-02-05T23:59", "2026-02-05T16:59Z"]
)
def test_day_is_read_in_either_writing_in_vietnams_time(written: str) -> None:
    case = only(f"K1,A,{written},,Roads\n")
    assert isinstance(case, ImportedCase)
    assert case.received.date() == date(2026, 2, 5)
    assert case.received.utcoffset() == NOW.utcoffset()


@pytest.mark.parametrize("blank", ["", " ", "NA", "null"])
def test_case_without_an_answer_is_open(blank: str) -> None:
    case = only(f"K1,A,2026-02-05,{blank},Roads\n")
    assert isinstance(case, ImportedCase)
    assert case.answered is None


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("K1,A,31/02/2026,,Roads\n", "Không có ngày “31/02/2026”"),
        ("K1,A,2026-02-30,,Roads\n", "Không có ngày"),
        ("K1,A,0001-01-01T00:00+14:00,,Roads\n", "Không có ngày"),
        ("K1,A,1066-10-14,,Roads\n", "Không có ngày"),
        ("K1,A,,,Roads\n", "Thiếu ngày nhận"),
        (",A,2026-02-05,,Roads\n", "Thiếu mã hồ sơ"),
        ("\u200b,A,2026-02-05,,Roads\n", "Thiếu mã hồ sơ"),
        ("K1,,2026-02-05,,Roads\n", "Thiếu cơ quan"),
        ("K1,A,2026-02-05,2026-02-04,Roads\n", "trước khi nhận"),
        ("K1,A,2026-11-19,,Roads\n", "tương lai"),
        ("K1,A,2026-02-05,2027-02-05,Roads\n", "tương lai"),
        ("K1,A,2026-02-05\n", "Dòng có 3 ô, cần 5"),
        ("K1,A,2026-02-05,,Roads,more\n", "Dòng có 6 ô, cần 5"),
        ("K1," + "A" * 201 + ",2026-02-05,,Roads\n", "Dài quá 200"),
        ("K1,A,2026-02-05,,\udce9\n", "không phải UTF-8"),
        ("K1,A,2026-02-05,," + "x" * LONGEST_LINE + "\n", "Dòng dài quá"),
    ],
)
def test_faulty_line_is_rejected_with_its_number_and_reason_and_the_next_is_taken(body: str, says: str) -> None:
    first, second = read(f"{body}K2,A,2026-02-05,,Roads\n")
    assert isinstance(first, RejectedLine)
    assert first.line == 2
    assert says in str(first.reason)
    assert isinstance(second, ImportedCase)
    assert second.line == 3


def test_answer_on_the_day_of_reception_is_taken_whatever_the_hours() -> None:
    case = only("K1,A,2026-02-05 15:00,2026-02-05,Roads\n")
    assert isinstance(case, ImportedCase)


@pytest.mark.parametrize(
    "broken", ['K1,"A,2026-02-05,,Roads\n', 'K1,A,2026-02-05,,"Roads\n', 'K1,"A" b,2026-02-05,,R\n']
)
@pytest.mark.parametrize("more", [0, 3, 10_000])
def test_quotes_that_do_not_close_cost_their_own_line_and_no_other(broken: str, more: int) -> None:
    first, *others = read(broken + 'K,"A",2026-02-05,,Roads\n' * more)
    assert isinstance(first, RejectedLine)
    assert (first.line, list(first.fields)) == (2, [broken.rstrip()])
    assert "ngoặc kép" in str(first.reason)
    assert len(others) == more
    assert all(isinstance(other, ImportedCase) for other in others)
    assert [other.line for other in others] == list(range(3, 3 + more))


def test_header_may_have_a_line_end_in_quotes() -> None:
    (case,) = read("K1,A,2026-02-05,,x,y\n", header='key,office,received,answered,type,"more\nwords"\n')
    assert isinstance(case, ImportedCase)
    assert case.line == 3


def test_line_number_is_that_of_the_first_line_of_a_record() -> None:
    first, second = read('K1,A,2026-02-05,,"Two\nlines"\nK2,A,31/02/2026,,x\n')
    assert isinstance(first, ImportedCase)
    assert first.category == "Two lines"
    assert second.line == 4


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_are_known_from_the_header(separator: str) -> None:
    header = HEADER.replace(",", separator)
    (case,) = read(separator.join(["K1", "Phường A, B", "05/02/2026", "", "Đường"]) + "\n", header)
    assert isinstance(case, ImportedCase)
    assert case.office == "Phường A, B"


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("", "Tệp trống"),
        ("\n", "Tệp trống"),
        ("key,office,type\n", "Tệp thiếu cột: received, answered. Các cột có trong tệp: key, office, type."),
        ("key,key,office,received,answered,type\n", "hai cột cùng tên: key"),
        ("\udcff\udcfek\x00e\x00y\x00\n", "UTF-8"),
        ("k\x00e\x00y\x00,\x00\n", "UTF-8"),
        ('key,"office\n', "Dòng tiêu đề"),
        ("x" * LONGEST_LINE + "\n", "Dòng dài quá"),
    ],
)
def test_file_without_the_columns_is_refused_with_what_is_missing(header: str, says: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read("", header)
    assert says in str(refusal.value)
