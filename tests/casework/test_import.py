"""Casework from a file: into the database once, its timeliness counted from there."""

import csv
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import audit
from backend.calendars import recount
from backend.casework import service as casework
from backend.casework.case_file import ImportedCase
from backend.tickets import projection
from backend.tickets.lifecycle import Event
from backend.tickets.models import Category, Channel, Ticket, TicketState, Verdict
from backend.units.models import Unit
from backend.worktime import service as worktime
from backend.worktime.calendar import DayException
from backend.worktime.document import to_document
from backend.worktime.models import CalendarVersion
from tests.casework.terminal import HEADER, Desk
from tests.chains import first_break
from tests.factories import SENDER, World
from tests.places import DATA

REAL = DATA / "casework_300.csv"
AS_IN_THE_SAMPLE = ["--received", "opened", "--answered", "closed", "--category", "type", "--title", "descriptor"]


@pytest.fixture
def desk(session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    monkeypatch.setattr(casework, "BATCH", 100)
    return Desk(monkeypatch, tmp_path)


def ticket(session: Session, key: str) -> Ticket:
    session.expire_all()
    return session.scalars(select(Ticket).filter_by(import_key=f"casework:{key}")).one()


def test_real_cases_are_imported_once_however_often_the_file_is(desk: Desk, session: Session) -> None:
    first = desk.json("import", "casework", REAL, *AS_IN_THE_SAMPLE)
    second = desk.json("import", "casework", REAL, *AS_IN_THE_SAMPLE)
    assert (first["read"], first["added"], first["already"], first["rejected"]) == (300, 300, 0, 0)
    assert (first["units_created"], first["categories_created"]) == (44, 23)
    assert (second["read"], second["added"], second["already"], second["rejected"]) == (300, 0, 300, 0)
    assert (second["units_created"], second["categories_created"]) == (0, 0)
    assert session.scalar(select(func.count()).select_from(Ticket).filter_by(channel=Channel.IMPORT)) == 300
    assert list(projection.check_all(session)) == []


def test_real_cases_give_the_figures_that_numpys_business_days_give(desk: Desk) -> None:
    desk.json("import", "casework", REAL, *AS_IN_THE_SAMPLE)
    figures = desk.timeliness("--rule", "15 working days")
    assert (figures["received"], figures["answered"], figures["on_time"], figures["late"]) == (300, 300, 174, 126)
    assert (figures["median_days"], figures["p90_days"]) == (8.0, pytest.approx(210.5))
    assert (figures["rate"]["k"], figures["rate"]["n"]) == (174, 300)
    assert figures["rate"]["lo"] < 0.58 < figures["rate"]["hi"]


def test_imported_case_is_a_ticket_with_unit_due_date_verdict_and_history(desk: Desk, session: Session) -> None:
    desk.take("K1,Phòng Một cửa,2026-03-02,2026-03-23,Đường sá\nK2,Phòng Một cửa,2026-03-02,2026-03-24,Đường sá\n")
    on_time, late = ticket(session, "K1"), ticket(session, "K2")
    assert (on_time.due_date, on_time.working_days, on_time.verdict) == (date(2026, 3, 23), 15, Verdict.ON_TIME)
    assert (late.working_days, late.verdict, late.state) == (16, Verdict.LATE, TicketState.ANSWERED)
    assert on_time.number.startswith("PAKN.20260302.")
    assert session.get_one(Unit, on_time.unit_id).name == "Phòng Một cửa"
    category = session.get_one(Category, on_time.category_code)
    assert (category.name_vi, category.listed) == ("Đường sá", False)
    chain = audit.list_entries(session, audit.ticket_chain(on_time.id))
    assert [entry.action for entry in chain] == [Event.RECEIVED, Event.ANSWERED]
    assert first_break(chain) is None


def test_answer_on_the_day_of_reception_follows_the_reception_whatever_the_hours(desk: Desk, session: Session) -> None:
    body = "K1,A,2026-02-05 15:00,2026-02-05,x\nK2,A,2026-02-05 15:00,2026-02-05 09:00,x\n"
    assert desk.take(body)["added"] == 2
    assert ticket(session, "K1").answered_at == ticket(session, "K1").received_at
    assert list(projection.check_all(session)) == []
    assert desk.take(body)["already"] == 2


def test_units_are_created_under_the_parent_asked_for_and_known_ones_are_used(desk: Desk, session: Session) -> None:
    desk.take("K1,Tổ tiếp nhận,2026-03-02,,x\nK2,Tổ xử lý,2026-03-02,,x\n", "--parent", "03388")
    again = desk.take("K3,Tổ xử lý,2026-03-03,,x\n", "--parent", "03388", name="more.csv")
    parent = session.scalars(select(Unit.id).filter_by(code="03388", valid_to=None)).one()
    names = session.scalars(select(Unit.name).filter_by(parent_id=parent).order_by(Unit.name)).all()
    assert list(names) == ["Tổ tiếp nhận", "Tổ xử lý"]
    assert again["units_created"] == 0
    assert not session.get_one(Unit, ticket(session, "K1").unit_id).receives


def test_bad_rows_go_to_the_rejects_file_with_line_and_reason_and_the_rest_is_taken(desk: Desk) -> None:
    counts = desk.take(
        "K1,A,2026-03-02,,x\nK2,A,31/02/2026,,x\nK3,A,2026-03-02,2026-03-01,x\nK4,A\nK5,A,2026-03-02,,x\n",
        "--rejects",
        "bad.csv",
    )
    assert (counts["read"], counts["added"], counts["rejected"], counts["rejects_file"]) == (5, 2, 3, "bad.csv")
    with (desk.folder / "bad.csv").open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    assert header == ["line", "reason", "key", "office", "received", "answered", "category"]
    assert [(line[0], line[2]) for line in lines] == [("3", "K2"), ("4", "K3"), ("5", "K4")]
    assert "31/02/2026" in lines[0][1]
    assert "trước khi nhận" in lines[1][1]
    assert "2 ô, cần 5" in lines[2][1]


def test_file_without_rejects_leaves_no_rejects_file(desk: Desk) -> None:
    assert desk.take("K1,A,2026-03-02,,x\n")["rejects_file"] is None
    assert [path.name for path in desk.folder.iterdir() if path.is_file()] == ["cases.csv"]


def test_later_file_closes_a_case_that_was_open_and_leaves_answered_ones_alone(desk: Desk, session: Session) -> None:
    desk.take("K1,A,2026-03-02,,x\nK2,A,2026-03-02,2026-03-03,x\n")
    assert ticket(session, "K1").state is TicketState.NEW
    counts = desk.take("K1,A,2026-03-02,2026-03-10,x\nK2,A,2026-03-02,2026-03-30,x\n", name="later.csv")
    assert (counts["added"], counts["closed"], counts["already"], counts["differing"]) == (0, 1, 0, 1)
    closed = ticket(session, "K1")
    assert (closed.state, closed.answered_on, closed.verdict) == (
        TicketState.ANSWERED,
        date(2026, 3, 10),
        Verdict.ON_TIME,
    )
    assert ticket(session, "K2").answered_on == date(2026, 3, 3)
    assert first_break(audit.list_entries(session, audit.ticket_chain(closed.id))) is None


def test_same_key_twice_in_a_file_is_one_ticket_and_another_source_is_another(desk: Desk, session: Session) -> None:
    counts = desk.take("K1,A,2026-03-02,,x\nK1,A,2026-03-02,,x\nK1,B,2026-03-03,,x\n")
    assert (counts["added"], counts["already"], counts["differing"], counts["rejected"]) == (1, 1, 1, 0)
    assert ticket(session, "K1").received_on == date(2026, 3, 2)
    assert desk.take("K1,A,2026-03-02,,x\n", "--source", "other")["added"] == 1


def test_case_that_is_here_with_other_values_is_kept_counted_and_named_with_what_differs(
    desk: Desk, session: Session
) -> None:
    desk.take("K1,A,2026-03-02,2026-03-03,x\nK2,A,2026-03-02,,x\nK3,A,2026-03-02,,x\n")
    later = desk.take("K1,B,2026-03-02,,x\nK2,A,2026-03-01,2026-03-03,y\nK3,A,2026-03-02,,x\n", name="later.csv")
    assert (later["read"], later["already"], later["differing"], later["closed"]) == (3, 1, 2, 0)
    assert (ticket(session, "K1").answered_on, ticket(session, "K2").answered_on) == (date(2026, 3, 3), None)
    with (desk.folder / later["rejects_file"]).open(encoding="utf-8", newline="") as file:
        _header, first, second = csv.reader(file)
    assert (first[0], first[2], second[0], second[2]) == ("2", "K1", "3", "K2")
    assert "cơ quan, ngày trả lời" in first[1]
    assert "ngày nhận, ngày trả lời, loại, nội dung" in second[1]
    assert list(projection.check_all(session)) == []


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_a_key_that_comes_open_and_then_answered_is_answered_wherever_a_batch_ends(
    desk: Desk, session: Session, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(casework, "BATCH", batch)
    body = "K1,A,2026-03-02,,x\nK1,A,2026-03-02,2026-03-04,x\nK1,A,2026-03-02,,x\n"
    counts = desk.take(body)
    assert (counts["read"], counts["added"], counts["closed"], counts["differing"]) == (3, 1, 1, 1)
    assert ticket(session, "K1").answered_on == date(2026, 3, 4)


def test_open_case_whose_due_date_a_new_calendar_moved_is_closed_by_a_later_file(
    desk: Desk, session: Session, now: datetime
) -> None:
    desk.take("K1,A,2026-11-02,,x\n")
    due = ticket(session, "K1").due_date
    held = worktime.load_calendar(session, worktime.active_id(session))
    off = DayException(date(2026, 11, 16), is_open=False, name="Nghỉ bù")
    days = tuple(sorted([*held.exceptions, off], key=lambda item: item.day))
    fewer = CalendarVersion(
        code="vn", version=99, document=to_document(replace(held, exceptions=days)), basis="Thử", created_at=now
    )
    fewer.activated_at = now
    session.add(fewer)
    session.flush()
    assert len(recount.recount_next(session, [Ticket.channel == Channel.IMPORT], fewer.id, now)) == 1
    assert ticket(session, "K1").due_date > due
    counts = desk.take("K1,A,2026-11-02,2026-11-17,x\n", name="later.csv")
    assert counts["closed"] == 1
    assert list(projection.check_all(session)) == []


def test_interrupted_import_tells_how_far_it_came_and_the_next_one_goes_on(
    desk: Desk, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = iter([False, True])
    whole = casework._store_batch

    def interrupted(run: casework.CaseworkImport, batch: Sequence[ImportedCase]) -> casework.CaseworkCounts:
        if next(batches):
            raise KeyboardInterrupt
        return whole(run, batch)

    (desk.folder / "cases.csv").write_text(
        HEADER + "".join(f"K{i},A,2026-03-02,,x\n" for i in range(250)), encoding="utf-8"
    )
    with monkeypatch.context() as patch:
        patch.setattr(casework, "_store_batch", interrupted)
        stopped = desk.run("import", "casework", "cases.csv", "--json")
    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert "Đã đọc 100 dòng: thêm 100" in stopped.stderr
    again = desk.json("import", "casework", "cases.csv")
    assert (again["read"], again["added"], again["already"]) == (250, 150, 100)


def test_days_met_in_a_later_batch_get_numbers_as_well(desk: Desk, session: Session) -> None:
    """Days that the first batch did not know must not drop their cases."""
    desk.take("K0,A,2026-01-05,,x\n")
    body = "".join(f"L{i},A,{date(2025, 1, 1) + timedelta(days=i % 365)},,x\n" for i in range(730))
    assert desk.take(body, name="more.csv")["added"] == 730
    assert session.scalar(select(func.count(func.distinct(Ticket.number)))) == 731


def test_imported_and_sent_tickets_of_one_day_have_different_numbers(
    desk: Desk, session: Session, world: World, now: datetime
) -> None:
    before, _secret = world.receive(now)
    desk.take(f"K1,A,{now:%Y-%m-%d},,x\nK2,A,{now:%Y-%m-%d},,x\n")
    after, _secret = world.receive(now)
    numbers = {before.number, after.number, ticket(session, "K1").number, ticket(session, "K2").number}
    assert len(numbers) == 4


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "Tệp trống"),
        (b"key,office\nK1,A\n", "Tệp thiếu cột: received, answered, category"),
        ("\ufeff".encode("utf-16") + HEADER.encode("utf-16-le"), "UTF-8"),
    ],
)
def test_file_that_is_none_is_refused_in_a_sentence(desk: Desk, content: bytes, says: str) -> None:
    (desk.folder / "wrong.csv").write_bytes(content)
    assert says in desk.refusal("import", "casework", "wrong.csv")


def test_byte_order_mark_is_no_part_of_the_first_column(desk: Desk) -> None:
    (desk.folder / "bom.csv").write_text(HEADER + "K1,A,2026-03-02,,x\n", encoding="utf-8-sig")
    assert desk.json("import", "casework", "bom.csv")["added"] == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["nowhere.csv"], "Không mở được tệp"),
        (["real.csv", *AS_IN_THE_SAMPLE, "--parent", "99999"], "Không có cơ quan nào mang mã “99999”"),
        (["real.csv", *AS_IN_THE_SAMPLE, "--source", ""], "Tên nguồn"),
        (["real.csv", *AS_IN_THE_SAMPLE, "--rejects", "real.csv"], "phải khác tệp được nhập"),
    ],
)
def test_import_that_cannot_begin_is_refused_and_stores_nothing(
    desk: Desk, session: Session, options: list[str], says: str
) -> None:
    shutil.copy(REAL, desk.folder / "real.csv")
    assert says in desk.refusal("import", "casework", *options)
    assert session.scalar(select(func.count()).select_from(Ticket)) == 0


def test_column_of_free_text_taken_for_offices_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.casework.case_names.MOST", 5)
    (desk.folder / "cases.csv").write_text(
        HEADER + "".join(f"K{i},office {i},2026-03-02,,x\n" for i in range(6)), encoding="utf-8"
    )
    assert "quá 5 giá trị khác nhau" in desk.refusal("import", "casework", "cases.csv")


def test_vietnams_calendar_marks_years_that_it_does_not_know(desk: Desk) -> None:
    desk.take("K1,A,2015-03-02,2015-03-03,x\nK2,A,2026-03-02,2026-03-03,x\n")
    figures = desk.json("kpi", "timeliness", "--from", "2015-01-01", "--to", "2026-12-31", "--calendar", "vn")
    assert (figures["estimated"], figures["estimated_years"], figures["estimated_cases"]) == (True, [2015], 1)
    text = desk.run("kpi", "timeliness", "--from", "2015-01-01", "--to", "2015-12-31", "--calendar", "vn").stdout
    assert "Ước tính" in text
    assert "2015" in text


def test_timeliness_of_a_unit_counts_those_below_it_and_no_others(desk: Desk) -> None:
    desk.take("K1,A,2026-03-02,2026-03-03,x\n", "--parent", "03388")
    desk.take("K2,B,2026-03-02,2026-03-03,x\n", name="other.csv")
    assert desk.timeliness("--unit", "03388")["received"] == 1
    assert desk.timeliness()["received"] == 2


def test_period_is_by_day_of_reception_with_both_ends(desk: Desk) -> None:
    desk.take("K1,A,2026-03-01,,x\nK2,A,2026-03-02,,x\nK3,A,2026-03-03,,x\nK4,A,2026-03-04,,x\n")
    assert desk.timeliness(first="2026-03-02", last="2026-03-03")["received"] == 2


def test_open_case_turns_from_not_due_to_overdue_after_its_due_day(desk: Desk) -> None:
    desk.take("K1,A,2026-03-02,,x\n")
    on_due_day = desk.timeliness("--as-of", "2026-03-23")
    day_after = desk.timeliness("--as-of", "2026-03-24")
    assert (on_due_day["not_due"], on_due_day["overdue"], on_due_day["rate"]["n"]) == (1, 0, 0)
    assert (day_after["not_due"], day_after["overdue"], day_after["rate"]["k"]) == (0, 1, 0)


def test_time_in_which_the_sender_owed_information_does_not_count(desk: Desk, session: Session, world: World) -> None:
    monday = datetime.fromisoformat("2026-03-02T09:00+07:00")
    sent, _secret = world.receive(monday)
    officer = world.actor(unit=session.get_one(Unit, sent.unit_id))
    world.happen(sent, Event.ACCEPTED, officer, monday)
    world.happen(sent, Event.INFO_REQUESTED, officer, monday + timedelta(hours=1))
    world.happen(sent, Event.INFO_RECEIVED, SENDER, monday + timedelta(days=14))
    world.happen(sent, Event.ANSWERED, officer, monday + timedelta(days=23))
    figures = desk.timeliness("--rule", "15 working days")
    assert (figures["received"], figures["on_time"], figures["paused_cases"]) == (1, 1, 1)
    assert figures["median_days"] == 8  # of 17 working days, 9 closed while the sender was asked


def test_ticket_that_ended_without_an_answer_is_no_case_in_time_and_late_after_it(desk: Desk, world: World) -> None:
    monday = datetime.fromisoformat("2026-03-02T09:00+07:00")
    refused, withdrawn, late = (world.receive(monday, email=f"n{i}@example.vn")[0] for i in range(3))
    world.happen(refused, Event.REFUSED, world.actor(), monday + timedelta(days=1))
    world.happen(withdrawn, Event.WITHDRAWN, SENDER, monday + timedelta(days=1))
    world.happen(late, Event.WITHDRAWN, SENDER, monday + timedelta(days=30))
    figures = desk.timeliness("--as-of", "2026-04-30")
    assert (figures["received"], figures["open"], figures["ended"], figures["ended_late"]) == (3, 0, 3, 1)
    assert (figures["rate"]["k"], figures["rate"]["n"]) == (0, 1)
    assert desk.timeliness("--as-of", "2026-03-20")["not_due"] == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--from", "2026-02-31", "--to", "2026-03-01"], "Không có ngày “2026-02-31”"),
        (["--from", "2026-03-02", "--to", "2026-03-01"], "Ngày cuối kỳ"),
        (["--from", "2026-03-01", "--to", "2026-03-02", "--rule", "soon"], "Không hiểu thời hạn"),
        (["--from", "2026-03-01", "--to", "2026-03-02", "--rule", "4 working hours"], "theo ngày"),
        (["--from", "2026-03-01", "--to", "2026-03-02", "--rule", "1000000 days"], "Thời hạn phải từ 1 đến 10000"),
        (["--from", "2026-03-01", "--to", "2026-03-02", "--as-of", "9999-12-31"], "Không có ngày “9999-12-31”"),
        (["--from", "2026-03-01", "--to", "2026-03-02", "--calendar", "mars"], "Không có lịch"),
        (["--from", "2026-03-01", "--to", "2026-03-02", "--unit", "mars"], "Không có cơ quan"),
    ],
)
def test_question_that_makes_no_sense_is_refused_in_a_sentence(desk: Desk, options: list[str], says: str) -> None:
    assert says in desk.refusal("kpi", "timeliness", *options)


def test_period_without_tickets_has_no_rate(desk: Desk) -> None:
    figures = desk.timeliness()
    assert (figures["received"], figures["rate"]["value"], figures["median_days"]) == (0, None, None)
    assert "chưa có (n = 0)" in desk.run("kpi", "timeliness", "--from", "2026-01-01", "--to", "2026-02-01").stdout
