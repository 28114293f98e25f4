"""Promised work is reminded of before and on its day; past it the leader and the sender hear of it, each once."""

from datetime import date, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.deadlines.events import Event
from backend.notify import composition
from backend.outbox.models import OutboxMessage
from backend.tickets import service
from backend.tickets.answers.outcomes import AnswerContent, AnswerOutcome
from backend.tickets.models import Ticket
from backend.tickets.service import ActionRequest
from backend.users.models import Role, User
from tests.factories import World, actor_for
from tests.reminders import at, beat, staff_messages, told

PROMISED = date(2026, 10, 20)  # a Tuesday
EVE, TODAY, AFTER = at("10-19T08:30"), at("10-20T08:30"), at("10-21T08:30")


@pytest.fixture
def people(world: World) -> dict[Role, User]:
    return {role: world.user(role) for role in (Role.OFFICER, Role.LEADER)}


@pytest.fixture
def ticket(world: World, people: dict[Role, User]) -> Ticket:
    ticket, _secret = world.receive(at("10-05T09:00"))
    officer = actor_for(people[Role.OFFICER])
    world.happen(ticket, Event.ACCEPTED, officer, at("10-05T10:00"))
    promise = ActionRequest(Event.ANSWERED, "Sẽ vá.", until=PROMISED, answer=AnswerContent(AnswerOutcome.PROMISED))
    return service.apply(world.session, ticket.id, promise, officer, now=at("10-06T10:00"))


def to_sender(session: Session, ticket: Ticket, template: str) -> list[OutboxMessage]:
    rows = select(OutboxMessage).where(OutboxMessage.ticket_id == ticket.id, OutboxMessage.template == template)
    return list(session.scalars(rows))


def test_each_hears_of_it_on_their_day_and_once(session: Session, ticket: Ticket, people: dict[Role, User]) -> None:
    for moment in (at("10-12T08:30"), EVE, EVE, TODAY, TODAY, AFTER, AFTER, at("10-28T08:30")):
        beat(moment)
    assert told(session, people[Role.OFFICER]) == ["promise_eve", "promise_today"]
    assert told(session, people[Role.LEADER]) == ["promise_overdue"]
    (row,) = to_sender(session, ticket, "promise_missed")
    mail = composition.compose_message(session, row, AFTER)
    assert "Đã quá ngày 20/10/2026" in mail.body
    assert ticket.verdict == "on_time"


@pytest.mark.parametrize(
    ("moment", "role", "heading"),
    [
        (EVE, Role.OFFICER, "Việc đã hẹn với người gửi, còn một ngày làm việc"),
        (TODAY, Role.OFFICER, "Việc đã hẹn với người gửi, hẹn xong hôm nay"),
        (AFTER, Role.LEADER, "Việc đã hẹn với người gửi, quá ngày hẹn mà chưa báo xong"),
    ],
)
def test_the_digest_names_the_ticket_and_its_promised_day(
    session: Session, ticket: Ticket, people: dict[Role, User], moment: datetime, role: Role, heading: str
) -> None:
    beat(moment)
    later = moment.replace(hour=9)
    beat(later)
    row = next(row for row in staff_messages(session) if row.user_id == people[role].id)
    mail = composition.compose_message(session, row, later)
    assert heading in mail.body and ticket.number in mail.body and "20/10/2026" in mail.body


def test_reported_work_is_reminded_of_no_more_and_left_out_of_a_letter_on_its_way(
    session: Session, world: World, ticket: Ticket, people: dict[Role, User]
) -> None:
    beat(AFTER)
    (row,) = to_sender(session, ticket, "promise_missed")
    world.happen(ticket, Event.PROMISE_KEPT, actor_for(people[Role.OFFICER]), at("10-21T09:00"), "Đã vá.")
    with pytest.raises(composition.RecipientMissing):
        composition.compose_message(session, row, at("10-21T09:30"))
    beat(at("10-28T08:30"))
    assert told(session, people[Role.LEADER]) == ["promise_overdue"]
    assert ticket.promises_missed == 1


def test_a_new_date_is_a_new_occasion(session: Session, world: World, ticket: Ticket, people: dict[Role, User]) -> None:
    beat(EVE)
    moved = ActionRequest(Event.PROMISE_EXPLAINED, "Mưa.", until=date(2026, 10, 27))
    service.apply(session, ticket.id, moved, actor_for(people[Role.OFFICER]), now=at("10-19T10:00"))
    beat(AFTER)
    assert told(session, people[Role.LEADER]) == []
    beat(at("10-26T08:30"))
    assert told(session, people[Role.OFFICER]) == ["promise_eve", "promise_eve"]
