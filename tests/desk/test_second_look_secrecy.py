"""While a second look goes on the answering unit cannot tell that it does: every page that its people may open shows
the same as before, and nothing is sent to them."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend.escalation import digest, look_reminders
from backend.escalation.models import StaffNotice
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.second_looks import service as looks
from backend.tickets.second_looks.models import LookResult, SecondLook
from backend.tickets.second_looks.service import LookDecision
from backend.users.models import Role, User
from tests.factories import SENDER, World, actor_for
from tests.signing_in import come_with, signed_in
from tests.stage import ROUTES

REASON = "Mới vá được một nửa, còn nguyên ổ gà."
NEW_EACH_TIME = {"/gui"}  # a form with a key of its own
Snapshot = dict[str, tuple[int, str]]


@pytest.fixture
def ticket(world: World, now: datetime) -> Ticket:
    ticket, _secret = world.answered(now, now)
    world.happen(ticket, Event.NOTIFIED, SENDER, now)
    return ticket


@pytest.fixture
def people(world: World) -> dict[str, User]:
    """Those who must not know: of the unit, whatever their role."""
    return {
        "officer": world.user(Role.OFFICER),
        "leader": world.user(Role.LEADER),
        "coordinator of the unit": world.user(Role.COORDINATOR, world.unit()),
    }


def addresses(ticket: Ticket) -> Iterator[str]:
    """Every page without a parameter or about the ticket, and searches for it."""
    for route in ROUTES:
        if route.method == "GET" and route.path not in NEW_EACH_TIME and not re.search(r"\{(?!number)", route.path):
            yield route.path.replace("{number}", ticket.number)
    title, answered = "ổ gà", "answered"
    yield from (f"/hop-thu?q={title}", f"/hop-thu?state={answered}", f"/hop-thu?q={ticket.number}")
    yield from (f"/hop-thu?q={REASON}", "/chi-so?tu=01/01/2026&den=31/12/2026", "/chi-so/phan-anh")


def look_at_all(client: TestClient, session: Session, user: User, ticket: Ticket, now: datetime) -> Snapshot:
    come_with(client, signed_in(session, user, now))
    pages = {}
    for address in addresses(ticket):
        answer = client.get(address)
        pages[address] = (answer.status_code, answer.text)
    return pages


def test_no_page_of_the_unit_changes_until_there_is_a_result(
    client: TestClient, session: Session, world: World, now: datetime, ticket: Ticket, people: dict[str, User]
) -> None:
    reviewer = world.actor(Role.COORDINATOR)
    before = {name: look_at_all(client, session, user, ticket, now) for name, user in people.items()}
    look = looks.ask_second_look(session, ticket.id, REASON, now=now)
    looks.take_look(session, look.id, reviewer, now=now)
    for name, user in people.items():
        after = look_at_again(client, session, user, ticket)
        changed = [address for address, page in after.items() if page != before[name][address]]
        assert changed == [], name
        assert client.get(f"/xem-lai/{look.id}").status_code == 404
        assert client.post(f"/xem-lai/{look.id}/nhan").status_code == 404
    looks.decide_look(session, look.id, reviewer, LookDecision(LookResult.UPHELD, "Đã kiểm tra."), now=now)
    page = look_at_again(client, session, people["leader"], ticket)[f"/hop-thu/{ticket.number}"]
    assert "Cấp trên xem lại: giữ nguyên kết quả" in page[1]  # so the test can see a change


def look_at_again(client: TestClient, session: Session, user: User, ticket: Ticket) -> Snapshot:
    come_with(client, f"token-of-{user.id}")
    return {
        address: (answer.status_code, answer.text) for address in addresses(ticket) if (answer := client.get(address))
    }


def test_reminders_and_digests_go_to_the_level_above_alone(
    session: Session,
    world: World,
    now: datetime,
    ticket: Ticket,
    people: dict[str, User],
) -> None:
    coordinator, desk = world.user(Role.COORDINATOR), world.user(Role.LEADER, world.unit("LC-VP"))
    elsewhere = world.user(Role.LEADER, world.unit("LC-SYT"))
    look = looks.ask_second_look(session, ticket.id, REASON, now=now)
    for day in range(40):
        at = now + timedelta(days=day)
        for _twice in range(2):  # a second run in the same minute is harmless
            look_reminders.sweep_looks(at, partial(look_reminders.remind_reviewers, now=at))
    told = {user.id for user in (coordinator, desk)}
    notices = session.scalars(select(StaffNotice).where(StaffNotice.code.startswith("look_"))).all()
    assert {notice.user_id for notice in notices} == told
    assert not {user.id for user in (*people.values(), elsewhere)} & told
    codes = [notice.code for notice in notices if notice.user_id == desk.id]
    assert codes == ["look_new", "look_half", "look_last_day", "look_overdue"]
    session.expire_all()
    assert session.get_one(SecondLook, look.id).remind_at is None
    assert set(digest.find_recipients(now + timedelta(days=40))) >= told


def test_whoever_has_taken_it_is_reminded_alone_until_it_is_overdue(
    session: Session, world: World, now: datetime, ticket: Ticket
) -> None:
    first, second = world.user(Role.COORDINATOR), world.user(Role.COORDINATOR)
    look = looks.ask_second_look(session, ticket.id, REASON, now=now)
    looks.take_look(session, look.id, actor_for(first), now=now)

    def remind(days: int) -> list[int]:
        at = now + timedelta(days=days)
        session.execute(delete(StaffNotice))
        look_reminders.sweep_looks(at, lambda ids: look_reminders.remind_reviewers(ids, at))
        return sorted(session.scalars(select(StaffNotice.user_id)))

    assert remind(0) == [first.id]
    assert remind(15) == [first.id]
    assert remind(30) == [first.id, second.id]
