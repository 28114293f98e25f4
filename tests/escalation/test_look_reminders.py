"""The mail of the level above about second looks: what it says, and that it is silent once the result is there."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.escalation import digest, look_reminders, queries
from backend.escalation.models import StaffNotice
from backend.notify import service as delivery
from backend.outbox.models import DeliveryState, OutboxMessage
from backend.settings import get_settings
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.second_looks import service as looks
from backend.tickets.second_looks.models import LookResult, SecondLook
from backend.tickets.second_looks.service import LookDecision
from backend.users.models import Role, User
from backend.users.policy import Actor
from tests.factories import SENDER, World, actor_for
from tests.spy_channel import Spy


@pytest.fixture
def ticket(world: World, now: datetime) -> Ticket:
    ticket, _secret = world.answered(now, now)
    world.happen(ticket, Event.NOTIFIED, SENDER, now)
    return ticket


@pytest.fixture
def look(session: Session, ticket: Ticket, now: datetime) -> SecondLook:
    return looks.ask_second_look(session, ticket.id, "Mới vá một nửa.", now=now)


def digest_of(session: Session, user: User, at: datetime) -> OutboxMessage:
    """The sweep at a moment, and the digest that one person gets after it."""
    look_reminders.sweep_looks(at, lambda ids: look_reminders.remind_reviewers(ids, at))
    assert digest.collect_notices(user.id, at + queries.SETTLE) == 1
    session.expire_all()
    return session.scalars(select(OutboxMessage).where(OutboxMessage.user_id == user.id)).one()


def test_the_digest_names_the_second_look_with_its_due_date_and_no_text(
    session: Session, world: World, now: datetime, ticket: Ticket, look: SecondLook
) -> None:
    coordinator = world.user(Role.COORDINATOR)
    spy = Spy()
    row = digest_of(session, coordinator, now)
    assert delivery.deliver_message(row.id, 0, now + queries.SETTLE, spy) is DeliveryState.SENT
    (message,) = spy.messages
    address = f"{get_settings().base_url}/xem-lai/{look.id}"
    assert "Yêu cầu xem lại đang chờ:" in message.body and address in message.body
    assert f"{ticket.number} · {ticket.title} · Phường Đoàn Kết · hạn 17/12/2026" in message.body
    assert "Mới vá một nửa." not in message.body + message.html


def test_a_decided_second_look_is_not_in_the_mail_any_more(
    session: Session, world: World, now: datetime, look: SecondLook
) -> None:
    coordinator = world.user(Role.COORDINATOR)
    row = digest_of(session, coordinator, now)
    reviewer = world.actor(Role.COORDINATOR)
    looks.take_look(session, look.id, reviewer, now=now)
    looks.decide_look(session, look.id, reviewer, LookDecision(LookResult.SENT_BACK, "Làm lại."), now=now)
    assert delivery.deliver_message(row.id, 0, now + queries.SETTLE, Spy()) is DeliveryState.UNREACHABLE


def test_at_night_nobody_is_told_and_the_morning_is_set(
    session: Session, world: World, now: datetime, look: SecondLook
) -> None:
    world.user(Role.COORDINATOR)
    night = now.replace(hour=23)
    look_reminders.sweep_looks(night, lambda ids: look_reminders.remind_reviewers(ids, night))
    session.expire_all()
    assert look.remind_at is not None and look.remind_at > night
    assert look_reminders.sweep_looks(night + timedelta(hours=1), lambda ids: None) == 0


def test_somebody_who_had_a_part_is_not_asked_to_review(
    session: Session, world: World, now: datetime, ticket: Ticket, look: SecondLook
) -> None:
    had_part, other = world.user(Role.COORDINATOR), world.user(Role.COORDINATOR)
    publisher: Actor = actor_for(had_part)
    earlier = world.answered(now, now)[0]
    world.happen(earlier, Event.PUBLISHED, publisher, now)
    world.happen(earlier, Event.NOTIFIED, SENDER, now)
    second = looks.ask_second_look(session, earlier.id, "Chưa xong.", now=now)
    look_reminders.remind_reviewers([second.id], now)
    session.expire_all()
    notices = session.scalars(select(StaffNotice.user_id).where(StaffNotice.ticket_id == earlier.id)).all()
    assert notices == [other.id]
