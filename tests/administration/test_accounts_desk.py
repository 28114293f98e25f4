"""The administrator's desk for accounts: search, edit, pages before an end, hand-over, history."""

import re
from datetime import datetime

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit
from backend.tickets import service as tickets
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.notices.models import StaffNotice
from backend.users import queries
from backend.users.models import Role, User
from tests.factories import World, actor_for
from tests.markup import field_error, text_of
from tests.signing_in import sign_in


@pytest.fixture
def administrator(client: TestClient, world: World) -> User:
    """Signed in on the client."""
    user = world.user(Role.ADMINISTRATOR, name="Quản Trị Viên")
    sign_in(client, user)
    return user


def listed(html: str) -> list[str]:
    return re.findall(r'<a href="/tai-khoan/\d+">([^<]+)</a>', html)


def fields_of(user: User, **more: str) -> dict[str, str]:
    return {"name": user.name, "role": user.role.value, "unit": str(user.unit_id or "")} | more


def assigned(session: Session, world: World, now: datetime, to: User, count: int = 1) -> list[Ticket]:
    """New tickets that the leader has given to somebody."""
    leader, given = actor_for(world.user(Role.LEADER)), []
    for _n in range(count):
        ticket, _secret = world.receive(now)
        request = tickets.ActionRequest(Event.ASSIGNED, to_user_id=to.id)
        given.append(tickets.apply(session, ticket.id, request, leader, now=now))
    return given


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=bui thi", ["Bùi Thị Đào"]),
        ("q=ĐÀO", ["Bùi Thị Đào"]),
        ("q=dao bui", ["Bùi Thị Đào"]),
        ("q=khong-ai", []),
        ("role=manager", ["Lý Văn Quản"]),
        ("state=khoa", ["Vàng A Khóa"]),
        ("state=mo&role=officer", ["Bùi Thị Đào"]),
        ("q=%25", []),
        ("q=" + "x" * 5000, []),
    ],
)
def test_accounts_are_found_by_name_address_role_and_state(
    client: TestClient, world: World, administrator: User, query: str, names: list[str]
) -> None:
    world.user(Role.OFFICER, name="Bùi Thị Đào")
    world.user(Role.MANAGER, name="Lý Văn Quản")
    world.user(Role.OFFICER, name="Vàng A Khóa", active=False)
    assert listed(client.get(f"/tai-khoan?{query}").text) == names


def test_accounts_are_found_by_address_and_unit(client: TestClient, world: World, administrator: User) -> None:
    user = world.user(Role.OFFICER, world.unit("LC-SYT"), name="Người Của Sở")
    assert listed(client.get(f"/tai-khoan?q={user.email[:12]}&unit={user.unit_id}").text) == ["Người Của Sở"]
    assert listed(client.get(f"/tai-khoan?unit={world.unit().id}").text) == []


@pytest.mark.parametrize(("field", "value"), [("role", "king"), ("role", "citizen"), ("unit", "x"), ("state", "mai")])
def test_a_filter_that_does_not_exist_is_told_at_its_field(
    client: TestClient, administrator: User, field: str, value: str
) -> None:
    answer = client.get(f"/tai-khoan?q=abc&{field}={value}")
    assert answer.status_code == 422 and field_error(answer.text, field)
    assert 'value="abc"' in answer.text


def test_accounts_are_paged_without_an_address_in_the_address(
    session: Session, world: World, administrator: User
) -> None:
    users = [world.user(Role.MANAGER) for _n in range(5)] + [world.user(Role.MANAGER, active=False)]
    wanted, after, found = queries.AccountFilter(role=Role.MANAGER), None, []
    while True:
        page = queries.search_accounts(session, wanted, after=after, limit=2)
        assert page.count == 6
        found += [user.id for user in page.accounts]
        if page.after is None:
            break
        after = page.after
    assert found == [user.id for user in users]
    assert queries.search_accounts(session, wanted, after=2**31 - 1).accounts == []


def test_an_account_is_changed_and_the_change_stands_in_its_history(
    client: TestClient, session: Session, world: World, administrator: User
) -> None:
    user = world.user(Role.OFFICER)
    data = fields_of(user, name="Tên Mới", role="leader", unit=str(world.unit("LC-SYT").id))
    assert client.post(f"/tai-khoan/{user.id}", data=data).status_code == 303
    session.refresh(user)
    assert (user.name, user.role, user.unit_id) == ("Tên Mới", Role.LEADER, world.unit("LC-SYT").id)
    (entry,) = audit.list_entries(session, audit.user_key(user.id))
    assert entry.action == "changed" and "Tên Mới" not in str(entry.data)
    history = text_of(client.get(f"/tai-khoan/{user.id}").text)
    assert "Sửa tài khoản" in history and "Quản Trị Viên" in history
    assert "Vai trò: Cán bộ tiếp nhận, xử lý → Lãnh đạo cơ quan" in history


def test_a_change_that_changes_nothing_leaves_no_entry(
    client: TestClient, session: Session, world: World, administrator: User
) -> None:
    user = world.user()
    assert client.post(f"/tai-khoan/{user.id}", data=fields_of(user)).status_code == 303
    assert audit.list_entries(session, audit.user_key(user.id)) == []


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"name": " "}, "name", "Hãy nhập họ tên."),
        ({"name": "x" * 121}, "name", "Dài quá 120 ký tự."),
        ({"role": "king"}, "role", "Hãy chọn một vai trò."),
        ({"unit": ""}, "unit", "Vai trò này cần một cơ quan."),
        ({"unit": "999999"}, "unit", "Xin chọn cơ quan trong danh sách."),
        ({"unit": "x"}, "unit", "Xin chọn cơ quan trong danh sách."),
    ],
)
def test_a_wrong_change_is_refused_at_its_field_with_what_was_typed(
    client: TestClient,
    session: Session,
    world: World,
    administrator: User,
    changed: dict[str, str],
    field: str,
    sentence: str,
) -> None:
    user = world.user(Role.OFFICER, name="Tên Cũ")
    answer = client.post(f"/tai-khoan/{user.id}", data=fields_of(user, name="Tên Đã Gõ") | changed)
    assert answer.status_code == 422 and sentence in field_error(answer.text, field)
    assert 'value="Tên Đã Gõ"' in answer.text or field == "name"
    session.refresh(user)
    assert user.name == "Tên Cũ"


def test_nobody_changes_the_own_role(client: TestClient, administrator: User) -> None:
    answer = client.post(f"/tai-khoan/{administrator.id}", data=fields_of(administrator, role="manager"))
    assert answer.status_code == 409 and "Bạn không thể đổi vai trò" in field_error(answer.text, "role")


def test_somebody_with_open_tickets_leaves_the_unit_only_after_a_hand_over(
    client: TestClient, session: Session, world: World, now: datetime, administrator: User
) -> None:
    officer, colleague = world.user(name="Người Đi"), world.user(name="Người Ở Lại")
    given = assigned(session, world, now, officer, 3)
    elsewhere = fields_of(officer, unit=str(world.unit("LC-SYT").id))
    refused = client.post(f"/tai-khoan/{officer.id}", data=elsewhere)
    assert refused.status_code == 409 and "còn 3 phản ánh đang mở" in field_error(refused.text, "unit")
    page = client.get(f"/tai-khoan/{officer.id}/ban-giao").text
    assert "3 phản ánh được giao cho đồng nghiệp" in page and "Người Ở Lại" in page
    assert given[0].title not in page and given[0].number not in page  # an administrator sees no ticket
    assert client.post(f"/tai-khoan/{officer.id}/ban-giao", data={"to_user": str(colleague.id)}).status_code == 303
    session.expire_all()
    assert {ticket.assignee_id for ticket in given} == {colleague.id}
    assert client.post(f"/tai-khoan/{officer.id}", data=elsewhere).status_code == 303
    told = session.scalars(select(StaffNotice.user_id).where(StaffNotice.user_id == colleague.id)).all()
    assert len(told) == 3


@pytest.mark.parametrize("to_user", ["", "x", "0", "999999", "self", "elsewhere"])
def test_a_hand_over_to_nobody_of_the_unit_is_refused(
    client: TestClient, session: Session, world: World, now: datetime, administrator: User, to_user: str
) -> None:
    officer, stranger = world.user(), world.user(Role.OFFICER, world.unit("LC-SYT"))
    world.user()
    assigned(session, world, now, officer)
    chosen = {"self": str(officer.id), "elsewhere": str(stranger.id)}.get(to_user, to_user)
    answer = client.post(f"/tai-khoan/{officer.id}/ban-giao", data={"to_user": chosen})
    assert answer.status_code == 422 and "Xin chọn một đồng nghiệp" in field_error(answer.text, "to_user")


def test_the_page_before_closing_says_what_is_open_and_closing_hands_it_over(
    client: TestClient, session: Session, world: World, now: datetime, administrator: User
) -> None:
    officer, colleague = world.user(), world.user(name="Người Ở Lại")
    movable, waiting = assigned(session, world, now, officer, 2)
    tickets.apply(session, waiting.id, tickets.ActionRequest(Event.INFO_REQUESTED, "Hỏi?"), actor_for(officer), now=now)
    page = text_of(client.get(f"/tai-khoan/{officer.id}/dong").text)
    assert "Phản ánh đang mở 2" in page and "đăng xuất khỏi mọi thiết bị" in page
    answer = client.post(f"/tai-khoan/{officer.id}/dong", data={"to_user": str(colleague.id)})
    assert answer.status_code == 303
    assert "Còn 1 phản ánh đang mở chưa bàn giao được" in client.get(f"/tai-khoan/{officer.id}").text
    session.expire_all()
    assert (movable.assignee_id, waiting.assignee_id) == (colleague.id, officer.id)
    assert not officer.active
    actions = [entry.action for entry in audit.list_entries(session, audit.user_key(officer.id))]
    assert actions == ["handed_over", "closed", "sessions_revoked"]


def test_nobody_closes_the_account_in_use_and_its_tickets_stay(
    client: TestClient, session: Session, world: World, administrator: User
) -> None:
    answer = client.post(f"/tai-khoan/{administrator.id}/dong")
    assert answer.status_code == 409 and "Bạn không thể khóa" in answer.text


def test_a_page_comes_before_a_new_password(client: TestClient, session: Session, administrator: User) -> None:
    before = administrator.password_hash
    page = client.get(f"/tai-khoan/{administrator.id}/mat-khau-moi")
    assert page.status_code == 200 and "Cấp mật khẩu mới?" in page.text
    session.refresh(administrator)
    assert administrator.password_hash == before


def test_sign_ins_are_no_changes(client: TestClient, administrator: User) -> None:
    assert "Chưa có thay đổi nào." in client.get(f"/tai-khoan/{administrator.id}").text


@pytest.mark.parametrize("path", ["", "/dong", "/mat-khau-moi", "/ban-giao"])
def test_an_account_that_does_not_exist_is_not_found(client: TestClient, administrator: User, path: str) -> None:
    assert client.get(f"/tai-khoan/999999{path}").status_code == 404
    assert client.get(f"/tai-khoan/x{path}").status_code == 404
