"""What a sender can do on the page of their ticket, over HTTP: dispute a pause, confirm, have it taken up again,
withdraw; and what the page tells them of pauses, extension, merge and guidance."""

import io
import re
from datetime import datetime, timedelta

import pytest
from docx import Document
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import audit, clock
from backend.tickets import service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketMessage, TicketState, Verdict
from backend.users.models import Role
from tests.factories import World
from tests.following import TICKET, follow
from tests.markup import text_of

SENDER_ACTIONS = ("khong-tam-dung", "dong-y", "chua-xong", "xu-ly-lai")


def offered(page: str) -> set[str]:
    return set(re.findall(r'action="/theo-doi/phan-anh/([a-z-]+)"', page)) & set(SENDER_ACTIONS)


def course(session: Session, ticket: Ticket) -> list[str]:
    return [entry.action for entry in audit.list_entries(session, audit.ticket_chain(ticket.id))]


@pytest.fixture
def answered(client: TestClient, world: World, now: datetime) -> Ticket:
    """Answered today, opened by its sender, the answer read."""
    ticket, secret = world.answered(now, now)
    follow(client, ticket, secret)
    client.post(f"{TICKET}/doc")
    return ticket


class TestPause:
    @pytest.fixture
    def paused(self, client: TestClient, world: World, now: datetime) -> Ticket:
        ticket, secret = world.receive(now)
        world.happen(ticket, Event.INFO_REQUESTED, world.actor(), now, "Ở đoạn nào?")
        follow(client, ticket, secret)
        return ticket

    def test_sender_sees_the_pause_with_its_question_and_disputes_it_once(
        self, client: TestClient, session: Session, paused: Ticket
    ) -> None:
        page = client.get(TICKET).text
        assert "Các lần tạm dừng" in page and "Cơ quan hỏi: Ở đoạn nào?" in page
        assert offered(page) == {"khong-tam-dung"}
        typed = {"pause": "1", "objection": "Tôi đã ghi rõ rồi."}
        assert client.post(f"{TICKET}/khong-tam-dung", data=typed).status_code == 303
        page = client.get(TICKET).text
        assert "bạn không đồng ý" in page and "Tôi đã ghi rõ rồi." in page and not offered(page)
        again = client.post(f"{TICKET}/khong-tam-dung", data=typed | {"objection": "Vẫn không đồng ý."})
        assert again.status_code == 409 and "Vẫn không đồng ý." in again.text
        assert course(session, paused).count("pause_disputed") == 1

    @pytest.mark.parametrize(
        "typed",
        [{"pause": "1", "objection": " "}, {"pause": "7", "objection": "Lần nào?"}, {"pause": "x", "objection": "x"}],
    )
    def test_what_cannot_be_taken_is_refused_and_nothing_written(
        self, client: TestClient, session: Session, paused: Ticket, typed: dict[str, str]
    ) -> None:
        refused = client.post(f"{TICKET}/khong-tam-dung", data=typed)
        assert refused.status_code == 422 and typed["objection"].strip() in refused.text
        assert "pause_disputed" not in course(session, paused)
        assert session.scalar(select(func.count()).select_from(TicketMessage)) == 1


class TestAnswer:
    def test_sender_confirms(self, client: TestClient, session: Session, answered: Ticket) -> None:
        assert offered(client.get(TICKET).text) == {"dong-y", "chua-xong"}
        assert client.post(f"{TICKET}/dong-y").status_code == 303
        assert course(session, answered)[-1] == "confirmed"
        assert "Bạn đã xác nhận phản ánh được giải quyết." in client.get(TICKET).text

    def test_not_solved_starts_a_term_of_its_own_and_the_first_verdict_stays(
        self, client: TestClient, session: Session, answered: Ticket
    ) -> None:
        page = client.get(TICKET).text
        assert "Bạn yêu cầu được đến hết ngày 18/12/2026." in page and "10/12/2026" in page
        assert client.post(f"{TICKET}/chua-xong", data={"reason": ""}).status_code == 422
        assert client.post(f"{TICKET}/chua-xong", data={"reason": "Mới vá một nửa."}).status_code == 303
        session.expire_all()
        ticket = session.get_one(Ticket, answered.id)
        assert (ticket.state, ticket.episode, ticket.verdict) == (TicketState.IN_PROGRESS, 2, Verdict.ON_TIME)
        page = client.get(TICKET).text
        assert "Mới vá một nửa." in page and "Đã vá xong đoạn đường." in page and not offered(page)

    def test_a_confirmed_one_is_reopened_within_the_window_and_not_after_it(
        self,
        client: TestClient,
        session: Session,
        world: World,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        ticket, secret = world.answered(now, now)
        follow(client, ticket, secret)
        client.post(f"{TICKET}/doc")
        client.post(f"{TICKET}/dong-y")
        assert offered(client.get(TICKET).text) == {"xu-ly-lai"}
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=31))
        follow(client, ticket, secret)
        assert not offered(client.get(TICKET).text)
        late = client.post(f"{TICKET}/xu-ly-lai", data={"reason": "Lại hỏng rồi."})
        assert late.status_code == 409 and "Đã hết thời gian yêu cầu xử lý lại." in late.text
        assert "Lại hỏng rồi." in late.text and "reopened" not in course(session, ticket)
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=30))
        follow(client, ticket, secret)
        assert client.post(f"{TICKET}/xu-ly-lai", data={"reason": "Lại hỏng rồi."}).status_code == 303
        assert course(session, ticket)[-1] == "reopened"

    @pytest.mark.parametrize("path", ["dong-y", "chua-xong"])
    def test_an_answer_that_was_not_read_is_not_judged(
        self, client: TestClient, session: Session, world: World, now: datetime, path: str
    ) -> None:
        ticket, secret = world.receive(now)
        follow(client, ticket, secret)
        officer = world.actor()
        world.happen(ticket, Event.ACCEPTED, officer, now)
        world.happen(ticket, Event.ANSWERED, officer, now, "Đã vá xong đoạn đường.")
        assert not offered(client.get(TICKET).text)
        refused = client.post(f"{TICKET}/{path}", data={"reason": "Chưa xong đâu."})
        assert refused.status_code == 409 and "Xin đọc trả lời trước." in refused.text
        assert course(session, ticket)[-1] == "answered"


class TestWithdrawing:
    def test_it_is_asked_once_more(self, client: TestClient, session: Session, world: World, now: datetime) -> None:
        ticket, secret = world.receive(now)
        follow(client, ticket, secret)
        assert f'formaction="{TICKET}/rut"' in client.get(TICKET).text
        unsure = client.post(f"{TICKET}/rut")
        assert f"Rút phản ánh {ticket.number}?" in unsure.text and course(session, ticket) == ["received"]
        assert f"Rút phản ánh {ticket.number}?" in client.get(f"{TICKET}/rut").text
        assert client.post(f"{TICKET}/rut", data={"sure": "1"}).status_code == 303
        assert course(session, ticket)[-1] == "withdrawn"
        assert client.get(f"{TICKET}/rut").status_code == 409
        assert client.post(f"{TICKET}/rut", data={"sure": "1"}).status_code == 409

    def test_without_the_secret_nothing_is_asked_and_nothing_done(self, client: TestClient) -> None:
        assert client.get(f"{TICKET}/rut").headers["location"] == "/theo-doi"
        kept = client.post(f"{TICKET}/xu-ly-lai", data={"reason": "Lại hỏng rồi."})
        assert kept.status_code == 401 and "Lại hỏng rồi." in kept.text
        assert client.get(f"{TICKET}/phieu-huong-dan").status_code == 404


def test_sender_reads_the_extension_with_its_reason(client: TestClient, world: World, now: datetime) -> None:
    ticket, secret = world.receive(now)
    officer, leader = world.actor(), world.actor(Role.LEADER)
    world.happen(ticket, Event.ACCEPTED, officer, now)
    asked = service.ActionRequest(Event.EXTENSION_REQUESTED, "Chờ vật tư từ tỉnh khác.", more="5 working days")
    service.apply(world.session, ticket.id, asked, officer, now=now)
    follow(client, ticket, secret)
    assert "Chờ vật tư" not in client.get(TICKET).text
    world.happen(ticket, Event.EXTENDED, leader, now)
    page = client.get(TICKET).text
    assert "Đã gia hạn" in page and "Hạn mới là 17/12/2026." in page and "Chờ vật tư từ tỉnh khác." in page


def test_a_merged_one_keeps_its_number_and_reads_the_common_answer(
    client: TestClient, world: World, now: datetime
) -> None:
    (first, _secret), (second, secret) = world.receive(now), world.receive(now)
    officer = world.actor()
    world.happen(first, Event.ACCEPTED, officer, now)
    service.apply(
        world.session,
        second.id,
        service.ActionRequest(Event.MERGED, "Cùng một chỗ.", into_id=first.id),
        officer,
        now=now,
    )
    follow(client, second, secret)
    page = client.get(TICKET).text
    assert second.number in page and first.number not in page
    assert "Bạn vẫn theo dõi bằng mã số này." in page and "Cùng một chỗ." in page
    world.happen(first, Event.ANSWERED, officer, now, "Đã vá cả hai chỗ.")
    follow(client, second, secret)
    assert "Đã vá cả hai chỗ." in client.get(TICKET).text


@pytest.mark.parametrize(("event", "heading"), [(Event.REFUSED, "Vì sao không tiếp nhận"), (Event.REDIRECTED, "Hướng")])
def test_sender_reads_why_it_was_not_taken_and_where_to_go(
    client: TestClient, world: World, now: datetime, event: Event, heading: str
) -> None:
    ticket, secret = world.receive(now)
    follow(client, ticket, secret)
    change = service.ActionRequest(event, "Gửi đơn đến Ban Tiếp công dân.", procedure="complaint", ground="unclear")
    service.apply(world.session, ticket.id, change, world.actor(), now=now)
    page = client.get(TICKET).text
    assert "Đọc trả lời" in page and "Ban Tiếp công dân" not in page
    assert client.get(f"{TICKET}/phieu-huong-dan").status_code == 404
    client.post(f"{TICKET}/doc")
    page = client.get(TICKET).text
    assert heading in page and page.count("Gửi đơn đến Ban Tiếp công dân.") == 1
    letter = client.get(f"{TICKET}/phieu-huong-dan.docx")
    if event is Event.REFUSED:
        assert letter.status_code == 409
        return
    assert "Luật Khiếu nại năm 2011" in client.get(f"{TICKET}/phieu-huong-dan").text
    assert any("Ban Tiếp công dân" in line.text for line in Document(io.BytesIO(letter.content)).paragraphs)


def test_the_explanation_names_calendar_and_legal_basis(client: TestClient, world: World, now: datetime) -> None:
    ticket, secret = world.receive(now)
    follow(client, ticket, secret)
    page = client.get(TICKET).text
    assert "Lịch làm việc năm 2026. Căn cứ:" in page and "Căn cứ của thời hạn:" in page
    assert "vn 2024" not in page and "2024-2027" not in page, "the version of the calendar is a matter of staff"


def test_a_term_over_new_year_names_both_years_and_an_open_year_makes_the_date_expected(
    client: TestClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    received = datetime.fromisoformat("2027-12-20T09:00+07:00")
    monkeypatch.setattr(clock, "now", lambda: received)
    ticket, secret = world.receive(received)
    follow(client, ticket, secret)
    page = text_of(client.get(TICKET).text)
    assert "Lịch làm việc năm 2027-2028." in page
    assert "10/01/2028 (dự kiến)" in page and "dự kiến, lịch nghỉ năm này chưa có" in page
