"""The filters of the inbox stand in its address; what does not exist is told at its field and never fails."""

from datetime import date, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from backend.desk.inbox import rows
from backend.desk.inbox.filters import FIELDS, FilterChoices, InboxFilter, InboxSort, read_filter
from backend.errors import Invalid
from backend.tickets import service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.service import ActionRequest
from backend.users.models import Role
from backend.users.policy import Actor
from tests.desk.inbox_page import InboxHtml, query_of
from tests.factories import SENDER, World, actor_for
from tests.signing_in import sign_in

DAY = timedelta(days=1)


def show(client: TestClient, **fields: object) -> InboxHtml:
    answer = client.get("/hop-thu", params={name: str(value) for name, value in fields.items()})
    assert answer.status_code == 200, answer.text
    return InboxHtml(answer.text)


@pytest.fixture
def desk(client: TestClient, session: Session, world: World, now: datetime) -> Actor:
    """Somebody at a desk with six tickets, each in another situation. The titles say which."""
    user = world.user()
    actor, leader, coordinator = actor_for(user), world.actor(Role.LEADER), world.actor(Role.COORDINATOR)

    def received(title: str, *events: Event, days: float = 2, **more: object) -> Ticket:
        ticket = world.receive(now - days * DAY, title=title, **more)[0]
        for place, event in enumerate(events):
            by = {Event.INFO_RECEIVED: SENDER, Event.PAUSE_DISPUTED: SENDER, Event.ASSIGNED: leader}.get(event, actor)
            request = ActionRequest(event, text="Nội dung.", to_user_id=actor.user_id, more="5 working days")
            if event is Event.ASSIGNED:
                request = ActionRequest(event, to_user_id=actor.user_id)
            service.apply(session, ticket.id, request, by, now=now - days * DAY + timedelta(minutes=place))
        return ticket

    received("mới", category_code="environment")
    received("đang làm", Event.ASSIGNED)
    received("phản hồi", Event.ACCEPTED, Event.INFO_REQUESTED, Event.INFO_RECEIVED)
    received("chờ bổ sung", Event.ACCEPTED, Event.INFO_REQUESTED)
    received("xin gia hạn", Event.ACCEPTED, Event.EXTENSION_REQUESTED)
    received("tạm dừng", Event.ACCEPTED, Event.INFO_REQUESTED, Event.PAUSE_DISPUTED)
    received("quá hạn", Event.ACCEPTED, days=60)
    world.answered(now - 5 * DAY, now - DAY, title="xong")
    assert coordinator.unit_id is None
    sign_in(client, user)
    return actor


@pytest.mark.parametrize(
    ("fields", "titles"),
    [
        ({"waits": "new"}, {"mới"}),
        ({"waits": "work"}, {"đang làm", "quá hạn"}),
        ({"waits": "replied"}, {"phản hồi"}),
        ({"waits": "sender"}, {"chờ bổ sung"}),
        ({"waits": "extension_approval"}, {"xin gia hạn"}),
        ({"waits": "approval"}, {"xin gia hạn"}),
        ({"waits": "pause_dispute"}, {"tạm dừng"}),
        ({"who": "me"}, {"đang làm"}),
        ({"who": "nobody", "waits": "work"}, {"quá hạn"}),
        ({"category": "environment"}, {"mới"}),
        ({"channel": "telegram"}, set()),
        ({"due": "overdue"}, {"quá hạn"}),
        ({"due": "today"}, set()),
        ({"due_to": "1/11/2026"}, {"quá hạn"}),
        ({"due_from": "2026-11-01", "waits": "work"}, {"đang làm"}),
        ({"received_to": "1/11/2026"}, {"quá hạn"}),
        ({"received_from": "16/11/2026", "received_to": "16/11/2026", "waits": "new"}, {"mới"}),
        ({"state": "awaiting_sender"}, {"chờ bổ sung", "tạm dừng"}),
        ({"state": "answered"}, {"xong"}),
        ({"state": "ended"}, {"xong"}),
        ({"state": "ended", "verdict": "on_time"}, {"xong"}),
        ({"state": "ended", "verdict": "late"}, set()),
        ({"verdict": "none", "waits": "new"}, {"mới"}),
        ({"q": "ban"}, set()),
        ({"q": "phan hoi"}, {"phản hồi"}),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),  # sets have no order
)
def test_each_filter_leaves_what_it_says(
    client: TestClient, desk: Actor, fields: dict[str, str], titles: set[str]
) -> None:
    assert set(show(client, **fields).titles) == titles


def test_filters_stay_in_every_address_of_the_page(client: TestClient, desk: Actor) -> None:
    page = show(client, waits="work", who="nobody", due_from="2020-01-01", sort="-received")
    kept = {"waits": "work", "who": "nobody", "due_from": "2020-01-01", "sort": "-received", "state": "open"}
    assert query_of(query_of(page.ticket_links[0])["list"]) == kept
    chips = [query_of(address) for address in page.chips]
    assert [set(kept) - set(chip) for chip in chips] == [{"waits"}, {"who"}, {"due_from"}]
    assert query_of("?" + page.query_to_save) == kept


@pytest.mark.parametrize("role", [Role.OFFICER, Role.COORDINATOR])
@pytest.mark.parametrize(
    "field", ["state", "unit", "waits", "who", "category", "channel", "due", "verdict", "unread", "sort"]
)
@pytest.mark.parametrize("value", ["khong-co", "-1", "999999999999", "٣", "'", "<b>", "ô" * 500])
def test_choice_that_does_not_exist_is_told_at_its_field(
    client: TestClient, world: World, role: Role, field: str, value: str
) -> None:
    sign_in(client, world.user(role))
    answer = client.get("/hop-thu", params={field: value, "q": "đường"})
    assert answer.status_code == 422 and "&lt;b&gt;" not in answer.text.split("<title>")[0]
    if field != "unit" or role is Role.COORDINATOR:
        assert "Hãy chọn trong danh sách" in InboxHtml(answer.text).error_at(field)
    assert 'value="đường"' in answer.text


@pytest.mark.parametrize("field", ["received_from", "received_to", "due_from", "due_to"])
@pytest.mark.parametrize("value", ["31/2/2026", "hôm qua", "2026-13-01", "1/1/0001", "99999999999"])
def test_day_that_does_not_exist_is_told_and_kept(client: TestClient, desk: Actor, field: str, value: str) -> None:
    answer = client.get("/hop-thu", params={field: value})
    assert answer.status_code == 422 and "Không có ngày này" in InboxHtml(answer.text).error_at(field)
    assert f'value="{value}"' in answer.text


def test_period_that_ends_before_it_begins_is_told(client: TestClient, desk: Actor) -> None:
    answer = client.get("/hop-thu", params={"due_from": "2/11/2026", "due_to": "1/11/2026"})
    assert answer.status_code == 422 and "trước hoặc trùng" in InboxHtml(answer.text).error_at("due_from")


@pytest.mark.parametrize("view", ["x", "-1", "0", "12345", "999999999999999", "٣"])
def test_view_that_does_not_exist_is_told(client: TestClient, desk: Actor, view: str) -> None:
    answer = client.get("/hop-thu", params={"view": view})
    assert answer.status_code == 404 and "Không có bộ lọc đã lưu này" in answer.text


@pytest.mark.parametrize("sort", list(InboxSort))
def test_every_order_pages_through_every_ticket_once(
    client: TestClient, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch, sort: InboxSort
) -> None:
    monkeypatch.setitem(rows.list_rows.__kwdefaults__, "limit", 2)
    for days in (3, 3, 2, 1, 0):
        world.receive(now - days * DAY)
    sign_in(client, world.user())
    page = show(client, sort=sort.value)
    numbers = page.numbers
    while page.next_page:
        page = InboxHtml(client.get(page.next_page).text)
        numbers += page.numbers
    oldest_first = sorted(numbers)
    assert numbers == (oldest_first[::-1] if sort.latest_first else oldest_first) and len(set(numbers)) == 5


def test_ended_tickets_are_paged_over_all_states_in_the_order_of_their_end(
    client: TestClient, session: Session, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rows.list_rows.__kwdefaults__, "limit", 2)
    for days in (1, 4, 2):
        world.answered(now - 9 * DAY, now - days * DAY, title=f"xong {days} ngày trước")
    refused = world.receive(now - 9 * DAY, title="xong 3 ngày trước")[0]
    world.happen(refused, Event.REFUSED, world.actor(), now - 3 * DAY)
    sign_in(client, world.user())
    page = show(client, state="ended")
    titles = page.titles
    while page.next_page:
        page = InboxHtml(client.get(page.next_page).text)
        titles += page.titles
    assert titles == [f"xong {days} ngày trước" for days in (1, 2, 3, 4)]


def test_rare_ended_ticket_is_found_by_going_on(
    client: TestClient, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "LOOK_BACK", 2)
    world.answered(now - 9 * DAY, now - 8 * DAY, title="hiếm", category_code="environment")
    for days in (1, 2, 3):
        world.answered(now - 9 * DAY, now - days * DAY)
    sign_in(client, world.user())
    page = show(client, state="ended", category="environment")
    assert page.titles == [] and "còn phản ánh cũ hơn chưa tìm" in page.text
    assert page.next_page
    assert InboxHtml(client.get(page.next_page).text).titles == ["hiếm"]


def test_list_of_ended_tickets_says_that_it_has_one_order(client: TestClient, desk: Actor) -> None:
    page = show(client, state="answered", sort="due")
    assert page.titles == ["xong"] and "chỉ xếp theo lúc kết thúc" in page.text


def test_coordinator_filters_by_a_handler_of_the_chosen_unit(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    officer, leader = world.user(), world.actor(Role.LEADER)
    ticket = world.receive(now, title="đã giao")[0]
    world.receive(now, title="chưa giao")
    service.apply(session, ticket.id, ActionRequest(Event.ASSIGNED, to_user_id=officer.id), leader, now=now)
    sign_in(client, world.user(Role.COORDINATOR))
    assert show(client, unit=world.unit().id, who=officer.id).titles == ["đã giao"]
    assert client.get("/hop-thu", params={"who": officer.id}).status_code == 422, "no unit, so nobody to choose"


def test_filters_are_read_back_as_they_were_written() -> None:
    choices = FilterChoices({7: "Xã A"}, {"roads": "Đường"}, {3: "Lò Thị Thử"})
    query = {
        "state": "open",
        "unit": "7",
        "waits": "approval",
        "who": "3",
        "category": "roads",
        "channel": "web",
        "received_from": "2026-01-02",
        "received_to": "2026-02-03",
        "due_from": "2026-03-04",
        "due_to": "2026-04-05",
        "due": "soon",
        "verdict": "late",
        "unread": "1",
        "q": "đèn đường",
        "sort": "-changed",
    }
    assert set(query) == set(FIELDS)
    inbox_filter = read_filter(query, choices)
    assert query_of(inbox_filter.address()) == query
    for name in set(FIELDS) - {"state"}:
        assert name not in query_of(inbox_filter.without(name).address())
    with pytest.raises(Invalid):
        read_filter(query, FilterChoices())
    assert InboxFilter(due_from=date(2026, 1, 2)).form_values()["due_from"] == "02/01/2026"
