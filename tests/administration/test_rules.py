"""A province's own rules: their form, the preview, the versions; and that nothing moves what has been received."""

from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.deadlines.rules import TermStart
from backend.tickets import rulebook
from backend.tickets.clock_models import RuleVersion
from backend.users.models import Role, User
from tests.factories import World
from tests.markup import field_error, text_of
from tests.signing_in import sign_in

FIELDS = {
    "code": "resolve",
    "amount": "10",
    "unit": "working days",
    "word": "not required",
    "basis": "Quyết định 12/2026/QĐ-UBND",
    "valid_from": "01/12/2026",
    "valid_to": "",
    "category": "",
    "class": "",
}


@pytest.fixture(autouse=True)
def administrator(client: TestClient, world: World) -> User:
    """Signed in on the client."""
    user = world.user(Role.ADMINISTRATOR, name="Quản Trị Viên")
    sign_in(client, user)
    return user


def stored(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(RuleVersion)) or 0


def test_the_preview_says_what_changes_and_stores_nothing(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    for _n in range(3):
        world.receive(now)
    world.receive(now, category_code="attitude")
    before = stored(session)
    page = text_of(client.post("/thoi-han/xem-truoc", data=FIELDS | {"class": "field"}).text)
    assert "Đang áp dụng vào ngày đó 15 ngày làm việc" in page and "Giá trị mới 10 ngày làm việc" in page
    assert "Không phản ánh nào đang mở bị đổi hạn: 3 phản ánh" in page
    assert "30 ngày qua có 3 phản ánh thuộc diện này" in page
    assert stored(session) == before


def test_a_rule_holds_from_its_day_on_and_moves_nothing_that_was_received(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    earlier, _secret = world.receive(now)
    due = earlier.due_date
    assert client.post("/thoi-han", data=FIELDS).headers["location"] == "/thoi-han/resolve"
    session.refresh(earlier)
    assert (earlier.due_date, earlier.term) == (due, "15 working days")
    assert world.receive(now + timedelta(days=1))[0].term == "15 working days"
    assert world.receive(now + timedelta(days=14))[0].term == "10 working days"
    page = text_of(client.get("/thoi-han/resolve").text)
    assert "10 ngày làm việc" in page and "Quản Trị Viên" in page and "từ 01/12/2026" in page


def test_a_limit_keeps_what_it_runs_from(client: TestClient, session: Session) -> None:
    client.post("/thoi-han", data=FIELDS | {"code": "pause_limit", "amount": "5"})
    (rule,) = [rule for rule in rulebook.load_rules(session).rows if rule.province]
    assert (rule.code, rule.value, rule.starts) == ("pause_limit", "5 working days", TermStart.QUESTION)


def test_a_rule_of_approval_is_a_word_and_holds_for_open_tickets_too(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    world.receive(now)
    data = FIELDS | {"code": "approval", "word": "required", "amount": ""}
    page = text_of(client.post("/thoi-han/xem-truoc", data=data).text)
    assert "kể cả của 1 phản ánh đang mở" in page and "phải có người thứ hai duyệt" in page
    client.post("/thoi-han", data=data)
    assert [rule.word for rule in rulebook.load_rules(session).rows if rule.province] == ["required"]


def test_at_once_needs_no_number(client: TestClient, session: Session) -> None:
    client.post("/thoi-han", data=FIELDS | {"code": "notify", "unit": "at_once", "amount": ""})
    assert [rule.value for rule in rulebook.load_rules(session).rows if rule.province] == ["at once"]


@pytest.mark.parametrize("address", ["/thoi-han/xem-truoc", "/thoi-han"])
@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"code": "king"}, "code"),
        ({"code": "complaint_resolve"}, "code"),
        ({"amount": ""}, "amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": "-3"}, "amount"),
        ({"amount": "9999999999"}, "amount"),
        ({"unit": "năm"}, "unit"),
        ({"basis": " "}, "basis"),
        ({"basis": "x" * 501}, "basis"),
        ({"valid_from": ""}, "valid_from"),
        ({"valid_from": "31/02/2027"}, "valid_from"),
        ({"valid_from": "17/11/2026"}, "valid_from"),  # yesterday
        ({"valid_to": "30/11/2026"}, "valid_to"),
        ({"category": "king"}, "category"),
        ({"class": "king"}, "class"),
        ({"category": "roads", "class": "field"}, "class"),
        ({"code": "approval", "word": "maybe"}, "word"),
    ],
)
def test_a_wrong_rule_is_refused_at_its_field_with_what_was_typed(
    client: TestClient, session: Session, address: str, changed: dict[str, str], field: str
) -> None:
    before = stored(session)
    answer = client.post(address, data=FIELDS | changed)
    assert answer.status_code == 422 and field_error(answer.text, field)
    assert "Quyết định 12/2026" in answer.text or field == "basis"
    assert stored(session) == before


def test_going_back_from_the_preview_keeps_what_was_typed(client: TestClient) -> None:
    page = client.post("/thoi-han/sua-lai", data=FIELDS).text
    assert "Quyết định 12/2026/QĐ-UBND" in page and 'value="01/12/2026"' in page


def test_every_rule_is_listed_with_what_is_in_force_today(client: TestClient) -> None:
    page = client.get("/thoi-han").text
    assert "15 ngày làm việc" in page and 'href="/thoi-han/resolve"' in page
    assert client.get("/thoi-han/khong-co").status_code == 404
    assert client.get("/thoi-han/them?code=king").status_code == 200
