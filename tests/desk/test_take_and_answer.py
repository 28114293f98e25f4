"""A new ticket is accepted and answered in one step, and the next ticket of the list follows."""

from datetime import datetime, timedelta
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit
from backend.deadlines.rules import APPROVAL, REQUIRED, DeadlineRule, RuleEvidence
from backend.outbox.models import OutboxMessage
from backend.tickets import rulebook
from backend.tickets.lifecycle import Event
from backend.tickets.models import Category, Ticket, TicketState
from backend.users.models import Role
from tests.factories import World
from tests.life import START, Life
from tests.signing_in import sign_in


def course(session: Session, ticket: Ticket) -> list[str]:
    return [entry.action for entry in audit.list_entries(session, audit.ticket_chain(ticket.id))]


def templates(session: Session, ticket: Ticket) -> list[str]:
    rows = select(OutboxMessage.template).where(OutboxMessage.ticket_id == ticket.id).order_by(OutboxMessage.id)
    return list(session.scalars(rows))


def test_one_request_accepts_and_answers_and_the_sender_gets_one_letter(
    client: TestClient, session: Session, life: Life
) -> None:
    ticket = life.ticket
    before = len(templates(session, ticket))
    sign_in(client, life.world.user())
    page = client.get(f"/hop-thu/{ticket.number}").text
    assert "Tiếp nhận và gửi câu trả lời" in page and "Trả lời bây giờ là đúng hạn." in page
    answer = {"version": str(ticket.version), "answer": "Đã vá xong.", "answer_outcome": "done"}
    assert client.post(f"/hop-thu/{ticket.number}/tra-loi", data=answer).status_code == 303
    session.refresh(ticket)
    assert course(session, ticket) == ["received", "accepted", "answered"]
    assert (ticket.state, ticket.accepted_at) == (TicketState.ANSWERED, ticket.answered_at)
    assert len(templates(session, ticket)) == before + 1
    assert templates(session, ticket)[-1] == "answered"


def test_a_new_ticket_is_accepted_and_submitted_and_the_sender_hears_of_the_acceptance(
    client: TestClient, session: Session, life: Life
) -> None:
    sign_in(client, life.world.user())
    draft = {"version": str(life.ticket.version), "draft": "Đã vá xong.", "draft_outcome": "done"}
    assert client.post(f"/hop-thu/{life.ticket.number}/trinh-duyet", data=draft).status_code == 303
    session.refresh(life.ticket)
    assert course(session, life.ticket) == ["received", "accepted", "submitted_for_approval"]
    assert templates(session, life.ticket)[-1] == "accepted"


@pytest.mark.parametrize(
    ("fields", "status"), [({"answer": " "}, 422), ({"answer": "Xong.", "answer_outcome": "done", "version": "7"}, 409)]
)
def test_what_is_refused_accepts_nothing(
    client: TestClient, session: Session, life: Life, fields: dict[str, str], status: int
) -> None:
    sign_in(client, life.world.user())
    data = {"version": str(life.ticket.version), **fields}
    assert client.post(f"/hop-thu/{life.ticket.number}/tra-loi", data=data).status_code == status
    assert course(session, life.ticket) == ["received"]


def test_where_every_answer_needs_an_approval_a_new_ticket_is_not_answered_directly(
    client: TestClient, session: Session, life: Life
) -> None:
    leader = life.world.user(Role.LEADER)
    rule = DeadlineRule(
        APPROVAL, None, "QĐ của UBND tỉnh", RuleEvidence.OURS, word=REQUIRED, valid_from=START.date(), province="12"
    )
    rulebook.set_by_province(session, rule, leader.id, life.at)
    sign_in(client, leader)
    data = {"version": str(life.ticket.version), "answer": "Xong.", "answer_outcome": "done"}
    refused = client.post(f"/hop-thu/{life.ticket.number}/tra-loi", data=data)
    assert refused.status_code == 409 and "phải có người thứ hai duyệt" in refused.text
    assert course(session, life.ticket) == ["received"]


class TestNext:
    @pytest.fixture
    def three(self, world: World, now: datetime) -> list[Ticket]:
        """Three new tickets of the unit, soonest due first."""
        return [world.receive(now - timedelta(days=days), title=f"Ổ gà trước {days} ngày")[0] for days in (14, 7, 0)]

    def answer(self, client: TestClient, ticket: Ticket, **more: str) -> str:
        data = {
            "version": str(ticket.version),
            "answer": "Đã vá xong.",
            "answer_outcome": "done",
            "act": "next",
            **more,
        }
        answer = client.post(f"/hop-thu/{ticket.number}/tra-loi", data=data)
        assert answer.status_code == 303
        return answer.headers["location"]

    def test_answer_and_next_opens_the_next_ticket_and_at_the_end_the_list(
        self, client: TestClient, world: World, three: list[Ticket]
    ) -> None:
        sign_in(client, world.user())
        first, second, third = three
        assert self.answer(client, first) == f"/hop-thu/{second.number}"
        page = client.get(f"/hop-thu/{second.number}").text
        assert f"{first.number}: Đã trả lời." in page, "what was done is said on the next page"
        assert self.answer(client, second) == f"/hop-thu/{third.number}"
        assert self.answer(client, third) == "/hop-thu"

    def test_the_list_with_its_filters_travels_along(
        self, client: TestClient, world: World, three: list[Ticket], now: datetime
    ) -> None:
        first, second, third = three
        world.happen(second, Event.ACCEPTED, world.actor(), now)
        sign_in(client, world.user())
        new_ones = "/hop-thu?state=new"
        page = client.get(f"/hop-thu/{first.number}", headers={"Referer": f"http://testserver{new_ones}"}).text
        address = f"/hop-thu/{third.number}?list={quote(new_ones, safe='')}"
        assert f'href="{address}"' in page and f'name="list" value="{new_ones}"' in page
        assert self.answer(client, first, list=new_ones) == address

    @pytest.mark.parametrize(
        "foreign",
        [
            "//xau.example/",
            "https://xau.example/hop-thu",
            "/hop-thu/../tai-khoan",
            "/chi-so",
            "javascript:x",
            "x" * 9000,
        ],
    )
    def test_an_address_that_is_no_list_leads_to_the_whole_inbox(
        self, client: TestClient, world: World, three: list[Ticket], foreign: str
    ) -> None:
        sign_in(client, world.user())
        page = client.get(f"/hop-thu/{three[0].number}", params={"list": foreign}).text
        assert 'name="list" value="/hop-thu"' in page and "xau.example" not in page
        assert self.answer(client, three[2], list=foreign) == "/hop-thu"

    @pytest.mark.parametrize("query", ["state=moi", "unit=x", "unit=99999999999", "unit=٣", "q=%00", "after=x,y"])
    def test_a_filter_that_does_not_exist_breaks_nothing(
        self, client: TestClient, world: World, three: list[Ticket], query: str
    ) -> None:
        sign_in(client, world.user())
        answer = client.get(f"/hop-thu/{three[0].number}", params={"list": f"/hop-thu?{query}"})
        assert answer.status_code == 200

    def test_a_complaint_about_the_unit_is_never_the_next_one(
        self, client: TestClient, session: Session, world: World, three: list[Ticket]
    ) -> None:
        attitude = session.get_one(Category, "attitude")
        three[1].category_code = attitude.code
        session.flush()
        sign_in(client, world.user())
        assert self.answer(client, three[0]) == f"/hop-thu/{three[2].number}"

    def test_next_leads_on_also_where_the_ticket_leaves_the_unit(
        self, client: TestClient, world: World, three: list[Ticket]
    ) -> None:
        sign_in(client, world.user())
        data = {"version": "1", "to_unit": str(world.unit("LC-SXD").id), "reason": "Đúng việc của Sở.", "act": "next"}
        answer = client.post(f"/hop-thu/{three[0].number}/chuyen", data=data)
        assert answer.headers["location"] == f"/hop-thu/{three[1].number}"
