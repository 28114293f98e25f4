"""The bell of staff, the list behind it, and the page of choices."""

import re
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.errors import Invalid
from backend.outbox.models import Medium
from backend.tickets import service as tickets
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.notices import queries, staff_chats
from backend.tickets.notices.kinds import NoticeKind, NoticeWay
from backend.tickets.notices.models import StaffNotice
from backend.users import service as users
from backend.users.models import Role, User, UserSession
from tests.factories import World, actor_for
from tests.markup import field_error
from tests.signing_in import sign_in

LIST, CHOICES = "/thong-bao", "/thong-bao/cach-nhan"
BACKGROUND = {"HX-Request": "true", "X-Background": "1", "Sec-Fetch-Dest": "empty"}


@pytest.fixture
def officer(client: TestClient, world: World) -> User:
    """Signed in on the client."""
    user = world.user()
    sign_in(client, user)
    return user


@pytest.fixture
def leader(world: World) -> User:
    return world.user(Role.LEADER)


def assign(session: Session, world: World, now: datetime, leader: User, to: User) -> Ticket:
    """A new ticket that the leader gives to an officer."""
    ticket, _secret = world.receive(now)
    request = tickets.ActionRequest(Event.ASSIGNED, to_user_id=to.id)
    return tickets.apply(session, ticket.id, request, actor_for(leader), now=now)


def name_of_bell(html: str) -> str:
    return re.search(r'class="bell".*?aria-label="([^"]*)"', html, re.DOTALL)[1]


def test_the_bell_is_a_link_with_its_number_in_its_name(
    client: TestClient, session: Session, world: World, now: datetime, officer: User, leader: User
) -> None:
    assert name_of_bell(client.get("/hop-thu").text) == "Thông báo"
    assign(session, world, now, leader, officer)
    html = client.get("/hop-thu").text
    assert name_of_bell(html) == "Thông báo: 1 chưa đọc" and 'href="/thong-bao"' in html


def test_the_bell_counts_up_to_99(
    client: TestClient, world: World, now: datetime, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "COUNTED", 3)
    for _n in range(4):
        world.receive(now)
    assert name_of_bell(client.get("/hop-thu").text) == "Thông báo: 2+ chưa đọc"


def test_opening_a_ticket_reads_its_notices_and_no_others(
    client: TestClient, session: Session, world: World, now: datetime, officer: User, leader: User
) -> None:
    first, second = (assign(session, world, now, leader, officer) for _n in range(2))
    assert name_of_bell(client.get(f"/hop-thu/{first.number}").text) == "Thông báo: 1 chưa đọc"
    assert name_of_bell(client.get(f"/hop-thu/{first.number}").text) == "Thông báo: 1 chưa đọc"
    assert name_of_bell(client.get(f"/hop-thu/{second.number}").text) == "Thông báo"


def test_the_list_names_tickets_with_links_and_marks_them_read_one_by_one_or_all(
    client: TestClient, session: Session, world: World, now: datetime, officer: User, leader: User
) -> None:
    tickets_of_officer = [assign(session, world, now, leader, officer) for _n in range(3)]
    html = client.get(LIST).text
    for ticket in tickets_of_officer:
        assert f'<a href="/hop-thu/{ticket.number}">{ticket.title}</a>' in html
    assert html.count("Giao cho bạn xử lý") == html.count('class="unread"') == 3
    (latest, *_older) = re.findall(r"/thong-bao/(\d+)/da-doc", html)
    assert client.post(f"/thong-bao/{latest}/da-doc").status_code == 303
    assert client.get(LIST).text.count('class="unread"') == 2
    assert client.post("/thong-bao/da-doc", data={"upto": latest, "seen": "0"}).status_code == 303
    assert client.get(LIST).text.count('class="unread"') == 0


def test_marking_all_leaves_what_came_after_the_list_was_shown(
    client: TestClient, session: Session, world: World, now: datetime, officer: User, leader: User
) -> None:
    assign(session, world, now, leader, officer)
    upto = re.search(r'name="upto" value="(\d+)"', client.get(LIST).text)[1]
    assign(session, world, now, leader, officer)
    world.receive(now)
    client.post("/thong-bao/da-doc", data={"upto": upto, "seen": "0"})
    html = client.get(LIST).text
    assert name_of_bell(html) == "Thông báo: 2 chưa đọc" and "1 phản ánh mới chưa ai tiếp nhận" in html


def test_nobody_marks_the_notice_of_somebody_else(
    client: TestClient, session: Session, world: World, now: datetime, officer: User, leader: User
) -> None:
    other = world.user()
    assign(session, world, now, leader, other)
    notice = session.scalars(select(StaffNotice)).one()
    assert client.post(f"/thong-bao/{notice.id}/da-doc").status_code == 303
    session.refresh(notice)
    assert notice.read_at is None


def test_many_new_tickets_are_one_line_that_leads_to_the_inbox(
    client: TestClient, world: World, now: datetime, officer: User
) -> None:
    for _n in range(5):
        ticket, _secret = world.receive(now)
    html = client.get(LIST).text
    assert "5 phản ánh mới chưa ai tiếp nhận" in html and html.count('class="unread"') == 1
    answer = client.post("/thong-bao/phan-anh-moi", data={"seen": str(ticket.id)})
    assert answer.headers["location"] == "/hop-thu?state=new"
    assert name_of_bell(client.get("/hop-thu?state=new").text) == "Thông báo"


def test_the_list_is_paged_by_key(
    client: TestClient,
    session: Session,
    world: World,
    now: datetime,
    officer: User,
    leader: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queries.list_notices, "__kwdefaults__", {"before": None, "limit": 2})
    numbers = [assign(session, world, now, leader, officer).number for _n in range(5)]
    address, seen = LIST, []
    while address:
        html = client.get(address).text
        seen += re.findall(r'<a href="/hop-thu/([^"]+)"', html)
        following = re.search(r'href="(/thong-bao\?truoc=\d+)" rel="next"', html)
        address = following[1] if following else ""
    assert seen == numbers[::-1]
    for wrong in ("x", "-1", "9" * 30, "0"):
        assert client.get(f"{LIST}?truoc={wrong}").status_code == 200


def test_a_manager_reads_numbers_and_units_without_titles_and_links(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    manager = world.user(Role.MANAGER)
    ticket, _secret = world.receive(now)
    session.add(
        StaffNotice(key="k", ticket_id=ticket.id, user_id=manager.id, code="overdue_5", way=NoticeWay.GATHERED, at=now)
    )
    session.flush()
    sign_in(client, manager)
    html = client.get(LIST).text
    assert ticket.number in html and ticket.title not in html and f"/hop-thu/{ticket.number}" not in html


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.SURVEY])
def test_a_role_without_notices_has_no_bell_and_an_empty_list(client: TestClient, world: World, role: Role) -> None:
    sign_in(client, world.user(role))
    for address in (LIST, CHOICES):
        answer = client.get(address)
        assert answer.status_code == 200 and 'class="bell"' not in answer.text


def test_the_bell_asks_again_and_gets_an_answer_only_where_the_number_has_changed(
    client: TestClient, session: Session, world: World, now: datetime, officer: User, leader: User
) -> None:
    assert client.get(f"{LIST}/tai?n=0", headers=BACKGROUND).status_code == 204
    assign(session, world, now, leader, officer)
    answer = client.get(f"{LIST}/tai?n=0", headers=BACKGROUND)
    assert answer.status_code == 200 and answer.text.lstrip().startswith("<a") and "<html" not in answer.text
    assert name_of_bell(answer.text) == "Thông báo: 1 chưa đọc"


def test_a_page_that_asks_by_itself_keeps_no_session_alive_and_leads_nobody_away(
    client: TestClient, session: Session, now: datetime, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend import clock

    monkeypatch.setattr(clock, "now", lambda: now + users.IDLE - timedelta(minutes=1))
    client.get(f"{LIST}/tai", headers=BACKGROUND)
    assert session.scalars(select(UserSession.seen_at)).one() == now
    monkeypatch.setattr(clock, "now", lambda: now + users.IDLE)
    answer = client.get(f"{LIST}/tai", headers=BACKGROUND)
    assert answer.status_code == 204 and "hx-redirect" not in answer.headers
    assert client.get(LIST).headers["location"].startswith("/dang-nhap")


def test_choices_are_stored_and_shown(client: TestClient, session: Session, officer: User) -> None:
    ways = queries.read_ways(session, officer.id)
    data = {kind.value: way.value for kind, way in ways.items()} | {"reply": "at_once", "medium": "email"}
    assert client.post(CHOICES, data=data).status_code == 303
    assert queries.read_ways(session, officer.id) == ways | {NoticeKind.REPLY: NoticeWay.AT_ONCE}
    assert re.search(r'name="reply".*?value="at_once" selected', client.get(CHOICES).text, re.DOTALL)


@pytest.mark.parametrize(("field", "value"), [("reply", "king"), ("reminder", "off"), ("new", "at_once"), ("new", "")])
def test_a_way_that_is_not_offered_is_refused_at_its_kind(
    client: TestClient, session: Session, officer: User, field: str, value: str
) -> None:
    ways = queries.read_ways(session, officer.id)
    data = {kind.value: way.value for kind, way in ways.items()} | {"assigned": "at_once", "medium": "email"}
    answer = client.post(CHOICES, data=data | {field: value})
    assert answer.status_code == 422 and "Hãy chọn một trong các mục." in field_error(answer.text, field)
    assert re.search(r'name="assigned".*?value="at_once" selected', answer.text, re.DOTALL)
    assert queries.read_ways(session, officer.id) == ways


def test_a_messenger_is_chosen_only_once_a_chat_is_bound(client: TestClient, session: Session, officer: User) -> None:
    data = {kind.value: way.value for kind, way in queries.read_ways(session, officer.id).items()}
    answer = client.post(CHOICES, data=data | {"medium": "telegram"})
    assert answer.status_code == 409 and "Hãy nối Telegram" in field_error(answer.text, "medium")


def test_a_chat_is_bound_by_a_code_that_is_shown_once_and_works_once(
    client: TestClient, session: Session, now: datetime, officer: User
) -> None:
    answer = client.post(f"{CHOICES}/ma-noi")
    code = re.search(r"/canbo ([0-9a-f]{16})<", answer.text)[1]
    assert code not in client.get(CHOICES).text
    assert staff_chats.bind_chat(session, code, 77, now) == officer
    settings = queries.find_settings(session, officer.id)
    assert (settings.chat_id, settings.medium) == (77, Medium.TELEGRAM)
    with pytest.raises(Invalid):
        staff_chats.bind_chat(session, code, 78, now)
    assert client.post(f"{CHOICES}/bo-noi").status_code == 303
    session.refresh(settings)
    assert (settings.chat_id, settings.medium) == (None, Medium.EMAIL)


def test_an_old_code_and_that_of_a_closed_account_bind_nothing(session: Session, world: World, now: datetime) -> None:
    user = world.user()
    code = staff_chats.make_code(session, user.id, now)
    with pytest.raises(Invalid):
        staff_chats.bind_chat(session, code, 77, now + staff_chats.CODE_FOR)
    user.active = False
    session.flush()
    with pytest.raises(Invalid):
        staff_chats.bind_chat(session, code, 77, now)
