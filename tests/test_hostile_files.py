"""Small files that would keep a process busy for minutes: each is answered in a sentence at its field, soon, while the
other pages answer too."""

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from backend import db
from backend.app import create_app
from backend.errors import Conflict, Invalid, TooMany
from backend.files.faults import FileRefused, TableFault
from backend.jobs import guarded
from backend.jobs.guarded import GuardLimits, run_guarded
from backend.surveys.ballot_files import waiting
from backend.surveys.models import BallotBatch
from backend.surveys.rounds import service
from backend.users.guard import COOKIE
from backend.users.models import Role
from backend.worktime import service as worktime
from backend.worktime.errors import WorktimeError
from tests import hostile_files as hostile
from tests.calendars.calendar_form import filled
from tests.factories import World
from tests.guarded_work import count, fail, refuse, spin, take_memory
from tests.signing_in import signed_in

ROUND = "thu-2026"
# Seconds within which a file must be answered. A child may compute for five, and starts in one or two; the rest is for
# a machine with other work.
SOON = 60.0
UPLOAD = f"/khao-sat/dot/{ROUND}/tep"

BALLOTS: dict[str, Callable[[], bytes]] = {
    "merged cells declared 20,000 times": hostile.merged_cells_declared_20_000_times,
    "one sheet listed 20,000 times": hostile.one_sheet_listed_20_000_times,
    "one part listed 60,000 times": hostile.one_part_listed_60_000_times,
    "rows of one far cell": hostile.rows_of_one_far_cell,
    "a workbook's heading of 140,000 letters": hostile.workbook_heading_of_140_000_letters,
    "a zip bomb": hostile.zip_bomb,
    "a heading of 140,000 letters": hostile.csv_heading_of_140_000_letters,
    "a cell of 140,000 letters": hostile.csv_cell_of_140_000_letters,
    "a quote that never closes": hostile.csv_that_opens_a_quote,
}
FORMS: dict[str, Callable[[], str]] = {
    "a key 20,000 deep": hostile.toml_key_20_000_deep,
    "lists 20,000 deep": hostile.toml_lists_20_000_deep,
    "9,000 tables deep in one another": hostile.toml_tables_deep_in_one_another,
    "a number of 100,000 digits": hostile.toml_number_of_100_000_digits,
    "20,000 unknown keys": hostile.toml_of_20_000_unknown_keys,
    "a key that is a pattern": hostile.toml_with_a_key_that_is_a_pattern,
}
CALENDARS: dict[str, Callable[[], bytes]] = {
    "a heading of 140,000 letters": hostile.csv_heading_of_140_000_letters,
    "100,000 columns": lambda: hostile.csv_of_100_000_columns("date,kind,name"),
    "components 20,000 deep": hostile.calendar_of_components_20_000_deep,
    "a line of a million letters": hostile.calendar_line_of_a_million_letters,
}
DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "controls in controls": hostile.document_of_paragraphs_in_paragraphs,
    "a gigabyte of blanks": hostile.document_that_unpacks_to_a_gigabyte,
    "entities of entities": hostile.document_of_entities,
    "broken compression": hostile.document_with_broken_compression,
}


@pytest.fixture
def officer(client: TestClient, session: Session, world: World, now: datetime) -> None:
    open_round(session, now)
    client.cookies.set(COOKIE, signed_in(session, world.user(Role.SURVEY), now))


def open_round(session: Session, now: datetime) -> None:
    days = (date(2026, 11, 1), date(2026, 12, 31))
    plan = service.RoundPlan(ROUND, "Khảo sát thử", "feedback-1", "12", 2026, *days, planned_n=600)
    service.open_round(session, plan, by="system", now=now)


def timed(name: str, size: int, send: Callable[[], object]) -> None:
    """The time goes to the output of the run, for who wants to see it (``-s``)."""
    begun = time.monotonic()
    send()
    taken = time.monotonic() - begun
    sys.stdout.write(f"{name}: {size / 1000:,.0f} kB, {taken:.1f} s\n")
    assert taken < SOON, name


@pytest.mark.parametrize("name", BALLOTS)
@pytest.mark.parametrize("act", ["check", "import"])
def test_ballots_are_refused_at_the_file_and_nothing_is_stored(
    client: TestClient, officer: None, session: Session, name: str, act: str
) -> None:
    content = BALLOTS[name]()

    def send() -> None:
        answer = client.post(UPLOAD, data={"act": act}, files={"file": ("phieu.xlsx", content)})
        if name == "a cell of 140,000 letters" or answer.status_code in (200, 303):
            assert answer.status_code in (200, 303), "a line that is wrong is held, and the file is read"
        else:
            assert answer.status_code == 422 and 'id="file-error"' in answer.text
            assert session.scalars(select(BallotBatch)).all() == []
        assert len(answer.text) < 400_000

    timed(f"ballots, {name}, {act}", len(content), send)


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_refused_at_its_text(client: TestClient, officer: None, name: str) -> None:
    content = FORMS[name]()

    def send() -> None:
        answer = client.post("/khao-sat/mau", data={"act": "check", "toml": content})
        assert answer.status_code == 422 and 'id="toml-error"' in answer.text

    timed(f"form, {name}", len(content), send)


@pytest.mark.parametrize("content", [hostile.csv_heading_of_140_000_letters(), hostile.zip_bomb()])
def test_a_sample_is_refused_at_its_file(client: TestClient, officer: None, content: bytes) -> None:
    def send() -> None:
        answer = client.post(f"/khao-sat/dot/{ROUND}/mau-rut", files={"sample": ("sample.csv", content)})
        assert answer.status_code == 422 and 'id="sample-error"' in answer.text

    timed("sample", len(content), send)


@pytest.mark.parametrize("text", ["x;y;z\n" * 16_000, "x" * 100_001])
def test_totals_are_refused_at_their_text_with_as_many_reasons_as_anybody_reads(
    client: TestClient, officer: None, text: str
) -> None:
    def send() -> None:
        answer = client.post(f"/khao-sat/dot/{ROUND}/mau-rut/tong", data={"totals": text, "source": "Cục Thống kê"})
        assert answer.status_code == 422 and 'id="totals-error"' in answer.text
        assert len(answer.text) < 400_000

    timed("totals", len(text), send)


@pytest.mark.parametrize("name", CALENDARS)
def test_a_calendar_is_refused_at_its_file_with_the_form_kept(
    client: TestClient, session: Session, world: World, now: datetime, name: str
) -> None:
    client.cookies.set(COOKIE, signed_in(session, world.user(Role.ADMINISTRATOR), now))
    base = worktime.active_id(session)
    address = f"/lich-lam-viec/{base}/sua"
    content = CALENDARS[name]()[: 1024 * 1024]

    def send() -> None:
        answer = client.post(
            address, data=filled(session, base, do="import", basis="Quyết định thử"), files={"file": ("lich", content)}
        )
        assert "Quyết định thử" in answer.text
        if name not in ("a line of a million letters", "100,000 columns"):  # long and right
            assert answer.status_code == 422 and 'id="file-error"' in answer.text

    timed(f"calendar, {name}", len(content), send)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_an_edited_report_is_refused_at_its_file(
    client: TestClient, session: Session, world: World, now: datetime, name: str
) -> None:
    client.cookies.set(COOKIE, signed_in(session, world.user(Role.MANAGER), now))
    fields = {"don-vi": "lai-chau", "nam": "2023", "so-voi": "2022"}
    content = DOCUMENTS[name]()

    def send() -> None:
        answer = client.post("/bao-cao/giu-lai", data=fields, files={"tep": ("a.docx", content)})
        assert answer.status_code == 422 and ('id="tep-error"' in answer.text or 'id="causes-error"' in answer.text)

    timed(f"report, {name}", len(content), send)


@pytest.mark.parametrize(
    "table", [hostile.csv_heading_of_140_000_letters("m"), hostile.csv_of_100_000_columns("ma,gia_tri")]
)
def test_published_figures_are_refused_at_their_table(
    client: TestClient, session: Session, world: World, now: datetime, table: bytes
) -> None:
    client.cookies.set(COOKIE, signed_in(session, world.user(Role.MANAGER), now))
    fields = {
        "noi": "lai-chau", "nam": "2024", "phuong-phap": "qd1001-2023", "ma-van-ban": "lai-chau-2025",
        "van-ban": "Báo cáo của UBND tỉnh Lai Châu năm 2025",
    }  # fmt: skip

    def send() -> None:
        answer = client.post("/chi-so/so-cong-bo", data=fields, files={"tep": ("so.csv", table[:1_000_000])})
        assert answer.status_code == 422 and 'id="bang-error"' in answer.text

    timed("published figures", len(table), send)


SMALL = GuardLimits(seconds=1, megabytes=200)


def test_what_a_function_returns_and_reports_arrives() -> None:
    heard: list[int] = []
    assert run_guarded(count, 3, limits=SMALL, field="file", report=heard.append) == 3
    assert heard == [0, 1, 2]


@pytest.mark.parametrize(("kind", "expected"), [("file", FileRefused), ("calendar", WorktimeError), ("", Conflict)])
def test_a_refusal_arrives_as_it_is(kind: str, expected: type[Exception]) -> None:
    with pytest.raises(expected) as caught:
        run_guarded(refuse, kind, limits=SMALL, field="file")
    refusal = caught.value
    assert isinstance(refusal, Invalid | Conflict)
    if isinstance(refusal, FileRefused):
        assert (refusal.fault, refusal.params, refusal.field) == (TableFault.TOO_LARGE, {"most": 100}, "file")


@pytest.mark.parametrize(
    ("function", "argument", "sentence"),
    [(spin, 10**12, "quá phức tạp"), (take_memory, 5_000, "quá phức tạp"), (fail, "Nguyễn Văn A", "không đọc được")],
)
def test_what_takes_too_much_or_fails_is_refused_and_the_next_one_is_read(
    function: Callable[..., object], argument: int | str, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Invalid, match=sentence) as caught:
        run_guarded(function, argument, limits=SMALL, field="file")
    assert caught.value.field == "file" and "Nguyễn" not in caplog.text
    assert run_guarded(spin, 7, limits=SMALL, field="file") == 21


def test_a_child_that_ended_for_want_of_work_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_guarded(spin, 7, limits=SMALL, field="file") == 21
    for child in guarded._idle:
        child.process.kill()
        child.process.wait()
    assert run_guarded(spin, 7, limits=SMALL, field="file") == 21


@pytest.fixture
def browsers(committed: Engine, monkeypatch: pytest.MonkeyPatch, now: datetime) -> Callable[[], TestClient]:
    """Browsers of one officer, on a database with real commits."""
    with db.transaction() as session:
        open_round(session, now)
        cookie = signed_in(session, World(session).user(Role.SURVEY), now)
    app = create_app()

    def browser() -> TestClient:
        client = TestClient(app, follow_redirects=False, headers={"Sec-Fetch-Site": "same-origin"})
        client.cookies.set(COOKIE, cookie)
        return client

    return browser


def test_other_pages_answer_while_twenty_hostile_files_are_read(browsers: Callable[[], TestClient]) -> None:
    content = hostile.rows_of_one_far_cell()
    over = threading.Event()
    slowest: list[float] = []

    def ask() -> None:
        client = browsers()
        while not over.wait(0.05):
            begun = time.monotonic()
            assert client.get("/healthz").status_code == 200
            slowest.append(time.monotonic() - begun)

    def send(_number: int) -> int:
        files = {"file": ("phieu.xlsx", content)}
        answer = browsers().post(UPLOAD, data={"act": "check"}, files=files)
        assert 'id="file-error"' in answer.text
        return answer.status_code

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        with ThreadPoolExecutor(20) as pool:
            statuses = list(pool.map(send, range(20)))
    finally:
        over.set()
        asking.join()
    sys.stdout.write(f"/healthz: {len(slowest)} answers, slowest {max(slowest):.2f} s; uploads {sorted(statuses)}\n")
    assert set(statuses) <= {422, TooMany.status} and 422 in statuses and TooMany.status in statuses
    assert max(slowest) < 5.0


def test_a_large_file_read_by_the_worker_stops_with_the_reason(session: Session, world: World, now: datetime) -> None:
    open_round(session, now)
    job_id = waiting.begin_import(session, ROUND, hostile.rows_of_one_far_cell(), "to.xlsx", None, now).id
    session.commit()
    timed("ballots in the worker", 0, lambda: waiting.run_import(job_id, lambda: now + timedelta(seconds=1)))
    session.expire_all()
    assert "quá phức tạp" in waiting.job_of(session, job_id).note
    assert list(waiting.waiting_folder().iterdir()) == []
