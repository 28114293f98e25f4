"""Files of casework as people really have them: months first, names written otherwise, units of another time."""

import csv
import io
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.tickets.models import Category, Ticket, Verdict
from backend.units.models import Unit
from backend.worktime.calendar import ZONE
from tests.command import Command
from tests.places import CASES

FILES = CASES / "casework"
HEADER = "key,office,received,answered,category\n"


class Terminal(Command):
    """A terminal in a folder of its own, which imports files of casework."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, session: Session, folder: Path) -> None:
        super().__init__(monkeypatch)
        monkeypatch.chdir(folder)
        self.session, self.folder = session, folder

    def take(self, name: str, *options: object) -> Any:
        return self.json("import", "casework", FILES / name, *options)

    def take_text(self, body: str, *options: object, name: str = "cases.csv") -> Any:
        (self.folder / name).write_text(HEADER + body, encoding="utf-8")
        return self.json("import", "casework", name, *options)

    def ticket(self, key: str) -> Ticket:
        self.session.expire_all()
        return self.session.scalars(select(Ticket).filter_by(import_key=f"casework:{key}")).one()

    def unit_of(self, key: str) -> Unit:
        return self.session.get_one(Unit, self.ticket(key).unit_id)

    def reasons(self, rejects_file: str) -> dict[str, str]:
        with (self.folder / rejects_file).open(encoding="utf-8", newline="") as lines:
            return {row["key"]: row["reason"] for row in csv.DictReader(lines)}


@pytest.fixture
def terminal(session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Terminal:
    monkeypatch.setattr("backend.clock.now", lambda: datetime(2026, 11, 30, 9, 0, tzinfo=ZONE))
    return Terminal(monkeypatch, session, tmp_path)


def cases(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Ticket)) or 0


def units(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Unit)) or 0


def test_file_with_months_first_is_refused_whole_and_names_its_lines(terminal: Terminal) -> None:
    sentence = terminal.refusal("import", "casework", FILES / "month-day.csv")
    assert "month-day.csv" in sentence
    assert "dòng 4, 5" in sentence
    assert "--dates" in sentence
    assert cases(terminal.session) == 0


def test_file_with_months_first_is_taken_with_its_order(terminal: Terminal) -> None:
    outcome = terminal.take("month-day.csv", "--dates", "mdy")
    assert (outcome["added"], outcome["first_day"], outcome["last_day"]) == (4, "2026-10-02", "2026-10-20")
    days = [terminal.ticket(f"M-{number}").received_on for number in range(1, 5)]
    assert days == [date(2026, 10, day) for day in (2, 5, 12, 20)]
    assert {terminal.ticket(f"M-{number}").verdict for number in range(1, 5)} == {Verdict.ON_TIME}


def test_one_line_with_the_month_first_among_others_is_refused_until_the_order_is_given(terminal: Terminal) -> None:
    body = "K1,A,20/10/2026,,x\nK2,A,10/21/2026,,x\n"
    (terminal.folder / "mixed.csv").write_text(HEADER + body, encoding="utf-8")
    sentence = terminal.refusal("import", "casework", "mixed.csv")
    assert "dòng 3" in sentence and "dòng 2" in sentence
    outcome = terminal.take_text(body, "--dates", "dmy")
    assert (outcome["added"], outcome["rejected"]) == (1, 1)


def test_dates_that_make_sense_with_the_month_first_only_are_asked_for(terminal: Terminal) -> None:
    """12/11/2026 read day first would be in the future of 30 November."""
    body = "K1,A,11/12/2026,11/12/2026,x\nK2,A,10/02/2026,10/05/2026,x\n"
    (terminal.folder / "doubt.csv").write_text(HEADER + body, encoding="utf-8")
    assert "Dòng 2" in terminal.refusal("import", "casework", "doubt.csv")
    assert terminal.take_text(body, "--dates", "mdy")["added"] == 2


def test_keys_that_lost_their_zeros_are_held_and_not_taken_for_other_cases(terminal: Terminal) -> None:
    terminal.take("keys-a.csv")
    outcome = terminal.take("keys-b.csv")
    assert (outcome["added"], outcome["rejected"], cases(terminal.session)) == (0, 2, 2)
    assert "0012" in terminal.reasons(outcome["rejects_file"])["12"]


@pytest.mark.parametrize(("first", "second"), [("12", "0012"), ("0012", "12"), ("012", "0012")])
def test_zeros_apart_are_held_in_either_order_also_within_a_file(terminal: Terminal, first: str, second: str) -> None:
    outcome = terminal.take_text(f"{first},A,2026-10-01,,x\n", name="first.csv")
    assert outcome["added"] == 1
    assert terminal.take_text(f"{second},A,2026-10-01,,x\n", name="second.csv")["rejected"] == 1
    assert terminal.take_text(f"{first},A,2026-10-01,,x\n", name="again.csv")["already"] == 1


def test_names_written_otherwise_are_the_same_unit_and_category(terminal: Terminal) -> None:
    before = units(terminal.session)
    outcome = terminal.take("names.csv", "--parent", "12")
    codes = [terminal.unit_of(f"N-{number}").code for number in range(1, 6)]
    assert codes == ["03466", "03466", "03466", "03388", "03388"]
    assert (outcome["units_created"], outcome["categories_created"]) == (0, 1)
    assert units(terminal.session) == before
    assert len({terminal.ticket(f"N-{number}").category_code for number in range(1, 6)}) == 1


def test_cases_of_former_units_reach_the_unit_of_their_day(terminal: Terminal) -> None:
    before = units(terminal.session)
    terminal.take("former.csv", "--parent", "12")
    assert [terminal.unit_of(f"F-{number}").code for number in range(1, 5)] == ["03412", "03412", "03386", "03390"]
    assert [terminal.unit_of(f"F-{number}").valid_to is None for number in range(1, 5)] == [False, False, False, True]
    assert units(terminal.session) == before


def former_units() -> list[dict[str, str]]:
    text = files("backend.units").joinpath("data", "lai_chau_old_to_new.csv").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_all_106_former_codes_of_2024_reach_their_former_unit(terminal: Terminal) -> None:
    rows = former_units()
    before = units(terminal.session)
    body = "".join(f"C{place},{row['old_code']},2024-05-06,2024-05-07,x\n" for place, row in enumerate(rows))
    outcome = terminal.take_text(body, "--parent", "12")
    assert (outcome["added"], outcome["units_created"], len(rows)) == (106, 0, 106)
    for place, row in enumerate(rows):
        unit = terminal.unit_of(f"C{place}")
        assert (unit.code, unit.name) == (row["old_code"], row["old_name_nq1670"])
        assert unit.valid_on(date(2024, 5, 6))
    assert units(terminal.session) == before


def test_former_names_of_2024_reach_their_unit_or_are_held_where_two_had_the_name(terminal: Terminal) -> None:
    rows = former_units()
    names = [row["old_name_nq1670"] for row in rows]
    body = "".join(f"C{place},{name},2024-05-06,,x\n" for place, name in enumerate(names))
    outcome = terminal.take_text(body, "--parent", "12")
    twice = {f"C{place}" for place, name in enumerate(names) if names.count(name) > 1}
    assert outcome["units_created"] == 0
    assert outcome["rejected"] == len(twice)
    for place, row in enumerate(rows):
        if f"C{place}" not in twice:
            assert terminal.unit_of(f"C{place}").code == row["old_code"]


def test_name_without_its_kind_is_the_unit_if_only_one_has_it_and_held_if_two(terminal: Terminal) -> None:
    body = "K1,Bum Nưa,2026-10-01,,x\nK2,UBND xã Bum Nưa,2026-10-01,,x\nK3,Phường Bum Nưa,2026-10-01,,x\n"
    outcome = terminal.take_text(body, "--parent", "12")
    assert [terminal.unit_of(key).code for key in ("K1", "K2")] == ["03466", "03466"]
    assert terminal.unit_of("K3").code != "03466"  # another kind is another unit
    assert outcome["units_created"] == 1


def test_code_that_lost_its_zero_is_the_unit(terminal: Terminal) -> None:
    terminal.take_text("K1,3412,2024-03-01,,x\n", "--parent", "12")
    assert terminal.unit_of("K1").code == "03412"


def test_unit_that_is_gone_on_the_day_is_held_with_its_successor(terminal: Terminal) -> None:
    outcome = terminal.take_text("K1,Phường Quyết Thắng,2026-03-02,,x\n", "--parent", "12")
    reason = terminal.reasons(outcome["rejects_file"])["K1"]
    assert "không còn vào ngày 02/03/2026" in reason
    assert "Phường Đoàn Kết (03388" in reason


@pytest.mark.parametrize("key", ["A-1", "A-2"])
def test_hours_of_morning_and_afternoon_are_read(terminal: Terminal, key: str) -> None:
    assert terminal.take("ampm.csv")["added"] == 2
    ticket = terminal.ticket(key)
    assert ticket.received_at == datetime(2026, 10, 5, 14, 30, tzinfo=ZONE)
    assert ticket.answered_at == datetime(2026, 10, 6, 9, 0, tzinfo=ZONE)


def test_separator_that_the_first_line_declares_is_used(terminal: Terminal) -> None:
    outcome = terminal.take("sep.csv")
    assert outcome["added"] == 1
    assert "dấu chấm phẩy" in outcome["read_as"]
    assert terminal.ticket("S-1").received_on == date(2026, 10, 1)


def workbook(folder: Path, rows: list[list[object]], **sheet: object) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    if "hidden_row" in sheet:
        book.active.row_dimensions[sheet["hidden_row"]].hidden = True
    if "merged" in sheet:
        book.active.merge_cells(str(sheet["merged"]))
    if "second" in sheet:
        book.create_sheet("Trang hai").append(sheet["second"])
    book.save(folder / "cases.xlsx")
    return folder / "cases.xlsx"


HEADINGS: list[object] = ["key", "office", "received", "answered", "category"]


def test_workbook_of_cases_is_read_and_hidden_merged_and_total_rows_are_rejected(terminal: Terminal) -> None:
    day = date(2026, 10, 20)
    rows: list[list[object]] = [[f"W{number}", "A", day, None, "x"] for number in range(1, 5)]
    path = workbook(terminal.folder, [HEADINGS, *rows, ["Tổng cộng", 4]], hidden_row=3, merged="B4:B5")
    outcome = terminal.json("import", "casework", path)
    assert (outcome["added"], outcome["rejected"]) == (1, 4)
    assert terminal.ticket("W1").received_on == day
    reasons = terminal.reasons(outcome["rejects_file"])
    assert "bị ẩn" in reasons["W2"] and "gộp" in reasons["W3"] and "dòng tổng" in reasons["Tổng cộng"]


def test_workbook_whose_days_were_half_turned_is_refused(terminal: Terminal) -> None:
    """A spreadsheet that reads the month first made days of 10/05/2026 and left 20/10/2026 as a text."""
    path = workbook(
        terminal.folder, [HEADINGS, ["W1", "A", date(2026, 5, 10), None, "x"], ["W2", "A", "20/10/2026", None, "x"]]
    )
    assert "đổi chỗ ngày và tháng" in terminal.refusal("import", "casework", path)


def test_workbook_with_cases_on_a_second_sheet_is_refused(terminal: Terminal) -> None:
    path = workbook(terminal.folder, [HEADINGS, ["W1", "A", date(2026, 5, 10), None, "x"]], second=HEADINGS)
    assert "Trang hai" in terminal.refusal("import", "casework", path)


def test_category_name_with_a_mark_elsewhere_is_another_category(terminal: Terminal) -> None:
    terminal.take_text("K1,A,2026-10-01,,Khoá học\nK2,A,2026-10-01,,KHÓA HỌC \nK3,A,2026-10-01,,Khoa học\n")
    codes = [terminal.ticket(key).category_code for key in ("K1", "K2", "K3")]
    assert codes[0] == codes[1] != codes[2]
    assert terminal.session.get_one(Category, codes[0]).name_vi == "Khoá học"
