"""A template is put into a field of a ticket's page without a script; everything typed stays."""

from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.desk.drafts.models import TypedDraft
from backend.desk.replies import service
from backend.desk.replies.models import ReplyKind
from backend.desk.replies.service import ReplyFields
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.users.models import Role
from backend.users.policy import Actor
from tests.desk.typed_page import Button, TypedPage
from tests.factories import World
from tests.markup import text_of
from tests.signing_in import sign_in


@pytest.fixture
def ticket(world: World, now: datetime) -> Ticket:
    """Accepted by an officer of Phường Đoàn Kết."""
    return world.happen(world.receive(now)[0], Event.ACCEPTED, world.actor(), now)


def template(
    session: Session, author: Actor, now: datetime, body: str, kind: ReplyKind = ReplyKind.ANSWER, name: str = "Mẫu"
) -> int:
    return service.add_template(session, author, ReplyFields(kind, name, body), now).id


def insert(client: TestClient, ticket: Ticket, field: str, template_id: object, **typed: str) -> Response:
    data = {"version": str(ticket.version), "insert": field, f"{field}_template": str(template_id), **typed}
    return client.post(f"/hop-thu/{ticket.number}/xem", data=data)


def test_the_text_is_appended_with_the_values_of_the_ticket_and_all_else_stays_as_typed(
    client: TestClient, session: Session, world: World, ticket: Ticket, now: datetime
) -> None:
    body = "{{ma_so}} | {{tieu_de}} | {{co_quan}} | {{ngay_nhan}} | {{han}}"
    template_id = template(session, world.actor(Role.LEADER), now, body)
    sign_in(client, world.user())
    before = TypedPage(client.get(f"/hop-thu/{ticket.number}").text)
    button = Button(f"/hop-thu/{ticket.number}/xem#answer", "insert", "answer")
    assert button in before.buttons
    typed = {**before.texts, "answer": "Chào bạn.", "question": "Ở số nhà nào?", "answer_template": str(template_id)}
    page = client.post(f"/hop-thu/{ticket.number}/xem", data=before.sent_by(button, typed))
    assert page.status_code == 200
    texts = TypedPage(page.text).texts
    lines = texts["answer"].strip().replace("\r\n", "\n").split("\n\n")
    day, due = f"{ticket.received_at:%d/%m/%Y}", f"{ticket.due_date:%d/%m/%Y}"
    assert lines == ["Chào bạn.", f"{ticket.number} | {ticket.title} | {world.unit().name} | {day} | {due}"]
    assert texts["question"].strip() == "Ở số nhà nào?"
    fields = session.scalars(select(TypedDraft.fields)).one()
    assert fields["answer"].endswith(due) and not {"insert", "answer_template"} & set(fields)


def test_a_condition_holds_by_the_due_date_of_the_ticket(
    client: TestClient, session: Session, world: World, ticket: Ticket, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "Chào.[[neu qua_han]] Xin lỗi.[[het]][[neu con_han]] Còn hạn.[[het]]"
    template_id = template(session, world.actor(Role.LEADER), now, body)
    officer = world.user()
    sign_in(client, officer)
    assert TypedPage(insert(client, ticket, "answer", template_id).text).texts["answer"].strip() == "Chào. Còn hạn."
    later = now + timedelta(days=200)
    monkeypatch.setattr(clock, "now", lambda: later)
    sign_in(client, officer)
    assert TypedPage(insert(client, ticket, "answer", template_id).text).texts["answer"].strip() == "Chào. Xin lỗi."


def test_each_field_offers_the_templates_of_its_kind_of_unit_and_province(
    client: TestClient, session: Session, world: World, ticket: Ticket, now: datetime
) -> None:
    leader, coordinator = world.actor(Role.LEADER), world.actor(Role.COORDINATOR)
    template(session, leader, now, "Hỏi.", ReplyKind.QUESTION, "Hỏi địa chỉ")
    template(session, coordinator, now, "Không.", ReplyKind.REFUSAL, "Không thuộc phạm vi")
    template(session, world.actor(Role.LEADER, world.unit("LC-SYT")), now, "Khác.", ReplyKind.QUESTION, "Của sở")
    sign_in(client, world.user())
    page = client.get(f"/hop-thu/{ticket.number}").text
    assert 'id="question_template"' in page and "Hỏi địa chỉ" in page
    assert 'id="refusal_reason_template"' in page and '<optgroup label="Của tỉnh">' in page
    assert 'id="answer_template"' not in page and "Của sở" not in page


def test_a_template_that_cannot_be_put_there_is_refused_at_the_select_and_the_text_stays(
    client: TestClient, session: Session, world: World, ticket: Ticket, now: datetime
) -> None:
    stranger = world.actor(Role.LEADER, world.unit("LC-SYT"))
    of_stranger = template(session, stranger, now, "Bí mật của sở.")
    question = template(session, world.actor(Role.LEADER), now, "Hỏi.", ReplyKind.QUESTION)
    unused = service.add_template(
        session, world.actor(Role.LEADER), ReplyFields(ReplyKind.ANSWER, "Cũ", "Cũ.", in_use=False), now
    ).id
    sign_in(client, world.user())
    for template_id, status in [
        ("", 422),
        ("x", 422),
        (of_stranger, 404),
        (question, 404),
        (unused, 404),
        (10**9, 404),
    ]:
        page = insert(client, ticket, "answer", template_id, answer="Đang viết dở.")
        assert page.status_code == status, template_id
        assert 'id="answer_template-error"' in page.text and "Bí mật" not in page.text
        assert TypedPage(page.text).texts["answer"].strip() == "Đang viết dở."
    page = insert(client, ticket, "note", question, answer="Đang viết dở.")
    assert page.status_code == 404 and "Không có mẫu trả lời này." in text_of(page.text)


def test_a_page_without_templates_has_no_select(client: TestClient, world: World, ticket: Ticket) -> None:
    sign_in(client, world.user())
    assert "_template" not in client.get(f"/hop-thu/{ticket.number}").text
