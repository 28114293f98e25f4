"""Leaders and the coordinator write templates; everybody who answers reads them; nobody else sees those of a unit."""

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from backend import audit
from backend.desk.replies import service
from backend.desk.replies.models import ReplyTemplate, ReplyVersion
from backend.users.models import Role
from tests.factories import World
from tests.markup import text_of
from tests.signing_in import sign_in

TEMPLATES = "/mau-tra-loi"
BODY = "Phản ánh {{ma_so}} đã được {{co_quan}} xử lý."


def post(client: TestClient, address: str = TEMPLATES, **fields: object) -> Response:
    values = {"kind": "answer", "name": "Đã xử lý", "body": BODY, "in_use": "1", "act": "save", **fields}
    return client.post(address, data={name: str(value) for name, value in values.items()})


def add(client: TestClient, **fields: str) -> str:
    """Return the address of a new template."""
    answer = post(client, TEMPLATES, **fields)
    assert answer.status_code == 303, text_of(answer.text)
    return str(answer.headers["location"])


def test_a_leader_adds_a_template_that_the_unit_reads_and_no_other_unit_finds(client: TestClient, world: World) -> None:
    sign_in(client, world.user(Role.LEADER))
    address = add(client)
    sign_in(client, world.user())
    assert "Đã xử lý" in client.get(TEMPLATES).text
    page = client.get(address)
    assert page.status_code == 200 and 'name="body"' not in page.text
    for stranger in (world.user(Role.LEADER, world.unit("LC-SYT")), world.user(Role.COORDINATOR, None)):
        sign_in(client, stranger)
        assert "Đã xử lý" not in client.get(TEMPLATES).text
        assert client.get(address).status_code == 404
        assert post(client, address, version=1, name="Của tôi").status_code == 404
        absent = client.get(f"{TEMPLATES}/999999")
        assert absent.status_code == 404 and "Không có mẫu trả lời này." in absent.text


def test_the_coordinator_writes_for_the_province_and_a_leader_reads_only(client: TestClient, world: World) -> None:
    sign_in(client, world.user(Role.COORDINATOR, None))
    address = add(client, name="Chung cho cả tỉnh")
    for role in (Role.OFFICER, Role.LEADER):
        sign_in(client, world.user(role, world.unit("LC-SYT")))
        assert "Chung cho cả tỉnh" in client.get(TEMPLATES).text
        assert "Phản ánh {{ma_so}}" in client.get(address).text
        assert post(client, address, version=1, name="Khác").status_code == 403


def test_an_officer_adds_nothing(client: TestClient, world: World, session: Session) -> None:
    sign_in(client, world.user())
    assert post(client).status_code == 403
    assert client.get(f"{TEMPLATES}/them").status_code == 403
    assert "Thêm mẫu trả lời" not in client.get(TEMPLATES).text
    assert session.scalars(select(ReplyTemplate)).all() == []


@pytest.mark.parametrize("body", ["Chào.\n{{ 7*7 }}", "Chào.\n{% import os %}", "Chào.\n{{ho_ten}}"])
def test_what_is_no_placeholder_is_refused_at_its_line_and_everything_typed_stays(
    client: TestClient, world: World, session: Session, body: str
) -> None:
    sign_in(client, world.user(Role.LEADER))
    for act in ("save", "preview"):
        page = post(client, act=act, body=body, name="Tên giữ lại")
        assert page.status_code == 422 and "Dòng 2:" in page.text and 'id="body-error"' in page.text
        assert "Tên giữ lại" in page.text and body.splitlines()[1] in page.text and "49" not in text_of(page.text)
    assert session.scalars(select(ReplyTemplate)).all() == []


def test_a_preview_shows_a_made_up_ticket_and_stores_nothing(
    client: TestClient, world: World, session: Session
) -> None:
    sign_in(client, world.user(Role.LEADER))
    page = post(client, act="preview", body="{{ma_so}}.[[neu qua_han]] Xin lỗi.[[het]]")
    shown = text_of(page.text)
    assert page.status_code == 200 and "PAKN.20261118.0001." in shown and "PAKN.20261118.0001. Xin lỗi." in shown
    assert "Khi phản ánh đã quá hạn" in shown
    assert session.scalars(select(ReplyTemplate)).all() == []


def test_each_change_is_a_version_that_can_be_looked_at_and_brought_back(
    client: TestClient, world: World, session: Session
) -> None:
    leader = world.user(Role.LEADER)
    sign_in(client, leader)
    address = add(client)
    assert post(client, address, version=1, body="Bản hai.").status_code == 303
    assert post(client, address, version=2, body="Bản hai.").status_code == 303  # nothing has changed
    older = client.get(f"{address}?version=1")
    assert "Phản ánh {{ma_so}}" in older.text and leader.name in older.text
    assert client.post(address, data={"act": "restore", "older": "1", "version": "2"}).status_code == 303
    session.expire_all()
    template = session.scalars(select(ReplyTemplate)).one()
    assert (template.version, template.body) == (3, BODY)
    bodies = session.scalars(select(ReplyVersion.body).order_by(ReplyVersion.version)).all()
    assert bodies == [BODY, "Bản hai.", BODY]
    entries = audit.list_entries(session, service.template_chain(template.id))
    assert [entry.action for entry in entries] == ["template_added", "template_changed", "template_restored"]
    assert {entry.user_id for entry in entries} == {leader.id}
    for unknown in ("9", "x", "-1", "99999999999999"):
        assert client.get(f"{address}?version={unknown}").status_code == 404


def test_versions_cannot_be_changed_in_the_database_either(client: TestClient, world: World, session: Session) -> None:
    sign_in(client, world.user(Role.LEADER))
    add(client)
    for statement in ("UPDATE reply_template_versions SET body = 'x'", "DELETE FROM reply_template_versions"):
        with pytest.raises(ProgrammingError, match="append-only"), session.begin_nested():
            session.execute(text(statement))


def test_two_who_change_one_template_learn_of_each_other(client: TestClient, world: World, session: Session) -> None:
    sign_in(client, world.user(Role.LEADER))
    address = add(client)
    assert post(client, address, version=1, body="Của người thứ nhất.").status_code == 303
    page = post(client, address, version=1, body="Của người thứ hai.")
    assert page.status_code == 409 and "Của người thứ hai." in page.text
    assert post(client, address, version=2, body="Của người thứ hai.").status_code == 303
    session.expire_all()
    assert session.scalars(select(ReplyTemplate.body)).all() == ["Của người thứ hai."]


def test_wrong_fields_are_refused_where_they_stand(client: TestClient, world: World) -> None:
    sign_in(client, world.user(Role.LEADER))
    address = add(client, name="Có rồi")
    add(client, name="Khác")
    for fields, field in [
        ({"name": ""}, "name"),
        ({"name": "a" * 81}, "name"),
        ({"name": "Khác"}, "name"),
        ({"body": " \n "}, "body"),
        ({"body": "a" * 5_001}, "body"),
        ({"kind": "poem"}, "kind"),
        ({"act": "burn"}, "name"),
    ]:
        page = post(client, address, version=1, **fields)
        assert page.status_code == 422, fields
        assert (field == "name" and fields.get("act")) or f'id="{field}-error"' in page.text, fields
    assert post(client, name="Có rồi").status_code == 422


def test_search_finds_words_without_tone_marks_in_names_and_texts(client: TestClient, world: World) -> None:
    sign_in(client, world.user(Role.LEADER))
    add(client, name="Đèn đường", body="Đội chiếu sáng sẽ thay bóng.")
    add(client, name="Rác thải", body="Xe sẽ thu gom.")
    for words, expected in [("den duong", "Đèn"), ("THU gom", "Rác"), ("bóng đèn", "Đèn")]:
        found = client.get(TEMPLATES, params={"q": words}).text
        assert [name for name in ("Đèn đường", "Rác thải") if name in found] == [
            "Đèn đường" if expected == "Đèn" else "Rác thải"
        ]
    for nothing in ("%", "_", "khong co gi", "\\"):
        assert "Không có mẫu nào có những chữ này." in client.get(TEMPLATES, params={"q": nothing}).text
    assert client.get(TEMPLATES, params={"q": "a" * 10_000}).status_code == 422
