"""The page of reports: started as a task, followed without JavaScript, fetched by right, the author's texts kept."""

from datetime import datetime

import pytest
from fastapi.testclient import TestClient
from kombu.exceptions import OperationalError
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.documents.places import read_back
from backend.errors import NotFound
from backend.jobs.models import JobStage, LongJob
from backend.jobs.service import HANDED_AGAIN, JobKind, ask_job
from backend.reports import figures, service, tasks
from backend.reports.blocks import pictures
from backend.reports.service import ReportSubject
from backend.users.models import Role
from backend.worker import app
from tests.factories import PASSWORD, World

ABOUT = ReportSubject("lai-chau", 2023, 2022)
FIELDS = {"don-vi": "lai-chau", "nam": "2023", "so-voi": "2022"}
FILE = "/bao-cao/tai?don-vi=lai-chau&nam=2023&so-voi=2022&tep=bao-cao-sipas.docx"


@pytest.fixture(autouse=True)
def quickly_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts in few dots: what they look like is tested elsewhere."""
    monkeypatch.setattr(figures, "DPI", 20)
    monkeypatch.setattr(service, "pictures", lambda blocks: pictures(blocks)[:1])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Jobs handed to the worker, in place of a worker."""
    handed: list[int] = []
    monkeypatch.setattr(app, "send_task", lambda name, args: handed.append(args[0]))
    return handed


def sign_in(client: TestClient, world: World, role: Role = Role.MANAGER) -> None:
    user = world.user(role)
    assert client.post("/dang-nhap", data={"email": user.email, "password": PASSWORD}).status_code == 303


def job(session: Session) -> LongJob:
    session.expire_all()
    return session.scalars(select(LongJob).order_by(LongJob.id.desc()).limit(1)).one()


def test_a_manager_has_the_report_made_and_fetches_it(
    client: TestClient, world: World, session: Session, asked: list[int]
) -> None:
    sign_in(client, world)
    page = client.get("/bao-cao").text
    assert "chưa được lập" in page and "http-equiv" not in page
    assert client.post("/bao-cao", data=FIELDS).status_code == 303
    page = client.get("/bao-cao").text
    assert "Đang lập báo cáo" in page and 'http-equiv="refresh"' in page and "hx-get" in page
    tasks.make_report(asked[0])
    assert job(session).stage is JobStage.DONE and job(session).done == service.STEPS
    page = client.get("/bao-cao").text
    assert "Lập lại báo cáo" in page and "hinh-1-tong-hop.svg" in page and 'http-equiv="refresh"' not in page
    answer = client.get(FILE)
    assert answer.status_code == 200 and answer.content[:2] == b"PK"
    assert "attachment; filename=bao-cao-sipas-lai-chau-2023.docx" in answer.headers["content-disposition"]


def test_htmx_gets_only_how_far_it_is(client: TestClient, world: World, asked: list[int]) -> None:
    sign_in(client, world)
    client.post("/bao-cao", data=FIELDS)
    part = client.get("/bao-cao", headers={"HX-Request": "true"}).text
    assert part.lstrip().startswith("<section") and "<progress" in part and "<html" not in part


@pytest.mark.parametrize("role", [Role.OFFICER, Role.LEADER, Role.ADMINISTRATOR])
def test_others_neither_make_nor_fetch_reports(client: TestClient, world: World, asked: list[int], role: Role) -> None:
    sign_in(client, world, role)
    assert client.get("/bao-cao").status_code == client.post("/bao-cao", data=FIELDS).status_code == 403
    assert client.get(FILE).status_code == 403 and asked == []


def test_nobody_fetches_without_signing_in(client: TestClient) -> None:
    assert client.get(FILE).status_code in (303, 401)


def test_one_at_a_time_until_the_worker_has_died(
    client: TestClient, world: World, session: Session, asked: list[int], monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    sign_in(client, world)
    client.post("/bao-cao", data=FIELDS)
    client.post("/bao-cao", data=FIELDS)
    assert len(asked) == 1
    monkeypatch.setattr(clock, "now", lambda: now + HANDED_AGAIN)
    assert "Có lỗi khi lập báo cáo" in client.get("/bao-cao").text
    client.post("/bao-cao", data=FIELDS)
    assert len(asked) == 2
    assert asked[0] == asked[1] and "Đang lập báo cáo" in client.get("/bao-cao").text


def test_a_report_asked_for_while_the_broker_is_away_waits_and_is_told_so(
    client: TestClient, world: World, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(name: str, args: object) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(app, "send_task", away)
    sign_in(client, world)
    assert client.post("/bao-cao", data=FIELDS).status_code == 303
    assert job(session).stage is JobStage.ASKED
    assert "sẽ tự bắt đầu trong ít phút" in client.get("/bao-cao").text


def test_a_job_that_fails_says_so_and_leaves_the_last_files(
    client: TestClient, world: World, session: Session, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, world)
    client.post("/bao-cao", data=FIELDS)
    tasks.make_report(asked[0])
    before = client.get(FILE).content
    client.post("/bao-cao", data=FIELDS)

    def fails(*args: object) -> None:
        raise RuntimeError("of the charts")

    monkeypatch.setattr(service, "make", fails)
    with pytest.raises(RuntimeError):
        tasks.make_report(asked[1])
    assert job(session).stage is JobStage.STOPPED and client.get(FILE).content == before


def test_a_task_that_comes_twice_works_once(
    client: TestClient, world: World, session: Session, asked: list[int]
) -> None:
    sign_in(client, world)
    client.post("/bao-cao", data=FIELDS)
    tasks.make_report(asked[0])
    report, _files = service.find_report(session, ABOUT)
    assert report is not None
    report.made_at = None
    session.flush()
    tasks.make_report(asked[0])
    session.expire_all()
    assert report.made_at is None


def test_texts_are_kept_and_go_into_the_next_report(
    client: TestClient, world: World, session: Session, asked: list[int]
) -> None:
    sign_in(client, world)
    assert client.post("/bao-cao/loi-van", data=FIELDS | {"causes": "Thiếu người.\nĐường xa."}).status_code == 303
    assert "Thiếu người." in client.get("/bao-cao").text
    client.post("/bao-cao", data=FIELDS)
    tasks.make_report(asked[0])
    assert read_back(client.get(FILE).content)["causes"] == "Thiếu người.\nĐường xa."


@pytest.mark.parametrize("path", ["/bao-cao", "/bao-cao/giu-lai"])
def test_no_button_of_the_page_loses_a_text_that_is_not_saved_yet(
    client: TestClient, world: World, session: Session, asked: list[int], path: str
) -> None:
    sign_in(client, world)
    answer = client.post(path, data=FIELDS | {"causes": "Thiếu người."})
    assert answer.status_code in (303, 422)
    assert "Thiếu người." in client.get("/bao-cao").text


def test_a_text_that_is_too_long_is_refused_at_its_field_with_the_text_still_there(
    client: TestClient, world: World, session: Session
) -> None:
    sign_in(client, world)
    answer = client.post("/bao-cao/loi-van", data=FIELDS | {"causes": "dài " * 6000, "target": "Đạt 80."})
    assert answer.status_code == 422 and 'id="causes-error"' in answer.text and "Đạt 80." in answer.text
    assert service.read_texts(session, ABOUT) == {}


def test_an_edited_document_is_taken_over(client: TestClient, world: World, session: Session, now: datetime) -> None:
    sign_in(client, world)
    service.save_texts(session, ABOUT, {"causes": "Từ Word."}, user_id=None, now=now)
    document = service.make(session, ABOUT, now).files[service.DOCX]
    service.save_texts(session, ABOUT, {"causes": ""}, user_id=None, now=now)
    answer = client.post("/bao-cao/giu-lai", data=FIELDS, files={"tep": ("a.docx", document)})
    assert answer.status_code == 303 and service.read_texts(session, ABOUT)["causes"] == "Từ Word."
    assert client.post("/bao-cao/giu-lai", data=FIELDS, files={"tep": ("a.docx", b"khong")}).status_code == 422
    assert client.post("/bao-cao/giu-lai", data=FIELDS).status_code == 422


@pytest.mark.parametrize(
    "query", ["nam=1999&so-voi=1998", "nam=2022&so-voi=2023", "don-vi=ha-noi", "nam=2023&so-voi=2023"]
)
def test_an_address_that_asks_for_no_report_is_refused(client: TestClient, world: World, query: str) -> None:
    sign_in(client, world)
    assert client.get(f"/bao-cao?{query}").status_code == 422


def test_a_job_of_other_work_is_not_taken_for_a_report(session: Session, now: datetime) -> None:
    other = ask_job(session, JobKind("ballots.import"), "x", now=now)
    with pytest.raises(NotFound):
        service.run_job(other.id, lambda: now)
