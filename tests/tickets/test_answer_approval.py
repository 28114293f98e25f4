"""Where a rule of the province wants it, no answer leaves without the approval of a second person."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from backend.deadlines.rules import APPROVAL, REQUIRED, DeadlineRule, RuleEvidence
from backend.errors import Conflict, Forbidden
from backend.tickets import rulebook
from backend.tickets.lifecycle import Event
from backend.tickets.models import TicketState
from backend.users.models import Role
from tests.life import START, Life
from tests.signing_in import sign_in


@pytest.fixture
def life(life: Life) -> Life:
    life.act(Event.ACCEPTED)
    return life


def wanted(life: Life, **narrowed: Any) -> None:
    """The province wants every answer approved by a second person: of all categories, or of some."""
    rule = DeadlineRule(
        APPROVAL, None, "QĐ của UBND tỉnh", RuleEvidence.OURS, word=REQUIRED, valid_from=START.date(), province="12"
    )
    rulebook.set_by_province(life.session, replace(rule, **narrowed), life.world.user(Role.ADMINISTRATOR).id, life.at)


def test_as_shipped_an_officer_answers_without(life: Life) -> None:
    assert life.act(Event.ANSWERED).state is TicketState.ANSWERED


@pytest.mark.parametrize("narrowed", [{}, {"category": "roads"}, {"category_class": "field"}])
def test_neither_officer_nor_leader_answers_alone(life: Life, narrowed: dict[str, str]) -> None:
    wanted(life, **narrowed)
    for actor in (life.officer, life.leader):
        with pytest.raises(Conflict, match="phải có người thứ hai duyệt"):
            life.act(Event.ANSWERED, actor)
    life.act(Event.SUBMITTED_FOR_APPROVAL)
    with pytest.raises(Forbidden):
        life.act(Event.ANSWERED)
    assert life.act(Event.ANSWERED, life.leader, text="").state is TicketState.ANSWERED


@pytest.mark.parametrize(
    "narrowed",
    [{"category": "environment"}, {"category_class": "conduct"}, {"valid_from": START.date() + timedelta(days=1)}],
)
def test_a_rule_for_other_tickets_or_for_later_leaves_the_officer_free(life: Life, narrowed: dict[str, Any]) -> None:
    wanted(life, **narrowed)
    assert life.act(Event.ANSWERED).state is TicketState.ANSWERED


def test_a_draft_that_was_sent_back_is_not_answered_directly(life: Life) -> None:
    wanted(life)
    life.act(Event.SUBMITTED_FOR_APPROVAL)
    life.act(Event.RETURNED, life.leader)
    with pytest.raises(Conflict, match="phải có người thứ hai duyệt"):
        life.act(Event.ANSWERED)


def test_the_page_submits_where_it_would_answer_and_keeps_what_was_typed_into_an_old_page(
    client: TestClient, session: Session, life: Life, now: datetime
) -> None:
    sign_in(client, life.world.user())
    address = f"/hop-thu/{life.ticket.number}"
    old = client.get(address).text
    assert "/tra-loi" in old and "<summary>Trình duyệt trả lời</summary>" in old
    wanted(life)
    page = client.get(address).text
    assert "/tra-loi" not in page and "phải có người thứ hai duyệt" in page
    submit = page.index("<h3>Trình duyệt trả lời</h3>")
    assert page.index(">Trình duyệt</button>") > submit
    assert submit < page.index("<summary>Đề nghị bổ sung thông tin</summary>"), "unfolded, above the others"
    sent = {"version": str(life.ticket.version), "answer": "Đã vá xong đoạn đường."}
    refused = client.post(f"{address}/tra-loi", data=sent)
    assert refused.status_code == 409 and "Đã vá xong đoạn đường." in refused.text
