"""Filters that are saved as views: of one person, or of a whole unit; and how the list is shown."""

from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from backend.desk.inbox import views
from backend.desk.inbox.filters import InboxFilter
from backend.desk.inbox.models import SavedView
from backend.tickets.models import WaitsFor
from backend.users.models import Role
from tests.desk.inbox_page import InboxHtml, query_of
from tests.factories import World, actor_for
from tests.signing_in import sign_in

VIEWS = "/hop-thu/bo-loc"
NEW_ROADS = "state=open&waits=new&category=roads"


def act(client: TestClient, act: str, **fields: object) -> Response:
    return client.post(VIEWS, data={"act": act, **{name: str(value) for name, value in fields.items()}})


def save(client: TestClient, name: str, query: str = NEW_ROADS, **fields: object) -> int:
    answer = act(client, "save", name=name, query=query, **fields)
    assert answer.status_code == 303, answer.text
    return int(query_of(answer.headers["location"])["view"])


def test_saved_filters_open_by_their_name_with_their_count(client: TestClient, world: World, now: datetime) -> None:
    world.receive(now, title="Đường mới")
    world.receive(now, title="Rác", category_code="environment")
    sign_in(client, world.user())
    view_id = save(client, "Đường mới nhận")
    page = InboxHtml(client.get("/hop-thu").text)
    assert page.titles == ["Đường mới", "Rác"]
    address, count = page.tab("Đường mới nhận")
    assert count == 1 and query_of(address)["view"] == str(view_id)
    for opened in (address, f"/hop-thu?view={view_id}"):
        assert InboxHtml(client.get(opened).text).titles == ["Đường mới"]


def test_own_view_is_not_there_for_anybody_else(client: TestClient, world: World) -> None:
    sign_in(client, world.user())
    view_id = save(client, "Riêng")
    sign_in(client, world.user(Role.LEADER))
    assert client.get(f"/hop-thu?view={view_id}").status_code == 404
    assert "Riêng" not in client.get(VIEWS).text
    for name in ("rename", "delete", "open", "replace"):
        answer = act(client, name, view=view_id, query=NEW_ROADS, **{f"name-{view_id}": "Khác"})
        assert answer.status_code == 404, name


def test_leader_makes_the_views_of_the_unit_and_an_officer_does_not(client: TestClient, world: World) -> None:
    sign_in(client, world.user(Role.LEADER))
    view_id = save(client, "Chung", shared=1)
    sign_in(client, world.user())
    assert InboxHtml(client.get("/hop-thu").text).tab("Chung")[1] == 0
    assert act(client, "save", name="Của tôi", query=NEW_ROADS, shared=1).status_code == 403
    for name in ("rename", "delete"):
        refused = act(client, name, view=view_id, **{f"name-{view_id}": "Khác"})
        assert refused.status_code == 403 and "Chỉ lãnh đạo cơ quan" in refused.text
    sign_in(client, world.user(Role.LEADER, world.unit("LC-SYT")))
    assert client.get(f"/hop-thu?view={view_id}").status_code == 404


def test_view_is_renamed_given_other_filters_and_deleted(client: TestClient, session: Session, world: World) -> None:
    sign_in(client, world.user())
    view_id = save(client, "Cũ")
    assert act(client, "rename", view=view_id, **{f"name-{view_id}": "  Tên   mới "}).status_code == 303
    assert act(client, "replace", view=view_id, query="state=open&due=overdue").status_code == 303
    session.expire_all()
    view = session.get_one(SavedView, view_id)
    assert (view.name, view.query) == ("Tên mới", "state=open&due=overdue")
    assert act(client, "delete", view=view_id).status_code == 303
    assert session.scalars(select(SavedView.id)).all() == []


def test_inbox_opens_with_the_chosen_view_and_any_address_goes_past_it(
    client: TestClient, world: World, now: datetime
) -> None:
    world.receive(now, title="Rác", category_code="environment")
    sign_in(client, world.user())
    view_id = save(client, "Đường")
    assert act(client, "open", view=view_id).status_code == 303
    assert InboxHtml(client.get("/hop-thu").text).titles == []
    assert InboxHtml(client.get("/hop-thu?state=open").text).titles == ["Rác"]
    act(client, "delete", view=view_id)
    assert InboxHtml(client.get("/hop-thu").text).titles == ["Rác"]
    act(client, "open", view=save(client, "Đường"))
    assert act(client, "open").status_code == 303
    assert InboxHtml(client.get("/hop-thu").text).titles == ["Rác"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("", "Hãy đặt tên"), ("  ", "Hãy đặt tên"), ("x" * 61, "Dài quá 60 ký tự"), ("Đã có", "Tên này đã dùng")],
)
def test_name_that_does_not_do_is_told_at_its_field_and_kept(
    client: TestClient, world: World, name: str, sentence: str
) -> None:
    sign_in(client, world.user())
    first, second = save(client, "Đã có"), save(client, "Khác")
    refused = act(client, "save", name=name, query=NEW_ROADS)
    assert refused.status_code == 422 and sentence in InboxHtml(refused.text).error_at("name")
    assert f'value="{name}"' in refused.text and NEW_ROADS.replace("&", "&amp;") in refused.text
    renamed = act(client, "rename", view=second, **{f"name-{second}": name})
    assert renamed.status_code == 422 and sentence in InboxHtml(renamed.text).error_at(f"name-{second}")
    assert act(client, "rename", view=first, **{f"name-{first}": "Đã có"}).status_code == 303, "its own name"


@pytest.mark.parametrize(
    "query", ["", "state=khac", "x=1", "unit=99999", "due=never&waits=new", "%", "a" * 3_000, "who=abc"]
)
def test_filters_that_do_not_exist_are_not_saved(
    client: TestClient, session: Session, world: World, query: str
) -> None:
    sign_in(client, world.user())
    answer = act(client, "save", name="Tên", query=query)
    if query in ("x=1", "%"):
        assert answer.status_code in (303, 422)
        return
    assert answer.status_code == 422 and session.scalars(select(SavedView.id)).all() == []


@pytest.mark.parametrize("fields", [{"act": "khac"}, {}, {"act": "rename"}, {"act": "delete", "view": "x"}])
def test_form_that_makes_no_sense_is_told(client: TestClient, world: World, fields: dict[str, str]) -> None:
    sign_in(client, world.user())
    assert client.post(VIEWS, data=fields).status_code == 422


def test_nobody_saves_without_end(client: TestClient, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "VIEWS_MOST", 2)
    sign_in(client, world.user())
    save(client, "1")
    save(client, "2")
    refused = act(client, "save", name="3", query=NEW_ROADS)
    assert refused.status_code == 409 and "Đã có 2 bộ lọc" in refused.text and 'value="3"' in refused.text


def test_view_whose_choice_is_gone_says_so_and_harms_no_other_page(
    client: TestClient, session: Session, world: World
) -> None:
    user = world.user(Role.COORDINATOR)
    sign_in(client, user)
    view_id = save(client, "Xã cũ", f"state=open&unit={world.unit().id}")
    session.execute(text("UPDATE inbox_views SET query = 'state=open&unit=999999'"))
    assert "có mục không còn dùng được" in client.get(VIEWS).text
    assert InboxHtml(client.get("/hop-thu").text).tab("Xã cũ")[1] is None
    opened = client.get(f"/hop-thu?view={view_id}")
    assert opened.status_code == 422 and InboxHtml(opened.text).error_at("unit")


def test_own_view_of_the_coordinator_counts_like_its_list(client: TestClient, world: World, now: datetime) -> None:
    other = world.unit("LC-SYT")
    old = now - timedelta(days=60)
    world.receive(old, title="a")
    world.receive(old, title="b", unit_id=other.id)
    world.receive(now, title="c", category_code="environment")
    sign_in(client, world.user(Role.COORDINATOR))
    queries = {
        "quá hạn": "state=open&due=overdue",
        "mới quá hạn": "state=open&waits=new&due=overdue",
        "đến hạn trước": "state=open&due_to=2026-11-01",
        "một cơ quan": f"state=open&unit={other.id}",
        "loại": "state=open&category=environment",
        "chưa giao": "state=open&who=nobody",
        "chưa đọc": "state=open&unread=1",
    }
    ids = {name: save(client, name, query) for name, query in queries.items()}
    page = InboxHtml(client.get("/hop-thu?state=open").text)
    for name, view_id in ids.items():
        listed = InboxHtml(client.get(f"/hop-thu?view={view_id}").text)
        assert page.tab(name)[1] == len(listed.titles) > 0, name


def test_views_over_ended_tickets_and_over_words_carry_no_count(client: TestClient, world: World) -> None:
    sign_in(client, world.user())
    save(client, "Đã trả lời", "state=answered")
    save(client, "Có chữ", "state=open&q=duong")
    page = InboxHtml(client.get("/hop-thu").text)
    assert page.tab("Đã trả lời")[1] is None and page.tab("Có chữ")[1] is None


def test_columns_and_room_between_rows_are_kept_for_each_person(
    client: TestClient, world: World, now: datetime
) -> None:
    world.receive(now, title="Đường")
    user, other = world.user(), world.user()
    sign_in(client, user)
    assert act(client, "show", density="dense", **{"column-channel": 1}).status_code == 303
    page = client.get("/hop-thu").text
    row = InboxHtml(page).row("Đường")
    assert 'class="inbox dense"' in page and "Trang web" in row and "Đường sá, giao thông" not in row
    sign_in(client, other)
    page = client.get("/hop-thu").text
    assert 'class="inbox roomy"' in page and "Trang web" not in InboxHtml(page).row("Đường")
    assert act(client, "show", density="x").status_code == 422


def test_two_people_name_their_views_alike(session: Session, world: World, now: datetime) -> None:
    officer, leader = (actor_for(world.user(role)) for role in (Role.OFFICER, Role.LEADER))
    for actor, shared in ((officer, False), (leader, False), (leader, True)):
        views.save_view(session, actor, "Mới", InboxFilter(waits=WaitsFor.NEW.value), shared=shared, now=now)
    assert len(views.read_setting(session, officer).views) == 2
