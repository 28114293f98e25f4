"""Survey pages: rounds opened, files looked over and taken, batches withdrawn, ballots typed once and twice."""

import logging
import os
from datetime import date, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from backend.errors import Conflict
from backend.jobs.models import JobStage, LongJob
from backend.jobs.service import sweep_jobs
from backend.surveys.ballot_files import tasks, waiting
from backend.surveys.ballot_files.read_choices import choices_written, read_choices, write_choices
from backend.surveys.entry import service as entry
from backend.surveys.forms.instruments import parse_instrument, shipped_instrument
from backend.surveys.models import Ballot, BallotBatch, RepeatBallot, Round
from backend.surveys.rounds import service
from backend.users.guard import COOKIE
from backend.users.models import Role, User
from backend.worker import app
from tests.ballots import HEADER, ROUND, as_csv, row
from tests.factories import World
from tests.signing_in import signed_in

SHORT = "ngan-2026"
MINUTE = timedelta(minutes=1)
EVERY_ANSWER = {"q37": "4", "q38": "3", "q39": "5"}


@pytest.fixture
def officer(client: TestClient, session: Session, world: World, now: datetime) -> User:
    user = world.user(Role.SURVEY)
    client.cookies.set(COOKIE, signed_in(session, user, now))
    return user


@pytest.fixture
def opened(session: Session, now: datetime) -> Round:
    """A round of the household form, and one of the short form that is entered twice."""
    days = (date(2026, 11, 1), date(2026, 12, 31))
    plans = [
        service.RoundPlan(ROUND, "Khảo sát thử", "household-2023", "12", 2026, *days, planned_n=600),
        service.RoundPlan(SHORT, "Phiếu ngắn", "feedback-1", "12", 2026, *days, planned_n=60, second_share=1.0),
    ]
    return [service.open_round(session, plan, by="system", now=now) for plan in plans][1]


def test_an_officer_opens_a_round_and_is_told_what_is_missing(client: TestClient, officer: User) -> None:
    form = {"code": "lai-chau-2026", "name": "Lai Châu 2026", "instrument": "household-2023", "year": "2026"}
    refused = client.post("/khao-sat", data=form)
    assert refused.status_code == 422 and "Hãy điền mục này." in refused.text and "Lai Châu 2026" in refused.text
    form |= {"first_day": "1/12/2026", "last_day": "31/12/2026", "planned_n": "558", "second_percent": "10"}
    assert client.post("/khao-sat", data=form | {"instrument": "household-2022"}).status_code == 422
    made = client.post("/khao-sat", data=form)
    assert made.status_code == 303 and made.headers["location"] == "/khao-sat/dot/lai-chau-2026"
    assert "Lai Châu 2026" in client.get(made.headers["location"]).text
    assert client.post("/khao-sat", data=form).status_code == 409


def test_a_file_is_looked_over_then_taken_and_its_batch_withdrawn(
    client: TestClient, officer: User, opened: Round, session: Session
) -> None:
    content = as_csv([row(1), row(2), row(3, q01="0")], HEADER)
    address = f"/khao-sat/dot/{ROUND}/tep"
    looked = client.post(address, data={"act": "check"}, files={"file": ("phieu.csv", content)})
    assert looked.status_code == 200 and "2 dòng nhận được, 1 dòng bị giữ" in looked.text
    assert "0 không có trong thang từ 1 đến 5" in looked.text and session.scalars(select(BallotBatch)).all() == []
    taken = client.post(address, data={"act": "import"}, files={"file": ("phieu.csv", content)})
    assert taken.status_code == 303
    page = client.get(taken.headers["location"])
    assert "q01" in page.text and "0 không có trong thang" in page.text
    english = client.get(taken.headers["location"] + "/can-sua.xlsx")
    assert english.content.startswith(b"PK") and "no-store" in english.headers["cache-control"]
    again = client.post(address, data={"act": "import"}, files={"file": ("phieu.csv", content)})
    assert again.headers["location"] == taken.headers["location"]
    assert client.post(taken.headers["location"] + "/rut", data={"reason": ""}).status_code == 422
    assert client.post(taken.headers["location"] + "/rut", data={"reason": "Sai đợt"}).status_code == 303
    session.expire_all()
    assert all(ballot.withdrawn for ballot in session.scalars(select(Ballot)))
    assert client.post(taken.headers["location"] + "/rut", data={"reason": "Sai đợt"}).status_code == 409


def test_an_officer_states_how_a_file_is_to_be_read(
    client: TestClient, officer: User, opened: Round, session: Session
) -> None:
    """Month first, and 9 for "no answer": refused or held until the page's own fields say so."""
    address = f"/khao-sat/dot/{ROUND}/tep"
    file = {"file": ("phieu.csv", as_csv([row(1, ngay="11/13/2026"), row(2, ngay="11/14/2026", q01="9")]))}
    refused = client.post(address, data={"act": "import", "missing": "9"}, files=file)
    assert refused.status_code == 422 and "--dates mdy" in refused.text
    assert "<details open" in refused.text and 'value="9"' in refused.text, "what was typed stays"
    assert client.post(address, data={"act": "import", "dates": "xyz"}, files=file).status_code == 422
    taken = client.post(address, data={"act": "import", "dates": "mdy", "missing": "9"}, files=file)
    assert taken.status_code == 303
    assert session.scalars(select(BallotBatch)).one().accepted == 2
    assert {ballot.entered_on for ballot in session.scalars(select(Ballot))} == {date(2026, 11, 13), date(2026, 11, 14)}


def test_what_the_officer_states_goes_with_a_large_file_to_the_worker(
    client: TestClient, officer: User, opened: Round, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[int] = []
    monkeypatch.setattr(app, "send_task", lambda name, args: handed.append(args[0]))
    monkeypatch.setattr(waiting, "LARGE", 1)
    file = {"file": ("a/b.csv", as_csv([row(1, ngay="11/13/2026", q01="9")]))}
    client.post(f"/khao-sat/dot/{ROUND}/tep", data={"act": "import", "dates": "mdy", "missing": "9, N/A"}, files=file)
    tasks.import_file(handed[0])
    session.expire_all()
    batch = session.scalars(select(BallotBatch)).one()
    assert (batch.accepted, batch.file_name) == (1, "a/b.csv")


@pytest.mark.parametrize("written", ["", "9", "9,99", "N/A", '""', "a&b=c"])
def test_stated_choices_come_back_as_they_were_written(written: str) -> None:
    choices = read_choices("mdy", ",", written)
    assert choices_written(write_choices(choices)) == choices
    assert "/" not in write_choices(choices)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no workbook", b"a,b\n1,2\n", b"\xff\xfea\x00"])
def test_a_file_that_is_none_is_refused_in_a_sentence(
    client: TestClient, officer: User, opened: Round, content: bytes
) -> None:
    answer = client.post(f"/khao-sat/dot/{ROUND}/tep", data={"act": "import"}, files={"file": ("x.xlsx", content)})
    assert answer.status_code == 422 and 'id="file-error"' in answer.text
    assert client.post(f"/khao-sat/dot/{ROUND}/tep", data={"act": "import"}).status_code == 422


def test_a_ballot_is_typed_and_the_village_stays_for_the_next(
    client: TestClient, officer: User, opened: Round, session: Session
) -> None:
    address = f"/khao-sat/dot/{SHORT}/nhap"
    assert 'name="q37"' in client.get(address).text
    wrong = client.post(address, data={**EVERY_ANSWER, "so_phieu": "A1", "don_vi": "03387", "q37": "7"})
    assert wrong.status_code == 422 and "đơn vị kế thừa" in wrong.text and "7 không có trong thang" in wrong.text
    made = client.post(address, data={**EVERY_ANSWER, "so_phieu": "A1", "don_vi": "03388", "cum": "bản 1", "tang": "A"})
    assert made.status_code == 303 and "don_vi=03388" in made.headers["location"]
    assert 'value="03388"' in client.get(made.headers["location"]).text
    stored = session.scalars(select(Ballot)).one()
    assert stored.answers == [4, 3, 5] and stored.psu == "bản 1" and stored.entered_on == date(2026, 11, 18)
    assert client.post(address, data={**EVERY_ANSWER, "so_phieu": "A1"}).status_code == 409
    assert client.post(address, data={"so_phieu": "A2"}).status_code == 422
    mended = {**EVERY_ANSWER, "so_phieu": "A1", "don_vi": "03388", "cum": "bản 1", "tang": "A", "q39": "1"}
    assert "Thay phiếu đã nhập" in client.post(address, data=mended).text
    assert client.post(address, data=mended | {"thay": "1"}).status_code == 303
    session.expire_all()
    counted = [one.answers for one in session.scalars(select(Ballot)) if not one.withdrawn]
    assert counted == [[4, 3, 1]] and len(session.scalars(select(Ballot)).all()) == 2
    batch = session.scalars(select(BallotBatch)).one()
    assert batch.accepted == 1 and batch.created_at.astimezone().utcoffset() is not None


def test_a_second_entry_is_another_persons_and_is_compared_field_by_field(
    client: TestClient, officer: User, opened: Round, session: Session, world: World, now: datetime
) -> None:
    client.post(f"/khao-sat/dot/{SHORT}/nhap", data={**EVERY_ANSWER, "so_phieu": "A1"})
    address = f"/khao-sat/dot/{SHORT}/nhap-lai"
    second = {**EVERY_ANSWER, "so_phieu": "A1", "q38": "2", "why": "entry"}
    own = client.post(address, data=second)
    assert own.status_code == 409 and "người khác" in own.text
    client.cookies.set(COOKIE, signed_in(session, world.user(Role.SURVEY), now))
    page = client.get(address).text
    assert "A1" in page and 'value="4" checked' not in page
    assert client.post(address, data=second | {"so_phieu": "A9"}).status_code == 422
    assert client.post(address, data=second).status_code == 303
    assert client.post(address, data=second).status_code == 409
    compared = client.get(f"/khao-sat/dot/{SHORT}/doi-chieu").text
    assert "66,67%" in compared and "đúng quy định" in compared
    assert session.scalars(select(Ballot)).one().answers == [4, 3, 5]
    assert session.scalars(select(RepeatBallot)).one().answers == [4, 2, 5]


def test_the_share_entered_twice_is_drawn_by_the_number_alone(opened: Round) -> None:
    opened.second_share = 0.1
    drawn = [number for number in range(5000) if entry.is_drawn(opened, f"P{number}")]
    assert 400 < len(drawn) < 600 and drawn == [n for n in range(5000) if entry.is_drawn(opened, f"P{n}")]
    opened.second_share = 0.0
    assert not any(entry.is_drawn(opened, f"P{number}") for number in range(100))


def test_a_respondent_answers_once_by_the_code_of_the_ballot(
    client: TestClient, opened: Round, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    code = service.issue_ballots(session, opened.id, [service.BallotSlip("B7", None, "A", "bản 2", 2.5)])["B7"]
    with caplog.at_level(logging.DEBUG):
        page = client.get(f"/phieu/{code}")
        client.get(f"/phieu/{code}x")
    logged = [one.getMessage() for one in caplog.records if not one.name.startswith("httpx")]
    assert len(logged) >= 2 and not any(code in one for one in logged)  # a log tells the second
    assert (
        page.status_code == 200 and "Phiếu không hỏi tên" in page.text and page.headers["cache-control"] == "no-store"
    )
    forged = {**EVERY_ANSWER, "so_phieu": "X", "trong_so": "900", "tang": "B", "nhom_tuoi": "35-49"}
    assert client.post(f"/phieu/{code}", data=forged).status_code == 200
    stored = session.scalars(select(Ballot)).one()
    assert (stored.number, stored.stratum, stored.psu, stored.weight, stored.age) == ("B7", "A", "bản 2", 2.5, "35-49")
    assert client.post(f"/phieu/{code}", data=forged).status_code == 409
    assert client.get(f"/phieu/{code}").status_code == 409
    assert client.get("/phieu/khong-co").status_code == 404


def test_a_form_reads_as_a_tree_and_offers_its_template(client: TestClient, officer: User) -> None:
    page = client.get("/khao-sat/mau/household-2023").text
    assert "Bộ phận một cửa thông báo kết quả" in page and "1 = Rất không hài lòng" in page
    template = client.get("/khao-sat/mau/household-2023/tep-mau.xlsx")
    assert template.content.startswith(b"PK")
    assert client.get("/khao-sat/mau/khong-co-1").status_code == 404
    client.cookies.set("lang", "en")
    assert "tells people the result of handling feedback" in client.get("/khao-sat/mau/feedback-1").text


def test_a_published_form_never_changes(session: Session, now: datetime) -> None:

    for statement in ("UPDATE survey_instruments SET checksum = ''", "DELETE FROM survey_instruments"):
        with pytest.raises(ProgrammingError, match="append-only"), session.begin_nested():
            session.execute(text(statement))

    changed = {**shipped_instrument("feedback-1").document, "name_vi": "Tên khác"}
    with pytest.raises(Conflict):
        service.publish_instrument(session, parse_instrument(changed), now)


def test_a_large_file_is_left_to_the_worker_and_its_page_tells_how_far_it_is(
    client: TestClient, officer: User, opened: Round, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[int] = []
    monkeypatch.setattr(app, "send_task", lambda name, args: handed.append(args[0]))
    monkeypatch.setattr(waiting, "LARGE", 1000)
    content = as_csv([row(number) for number in range(1, 31)])
    answer = client.post(f"/khao-sat/dot/{ROUND}/tep", data={"act": "import"}, files={"file": ("to.csv", content)})
    page = answer.headers["location"]
    assert page == f"/khao-sat/viec/{handed[0]}" and "Đang đọc" in client.get(page).text
    tasks.import_file(handed[0])
    tasks.import_file(handed[0])
    session.expire_all()
    batch = session.scalars(select(BallotBatch)).one()
    assert (batch.accepted, batch.file_name, batch.user_id) == (30, "to.csv", officer.id)
    told = client.get(page, headers={"HX-Request": "true"}).text
    assert f"/khao-sat/lo/{batch.id}" in told and "<html" not in told
    assert list(waiting.waiting_folder().iterdir()) == []


def test_a_large_file_that_is_refused_stops_its_job_with_the_reason(
    client: TestClient, officer: User, opened: Round, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[int] = []
    monkeypatch.setattr(app, "send_task", lambda name, args: handed.append(args[0]))
    monkeypatch.setattr(waiting, "LARGE", 1)
    answer = client.post(f"/khao-sat/dot/{ROUND}/tep", data={"act": "import"}, files={"file": ("x.csv", b"a,b\n")})
    tasks.import_file(handed[0])
    session.expire_all()
    assert "Dòng đầu không có cột nào" in client.get(answer.headers["location"]).text
    assert session.scalars(select(BallotBatch)).all() == []


def test_a_large_file_that_a_dead_worker_left_is_handed_out_again_and_given_up_after_a_day(
    session: Session, opened: Round, now: datetime
) -> None:
    content = as_csv([row(number) for number in range(1, 4)])
    job = waiting.begin_import(session, ROUND, content, "to.csv", None, now)
    session.commit()
    stray = waiting.waiting_folder() / "no-job"
    stray.write_bytes(b"x")
    handed: list[int] = []

    def sweep(at: datetime) -> int:
        waiting.remove_stale_files(at)
        return len(sweep_jobs(at, lambda kind, job_id: handed.append(job_id)))

    assert sweep(now) == 0
    assert sweep(now + 20 * MINUTE) == 1 and handed == [job.id]
    assert sweep(now + 21 * MINUTE) == 0
    waiting.run_import(job.id, lambda: now + 22 * MINUTE)
    waiting.run_import(job.id, lambda: now + 23 * MINUTE)
    session.expire_all()
    assert session.get_one(LongJob, job.id).stage is JobStage.DONE
    assert len(session.scalars(select(Ballot)).all()) == 3
    lost = waiting.begin_import(session, ROUND, content, "to.csv", None, now)
    session.commit()
    for path in waiting.waiting_folder().iterdir():
        os.utime(path, (now.timestamp(), now.timestamp()))
    assert sweep(now + 25 * 60 * MINUTE) == 0 and list(waiting.waiting_folder().iterdir()) == []
    session.expire_all()
    stopped = session.get_one(LongJob, lost.id)
    assert stopped.stage is JobStage.STOPPED and "Hãy thử lại" in stopped.note
