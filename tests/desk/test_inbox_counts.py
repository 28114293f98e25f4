"""The counts on tabs are those of the lists, whoever looks and whatever happened; reading and the way back."""

import html
import random
import re
import threading
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.orm import Session

from backend import clock, db
from backend.desk.inbox import counts, looks
from backend.desk.inbox.conditions import InboxReader
from backend.desk.inbox.models import OpenTicketCount, TicketLook
from backend.tickets import service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, WaitsFor, is_open
from backend.tickets.reception.drafts import FeedbackDraft
from backend.tickets.service import ActionRequest
from backend.users.models import Role
from backend.worktime import service as worktime
from tests.desk.inbox_page import InboxHtml, query_of
from tests.factories import SENDER, World
from tests.signing_in import sign_in

DAY = timedelta(days=1)
TABS = ("Đang mở", "Chưa đọc", "Mới", "Vừa phản hồi", "Chờ duyệt", "Chờ bổ sung", "Quá hạn")


@pytest.fixture
def busy(world: World, now: datetime) -> list[Ticket]:
    """Tickets of two units in many situations, by a seeded course."""
    dice = random.Random(8)
    tickets = []
    for place in range(24):
        unit = world.unit() if place % 2 else world.unit("LC-SYT")
        at = now - dice.choice([1, 5, 30, 60]) * DAY
        ticket = world.receive(at, unit_id=unit.id, title=f"số {place}")[0]
        officer = world.actor(Role.OFFICER, unit)
        course = [
            [],
            [Event.ACCEPTED],
            [Event.ACCEPTED, Event.INFO_REQUESTED],
            [Event.ACCEPTED, Event.INFO_REQUESTED, Event.INFO_RECEIVED],
            [Event.ACCEPTED, Event.SUBMITTED_FOR_APPROVAL],
            [Event.ACCEPTED, Event.ANSWERED],
        ][place % 6]
        for event in course:
            world.happen(ticket, event, SENDER if event is Event.INFO_RECEIVED else officer, at)
        tickets.append(ticket)
    return tickets


@pytest.mark.parametrize("role", [Role.OFFICER, Role.LEADER, Role.COORDINATOR])
def test_each_tab_counts_what_its_list_has(client: TestClient, world: World, busy: list[Ticket], role: Role) -> None:
    sign_in(client, world.user(role))
    page = InboxHtml(client.get("/hop-thu").text)
    for name in (*TABS, "Chờ xét tạm dừng" if role is Role.COORDINATOR else "Giao cho tôi"):
        address, count = page.tab(name)
        listed = client.get(address)
        assert listed.status_code == 200 and count == len(InboxHtml(listed.text).titles), name


def test_tabs_of_the_province_with_a_unit_count_that_unit(client: TestClient, world: World, busy: list[Ticket]) -> None:
    sign_in(client, world.user(Role.COORDINATOR))
    page = InboxHtml(client.get("/hop-thu", params={"unit": world.unit("LC-SYT").id}).text)
    for name in TABS:
        address, count = page.tab(name)
        assert count == len(InboxHtml(client.get(address).text).titles), name


def test_coordinator_of_a_unit_is_told_nothing_of_complaints_about_it(
    client: TestClient, world: World, now: datetime
) -> None:
    world.receive(now - 60 * DAY, category_code="attitude", title="Thái độ")
    world.receive(now, title="Đường")
    sign_in(client, world.user(Role.COORDINATOR, world.unit()))
    page = InboxHtml(client.get("/hop-thu").text)
    assert page.titles == ["Đường"]
    assert [page.tab(name)[1] for name in ("Đang mở", "Mới", "Quá hạn", "Chưa đọc")] == [1, 1, 0, 1]


def test_stored_counts_follow_every_way_in_which_tickets_change(
    session: Session, world: World, busy: list[Ticket], now: datetime
) -> None:
    assert counts.compare_counts(session) == []
    session.execute(update(Ticket).where(Ticket.waits_for == WaitsFor.NEW).values(due_date=now.date()))
    session.execute(text("UPDATE tickets SET title = title"))
    assert counts.compare_counts(session) == []
    before = session.scalar(select(func.sum(OpenTicketCount.tickets)))
    rows_before = session.scalar(select(func.count()).select_from(OpenTicketCount))
    assert counts.fold_counts(session, least=1)
    assert counts.compare_counts(session) == []
    assert session.scalar(select(func.sum(OpenTicketCount.tickets))) == before
    assert session.scalar(select(func.count()).select_from(OpenTicketCount)) < rows_before
    assert not counts.fold_counts(session, least=1), "a second fold finds nothing to do"


def test_wrong_count_is_found(session: Session, world: World, now: datetime) -> None:
    world.receive(now)
    session.execute(text("UPDATE open_ticket_counts SET tickets = 2"))
    (difference,) = counts.compare_counts(session)
    assert (difference.stored, difference.replayed) == ("2", "1")


def test_writers_and_folds_at_once_lose_no_count(committed: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten writers, two folds: nobody waits for the counts, and every reading is a sum that once was true."""
    now = datetime.fromisoformat("2026-11-18T09:00+07:00")
    monkeypatch.setattr(clock, "now", lambda: now)
    with db.transaction() as session:
        receivers = [World(session).draft() for _ in range(40)]

    def receive(drafts: list[FeedbackDraft]) -> None:
        for draft in drafts:
            with db.transaction() as session:
                ticket_id = service.open_ticket(session, draft, now=now).ticket_id
            with db.transaction() as session:
                service.apply(session, ticket_id, ActionRequest(Event.WITHDRAWN), SENDER, now=now)

    def fold() -> None:
        for _ in range(20):
            with db.transaction() as session:
                counts.fold_counts(session, least=1)

    threads = [threading.Thread(target=receive, args=(receivers[place::10],)) for place in range(10)]
    threads += [threading.Thread(target=fold) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.transaction() as session:
        assert counts.compare_counts(session) == []
        assert session.scalar(select(func.count(Ticket.id)).where(is_open())) == 0


class TestReading:
    def test_ticket_is_read_once_opened_and_unread_again_after_its_next_event(
        self, client: TestClient, session: Session, world: World, now: datetime
    ) -> None:
        ticket = world.receive(now - DAY, title="Đường")[0]
        user = world.user()
        sign_in(client, user)
        page = InboxHtml(client.get("/hop-thu").text)
        assert "Chưa đọc" in page.row("Đường") and page.tab("Chưa đọc")[1] == 1
        client.get(f"/hop-thu/{ticket.number}")
        page = InboxHtml(client.get("/hop-thu").text)
        assert "Chưa đọc" not in page.row("Đường") and page.tab("Chưa đọc")[1] == 0
        world.happen(ticket, Event.ACCEPTED, world.actor(), now)
        assert "Chưa đọc" not in InboxHtml(client.get("/hop-thu").text).row("Đường"), "looked at in the same moment"
        session.execute(update(TicketLook).values(at=now - timedelta(minutes=1)))
        assert InboxHtml(client.get("/hop-thu", params={"unread": "1"}).text).titles == ["Đường"]
        sign_in(client, world.user())
        assert "Chưa đọc" in InboxHtml(client.get("/hop-thu").text).row("Đường"), "another person has not read it"

    def test_looking_again_writes_nothing(self, session: Session, world: World, now: datetime) -> None:
        ticket, actor = world.receive(now - DAY)[0], world.actor()
        for minutes in range(3):
            looks.note_look(session, ticket, actor, now + timedelta(minutes=minutes))
        assert session.scalars(select(TicketLook.at)).all() == [now]

    def test_looks_at_ended_tickets_are_neither_kept_nor_noted(
        self, session: Session, world: World, now: datetime
    ) -> None:
        still_open, ended = world.receive(now)[0], world.receive(now)[0]
        actor = world.actor()
        for ticket in (still_open, ended):
            looks.note_look(session, ticket, actor, now)
        world.happen(ended, Event.WITHDRAWN, SENDER, now)
        looks.forget_looks(session)
        looks.note_look(session, ended, actor, now)
        assert session.scalars(select(TicketLook.ticket_id)).all() == [still_open.id]


class TestWayBack:
    def test_ticket_leads_back_to_the_same_place_and_row(self, client: TestClient, world: World, now: datetime) -> None:
        ticket = world.receive(now, title="Đường")[0]
        sign_in(client, world.user())
        page = InboxHtml(client.get("/hop-thu", params={"waits": "new", "sort": "-received", "q": "duong"}).text)
        opened = client.get(page.ticket_links[0]).text
        back = InboxHtml(opened)
        (link,) = {href for href in _links(back.text) if href.startswith("/hop-thu?")}
        assert link.endswith(f"#row-{ticket.id}") and f'id="row-{ticket.id}"' in page.text
        assert InboxHtml(client.get(link.partition("#")[0]).text).titles == ["Đường"]
        assert query_of(link)["sort"] == "-received"

    def test_place_survives_an_action_on_the_ticket(self, client: TestClient, world: World, now: datetime) -> None:
        ticket = world.receive(now, title="Đường")[0]
        sign_in(client, world.user())
        page = InboxHtml(client.get("/hop-thu", params={"waits": "new"}).text)
        opened = client.get(page.ticket_links[0]).text
        listed = "/hop-thu?state=open&waits=new"
        assert f'name="list" value="{html.escape(listed)}"' in opened
        fields = {"version": str(ticket.version), "list": listed}
        answer = client.post(f"/hop-thu/{ticket.number}/chap-nhan", data=fields)
        assert query_of(answer.headers["location"]) == {"list": listed}
        other = world.unit("LC-SYT").id
        fields = {"version": "2", "list": listed, "to_unit": str(other), "reason": "Không phải."}
        gone = client.post(f"/hop-thu/{ticket.number}/chuyen", data=fields)
        assert gone.headers["location"] == "/hop-thu?state=open&waits=new"

    @pytest.mark.parametrize("typed", ["//xau.example", "next=//xau.example", "%0d%0a", "a" * 5_000, "q=<script>"])
    def test_way_back_leads_nowhere_else(self, client: TestClient, world: World, now: datetime, typed: str) -> None:
        ticket = world.receive(now)[0]
        sign_in(client, world.user())
        answer = client.get(
            f"/hop-thu/{ticket.number}", params={"list": f"/hop-thu?{typed}" if typed != "//xau.example" else typed}
        )
        assert answer.status_code == 200 and "<script>" not in answer.text.split("</head>")[1].replace("</script>", "")
        assert not [href for href in _links(answer.text) if "xau.example" in href]


def _links(page: str) -> list[str]:
    return [html.unescape(href) for href in re.findall(r'href="([^"]+)"', page)]


def test_hours_that_are_left_today_are_told(
    client: TestClient, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.receive(now, title="Đường")
    user = world.user()
    for at, words in (("2026-12-10T15:20+07:00", "còn 1 giờ 40 phút làm việc"), ("2026-12-10T19:00+07:00", "hết giờ")):
        monkeypatch.setattr(clock, "now", lambda at=at: datetime.fromisoformat(at))
        sign_in(client, user)
        row = InboxHtml(client.get("/hop-thu").text).row("Đường")
        assert "hạn là hôm nay" in row and words in row


def test_row_says_what_is_waited_for_and_by_whom(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    user, leader = world.user(), world.actor(Role.LEADER)
    ticket = world.receive(now, title="Đường")[0]
    sign_in(client, user)

    def row() -> str:
        return InboxHtml(client.get("/hop-thu").text).row("Đường")

    assert "Mới, chờ tiếp nhận chờ: cơ quan, chưa giao ai, kể từ 18/11/2026" in row()
    service.apply(session, ticket.id, ActionRequest(Event.ASSIGNED, to_user_id=user.id), leader, now=now)
    assert "Chờ xử lý chờ: bạn" in row()
    world.happen(ticket, Event.SUBMITTED_FOR_APPROVAL, world.actor(), now)
    assert "Chờ duyệt trả lời chờ: lãnh đạo cơ quan" in row()
    world.happen(ticket, Event.ANSWERED, leader, now)
    listed = InboxHtml(client.get("/hop-thu", params={"state": "answered"}).text).row("Đường")
    assert "Đã trả lời xong ngày 18/11/2026" in listed


def test_province_reads_no_ticket_for_its_totals(session: Session, world: World, busy: list[Ticket]) -> None:
    calendar = worktime.load_calendar(session, worktime.active_id(session))
    reader = InboxReader(world.actor(Role.COORDINATOR), busy[0].due_date, calendar)
    counted = counts.count_inbox(session, reader, None, {})
    assert counted.open == session.scalar(select(func.count(Ticket.id)).where(is_open()))
    assert dict(counted.waits) == dict(
        session.execute(select(Ticket.waits_for, func.count()).where(is_open()).group_by(Ticket.waits_for)).all()
    )
