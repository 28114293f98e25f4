"""Handling: what an officer sees of a ticket, what may be done to it, and what is refused."""

import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from PIL import Image
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend import audit
from backend.attachments import service as attachments
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketMessage, TicketState
from backend.users.models import Role
from tests.factories import World
from tests.markup import field_error, text_of
from tests.signing_in import sign_in

Act = Callable[..., Response]
ALWAYS = {"nguoi-gui", "xem", "nhap", "ghi-chu"}  # whatever the state


@pytest.fixture
def ticket(world: World, now: datetime) -> Ticket:
    """A new ticket of Phường Đoàn Kết."""
    return world.receive(now)[0]


@pytest.fixture
def act(client: TestClient, session: Session, ticket: Ticket) -> Act:
    """Press a button of the ticket's page, with the version that the page shows now unless told."""

    def press(path: str, **fields: str) -> Response:
        session.refresh(ticket)
        return client.post(f"/hop-thu/{ticket.number}/{path}", data={"version": str(ticket.version), **fields})

    return press


def test_officer_accepts_asks_and_answers(
    client: TestClient, session: Session, world: World, ticket: Ticket, act: Act
) -> None:
    sign_in(client, world.user(name="Tẩn Thị Mẩy"))
    accepted = act("chap-nhan")
    assert (accepted.status_code, accepted.headers["location"]) == (303, f"/hop-thu/{ticket.number}")
    assert "Đã tiếp nhận." in client.get(accepted.headers["location"]).text
    assert act("tra-loi", answer_outcome="done", answer="Đã vá xong.\nXin cảm ơn.").status_code == 303
    session.refresh(ticket)
    assert ticket.state is TicketState.ANSWERED
    page = client.get(f"/hop-thu/{ticket.number}").text
    assert "Đã vá xong.\nXin cảm ơn." in page and "Tẩn Thị Mẩy" in page and "trả lời đúng hạn" in page
    actions = [entry.action for entry in audit.list_entries(session, audit.ticket_chain(ticket.id))]
    assert actions == ["received", "accepted", "answered"]


def test_asking_for_information_pauses_the_clock_and_says_so(
    client: TestClient, world: World, ticket: Ticket, act: Act
) -> None:
    sign_in(client, world.user())
    assert "không tính vào hạn" in client.get(f"/hop-thu/{ticket.number}").text
    assert act("hoi-them", question="Đoạn nào?").status_code == 303
    page = client.get(f"/hop-thu/{ticket.number}").text
    assert "đang tạm dừng" in page and "Đoạn nào?" in page


def test_forwarding_hands_it_over_and_keeps_the_due_date(
    client: TestClient, session: Session, world: World, ticket: Ticket, act: Act
) -> None:
    sign_in(client, world.user())
    due = ticket.due_date
    target = world.unit("LC-SXD")
    answer = act("chuyen", to_unit=str(target.id), reason="Đường này do Sở quản lý.")
    assert (answer.status_code, answer.headers["location"]) == (303, "/hop-thu")
    session.refresh(ticket)
    assert (ticket.unit_id, ticket.due_date, ticket.state) == (target.id, due, TicketState.NEW)
    assert client.get(f"/hop-thu/{ticket.number}").status_code == 404
    sign_in(client, world.user(unit=target))
    assert "Đường này do Sở quản lý." in client.get(f"/hop-thu/{ticket.number}").text


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        (
            TicketState.NEW,
            {
                *("chap-nhan", "tra-loi", "trinh-duyet", "cac-diem", "hoi-them", "chuyen", "tu-choi", "huong-dan"),
                *("gop", "bao-cham"),
            },
        ),
        (
            TicketState.ACCEPTED,
            {
                *("tra-loi", "cac-diem", "hoi-them", "chuyen", "tu-choi", "huong-dan", "gop", "trinh-duyet"),
                *("xin-gia-han", "bao-cham"),
            },
        ),
        (TicketState.AWAITING_SENDER, {"xu-ly-tiep", "gop", "cac-diem"}),
        (TicketState.ANSWERED, set()),
    ],
)
def test_only_what_is_possible_in_this_state_is_offered(
    client: TestClient, world: World, ticket: Ticket, now: datetime, state: TicketState, offered: set[str]
) -> None:
    actor = world.actor()
    path: dict[TicketState, list[Event]] = {
        TicketState.ACCEPTED: [Event.ACCEPTED],
        TicketState.AWAITING_SENDER: [Event.INFO_REQUESTED],
        TicketState.ANSWERED: [Event.ACCEPTED, Event.ANSWERED],
    }
    for happening in path.get(state, []):
        world.happen(ticket, happening, actor, now)
    sign_in(client, world.user())
    page = client.get(f"/hop-thu/{ticket.number}").text
    assert set(re.findall(rf'action="/hop-thu/{ticket.number}/([a-z-]+)"', page)) - ALWAYS == offered


def test_a_coordinator_forwards_and_merges_and_handles_nothing(
    client: TestClient, world: World, ticket: Ticket, act: Act
) -> None:
    sign_in(client, world.user(Role.COORDINATOR))
    page = client.get(f"/hop-thu/{ticket.number}").text
    offered = set(re.findall(rf'action="/hop-thu/{ticket.number}/([a-z-]+)"', page)) - ALWAYS
    assert offered == {"chuyen", "gop"}
    assert act("chap-nhan").status_code == 403
    assert act("chuyen", to_unit=str(world.unit("LC-SXD").id), reason="Đúng việc của Sở.").status_code == 303


class TestTwoAtOnce:
    def test_the_second_of_two_officers_is_told_and_nothing_happens_twice(
        self, client: TestClient, session: Session, world: World, ticket: Ticket
    ) -> None:
        sign_in(client, world.user())
        old = {"version": str(ticket.version)}
        assert client.post(f"/hop-thu/{ticket.number}/chap-nhan", data=old).status_code == 303
        second = client.post(f"/hop-thu/{ticket.number}/chap-nhan", data=old)
        assert second.status_code == 409
        assert "Người khác vừa xử lý phản ánh này." in second.text
        assert [e.action for e in audit.list_entries(session, audit.ticket_chain(ticket.id))] == [
            "received",
            "accepted",
        ]

    def test_a_typed_answer_stays_in_its_form(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act
    ) -> None:
        sign_in(client, world.user())
        act("chap-nhan")
        stale = act("tra-loi", answer="Đoạn đường đã được vá.", version="1")
        assert stale.status_code == 409
        assert re.search(r'<textarea id="answer"[^>]*>\s*Đoạn đường đã được vá.</textarea>', stale.text)
        assert 'name="version" value="2"' in stale.text
        assert session.scalar(select(func.count()).select_from(TicketMessage)) == 0

    def test_a_text_whose_form_is_gone_can_be_copied(
        self, client: TestClient, world: World, ticket: Ticket, now: datetime, act: Act
    ) -> None:
        sign_in(client, world.user())
        act("chap-nhan")
        act("tra-loi", answer_outcome="done", answer="Câu trả lời của người trước.")
        late = act("tra-loi", answer="Câu trả lời của người sau.", version="2")
        assert late.status_code == 409
        assert "Câu trả lời của người sau." in late.text and "để chép lại" in late.text

    def test_a_move_that_the_state_does_not_allow_is_refused(
        self, client: TestClient, world: World, ticket: Ticket, act: Act
    ) -> None:
        sign_in(client, world.user())
        answer = act("xin-gia-han", more="3", extension_reason="Chưa tiếp nhận mà đã xin gia hạn.")
        assert answer.status_code == 409 and "đang ở bước khác" in answer.text

    @pytest.mark.parametrize(("version", "status"), [("", 409), ("x", 422), ("-1", 422), ("9" * 30, 422)])
    def test_a_form_without_a_sound_version_is_refused(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act, version: str, status: int
    ) -> None:
        sign_in(client, world.user())
        assert act("chap-nhan", version=version).status_code == status
        session.refresh(ticket)
        assert ticket.state is TicketState.NEW


class TestBadInput:
    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ("", "Xin ghi nội dung."),
            ("\x00 \u200b\u202e", "Xin ghi nội dung."),
            ("dài " * 5_000, "Dài quá 10000 ký tự."),
            ("d" * 1_000_000, "Dài quá 10000 ký tự."),
        ],
    )
    def test_a_text_that_cannot_be_taken_is_refused_at_its_field(
        self,
        client: TestClient,
        session: Session,
        world: World,
        ticket: Ticket,
        act: Act,
        typed: str,
        sentence: str,
    ) -> None:
        sign_in(client, world.user())
        answer = act("hoi-them", question=typed)
        assert answer.status_code == 422
        assert sentence in field_error(answer.text, "question")
        assert typed.strip("\x00 \u200b\u202e") in answer.text
        session.refresh(ticket)
        assert ticket.state is TicketState.NEW

    @pytest.mark.parametrize("to_unit", ["", "x", "999999", "٣"])
    def test_forwarding_to_no_unit_keeps_the_reason_and_writes_nothing(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act, to_unit: str
    ) -> None:
        sign_in(client, world.user())
        answer = act("chuyen", to_unit=to_unit, reason="Đúng việc của Sở.")
        assert answer.status_code == 422
        assert 'id="to_unit-error"' in answer.text and "Đúng việc của Sở.</textarea>" in answer.text
        assert session.scalar(select(func.count()).select_from(TicketMessage)) == 0

    def test_forwarding_to_the_unit_that_has_it_is_refused(self, client: TestClient, world: World, act: Act) -> None:
        sign_in(client, world.user())
        answer = act("chuyen", to_unit=str(world.unit().id), reason="Chuyển vòng quanh.")
        assert answer.status_code == 422 and "đang ở chính cơ quan này" in answer.text

    def test_fields_that_the_form_does_not_have_change_nothing(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act
    ) -> None:
        sign_in(client, world.user())
        before = ticket.due_date, ticket.unit_id
        act("chap-nhan", state="answered", due_date="2030-01-01", unit_id="1", verdict="on_time", received_at="x")
        session.refresh(ticket)
        assert (ticket.state, (ticket.due_date, ticket.unit_id)) == (TicketState.ACCEPTED, before)


class TestConduct:
    """A complaint about conduct does not exist for the unit it is about."""

    def test_its_page_answers_like_an_unknown_number(self, client: TestClient, world: World, now: datetime) -> None:
        complaint, _secret = world.receive(now, category_code="attitude")
        for role in (Role.OFFICER, Role.LEADER):
            sign_in(client, world.user(role))
            hidden, unknown = (client.get(f"/hop-thu/{n}") for n in (complaint.number, "PAKN.20200101.0001"))
            assert hidden.status_code == unknown.status_code == 404
            assert hidden.text.replace(complaint.number, "") == unknown.text.replace("PAKN.20200101.0001", "")

    def test_it_stays_hidden_even_when_the_unit_has_it(
        self, client: TestClient, session: Session, world: World, now: datetime
    ) -> None:
        complaint, _secret = world.receive(now, category_code="attitude")
        session.execute(update(Ticket).where(Ticket.id == complaint.id).values(unit_id=world.unit().id))
        sign_in(client, world.user())
        for path in ("chap-nhan", "hoi-them", "tra-loi", "chuyen", "nguoi-gui"):
            answer = client.post(f"/hop-thu/{complaint.number}/{path}", data={"version": "1"})
            assert answer.status_code == 404

    def test_it_is_not_forwarded_to_that_unit(self, client: TestClient, world: World, now: datetime) -> None:
        complaint, _secret = world.receive(now, category_code="attitude")
        about = world.unit()
        sign_in(client, world.user(unit=world.unit("LC-VP")))
        address = f"/hop-thu/{complaint.number}"
        assert f'<option value="{about.id}">' not in client.get(address).text
        data = {"version": "1", "to_unit": str(about.id), "reason": "Trả về."}
        answer = client.post(f"{address}/chuyen", data=data)
        assert answer.status_code == 422 and "chính cơ quan bị phản ánh" in answer.text


class TestContact:
    def test_it_is_folded_until_asked_for_and_the_look_is_written_down(
        self, client: TestClient, session: Session, world: World, ticket: Ticket
    ) -> None:
        user = world.user()
        sign_in(client, user)
        assert "nguoigui@example.vn" not in client.get(f"/hop-thu/{ticket.number}").text
        shown = client.post(f"/hop-thu/{ticket.number}/nguoi-gui")
        assert shown.status_code == 200 and shown.headers["cache-control"] == "no-store"
        assert "nguoigui@example.vn" in shown.text and "Lò Văn Thử" in shown.text
        last = audit.list_entries(session, audit.user_key(user.id))[-1]
        assert (last.action, last.data) == ("contact_read", {"ticket": ticket.id})
        assert client.get(f"/hop-thu/{ticket.number}/nguoi-gui").status_code == 405

    def test_without_one_there_is_nothing_to_show(self, client: TestClient, world: World, now: datetime) -> None:
        ticket, _secret = world.receive(now, name="", email="", consent=False)
        sign_in(client, world.user())
        page = client.get(f"/hop-thu/{ticket.number}").text
        assert "không để lại thông tin liên hệ" in page and "/nguoi-gui" not in page


def test_photos_stand_beside_the_text_for_those_who_may_see_it(
    client: TestClient, session: Session, world: World, ticket: Ticket, now: datetime
) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(picture, "JPEG")
    attachments.store_photo(session, ticket.id, picture.getvalue(), now)
    sign_in(client, world.user())
    page = client.get(f"/hop-thu/{ticket.number}").text
    (address,) = re.findall(r'<img src="([^"]+)"\s+width="40"\s+height="30"', page)
    assert client.get(address).headers["content-type"] == "image/jpeg"


def test_the_due_date_is_explained_day_by_day(client: TestClient, world: World, ticket: Ticket) -> None:
    sign_in(client, world.user())
    page = client.get(f"/hop-thu/{ticket.number}").text
    assert "Hạn được tính là 15 ngày làm việc kể từ ngày sau ngày tiếp nhận 18/11/2026" in page
    assert "24/11/2026: ngày nghỉ, không tính: Ngày Văn hóa Việt Nam" in text_of(page) and "dự kiến" not in page
    counted = re.findall(r'class="num">\s*(\d+)\s*</td>\s*<td>\s*ngày làm việc, được tính', page)
    assert counted == [str(n) for n in range(1, 16)]


def test_a_late_answer_is_announced_before_the_click(client: TestClient, world: World, now: datetime) -> None:
    long_ago = now - timedelta(days=60)
    ticket, _secret = world.receive(long_ago)
    world.happen(ticket, Event.ACCEPTED, world.actor(), long_ago)
    sign_in(client, world.user())
    assert "Trả lời bây giờ là quá hạn." in client.get(f"/hop-thu/{ticket.number}").text


def test_what_people_write_is_text_and_no_markup(
    client: TestClient, world: World, now: datetime, act: Act, ticket: Ticket
) -> None:
    evil = "<img src=x onerror=alert(1)> {{ 7*7 }} {% import os %}"
    other, _secret = world.receive(now, title=evil[:40] + " tiêu đề", content=evil * 2)
    sign_in(client, world.user())
    act("hoi-them", question=evil)
    for number in (other.number, ticket.number):
        page = client.get(f"/hop-thu/{number}").text
        assert "<img src=x" not in page and "&lt;img src=x onerror=alert(1)&gt; {{ 7*7 }}" in page
