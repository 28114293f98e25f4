"""The inbox: what an officer finds in it, in which order, and what stays out of it."""

import re
from datetime import date, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, update
from sqlalchemy.orm import Session

from backend import clock
from backend.desk.inbox import rows
from backend.tickets.due_status import DuePace, DueStatus, due_statuses
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.units.models import Unit
from backend.users.models import Role
from backend.worktime import service as worktime
from tests.factories import SENDER, World
from tests.signing_in import sign_in


def titles(html: str) -> list[str]:
    return re.findall(r'<h2><a href="/hop-thu/[^"]+">([^<]+)</a></h2>', html)


def numbers(html: str) -> list[str]:
    return re.findall(r'<h2><a href="/hop-thu/([^"?]+)[^"]*">', html)


def load(html: str) -> list[str]:
    """How many are open, how many overdue."""
    return re.findall(r"<strong[^>]*>([^<]+)</strong>", html.split('<p class="load">')[1].split("</p>")[0])


def officer(client: TestClient, world: World, role: Role = Role.OFFICER, unit: Unit | None = None) -> None:
    sign_in(client, world.user(role, unit))


def test_soonest_due_stands_first(client: TestClient, world: World, now: datetime) -> None:
    for days in (1, 20, 5):
        world.receive(now - timedelta(days=days), title=f"Gửi {days} ngày trước")
    officer(client, world)
    assert titles(client.get("/hop-thu").text) == ["Gửi 20 ngày trước", "Gửi 5 ngày trước", "Gửi 1 ngày trước"]


@pytest.mark.parametrize(
    ("today", "words"),
    [
        ("2026-11-18", "còn 15 ngày làm việc"),
        ("2026-12-07", "còn 3 ngày làm việc"),
        ("2026-12-09", "còn 1 ngày làm việc"),
        ("2026-12-10", "hạn là hôm nay"),
        ("2026-12-12", "quá hạn 2 ngày"),
    ],
)
def test_what_remains_is_said_in_words(
    client: TestClient, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch, today: str, words: str
) -> None:
    world.receive(now)
    monkeypatch.setattr(clock, "now", lambda: datetime.fromisoformat(today + "T15:00+07:00"))
    officer(client, world)
    page = client.get("/hop-thu").text
    assert words in page and "10/12/2026" in page


def test_waiting_for_the_sender_is_paused_and_never_overdue(client: TestClient, world: World, now: datetime) -> None:
    long_ago = now - timedelta(days=60)
    ticket, _secret = world.receive(long_ago)
    world.happen(ticket, Event.INFO_REQUESTED, world.actor(), long_ago)
    world.receive(long_ago)
    officer(client, world)
    page = client.get("/hop-thu").text
    assert page.count("đang tạm dừng") == 1 and page.count("quá hạn 40 ngày") == 1
    assert load(page) == ["2", "1"]


def test_only_the_own_unit_for_an_officer_every_unit_for_the_coordinator(
    client: TestClient, world: World, now: datetime
) -> None:
    elsewhere = world.unit("03434") if world.unit().code != "03434" else world.unit("03388")
    world.receive(now, title="Của phường mình")
    world.receive(now, title="Của xã khác", unit_id=elsewhere.id)
    officer(client, world)
    assert titles(client.get("/hop-thu").text) == ["Của phường mình"]
    assert client.get("/hop-thu", params={"unit": elsewhere.id}).status_code == 422
    officer(client, world, Role.COORDINATOR)
    assert titles(client.get("/hop-thu").text) == ["Của phường mình", "Của xã khác"]
    assert titles(client.get("/hop-thu", params={"unit": elsewhere.id}).text) == ["Của xã khác"]


def test_each_state_has_its_list(client: TestClient, world: World, now: datetime) -> None:
    world.receive(now, title="Còn mới")
    taken, _secret = world.receive(now, title="Đang làm")
    world.happen(taken, Event.ACCEPTED, world.actor(), now)
    world.answered(now - timedelta(days=3), now - timedelta(days=1), title="Xong rồi")
    officer(client, world)
    assert titles(client.get("/hop-thu").text) == ["Còn mới", "Đang làm"]
    assert titles(client.get("/hop-thu?state=new").text) == ["Còn mới"]
    assert titles(client.get("/hop-thu?state=accepted").text) == ["Đang làm"]
    answered = client.get("/hop-thu?state=answered").text
    assert titles(answered) == ["Xong rồi"] and "trả lời đúng hạn" in answered
    assert "Không có phản ánh nào như vậy" in client.get("/hop-thu?state=awaiting_sender").text


@pytest.mark.parametrize("state", ["", "answered"])
def test_paging_shows_every_ticket_once_and_survives_ties(
    client: TestClient, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setitem(rows.list_rows.__kwdefaults__, "limit", 2)
    sent = [
        (world.answered(now, now) if state else world.receive(now - timedelta(days=days)))[0].number
        for days in (3, 3, 3, 2, 1)
    ]
    officer(client, world)
    seen: list[str] = []
    address: str | None = f"/hop-thu?state={state}" if state else "/hop-thu"
    pages = 0
    while address:
        html = client.get(address).text
        seen += numbers(html)
        pages += 1
        older = re.search(r'<a href="([^"]+)" rel="next">', html)
        address = older[1].replace("&amp;", "&") if older else None
    assert (seen, pages) == (sent[::-1] if state else sent, 3)


@pytest.mark.parametrize(
    "after", ["x", "2026-02-31,1", "2026-12-10,-1", "2026-12-10,99999999999999", ",", "٣,٣", "%00"]
)
def test_a_place_that_makes_no_sense_starts_at_the_beginning(
    client: TestClient, world: World, now: datetime, after: str
) -> None:
    world.receive(now)
    officer(client, world)
    assert len(titles(client.get("/hop-thu", params={"after": after}).text)) == 1


def test_a_number_leads_to_its_ticket(client: TestClient, world: World, now: datetime) -> None:
    ticket, _secret = world.receive(now)
    officer(client, world)
    for typed in (ticket.number, f" {ticket.number.lower()} ", ticket.number.removeprefix("PAKN.")):
        assert client.get("/hop-thu", params={"q": typed}).headers["location"] == f"/hop-thu/{ticket.number}"


def test_an_unknown_number_and_one_of_another_unit_get_the_same_answer(
    client: TestClient, world: World, now: datetime
) -> None:
    foreign, _secret = world.receive(now, unit_id=world.unit("LC-SYT").id)
    officer(client, world)
    answers = [client.get("/hop-thu", params={"q": number}) for number in (foreign.number, "PAKN.20200101.0001")]
    assert {answer.status_code for answer in answers} == {200}
    assert all("Không có phản ánh nào như vậy mà bạn được xem" in answer.text for answer in answers)


@pytest.mark.parametrize("typed", ["duong", "ĐƯỜNG đèn", "den  duong", "Đèn đường ở chợ", "đèn"])
def test_words_find_titles_with_or_without_tone_marks(
    client: TestClient, world: World, now: datetime, typed: str
) -> None:
    world.receive(now, title="Đèn đường ở chợ tắt")
    world.receive(now, title="Rác tồn đọng 100%")
    world.answered(now - timedelta(days=3), now, title="Đèn đường cũ ở chợ")
    officer(client, world)
    assert titles(client.get("/hop-thu", params={"q": typed}).text) == ["Đèn đường ở chợ tắt", "Đèn đường cũ ở chợ"]
    assert titles(client.get("/hop-thu", params={"q": typed, "state": "answered"}).text) == ["Đèn đường cũ ở chợ"]


@pytest.mark.parametrize(("typed", "found"), [("%", 1), ("100%", 1), ("_", 0), ("\\", 0), (" ", 2), ("đèn rác", 0)])
def test_what_is_typed_is_looked_for_as_it_stands(
    client: TestClient, world: World, now: datetime, typed: str, found: int
) -> None:
    world.receive(now, title="Đèn đường ở chợ tắt")
    world.receive(now, title="Rác tồn đọng 100%")
    officer(client, world)
    assert len(titles(client.get("/hop-thu", params={"q": typed}).text)) == found


def test_tabs_keep_the_unit_and_the_form_keeps_every_filter(client: TestClient, world: World, now: datetime) -> None:
    unit = world.unit("03434")
    world.receive(now, title="Đèn đường", unit_id=unit.id)
    officer(client, world, Role.COORDINATOR)
    page = client.get("/hop-thu", params={"q": "den", "unit": unit.id, "state": "new"}).text
    tabs = page.split('<nav class="tabs usual"')[1].split("</nav>")[0]
    assert all(f"unit={unit.id}" in href for href in re.findall(r'href="([^"]+)"', tabs))
    assert '<option value="new" selected>' in page and 'value="den"' in page


def test_a_complaint_about_conduct_is_not_in_the_inbox_of_the_unit_it_is_about(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    ticket, _secret = world.receive(now, category_code="attitude", title="Thái độ khi tiếp dân")
    session.execute(update(Ticket).where(Ticket.id == ticket.id).values(unit_id=world.unit().id))
    for role in (Role.OFFICER, Role.LEADER):
        officer(client, world, role)
        page = client.get("/hop-thu").text
        assert "Thái độ khi tiếp dân" not in page
        assert load(page) == ["0", "0"]


def test_an_empty_inbox_says_so(client: TestClient, world: World) -> None:
    officer(client, world)
    assert "Chưa có phản ánh nào cần xử lý" in client.get("/hop-thu").text


def test_a_page_asks_the_database_as_often_for_one_ticket_as_for_many(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    officer(client, world)
    client.get("/hop-thu")  # the calendar is read once a process
    asked: list[str] = []
    event.listen(session.get_bind(), "after_cursor_execute", lambda *args: asked.append(args[2]))
    costs = []
    for more in (1, 12):
        for _again in range(more):
            world.receive(now)
        session.expunge_all()
        asked.clear()
        assert client.get("/hop-thu").status_code == 200
        costs.append(len([sql for sql in asked if sql.startswith("SELECT")]))
    assert costs[0] == costs[1] <= 9, "the number at the bell among them"


def test_words_of_the_title_are_text_and_no_markup(client: TestClient, world: World, now: datetime) -> None:
    world.receive(now, title="<script>alert(1)</script> {{ 7*7 }}")
    officer(client, world)
    page = client.get("/hop-thu").text
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page and "{{ 7*7 }}" in page


def test_the_english_page_is_english(client: TestClient, world: World, now: datetime) -> None:
    world.receive(now)
    officer(client, world)
    page = client.get("/hop-thu", headers={"Accept-Language": "en"}).text
    assert '<html lang="en">' in page and "Roads, traffic" in page


def test_standing_of_the_whole_page_is_counted_by_the_calendar(session: Session, world: World, now: datetime) -> None:
    ticket, _secret = world.receive(now)
    calendar = worktime.load_calendar(session, ticket.calendar_id)
    # From Friday 20/11 on: 23, 25, 26, 27/11, then 30/11 to 4/12 and 7 to 10/12; 24/11 is a day off.
    assert due_statuses(calendar, date(2026, 11, 20), [ticket]) == [DueStatus(DuePace.AHEAD, 13)]
    assert due_statuses(calendar, date(2026, 11, 20), []) == []


def test_sender_s_reply_sets_the_clock_going_again(client: TestClient, world: World, now: datetime) -> None:
    ticket, _secret = world.receive(now)
    world.happen(ticket, Event.INFO_REQUESTED, world.actor(), now)
    world.happen(ticket, Event.INFO_RECEIVED, SENDER, now + timedelta(hours=1))
    officer(client, world)
    page = client.get("/hop-thu").text
    assert "đang tạm dừng" not in page and "còn 16 ngày làm việc" not in page and "còn 15 ngày làm việc" in page
