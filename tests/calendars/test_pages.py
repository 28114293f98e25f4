"""Work calendars by page: read by staff, changed by the administrator as new versions, previewed, then put in force."""

import re
from datetime import date, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from backend import audit
from backend.calendars import editing, moves
from backend.jobs import lease as leases
from backend.jobs.models import JobStage, LongJob
from backend.jobs.service import JobKind, ask_job, sweep_jobs
from backend.tickets import projection
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, Verdict
from backend.users.models import Role, User
from backend.worktime import service as worktime
from backend.worktime.models import CalendarVersion
from tests.calendars.calendar_form import HOME, filled
from tests.factories import World
from tests.markup import field_error, text_of
from tests.signing_in import sign_in

RECEIVED = datetime.fromisoformat("2026-11-02T09:00+07:00")  # Monday; due on Monday 23 November
# Friday 20 November becomes a day off, Saturday 28 November a working day; Tuesday 24 is one already: due on the 25th.
SWAP = "\n20/11/2026 | nghỉ | Hoán đổi\n28/11/2026 | làm việc | Làm bù"


@pytest.fixture
def administrator(client: TestClient, world: World) -> User:
    user = world.user(Role.ADMINISTRATOR)
    sign_in(client, user)
    return user


@pytest.fixture
def active(session: Session) -> int:
    return worktime.active_id(session)


def saved(client: TestClient, session: Session, base: int, **changed: str) -> int:
    """The id of a version stored by the form."""
    texts = editing.texts_of(worktime.load_calendar(session, base))
    exceptions = changed.pop("more", None)
    if exceptions is not None:
        changed["exceptions"] = texts["exceptions"] + exceptions
    answer = client.post(f"{HOME}/{base}/sua", data=filled(session, base, **changed))
    assert answer.status_code == 303, answer.text
    found = re.fullmatch(rf"{HOME}/(\d+)/xem-truoc", answer.headers["location"])
    assert found
    return int(found[1])


def put_in_force(client: TestClient, calendar_id: int) -> int:
    """By preview and button; the id of the recount."""
    html = client.get(f"{HOME}/{calendar_id}/xem-truoc").text
    seen = re.search(r'name="seen" value="(\d+)"', html)
    assert seen
    answer = client.post(f"{HOME}/{calendar_id}/ap-dung", data={"seen": seen[1]})
    assert answer.status_code == 303, answer.text
    return int(answer.headers["location"].rsplit("/", 1)[1])


def work(now: datetime) -> int:
    """What the worker does: find recounts that were lost, do them."""
    return len(sweep_jobs(now, lambda kind, job_id: moves.recount_tickets(job_id, lambda: now)))


@pytest.mark.parametrize("role", [Role.OFFICER, Role.LEADER, Role.COORDINATOR, Role.MANAGER])
def test_staff_read_calendars_and_change_nothing(
    client: TestClient, world: World, session: Session, active: int, role: Role
) -> None:
    sign_in(client, world.user(role))
    assert client.get(HOME).status_code == 200
    html = client.get(f"{HOME}/{active}?nam=2026").text
    assert "Làm bù" in html and "/sua" not in html
    for path in ("sua", "xem-truoc"):
        assert client.get(f"{HOME}/{active}/{path}").status_code == 403
    for path in ("sua", "ap-dung"):
        assert client.post(f"{HOME}/{active}/{path}", data={}).status_code == 403


def test_nobody_reads_them_without_signing_in(client: TestClient, active: int) -> None:
    assert client.get(HOME).status_code == 303 and client.get(f"{HOME}/{active}").status_code == 303


def test_a_year_is_shown_with_its_exceptions_by_name(client: TestClient, administrator: User, active: int) -> None:
    html = client.get(f"{HOME}/{active}?nam=2026").text
    assert html.count('class="month"') == 12
    words = text_of(html)
    assert "10/01 Làm bù:" in words and "(7:30-11:30, 13:30-17:00)" in words
    assert "24/11 Nghỉ: Ngày Văn hóa Việt Nam" in words and "chưa chắc" not in words
    assert "Dự kiến, chưa công bố" not in client.get(f"{HOME}/{active}?nam=2027").text
    for odd in ("nam=1", "nam=99999999999999999999"):
        assert client.get(f"{HOME}/{active}?{odd}").status_code == 200
    assert client.get(f"{HOME}/999999").status_code == 404
    assert client.get(f"{HOME}/99999999999999999999").status_code in (404, 422)


def test_a_change_is_a_new_version_not_in_force_yet(
    client: TestClient, session: Session, administrator: User, active: int
) -> None:
    before = dict(session.get_one(CalendarVersion, active).document)
    new = saved(client, session, active, more=SWAP)
    row = session.get_one(CalendarVersion, new)
    assert (row.version, row.created_by, row.basis, row.activated_at) == (2, administrator.id, "Thông báo số 1", None)
    assert worktime.active_id(session) == active
    session.expire_all()
    assert session.get_one(CalendarVersion, active).document == before
    (entry,) = audit.list_entries(session, "calendar:vn")
    assert (entry.action, entry.actor, entry.data["calendar"]) == ("saved", audit.user_key(administrator.id), new)
    html = client.get(f"{HOME}/{new}").text
    assert "Khác với bản đang áp dụng" in html and "20/11/2026" in html


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        (dict.fromkeys((f"day{n}" for n in range(7)), ""), "day0", "ít nhất một ngày làm việc"),
        ({"day0": "7:30-11:30, 11:00-17:00"}, "day0", "chồng lên nhau"),
        ({"announced": "2024", "estimated": "2026-2027"}, "announced", "Lịch thiếu năm 2025."),
        ({"exceptions": "20/11/2030 | nghỉ | Xa"}, "exceptions", "nằm ngoài các năm"),
        ({"exceptions": "Tết\n\n31/02/2026 | nghỉ | Sai"}, "exceptions", "Số dòng chưa đúng: 2"),
        ({"seasons": "x"}, "seasons", "Số dòng chưa đúng: 1"),
        ({"basis": " \u200b"}, "basis", "Hãy ghi căn cứ"),
        ({"basis": "x" * 1001}, "basis", "Dài quá"),
        ({"scope": "weekdays"}, "scope", "trong danh sách"),
        ({"scope": "unit:khong-co"}, "scope", "trong danh sách"),
        ({"exceptions": "x" * 60_001}, "exceptions", "Dài quá"),
    ],
)
def test_a_calendar_nobody_could_count_by_is_refused_at_its_field(
    client: TestClient,
    session: Session,
    administrator: User,
    active: int,
    changed: dict[str, str],
    field: str,
    sentence: str,
) -> None:
    count = session.scalar(select(func.count()).select_from(CalendarVersion))
    answer = client.post(f"{HOME}/{active}/sua", data=filled(session, active, **changed))
    assert answer.status_code == 422
    assert sentence in field_error(answer.text, field)
    assert "Tết" in answer.text or field == "exceptions", "what was typed is still there"
    assert session.scalar(select(func.count()).select_from(CalendarVersion)) == count


def test_an_empty_form_is_refused(client: TestClient, administrator: User, active: int) -> None:
    assert client.post(f"{HOME}/{active}/sua", data={}).status_code == 422


def test_the_preview_says_which_tickets_move_by_how_much_and_moves_none(
    client: TestClient, session: Session, world: World, administrator: User, active: int
) -> None:
    moving = [world.receive(RECEIVED)[0] for _n in range(3)]
    short = world.receive(RECEIVED - timedelta(days=40))[0]  # due before the change
    new = saved(client, session, active, more=SWAP)
    dues = [ticket.due_date for ticket in moving]
    html = client.get(f"{HOME}/{new}/xem-truoc").text
    assert "3 trên 4 phản ánh đang mở đổi hạn" in html and "Muộn hơn 2 ngày: 3 phản ánh" in html
    assert all(ticket.number in html and ticket.title not in html for ticket in moving) and short.number not in html
    session.expire_all()
    assert [ticket.due_date for ticket in moving] == dues


def test_putting_in_force_moves_open_tickets_and_leaves_verdicts(
    client: TestClient, session: Session, world: World, administrator: User, active: int, now: datetime
) -> None:
    ticket = world.receive(RECEIVED)[0]
    done, _secret = world.answered(RECEIVED, RECEIVED + timedelta(days=1))
    before = (ticket.due_date, done.due_date, done.calendar_id)
    new = saved(client, session, active, more=SWAP)
    job_id = put_in_force(client, new)
    waiting = client.get(f"{HOME}/tien-do/{job_id}").text
    assert 'http-equiv="refresh"' in waiting and "Đang chờ đến lượt" in waiting
    moves.recount_tickets(job_id, lambda: now)
    session.expire_all()
    assert worktime.active_id(session) == ticket.calendar_id == new
    assert ticket.due_date == before[0] + timedelta(days=2) == date(2026, 11, 25)
    assert (done.due_date, done.calendar_id, done.verdict) == (before[1], before[2], Verdict.ON_TIME)
    assert [entry.action for entry in audit.list_entries(session, "calendar:vn")] == ["saved", "activated"]
    assert list(projection.check_all(session)) == []
    finished = client.get(f"{HOME}/tien-do/{job_id}").text
    assert 'http-equiv="refresh"' not in finished and "Xong: đã xem 1 phản ánh" in finished


def test_a_recount_done_twice_or_left_half_way_counts_each_ticket_once(
    client: TestClient,
    session: Session,
    world: World,
    administrator: User,
    active: int,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moves, "BATCH", 2)
    received = [world.receive(RECEIVED)[0] for _n in range(5)]
    new = saved(client, session, active, more=SWAP)
    job_id = put_in_force(client, new)
    real, seen = leases.advance_job, 0

    def dies(*given: object, **named: object) -> None:
        nonlocal seen
        seen += 1
        if seen == 3:
            raise MemoryError
        real(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(leases, "advance_job", dies)
    begun = now + timedelta(seconds=10)
    with pytest.raises(MemoryError):
        moves.recount_tickets(job_id, lambda: begun)
    session.expire_all()
    assert [ticket.calendar_id == new for ticket in received] == [True, True, False, False, False]
    monkeypatch.setattr(leases, "advance_job", real)
    assert work(begun + timedelta(seconds=30)) == 0, "its lease lasts"
    assert work(begun + leases.LEASE) == 1
    moves.recount_tickets(job_id, lambda: now)
    session.expire_all()
    for ticket in received:
        events = [entry.action for entry in audit.list_entries(session, audit.ticket_chain(ticket.id))]
        assert events.count(Event.RECOUNTED) == 1 and ticket.calendar_id == new
    job = session.get_one(LongJob, job_id)
    assert (job.stage, job.done, job.total) == (JobStage.DONE, 5, 5), "what the first attempt counted is not lost"


def test_a_preview_that_no_longer_holds_is_refused(
    client: TestClient, session: Session, administrator: User, active: int
) -> None:
    one, two = saved(client, session, active, more=SWAP), saved(client, session, active, more=SWAP)
    put_in_force(client, one)
    late = client.post(f"{HOME}/{two}/ap-dung", data={"seen": str(active)})
    assert late.status_code == 409 and "Người khác vừa áp dụng" in late.text
    again = client.post(f"{HOME}/{one}/ap-dung", data={"seen": str(one)})
    assert again.status_code == 409
    assert client.post(f"{HOME}/{two}/ap-dung", data={}).status_code == 422
    assert client.post(f"{HOME}/999999/ap-dung", data={"seen": "0"}).status_code == 404
    assert worktime.active_id(session) == one


def test_a_former_version_can_be_put_in_force_again(
    client: TestClient, session: Session, administrator: User, active: int, now: datetime
) -> None:
    new = saved(client, session, active, more=SWAP)
    put_in_force(client, new)
    session.execute(
        update(CalendarVersion).where(CalendarVersion.id == new).values(activated_at=now - timedelta(minutes=1))
    )
    session.expire_all()
    put_in_force(client, active)
    session.expire_all()
    assert worktime.active_id(session) == active


def test_a_unit_s_calendar_moves_its_own_tickets_alone(
    client: TestClient, session: Session, world: World, administrator: User, active: int, now: datetime
) -> None:
    own = world.receive(RECEIVED)[0]
    other = world.receive(RECEIVED, unit_id=world.unit("LC-SYT").id)[0]
    before = own.due_date, other.due_date
    code = world.unit().code
    new = saved(client, session, active, more=SWAP, scope=f"unit:{code}")
    html = client.get(f"{HOME}/{new}/xem-truoc").text
    assert "1 trên 1 phản ánh đang mở đổi hạn" in html
    moves.recount_tickets(put_in_force(client, new), lambda: now)
    session.expire_all()
    assert own.due_date == before[0] + timedelta(days=2) and other.due_date == before[1]
    assert worktime.active_id_for(session, code) == new and worktime.active_id(session) == active
    province = saved(client, session, active, more=SWAP)
    assert "trên 1 phản ánh đang mở" in client.get(f"{HOME}/{province}/xem-truoc").text


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM calendar_versions",
        "TRUNCATE calendar_versions CASCADE",
        "UPDATE calendar_versions SET document = '{}'",
        "UPDATE calendar_versions SET basis = 'x'",
    ],
)
def test_the_database_refuses_to_change_or_delete_a_version(session: Session, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
        session.execute(text(statement))


def test_progress_of_something_else_is_not_shown_here(
    client: TestClient, session: Session, administrator: User, now: datetime
) -> None:
    job = ask_job(session, JobKind("report"), "2026", now=now)
    assert client.get(f"{HOME}/tien-do/{job.id}").status_code == 404
    assert client.get(f"{HOME}/tien-do/999999").status_code == 404


def test_the_version_of_a_ticket_stays_what_it_was(session: Session, world: World, active: int) -> None:
    ticket: Ticket = world.receive(RECEIVED)[0]
    assert ticket.calendar_id == active
