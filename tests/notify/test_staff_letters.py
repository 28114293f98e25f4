"""What letters to staff say: how tickets stand on the day of sending, with titles and links and nothing else."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from backend.escalation import queries
from backend.notify import service as delivery
from backend.notify.channels import OutgoingMessage
from backend.outbox.models import DeliveryState, OutboxMessage
from backend.settings import get_settings
from backend.tickets.models import Ticket
from backend.users.models import Role, User
from tests.factories import World
from tests.reminders import AFTER_3, HALF, LAST_DAY, OVERDUE, RECEIVED, at, beat, staff_messages
from tests.spy_channel import Spy


@pytest.fixture
def ticket(world: World) -> Ticket:
    return world.receive(RECEIVED)[0]


@pytest.fixture
def people(world: World) -> dict[Role, User]:
    return {
        role: world.user(role, world.unit() if role in (Role.OFFICER, Role.LEADER) else None)
        for role in (Role.OFFICER, Role.LEADER, Role.COORDINATOR)
    }


def delivered(row: OutboxMessage, now: datetime) -> OutgoingMessage:
    spy = Spy()
    assert delivery.deliver_message(row.id, 0, now, spy) is DeliveryState.SENT
    return spy.messages[0]


def test_messages_to_staff_name_tickets_with_titles_and_links_and_no_more_of_what_was_written(
    session: Session, ticket: Ticket, people: dict[Role, User]
) -> None:
    people[Role.LEADER].language = "en"
    for now in (HALF, OVERDUE, AFTER_3):
        beat(now)
        beat(now + queries.SETTLE)
    rows = staff_messages(session)
    assert len(rows) == 3
    for row in rows:
        message = delivered(row, AFTER_3)
        address = f"{get_settings().base_url}/hop-thu/{ticket.number}"
        assert f"{ticket.number} · {ticket.title}" in message.body and f"\n{address}\n" in message.body
        assert f'<a href="{address}">{ticket.number} · {ticket.title}</a>' in message.html
        for secret in (ticket.content, "nguoigui@example.vn", "Lò Văn Thử"):
            assert secret not in message.body + message.html + message.subject
        assert ticket.title not in message.subject


def test_an_address_in_a_title_becomes_no_link(session: Session, world: World, people: dict[Role, User]) -> None:
    world.receive(RECEIVED, title="Xem https://xau.example/<b> ngay")
    beat(OVERDUE)
    beat(OVERDUE + queries.SETTLE)
    (row,) = [m for m in staff_messages(session) if m.user_id == people[Role.LEADER].id]
    html = delivered(row, OVERDUE).html
    assert "https://xau.example/&lt;b&gt;" in html and 'href="https://xau' not in html


@pytest.mark.parametrize(
    ("sent", "heading"),
    [
        (LAST_DAY, "Còn một ngày làm việc:"),
        (at("10-25T09:00"), "Còn một ngày làm việc:"),  # Sunday
        (at("10-26T07:35"), "Đến hạn hôm nay:"),
        (OVERDUE, "Đã quá hạn:"),
    ],
)
def test_a_digest_says_how_tickets_stand_on_the_day_that_it_is_sent(
    session: Session, ticket: Ticket, people: dict[Role, User], sent: datetime, heading: str
) -> None:
    beat(LAST_DAY)
    beat(LAST_DAY + queries.SETTLE)
    (row,) = [m for m in staff_messages(session) if m.user_id == people[Role.OFFICER].id]
    body = delivered(row, sent).body
    assert body.startswith(f"{heading}\n") and body.count(":\n") == 1
    assert f"{ticket.title} · Phường Đoàn Kết · hạn 26/10/2026" in body


def test_a_ticket_that_was_prolonged_meanwhile_is_not_told_as_near_its_last_day(
    session: Session, ticket: Ticket, people: dict[Role, User]
) -> None:
    beat(LAST_DAY)
    beat(LAST_DAY + queries.SETTLE)
    ticket.due_date = ticket.due_date + timedelta(days=14)
    session.flush()
    (row,) = [m for m in staff_messages(session) if m.user_id == people[Role.OFFICER].id]
    assert delivery.deliver_message(row.id, 0, LAST_DAY, Spy()) is DeliveryState.UNREACHABLE
