"""What a ticket's page costs the database: the ticket is read once, however much the page says of it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from backend.tickets.lifecycle import Event
from backend.users.models import Role
from backend.users.policy import SENDER
from tests.factories import World
from tests.following import TICKET, follow
from tests.signing_in import sign_in

# Statements; who is signed in, the number at the bell and the note that they looked are among them.
OF_STAFF, OF_SENDER = 16, 9
Count = Callable[[str], int]


@pytest.fixture
def count(client: TestClient, session: Session) -> Count:
    """How many statements a page asks, after calendars and rules were read once by the process."""
    asked: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *args: asked.append(args[2]))

    def ask(address: str) -> int:
        assert client.get(address).status_code == 200
        session.expunge_all()
        asked.clear()
        client.get(address)
        return len([sql for sql in asked if "SAVEPOINT" not in sql])

    return ask


@pytest.mark.parametrize("role", [Role.OFFICER, Role.LEADER, Role.COORDINATOR])
def test_a_page_of_staff_reads_the_ticket_once_for_all_its_previews(
    client: TestClient, world: World, now: datetime, count: Count, role: Role
) -> None:
    began = now - timedelta(days=2)
    ticket, _secret = world.receive(began)
    officer = world.actor()
    world.happen(ticket, Event.ACCEPTED, officer, began)
    world.happen(ticket, Event.INFO_REQUESTED, officer, began)
    world.happen(ticket, Event.INFO_RECEIVED, SENDER, began)
    sign_in(client, world.user(role))
    short = count(f"/hop-thu/{ticket.number}")
    for hours in range(1, 9):
        at = began + timedelta(hours=hours)
        world.happen(ticket, Event.INFO_REQUESTED, officer, at)
        world.happen(ticket, Event.INFO_RECEIVED, SENDER, at)
    assert count(f"/hop-thu/{ticket.number}") == short <= OF_STAFF


def test_a_senders_page_reads_it_once_for_all_that_the_sender_may_do(
    client: TestClient, world: World, now: datetime, count: Count
) -> None:
    ticket, secret = world.receive(now)
    follow(client, ticket, secret)
    short = count(TICKET)
    for _again in range(6):
        world.happen(ticket, Event.INFO_REQUESTED, world.actor(), now)
        world.happen(ticket, Event.INFO_RECEIVED, SENDER, now)
    assert short <= OF_SENDER
    assert count(TICKET) <= short + 2  # the texts, and the officer's name
