"""A ticket that ended without an answer: what is told of its due date to staff, in the inbox and to its sender."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from backend import clock
from backend.tickets.lifecycle import Event
from backend.tickets.models import TicketState
from backend.users.models import Role
from backend.users.policy import SENDER
from tests.factories import World
from tests.following import TICKET, follow
from tests.life import START, Life
from tests.markup import text_of
from tests.signing_in import sign_in

LATE = 30  # days; the due date is three weeks after reception

ENDS: dict[str, tuple[Callable[[Life], object], str]] = {
    "refused": (lambda life: life.act(Event.REFUSED), "Từ chối tiếp nhận"),
    "redirected": (lambda life: life.act(Event.REDIRECTED, procedure="complaint"), "Hướng dẫn sang thủ tục khác"),
    "withdrawn": (lambda life: life.act(Event.WITHDRAWN, SENDER), "Người gửi rút phản ánh"),
    "merged": (lambda life: life.act(Event.MERGED, into_id=life.world.receive(START)[0].id), "Gộp vào phản ánh khác"),
}


@pytest.fixture
def life(life: Life, monkeypatch: pytest.MonkeyPatch) -> Life:
    monkeypatch.setattr(clock, "now", lambda: life.at + timedelta(hours=2))
    return life


@pytest.mark.parametrize("days", [1, LATE])
@pytest.mark.parametrize("end", list(ENDS))
def test_staff_read_when_and_why_the_clock_stopped_and_no_days_that_are_left(
    client: TestClient, life: Life, end: str, days: int
) -> None:
    act, why = ENDS[end]
    life.at += timedelta(days=days)
    act(life)
    sign_in(client, life.world.user(Role.COORDINATOR))
    page = client.get(f"/hop-thu/{life.ticket.number}").text
    assert f"Đồng hồ dừng lúc {life.at:%d/%m/%Y %H:%M}: {why}." in page.replace(", ", " ")
    listed = client.get(f"/hop-thu?state={life.ticket.state.value}").text
    assert life.ticket.number in listed
    word = "đã dừng tính hạn" if days == 1 else "kết thúc khi đã quá hạn"
    for text in (page, listed):
        assert word in text
        assert not re.search(r"còn \d+ ngày|quá hạn \d+ ngày<|hạn là hôm nay|trả lời (đúng|quá) hạn", text)


def test_an_answer_of_the_second_time_is_judged_by_itself(client: TestClient, life: Life) -> None:
    life.act(Event.ACCEPTED)
    life.act(Event.ANSWERED)
    life.act(Event.DISPUTED, SENDER, days=1)
    life.act(Event.ANSWERED, days=LATE + 10)
    sign_in(client, life.world.user())
    page = client.get(f"/hop-thu/{life.ticket.number}").text
    assert "trả lời quá hạn" in page and "trả lời đúng hạn" not in page


@pytest.mark.parametrize(("end", "state"), [("refused", TicketState.REFUSED), ("withdrawn", TicketState.WITHDRAWN)])
def test_a_sender_is_promised_no_answer_any_more(
    client: TestClient, world: World, now: datetime, end: str, state: TicketState
) -> None:
    ticket, secret = world.receive(now - timedelta(days=1))
    follow(client, ticket, secret)
    assert "Hạn trả lời 09/12/2026" in text_of(client.get(TICKET).text)
    actor = SENDER if end == "withdrawn" else world.actor()
    assert world.happen(ticket, Event(end), actor, now).state is state
    page = client.get(TICKET).text
    assert "<dt>Hạn trả lời</dt>" not in page
    assert "đã dừng ngày 18/11/2026; lúc đó hạn trả lời là 09/12/2026" in page
