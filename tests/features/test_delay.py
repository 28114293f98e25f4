"""Why an answer is late, and the one new date: it moves neither due date nor verdict.

Received on Monday 5 October 2026; due on Monday 26 October.
"""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from backend import clock
from backend.errors import Conflict, DomainError, Invalid
from backend.notify import service as delivery
from backend.outbox.models import OutboxMessage
from backend.tickets.lifecycle import Event
from backend.tickets.models import TicketState, Verdict
from backend.users.policy import SENDER
from tests.factories import World
from tests.features.test_escalation import OVERDUE, RECEIVED, at, beat
from tests.features.test_outbox import Spy
from tests.features.test_public_following import TICKET, follow
from tests.features.test_sign_in import sign_in
from tests.life import Life

PROMISED = date(2026, 11, 6)
WHY = "Phải chờ đúc nắp cống theo cỡ riêng."


@pytest.fixture
def life(life: Life) -> Life:
    life.ticket, life.at = life.world.receive(RECEIVED)[0], RECEIVED
    life.act(Event.ACCEPTED)
    return life


def explain(life: Life, until: date | None = PROMISED, **more: Any) -> None:
    life.act(Event.DELAY_EXPLAINED, text=WHY, until=until, **more)


def letters(life: Life, template: str, now: datetime = OVERDUE) -> list[str]:
    """What was sent to the sender by a template, subject and body, in order."""
    rows = select(OutboxMessage).where(OutboxMessage.ticket_id == life.ticket.id, OutboxMessage.template == template)
    spy = Spy()
    for row in life.session.scalars(rows.order_by(OutboxMessage.id)).all():
        delivery.deliver_message(row.id, 0, now, spy)
    return [f"{message.subject}\n{message.body}" for message in spy.messages]


def test_said_before_the_due_date_the_apology_gives_reason_and_new_date(life: Life) -> None:
    life.at = at("10-20T09:00")
    explain(life)
    (told,) = letters(life, "delay_explained", life.at)
    assert WHY in told and "Ngày hẹn trả lời mới: 06/11/2026." in told and "xin lỗi" in told
    beat(OVERDUE)
    (apology,) = letters(life, "apology")
    assert "Hạn trả lời đã hẹn: 26/10/2026." in apology and "Ngày hẹn trả lời mới: 06/11/2026." in apology
    assert WHY in apology and "chưa nêu lý do" not in apology


def test_said_after_the_due_date_the_sender_is_told_at_once_and_again_with_the_progress(life: Life) -> None:
    beat(OVERDUE)
    (apology,) = letters(life, "apology")
    assert "chưa nêu lý do" in apology and "Ngày hẹn trả lời mới" not in apology
    life.at = OVERDUE
    explain(life)
    assert len(letters(life, "delay_explained")) == 1
    for now, sentence in ((at("11-02T08:00"), "Ngày hẹn trả lời mới: 06/11/2026."), (at("11-09T08:00"), "cũng đã qua")):
        beat(now)
        progress = letters(life, "progress", now)[-1]
        assert sentence in progress and WHY in progress


def test_it_moves_neither_due_date_nor_verdict(life: Life) -> None:
    explain(life)
    assert (life.ticket.due_date, life.ticket.state) == (date(2026, 10, 26), TicketState.ACCEPTED)
    life.at = at("11-05T09:00")
    assert life.act(Event.ANSWERED).verdict is Verdict.LATE


@pytest.mark.parametrize(
    ("until", "field"),
    [
        (None, "promised"),
        (date(2026, 10, 26), "promised"),  # the due date itself
        (date(2026, 11, 1), "promised"),  # a Sunday
        (date(2027, 11, 2), "promised"),
    ],
)
def test_a_date_that_is_no_promise_is_refused(life: Life, until: date | None, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        explain(life, until)
    assert refused.value.field == field and "delay_explained" not in life.actions()


def test_a_date_of_the_past_is_refused_although_it_is_after_the_due_date(life: Life) -> None:
    life.at = at("10-29T09:00")
    with pytest.raises(Invalid, match="quá khứ"):
        explain(life, date(2026, 10, 28))


def test_one_new_date_only_and_another_one_after_reopening(life: Life) -> None:
    explain(life)
    with pytest.raises(Conflict, match="chỉ được hẹn lại một lần"):
        explain(life, date(2026, 11, 9))
    life.act(Event.ANSWERED)
    life.act(Event.DISPUTED, SENDER)
    explain(life, date(2026, 11, 9))


@pytest.mark.parametrize("by", ["coordinator", "sender"])
def test_nobody_else_promises_for_the_unit(life: Life, by: str) -> None:
    actor = life.coordinator if by == "coordinator" else SENDER
    with pytest.raises(DomainError):
        explain(life, actor=actor)


def test_officer_gives_it_on_the_page_and_the_sender_reads_it(
    client: TestClient, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket, secret = world.receive(now)
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=30))
    sign_in(client, world.user())
    address = f"/hop-thu/{ticket.number}"
    page = client.get(address).text
    offered = page.index("Xin lỗi và hẹn lại ngày trả lời</summary>")
    assert offered < page.index("<h3>Tiếp nhận</h3>"), "of an overdue ticket it is the first thing"
    typed = {"version": str(ticket.version), "delay_reason": WHY}
    refused = client.post(f"{address}/bao-cham", data=typed | {"promised": "1/1"})
    assert refused.status_code == 422 and 'id="promised-error"' in refused.text and WHY in refused.text
    assert client.post(f"{address}/bao-cham", data=typed | {"promised": "31/12/2026"}).status_code == 303
    page = client.get(address).text
    assert "Ngày hẹn mới: 31/12/2026" in page and "chỉ được hẹn lại một lần" in page
    follow(client, ticket, secret)
    page = client.get(TICKET).text
    assert WHY in page and "Ngày hẹn trả lời mới: 31/12/2026." in page
