"""Notices about events in the letters of staff: one letter with reminders, a burst as one line, urgent ones at once."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from backend.escalation import arrivals, digest, letters, queries
from backend.escalation.texts import StaffMessage
from backend.outbox.models import OutboxMessage
from backend.tickets import service as tickets
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.notices import service
from backend.tickets.notices.kinds import NoticeKind, NoticeWay
from backend.users.models import Role, User
from tests.factories import World, actor_for, usual_notes
from tests.reminders import OVERDUE, RECEIVED, beat, staff_messages


@pytest.fixture
def officer(world: World) -> User:
    return world.user()


@pytest.fixture
def leader(world: World) -> User:
    return world.user(Role.LEADER)


def asked(session: Session, ticket: Ticket, event: Event, who: User, now: datetime, **more: object) -> None:
    request = tickets.ActionRequest(event, text="Nội dung thử.", **usual_notes(event) | more)
    tickets.apply(session, ticket.id, request, actor_for(who), now=now)


def messages_to(session: Session, user: User) -> list[OutboxMessage]:
    return [message for message in staff_messages(session) if message.user_id == user.id]


def letter_to(session: Session, user: User, now: datetime) -> StaffMessage:
    (row,) = messages_to(session, user)
    letter = letters.staff_letter(session, row, user, now)
    assert letter is not None
    return letter


def test_reminders_and_events_come_in_one_letter(session: Session, world: World, officer: User, leader: User) -> None:
    late, _secret = world.receive(RECEIVED)
    ticket, _secret = world.receive(OVERDUE - timedelta(hours=1))
    asked(session, ticket, Event.ACCEPTED, officer, OVERDUE)
    asked(session, ticket, Event.SUBMITTED_FOR_APPROVAL, officer, OVERDUE)
    beat(OVERDUE)
    beat(later := OVERDUE + queries.SETTLE)
    letter = letter_to(session, leader, later)
    assert [part.heading for part in letter.parts()] == ["Đã quá hạn:", "Trả lời chờ bạn duyệt:"]
    assert f"/hop-thu/{late.number}" in letter.paragraphs()[0] and ticket.title in letter.paragraphs()[1]


def test_what_was_decided_meanwhile_is_told_no_more(
    session: Session, world: World, officer: User, leader: User
) -> None:
    ticket, _secret = world.receive(RECEIVED)
    asked(session, ticket, Event.ACCEPTED, officer, RECEIVED)
    asked(session, ticket, Event.SUBMITTED_FOR_APPROVAL, officer, RECEIVED)
    beat(later := RECEIVED + queries.SETTLE)
    asked(session, ticket, Event.RETURNED, world.user(Role.LEADER), later)
    (row,) = messages_to(session, leader)
    assert letters.staff_letter(session, row, leader, later) is None


def test_what_was_read_at_the_bell_is_not_sent(session: Session, world: World, officer: User, leader: User) -> None:
    ticket, _secret = world.receive(RECEIVED)
    asked(session, ticket, Event.ASSIGNED, leader, RECEIVED, to_user_id=officer.id)
    service.mark_ticket_read(session, officer.id, ticket.id, RECEIVED)
    beat(RECEIVED + queries.SETTLE)
    assert messages_to(session, officer) == []


def test_a_notice_for_the_bell_alone_is_not_sent(session: Session, world: World, officer: User, leader: User) -> None:
    service.choose_ways(session, officer.id, {NoticeKind.ASSIGNED: NoticeWay.BELL})
    ticket, _secret = world.receive(RECEIVED)
    asked(session, ticket, Event.ASSIGNED, leader, RECEIVED, to_user_id=officer.id)
    beat(RECEIVED + queries.SETTLE)
    assert messages_to(session, officer) == []


def test_a_notice_wanted_at_once_is_a_letter_of_its_own_with_what_happened_in_its_subject(
    session: Session, world: World, officer: User, leader: User
) -> None:
    service.choose_ways(session, officer.id, {NoticeKind.ASSIGNED: NoticeWay.AT_ONCE})
    ticket, _secret = world.receive(RECEIVED)
    asked(session, ticket, Event.ASSIGNED, leader, RECEIVED, to_user_id=officer.id)
    beat(RECEIVED)
    letter = letter_to(session, officer, RECEIVED)
    assert letter.alone and letter.subject() == f"Giao cho bạn xử lý: phản ánh {ticket.number}"


def test_a_person_who_wants_reminders_at_once_gets_them_alone(session: Session, world: World, leader: User) -> None:
    service.choose_ways(session, leader.id, {NoticeKind.REMINDER: NoticeWay.AT_ONCE})
    world.receive(RECEIVED)
    beat(OVERDUE)
    assert letter_to(session, leader, OVERDUE).alone


def test_a_burst_of_new_tickets_is_one_line_for_those_who_want_them_gathered(
    session: Session, world: World, officer: User
) -> None:
    silent = world.user()
    service.choose_ways(session, officer.id, {NoticeKind.NEW: NoticeWay.GATHERED})
    for _n in range(40):
        world.receive(RECEIVED)
    assert digest.find_recipients(RECEIVED) == []
    beat(later := RECEIVED + queries.SETTLE)
    assert messages_to(session, silent) == []
    letter = letter_to(session, officer, later)
    assert len(letter.parts()) == 1 and str(letter.parts()[0]).startswith("Phản ánh mới chưa ai tiếp nhận: 40\n")
    assert str(letter.parts()[0]).endswith("/hop-thu?state=new")
    beat(later + timedelta(minutes=5))
    assert len(messages_to(session, officer)) == 1


def test_a_few_new_tickets_are_named_and_the_next_half_day_names_later_ones_alone(
    session: Session, world: World, officer: User
) -> None:
    service.choose_ways(session, officer.id, {NoticeKind.NEW: NoticeWay.GATHERED})
    first, _secret = world.receive(RECEIVED)
    beat(RECEIVED + queries.SETTLE)
    second, _secret = world.receive(RECEIVED + timedelta(hours=1), title="Đèn đường hỏng")
    beat(afternoon := RECEIVED + timedelta(hours=5))
    earlier_row, row = messages_to(session, officer)
    letter = letters.staff_letter(session, row, officer, afternoon)
    assert letter is not None and second.title in letter.paragraphs()[0] and first.number not in letter.paragraphs()[0]
    assert letters.staff_letter(session, earlier_row, officer, afternoon) is None
    assert arrivals.NAMED_MOST < 40


def test_new_tickets_that_were_taken_up_meanwhile_are_not_told(session: Session, world: World, officer: User) -> None:
    service.choose_ways(session, officer.id, {NoticeKind.NEW: NoticeWay.GATHERED})
    ticket, _secret = world.receive(RECEIVED)
    beat(later := RECEIVED + queries.SETTLE)
    asked(session, ticket, Event.ACCEPTED, officer, later)
    (row,) = messages_to(session, officer)
    assert letters.staff_letter(session, row, officer, later) is None
