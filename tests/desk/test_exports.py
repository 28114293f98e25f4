"""Exports: what a file holds, who can download it, what is recorded, and when it is gone."""

import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.audit import AuditEntry
from backend.desk.exports import pages, service
from backend.desk.exports.lists import LISTS
from backend.desk.exports.models import ListExport
from backend.files.sheets import quote_formula, sheet_title, unquote_formula, write_csv, write_workbook
from backend.jobs.models import JobStage, LongJob
from backend.settings import get_settings
from backend.surveys.ballot_files.faults import BallotFault, BallotFinding
from backend.surveys.models import HeldRow
from backend.users.models import Role, User
from tests.factories import World
from tests.signing_in import sign_in
from tests.stage import surveyed

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    '=HYPERLINK("x")',
    "'=1",
    "'",
]


def export(client: TestClient, list_key: str, file_format: str = "csv", filters: str = "") -> Response:
    return client.post("/xuat", data={"list": list_key, "format": file_format, "filters": filters})


def download(client: TestClient, answer: Response) -> Response:
    assert answer.status_code == 303, answer.text
    return client.get(answer.headers["location"])


def csv_rows(content: bytes) -> list[list[str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return [[unquote_formula(cell) for cell in row] for row in rows]


def xlsx_rows(content: bytes) -> list[list[Any]]:
    sheet = load_workbook(io.BytesIO(content)).active
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def stored_files() -> list[Path]:
    return sorted((get_settings().data_dir / "exports").glob("*"))


def history(session: Session, action: str) -> list[Any]:
    return list(session.scalars(select(AuditEntry.data).where(AuditEntry.action == action).order_by(AuditEntry.id)))


@pytest.fixture
def officer(client: TestClient, world: World) -> User:
    user = world.user(Role.OFFICER)
    sign_in(client, user)
    return user


@pytest.fixture
def to_worker(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every list is long; the jobs that would be handed to a worker."""
    jobs: list[int] = []
    monkeypatch.setattr(service, "AT_ONCE_MOST", 0)
    monkeypatch.setattr(pages, "hand_to_worker", lambda _kind, job_id: jobs.append(job_id))
    return jobs


@pytest.mark.usefixtures("officer")
@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_the_inbox_is_exported_as_it_is_shown(
    client: TestClient, world: World, now: datetime, file_format: str
) -> None:
    world.receive(now - timedelta(days=2), title="Đèn đường ở chợ tắt")
    world.receive(now, title="Rác tồn đọng")
    world.receive(now, title="Đèn của xã khác", unit_id=world.unit("03434").id)
    answer = download(client, export(client, "hop-thu", file_format, "q=den&state=new"))
    assert answer.headers["content-disposition"] == f'attachment; filename="hop-thu-20261118.{file_format}"'
    assert answer.headers["cache-control"] == "private, no-store"
    header, *rows = csv_rows(answer.content) if file_format == "csv" else xlsx_rows(answer.content)
    assert header[:3] == ["Mã số", "Tiêu đề", "Loại phản ánh"]
    assert [row[1] for row in rows] == ["Đèn đường ở chợ tắt"]
    assert rows[0][3] == world.unit().name and rows[0][7] == "16/11/2026"
    assert "Lò Văn Thử" not in str(rows) and "nguoigui@example.vn" not in str(rows)


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
@pytest.mark.parametrize("typed", FORMULAS)
def test_no_text_becomes_a_formula_and_every_text_comes_back(file_format: str, typed: str) -> None:
    stream = io.BytesIO()
    table: list[list[str | int]] = [[f"{typed} head", "n"], [typed, -5]]
    if file_format == "csv":
        write_csv(stream, table)
        raw = list(csv.reader(io.StringIO(stream.getvalue().decode("utf-8-sig"), newline="")))
        assert all(row[0].startswith("'") for row in raw)
        assert csv_rows(stream.getvalue()) == [[f"{typed} head", "n"], [typed, "-5"]]
        return
    write_workbook(stream, {typed: table})
    sheet = load_workbook(io.BytesIO(stream.getvalue())).active
    assert [sheet["A1"].data_type, sheet["A2"].data_type, sheet["B2"].value] == ["s", "s", -5]
    assert str(sheet["A2"].value).replace("\r", "\n").strip() == typed.replace("\r", "\n").strip()
    assert sheet["A2"].quotePrefix or typed.startswith("'")
    assert not sheet.title.startswith(("=", "+", "-", "@", "＝"))


@pytest.mark.parametrize("text", ["", "chợ", "5", "'", "''", "'=x", "=x", "-", "\n=x", "a=b"])
def test_quoting_gives_back_every_text(text: str) -> None:
    assert unquote_formula(quote_formula(text)) == text
    assert sheet_title("=" * 40) == "_" + "=" * 30


@pytest.mark.usefixtures("officer")
def test_a_title_that_is_a_formula_is_a_text_in_the_file(client: TestClient, world: World, now: datetime) -> None:
    world.receive(now, title="=HYPERLINK(A1)")
    content = download(client, export(client, "hop-thu")).content
    assert b",'=HYPERLINK(A1)," in content
    assert xlsx_rows(download(client, export(client, "hop-thu", "xlsx")).content)[1][1] == "=HYPERLINK(A1)"


@pytest.mark.usefixtures("officer")
def test_the_search_is_exported_in_its_order(client: TestClient, world: World, now: datetime) -> None:
    for title in ("Chợ cũ", "Cho xin", "Chợ mới"):
        world.receive(now, title=title, content="Nội dung giống như tiêu đề, không có gì thêm.")
    rows = csv_rows(download(client, export(client, "tim", filters="q=ch%E1%BB%A3")).content)
    assert [row[1] for row in rows[1:]] == ["Chợ mới", "Chợ cũ", "Cho xin"]


def test_a_figure_and_accounts_are_exported_by_those_who_see_them(
    client: TestClient, world: World, now: datetime
) -> None:
    world.receive(now, title="Của hôm nay")
    sign_in(client, world.user(Role.COORDINATOR))
    rows = csv_rows(download(client, export(client, "chi-so", filters="nhom=con-mo")).content)
    assert [row[1] for row in rows[1:]] == ["Của hôm nay"]
    assert export(client, "tai-khoan").status_code == 403
    administrator = world.user(Role.ADMINISTRATOR)
    sign_in(client, administrator)
    rows = csv_rows(download(client, export(client, "tai-khoan")).content)
    assert [administrator.name, administrator.email] in [row[:2] for row in rows]
    assert "argon2" not in str(rows) and export(client, "hop-thu").status_code == 403


def test_held_rows_of_an_import_are_exported(client: TestClient, session: Session, world: World, now: datetime) -> None:
    batch_id, _job = surveyed(session, now)
    finding = BallotFinding("c1", BallotFault.FORMULA, {})
    session.add(HeldRow(batch_id=batch_id, line=2, cells=["=1+1"], findings=[["c1", finding.fault.value, {}]]))
    session.flush()
    sign_in(client, world.user(Role.SURVEY))
    rows = csv_rows(download(client, export(client, "dong-bi-giu", filters=f"batch={batch_id}")).content)
    assert len(rows) == 2 and rows[1][-3] == "2"
    assert export(client, "dong-bi-giu", filters="batch=x").status_code == 422
    assert export(client, "dong-bi-giu", filters="batch=999999").status_code == 404


@pytest.mark.usefixtures("officer")
@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 422),
        ({"list": "khac", "format": "csv"}, 422),
        ({"list": "hop-thu", "format": "pdf"}, 422),
        ({"list": "hop-thu", "format": "csv", "filters": "state=khac"}, 422),
        ({"list": "hop-thu", "format": "csv", "filters": "unit=x"}, 422),
        ({"list": "hop-thu", "format": "csv", "filters": "x" * 5000}, 422),
        ({"list": "tim", "format": "csv", "filters": "q=%25%25"}, 422),
        ({"list": "tim", "format": "csv", "filters": ""}, 422),
        ({"list": "chi-so", "format": "csv", "filters": "nhom=khac"}, 422),
        ({"list": "tai-khoan", "format": "csv"}, 403),
        ({"list": "dong-bi-giu", "format": "csv", "filters": "batch=1"}, 403),
    ],
)
def test_what_cannot_be_exported_is_refused_and_leaves_nothing(
    client: TestClient, session: Session, fields: dict[str, str], status: int
) -> None:
    assert client.post("/xuat", data=fields).status_code == status
    assert session.query(ListExport).count() == 0 and stored_files() == []


@pytest.mark.usefixtures("officer")
def test_the_history_has_list_and_rows_and_no_words(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    world.receive(now, title="Đèn tắt")
    download(client, export(client, "hop-thu", filters="q=den"))
    (made,) = history(session, "list_exported")
    assert made == {"export": made["export"], "list": "hop-thu", "format": "csv", "rows": 1}
    assert history(session, "export_downloaded") == [{"export": made["export"]}]


def change_role(session: Session, world: World, user: User) -> None:
    user.role = Role.MANAGER


def change_unit(session: Session, world: World, user: User) -> None:
    user.unit_id = world.unit("LC-SYT").id


@pytest.mark.parametrize("change", [change_role, change_unit])
def test_a_person_whose_right_has_changed_gets_no_file_and_it_is_removed(
    client: TestClient, session: Session, world: World, now: datetime, officer: User, change: Any
) -> None:
    world.receive(now)
    answer = export(client, "hop-thu")
    change(session, world, officer)
    session.flush()
    assert len(stored_files()) == 1
    refused = download(client, answer)
    assert (refused.status_code, refused.headers["location"]) == (303, "/xuat")
    assert "Quyền của bạn đã thay đổi" in client.get("/xuat").text
    assert stored_files() == [] and session.query(ListExport).one().filters == {}


def test_a_file_of_somebody_else_and_one_that_never_was_get_the_same_answer(
    client: TestClient, world: World, now: datetime, officer: User
) -> None:
    world.receive(now)
    address = export(client, "hop-thu").headers["location"]
    sign_in(client, world.user(Role.OFFICER))
    for asked in (address, "/xuat/999999999999999999999/x.csv", "/xuat/0/x.csv"):
        answer = client.get(asked)
        assert (answer.status_code, answer.headers["location"]) == (303, "/xuat")
        assert "Tệp này không còn nữa" in client.get("/xuat").text
    assert "hop-thu-" not in client.get("/xuat").text


def test_a_file_expires_and_the_sweep_removes_it(
    client: TestClient, session: Session, world: World, now: datetime, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.receive(now)
    address = export(client, "hop-thu", filters="q=cho").headers["location"]
    assert service.sweep_exports(now + timedelta(hours=23)) == 0 and len(stored_files()) == 1
    later = now + service.KEPT_FOR
    monkeypatch.setattr(clock, "now", lambda: later)
    sign_in(client, officer)
    assert client.get(address).headers["location"] == "/xuat"
    assert service.sweep_exports(later) == 1
    assert stored_files() == [] and service.sweep_exports(later) == 0
    session.expire_all()
    assert session.query(ListExport).one().filters == {}


def test_the_sweep_removes_files_of_closed_accounts_and_of_nobody(
    client: TestClient, session: Session, world: World, now: datetime, officer: User
) -> None:
    world.receive(now)
    export(client, "hop-thu")
    officer.active = False
    session.flush()
    orphan = get_settings().data_dir / "exports" / "0.csv"
    orphan.write_text("x")
    assert service.sweep_exports(now) == 1 and stored_files() == [orphan]
    assert service.sweep_exports(clock.now() + timedelta(days=3650)) == 1 and stored_files() == []


@pytest.mark.usefixtures("officer")
def test_a_long_list_is_written_by_a_worker_and_its_page_shows_how_far_it_is(
    client: TestClient, session: Session, world: World, now: datetime, to_worker: list[int]
) -> None:
    world.receive(now, title="Đèn tắt")
    answer = export(client, "hop-thu", "xlsx")
    assert answer.headers["location"] == "/xuat" and len(to_worker) == 1
    page = client.get("/xuat").text
    assert "Đang lập" in page and 'hx-trigger="every 2s"' in page and stored_files() == []
    service.run_export(to_worker[0], lambda: now)
    session.expire_all()
    page = client.get("/xuat").text
    address = page.split('<a href="/xuat/')[1].split('"')[0]
    assert xlsx_rows(client.get(f"/xuat/{address}").content)[1][1] == "Đèn tắt"
    assert session.query(LongJob).one().stage is JobStage.DONE and "every 2s" not in page
    assert [data["rows"] for data in history(session, "list_exported")] == [1]
    service.run_export(to_worker[0], lambda: now)  # a task may come twice
    assert len(history(session, "list_exported")) == 1


@pytest.mark.usefixtures("officer")
def test_a_person_waits_for_a_few_exports_at_a_time(
    client: TestClient, world: World, now: datetime, to_worker: list[int]
) -> None:
    world.receive(now)
    for _again in range(service.UNDER_WAY_MOST):
        assert export(client, "hop-thu").status_code == 303
    assert export(client, "hop-thu").status_code == 409
    service.run_export(to_worker[0], lambda: now)
    assert export(client, "hop-thu").status_code == 303


def test_a_worker_writes_nothing_for_a_person_whose_right_has_changed(
    client: TestClient, session: Session, world: World, now: datetime, officer: User, to_worker: list[int]
) -> None:
    world.receive(now)
    export(client, "hop-thu")
    officer.role = Role.MANAGER
    session.flush()
    service.run_export(to_worker[0], lambda: now)
    session.expire_all()
    stopped = session.query(ListExport).one()
    assert stopped.removed_at is not None and stored_files() == []
    assert "Quyền của bạn đã thay đổi" in client.get("/xuat").text


@pytest.mark.usefixtures("officer")
def test_a_failure_of_the_system_is_told_and_does_not_block_the_next_export(
    client: TestClient,
    session: Session,
    world: World,
    now: datetime,
    to_worker: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.receive(now)
    export(client, "hop-thu")
    monkeypatch.setattr(service, "write_csv", broken)
    with pytest.raises(OSError, match="disk"):
        service.run_export(to_worker[0], lambda: now)
    session.expire_all()
    assert session.query(ListExport).one().removed_at is not None and stored_files() == []
    assert "Chưa lập được tệp" in client.get("/xuat").text


def broken(*_arguments: object) -> None:
    raise OSError("the disk is full")


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_a_hundred_thousand_rows_take_little_memory(tmp_path: Path, file_format: str) -> None:
    def table() -> Iterator[list[str | int]]:
        for line in range(100_000):
            yield [
                f"PAKN.20261118.{line:06}",
                "Đường vào bản sạt lở sau mưa, xe không qua được",
                "Phường Đoàn Kết",
                line,
            ]

    with (tmp_path / "file").open("wb") as stream:
        tracemalloc.start()
        if file_format == "csv":
            write_csv(stream, table())
        else:
            write_workbook(stream, {"Phản ánh": table()})
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 3_000_000


def test_each_page_with_a_list_offers_its_export(client: TestClient, world: World, now: datetime) -> None:
    world.receive(now, title="Đèn tắt")
    sign_in(client, world.user(Role.COORDINATOR))
    offered = {
        "hop-thu": "/hop-thu?state=new",
        "tim": "/hop-thu/tim?q=den",
        "chi-so": "/chi-so/phan-anh?nhom=con-mo",
    }
    for key, address in offered.items():
        html = client.get(address).text
        assert f'name="list" value="{key}"' in html
        assert f'name="filters" value="{address.partition("?")[2]}"' in html
    sign_in(client, world.user(Role.ADMINISTRATOR))
    assert 'name="list" value="tai-khoan"' in client.get("/tai-khoan").text
    assert set(offered) | {"da-chon", "tai-khoan", "dong-bi-giu"} == set(LISTS)


def test_nobody_exports_without_an_account(client: TestClient, session: Session) -> None:
    assert export(client, "hop-thu").status_code == 401
    assert session.query(ListExport).count() == 0
