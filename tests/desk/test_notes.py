"""Internal notes: written in every state, read by staff alone, and colleagues are called upon by name."""

from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit
from backend.tickets.lifecycle import Event
from backend.tickets.models import MessageKind, Ticket, TicketMessage, TicketState
from backend.users.models import Role
from tests.factories import World
from tests.following import TICKET, follow
from tests.life import Life
from tests.markup import field_error
from tests.signing_in import sign_in


def write(client: TestClient, ticket: Ticket, note: str, **more: str) -> int:
    return client.post(f"/hop-thu/{ticket.number}/ghi-chu", data={"note": note, **more}).status_code


def notes(session: Session, ticket: Ticket) -> list[str]:
    texts = select(TicketMessage.body).where(
        TicketMessage.ticket_id == ticket.id, TicketMessage.kind == MessageKind.NOTE
    )
    return list(session.scalars(texts.order_by(TicketMessage.id)))


def last_entry(session: Session, ticket: Ticket) -> audit.AuditEntry:
    return audit.list_entries(session, audit.ticket_chain(ticket.id))[-1]


def test_staff_read_a_note_and_the_sender_never_does(
    client: TestClient, world: World, now: datetime, session: Session
) -> None:
    ticket, secret = world.receive(now)
    sign_in(client, world.user())
    assert write(client, ticket, "Gọi lại cho đội vá đường.") == 303
    page = client.get(f"/hop-thu/{ticket.number}").text
    noted = page[page.index('<li class="internal">') :].split("</li>")[0]
    assert "Gọi lại cho đội vá đường." in noted and "chỉ nội bộ" in noted
    client.cookies.clear()
    follow(client, ticket, secret)
    assert "Gọi lại" not in client.get(TICKET).text and "Ghi chú" not in client.get(TICKET).text


@pytest.mark.parametrize("last", [None, Event.ANSWERED, Event.REFUSED, Event.MERGED, Event.INFO_REQUESTED])
def test_a_note_changes_no_state_no_clock_and_no_version_in_any_state(
    client: TestClient, session: Session, life: Life, last: Event | None
) -> None:
    other, _secret = life.world.receive(life.at)
    if last is not None:
        life.act(Event.ACCEPTED)
        life.act(last, days=1, into_id=other.id if last is Event.MERGED else None)
    session.refresh(life.ticket)
    before = life.ticket.state, life.ticket.version, life.ticket.due_date
    sign_in(client, life.world.user())
    assert write(client, life.ticket, "Một ghi chú.") == 303
    session.refresh(life.ticket)
    assert (life.ticket.state, life.ticket.version, life.ticket.due_date) == before
    assert notes(session, life.ticket) == ["Một ghi chú."]


def test_a_note_makes_nobody_s_open_page_old(client: TestClient, session: Session, life: Life) -> None:
    seen = str(life.ticket.version)
    sign_in(client, life.world.user())
    write(client, life.ticket, "Đã gọi cho người gửi.")
    answer = client.post(f"/hop-thu/{life.ticket.number}/tra-loi", data={"version": seen, "answer": "Đã vá xong."})
    session.refresh(life.ticket)
    assert answer.status_code == 303 and life.ticket.state is TicketState.ANSWERED


class TestMentions:
    @pytest.mark.parametrize(
        "text", ["Nhờ @Tẩn Thị Mẩy xem giúp.", "@tan thi may: xem giúp", "Hỏi @Mẩy nhé", "(@TẨN THỊ MẨY)"]
    )
    def test_a_colleague_is_called_upon_by_full_or_given_name_with_or_without_tones(
        self, client: TestClient, session: Session, world: World, now: datetime, text: str
    ) -> None:
        ticket, _secret = world.receive(now)
        colleague = world.user(name="Tẩn Thị Mẩy")
        sign_in(client, world.user(name="Lò Văn Một"))
        assert write(client, ticket, text) == 303
        entry = last_entry(session, ticket)
        assert (entry.action, entry.data["mentions"]) == ("noted", [colleague.id])
        assert "Nhắc: Tẩn Thị Mẩy" in client.get(f"/hop-thu/{ticket.number}").text

    def test_a_person_chosen_from_the_list_and_one_named_are_both_noted_once(
        self, client: TestClient, session: Session, world: World, now: datetime
    ) -> None:
        ticket, _secret = world.receive(now)
        first, second = world.user(name="Tẩn Thị Mẩy"), world.user(Role.COORDINATOR, name="Vàng A Páo")
        sign_in(client, world.user())
        assert f'<option value="{second.id}">' in client.get(f"/hop-thu/{ticket.number}").text
        assert write(client, ticket, "@Tẩn Thị Mẩy và @Vàng A Páo", mention=str(first.id)) == 303
        assert last_entry(session, ticket).data["mentions"] == [first.id, second.id]

    @pytest.mark.parametrize("text", ["Thư của phong@example.vn đã nhận.", "a@b", "5 @ 10", "@"])
    def test_an_at_sign_that_is_no_name_calls_upon_nobody(
        self, client: TestClient, session: Session, world: World, now: datetime, text: str
    ) -> None:
        ticket, _secret = world.receive(now)
        sign_in(client, world.user())
        assert write(client, ticket, text) == 303
        assert "mentions" not in last_entry(session, ticket).data

    def test_who_may_not_see_the_ticket_is_refused_at_the_field_and_the_text_stays(
        self, client: TestClient, session: Session, world: World, now: datetime
    ) -> None:
        ticket, _secret = world.receive(now)
        stranger = world.user(unit=world.unit("LC-SXD"), name="Giàng A Xa")
        sign_in(client, world.user())
        address = f"/hop-thu/{ticket.number}/ghi-chu"
        named = client.post(address, data={"note": "Nhờ @Giàng A Xa xem."})
        assert named.status_code == 422 and "Không có ai tên" in field_error(named.text, "note")
        assert "Nhờ @Giàng A Xa xem.</textarea>" in named.text
        chosen = client.post(address, data={"note": "Nhờ xem.", "mention": str(stranger.id)})
        assert chosen.status_code == 422 and "được xem phản ánh này" in field_error(chosen.text, "mention")
        assert notes(session, ticket) == []

    def test_a_coordinator_of_the_unit_complained_about_cannot_be_called_upon(
        self, client: TestClient, session: Session, world: World, now: datetime
    ) -> None:
        complaint, _secret = world.receive(now, category_code="attitude")
        world.user(Role.COORDINATOR, world.unit(), name="Lù Thị Kín")
        sign_in(client, world.user(unit=world.unit("LC-VP")))
        assert write(client, complaint, "@Lù Thị Kín") == 422
        assert "Lù Thị Kín</option>" not in client.get(f"/hop-thu/{complaint.number}").text

    def test_two_people_of_one_name_must_be_told_apart(
        self, client: TestClient, session: Session, world: World, now: datetime
    ) -> None:
        ticket, _secret = world.receive(now)
        first, _second = (world.user(name="Tẩn Thị Mẩy") for _ in range(2))
        sign_in(client, world.user())
        assert write(client, ticket, "@Tẩn Thị Mẩy") == 422
        assert write(client, ticket, "Chị Mẩy xem giúp.", mention=str(first.id)) == 303

    def test_a_closed_account_cannot_be_called_upon(
        self, client: TestClient, session: Session, world: World, now: datetime
    ) -> None:
        ticket, _secret = world.receive(now)
        world.user(name="Tẩn Thị Mẩy", active=False)
        sign_in(client, world.user())
        assert write(client, ticket, "@Tẩn Thị Mẩy") == 422

    @pytest.mark.parametrize("mention", ["x", "999999", "-1", "9" * 30])
    def test_a_choice_that_is_no_colleague_is_refused(
        self, client: TestClient, session: Session, world: World, now: datetime, mention: str
    ) -> None:
        ticket, _secret = world.receive(now)
        sign_in(client, world.user())
        assert write(client, ticket, "Xem giúp.", mention=mention) == 422


def test_a_long_history_shows_its_latest_steps_and_the_whole_of_it_on_request(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    ticket, _secret = world.receive(now - timedelta(days=1))
    officer = world.actor()
    for number in range(70):
        world.happen(ticket, Event.NOTED, officer, now, f"Ghi chú số {number}.")
    sign_in(client, world.user())
    address = f"/hop-thu/{ticket.number}"
    page = client.get(address).text
    assert "Ghi chú số 69." in page and "Ghi chú số 3." not in page and f'href="{address}?course=all"' in page
    assert "Ghi chú số 3." in client.get(f"{address}?course=all").text
