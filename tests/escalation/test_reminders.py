"""Reminders, escalation and word to senders: whom a sweep tells, once, at what hours, whatever the beat does.

The calendar is the shipped one; Monday 5 October 2026 is received, Monday 26 October is the due date (15 working days).
"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from backend import audit
from backend.escalation import digest, letters, queries, service
from backend.escalation.models import StaffNotice, StepRecord, TicketWatch
from backend.notify import service as delivery
from backend.outbox import service as outbox
from backend.outbox.models import DeliveryState, OutboxMessage
from backend.tickets import projection, sweeps
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketState
from backend.users.models import Role, User
from backend.users.policy import SENDER
from backend.worktime import service as worktime
from backend.worktime.document import to_document
from backend.worktime.models import CalendarVersion
from tests.factories import World, actor_for
from tests.reminders import AFTER_3, AFTER_5, HALF, LAST_DAY, OVERDUE, RECEIVED, at, beat, staff_messages, told
from tests.signing_in import sign_in
from tests.spy_channel import Spy


@pytest.fixture
def ticket(world: World) -> Ticket:
    return world.receive(RECEIVED)[0]


@pytest.fixture
def people(world: World) -> dict[Role, User]:
    return {
        role: world.user(role, world.unit() if role in (Role.OFFICER, Role.LEADER) else None)
        for role in (Role.OFFICER, Role.LEADER, Role.COORDINATOR, Role.MANAGER)
    }


def to_sender(session: Session, ticket: Ticket) -> list[str]:
    """Templates of the messages about lateness, by their keys."""
    rows = session.scalars(
        select(OutboxMessage.key)
        .where(OutboxMessage.ticket_id == ticket.id, OutboxMessage.template.in_(["apology", "progress"]))
        .order_by(OutboxMessage.id)
    )
    return list(rows)


def test_each_person_is_told_at_their_rung(
    session: Session, ticket: Ticket, people: dict[Role, User], world: World
) -> None:
    stranger = world.user(Role.LEADER, world.unit("LC-SYT"))
    for now in (RECEIVED, HALF, LAST_DAY, OVERDUE, AFTER_3, AFTER_5):
        beat(now)
    assert told(session, people[Role.OFFICER]) == ["half", "last_day"]
    assert told(session, people[Role.LEADER]) == ["overdue"]
    assert told(session, people[Role.COORDINATOR]) == ["overdue_3"]
    assert told(session, people[Role.MANAGER]) == ["overdue_5"]
    assert told(session, stranger) == []
    keys = set(session.scalars(select(StaffNotice.key)))
    assert f"{audit.ticket_chain(ticket.id)}:overdue:2026-10-26:user:{people[Role.LEADER].id}" in keys


def test_leader_and_coordinator_hear_of_a_ticket_that_lies_for_45_days(
    session: Session, ticket: Ticket, people: dict[Role, User]
) -> None:
    """NĐ 154/2026/NĐ-CP, Điều 41, 42: received on 5 October, warned on 4 November, the bound on 19 November."""
    leader, bound = people[Role.LEADER], at("11-19T08:00")
    for now in (OVERDUE, AFTER_5, at("11-04T08:00"), at("11-18T08:00"), bound, bound + timedelta(minutes=20)):
        beat(now)
    assert told(session, leader) == ["overdue", "backstop_warning", "backstop"]
    assert told(session, people[Role.COORDINATOR])[-1] == "backstop_above"
    last_message = [message for message in staff_messages(session) if message.user_id == leader.id][-1]
    letter = letters.staff_letter(session, last_message, leader, bound)
    assert letter is not None
    assert [part.heading for part in letter.parts()] == [
        "Để quá lâu kể từ ngày tiếp nhận, người đứng đầu có thể bị xử lý trách nhiệm:"
    ]


def test_a_ticket_received_before_the_law_has_no_bound_of_45_days(
    session: Session, world: World, people: dict[Role, User]
) -> None:
    world.receive(at("06-30T09:00"))
    for now in (at("07-30T08:00"), at("08-14T08:00")):
        beat(now)
    assert told(session, people[Role.LEADER]) == ["overdue"]


def test_the_sender_hears_an_apology_and_every_seven_days(session: Session, ticket: Ticket) -> None:
    for day in range(60):
        beat(at("10-05T10:00") + timedelta(days=day))
    base = audit.ticket_chain(ticket.id)
    assert to_sender(session, ticket) == [
        f"{base}:apology:2026-10-05:email",
        *(f"{base}:progress:2026-10-05:{n}:email" for n in range(1, 6)),
    ]
    told = [entry.action for entry in audit.list_entries(session, base)].count(Event.PROGRESS_TOLD)
    assert told == 5, "each notice stands in the history"
    assert list(projection.check_all(session)) == []


def test_two_beats_and_tasks_run_twice_tell_once(session: Session, ticket: Ticket, people: dict[Role, User]) -> None:
    handed: list[list[int]] = []
    service.sweep_tickets(OVERDUE, handed.append)
    service.sweep_tickets(OVERDUE, handed.append)
    assert handed == [[ticket.id], [ticket.id]]
    assert [service.decide_steps(ids, OVERDUE) for ids in (*handed, *handed)] == [1, 0, 0, 0]
    assert told(session, people[Role.LEADER]) == ["overdue"]
    later = OVERDUE + queries.SETTLE
    assert [digest.collect_notices(people[Role.LEADER].id, later) for _n in range(3)] == [1, 0, 0]
    assert len(to_sender(session, ticket)) == 1


def test_a_task_whose_watch_was_lost_still_tells_once(
    session: Session, ticket: Ticket, people: dict[Role, User]
) -> None:
    """Even without the next look the keys hold."""
    beat(OVERDUE)
    session.execute(delete(TicketWatch))
    assert beat(OVERDUE + timedelta(hours=1)) == 1
    assert told(session, people[Role.LEADER]) == ["overdue"] and len(to_sender(session, ticket)) == 1


def test_a_beat_stopped_for_three_days_makes_no_storm(session: Session, world: World, people: dict[Role, User]) -> None:
    """Stopped before the due date, started again three days after it, in the night."""
    for _n in range(5):
        world.receive(RECEIVED)
    beat(at("10-22T16:00"))
    before = {role: len(told(session, user)) for role, user in people.items()}
    restarted = at("10-29T02:00")
    for minutes in range(0, 12 * 60, 5):
        beat(restarted + timedelta(minutes=minutes))
    assert len(told(session, people[Role.OFFICER])) == before[Role.OFFICER] == 5
    assert len(told(session, people[Role.LEADER])) == 5
    assert len(told(session, people[Role.COORDINATOR])) == 0
    night = session.scalar(select(func.count()).select_from(StepRecord).where(StepRecord.at < at("10-29T07:30")))
    assert night == 5  # those of the 22nd
    leader = [m for m in staff_messages(session) if m.user_id == people[Role.LEADER].id]
    assert [message.key for message in leader] == [f"{audit.user_key(people[Role.LEADER].id)}:digest:2026-10-29:am"]
    apologies = session.scalars(select(OutboxMessage).where(OutboxMessage.template == "apology")).all()
    assert len(apologies) == 5 and all(message.created_at >= at("10-29T07:30") for message in apologies)


@pytest.mark.parametrize("now", [at("10-27T03:00"), at("10-27T12:00"), at("10-27T19:00"), at("10-31T09:00")])
def test_nobody_is_told_at_night_at_lunch_or_on_a_saturday(
    session: Session, ticket: Ticket, people: dict[Role, User], now: datetime
) -> None:
    assert beat(now) == 1
    assert session.scalar(select(func.count()).select_from(StepRecord)) == 0
    assert beat(now + timedelta(minutes=5)) == 0, "it is not looked at again before the office opens"
    assert to_sender(session, ticket) == [] and staff_messages(session) == []


def test_a_digest_waits_for_the_office_to_open_and_for_lunch_to_end(
    session: Session, ticket: Ticket, people: dict[Role, User]
) -> None:
    service.decide_steps([ticket.id], at("10-27T11:25"))
    leader = people[Role.LEADER].id
    assert [digest.collect_notices(leader, at(f"10-27T{hour}")) for hour in ("11:29", "11:45", "13:29", "13:30")] == [
        0,
        0,
        0,
        1,
    ]


def test_the_unit_s_own_calendar_decides_when_it_works(
    session: Session, ticket: Ticket, people: dict[Role, User], world: World
) -> None:
    vn = worktime.load_calendar(session, worktime.active_id(session))
    week = to_document(vn) | {"week": {str(day): ["18:00-20:00"] for day in range(5)}}
    session.add(
        CalendarVersion(
            code="unit:03388", version=1, document=week, basis="Thử", created_at=RECEIVED, activated_at=RECEIVED
        )
    )
    session.flush()
    beat(OVERDUE)
    assert told(session, people[Role.LEADER]) == []
    beat(at("10-27T18:30"))
    assert told(session, people[Role.LEADER]) == ["overdue"]


@pytest.mark.parametrize("event", [Event.INFO_REQUESTED, Event.ANSWERED])
def test_paused_and_answered_tickets_are_never_escalated(
    session: Session, ticket: Ticket, people: dict[Role, User], world: World, event: Event
) -> None:
    officer = actor_for(people[Role.OFFICER])
    world.happen(ticket, Event.ACCEPTED, officer, RECEIVED)
    world.happen(ticket, event, officer, RECEIVED)
    for now in (HALF, LAST_DAY, OVERDUE, AFTER_3, AFTER_5):
        assert beat(now) == 0
    assert session.scalar(select(func.count()).select_from(StepRecord)) == 0
    assert ticket.state is not TicketState.ACCEPTED


def test_answered_between_sweep_and_task_nobody_is_told(
    session: Session, ticket: Ticket, people: dict[Role, User], world: World
) -> None:
    handed: list[list[int]] = []
    service.sweep_tickets(OVERDUE, handed.append)
    officer = actor_for(people[Role.OFFICER])
    world.happen(ticket, Event.ACCEPTED, officer, OVERDUE)
    world.happen(ticket, Event.ANSWERED, officer, OVERDUE)
    assert service.decide_steps(handed[0], OVERDUE) == 0
    assert told(session, people[Role.LEADER]) == []


def test_answered_between_digest_and_delivery_it_is_left_out(
    session: Session, world: World, people: dict[Role, User]
) -> None:
    one, two = world.receive(RECEIVED)[0], world.receive(RECEIVED)[0]
    beat(OVERDUE)
    beat(OVERDUE + queries.SETTLE)
    (row,) = [m for m in staff_messages(session) if m.user_id == people[Role.LEADER].id]
    officer = actor_for(people[Role.OFFICER])
    world.happen(one, Event.ACCEPTED, officer, OVERDUE)
    world.happen(one, Event.ANSWERED, officer, OVERDUE)
    spy = Spy()
    assert delivery.deliver_message(row.id, 0, OVERDUE, spy) is DeliveryState.SENT
    assert two.number in spy.messages[0].body and one.number not in spy.messages[0].body
    apology = session.scalars(
        select(OutboxMessage).where(OutboxMessage.template == "apology", OutboxMessage.ticket_id == one.id)
    ).one()
    assert delivery.deliver_message(apology.id, 0, OVERDUE, Spy()) is DeliveryState.UNREACHABLE


def test_a_pause_that_moved_the_due_date_moves_the_reminders(
    session: Session, ticket: Ticket, people: dict[Role, User], world: World
) -> None:
    beat(HALF)
    officer = actor_for(people[Role.OFFICER])
    world.happen(ticket, Event.ACCEPTED, officer, HALF)
    world.happen(ticket, Event.INFO_REQUESTED, officer, HALF)
    beat(OVERDUE)
    world.happen(ticket, Event.INFO_RECEIVED, SENDER, OVERDUE)
    beat(OVERDUE)
    assert ticket.due_date > OVERDUE.date()
    assert told(session, people[Role.LEADER]) == [] and to_sender(session, ticket) == []
    beat(at(f"{ticket.due_date:%m-%d}T08:00") + timedelta(days=1))
    assert told(session, people[Role.LEADER]) == ["backstop_warning"], "reached meanwhile; it goes first"


def test_a_pause_whose_limit_is_over_holds_reminders_back_no_longer(
    session: Session, ticket: Ticket, people: dict[Role, User], world: World
) -> None:
    """The sender was asked on the first day and never replied: the limit of ten working days ended on 19 October."""
    officer = actor_for(people[Role.OFFICER])
    world.happen(ticket, Event.ACCEPTED, officer, RECEIVED)
    world.happen(ticket, Event.INFO_REQUESTED, officer, RECEIVED)
    limit_over = at("10-20T08:00")
    assert sweeps.lapse_ticket(session, ticket.id, limit_over) is Event.PAUSE_EXPIRED
    assert ticket.state is TicketState.AWAITING_SENDER
    beat(at(f"{ticket.due_date:%m-%d}T08:00") + timedelta(days=1))
    assert told(session, people[Role.LEADER]) == ["backstop_warning"], "reached meanwhile; it goes first"
    assert [key.split(":")[2] for key in to_sender(session, ticket)] == ["apology"]


def test_a_complaint_about_a_unit_is_told_to_nobody_of_it(session: Session, world: World) -> None:
    own = [world.user(role, world.unit()) for role in (Role.OFFICER, Role.LEADER, Role.COORDINATOR, Role.MANAGER)]
    desk = world.user(Role.LEADER, world.unit("LC-VP"))
    world.receive(RECEIVED, category_code="attitude")
    for now in (HALF, OVERDUE, AFTER_3, AFTER_5):
        beat(now)
    assert [told(session, user) for user in own] == [[], [], [], []]
    assert told(session, desk) == ["half", "overdue"], "the desk has no officer, so its leader hears of both"
    late = select(StepRecord.code, StepRecord.told).where(StepRecord.code.in_(["overdue", "overdue_3", "overdue_5"]))
    assert dict(session.execute(late).all()) == {"overdue": True, "overdue_3": False, "overdue_5": False}


def test_a_manager_reads_number_and_unit_and_nothing_else(
    session: Session, ticket: Ticket, people: dict[Role, User]
) -> None:
    beat(AFTER_5)
    beat(AFTER_5 + queries.SETTLE)
    (row,) = [m for m in staff_messages(session) if m.user_id == people[Role.MANAGER].id]
    spy = Spy()
    delivery.deliver_message(row.id, 0, AFTER_5, spy)
    (message,) = spy.messages
    assert message.recipient == people[Role.MANAGER].email
    assert f"{ticket.number} · Phường Đoàn Kết\n" in message.body.replace("\n\n", "\n")
    for secret in (ticket.title, ticket.content, "nguoigui@example.vn", "Lò Văn Thử", "26/10/2026"):
        assert secret not in message.body + message.html + message.subject


def test_staff_are_written_to_in_the_language_they_signed_in_with(
    client: TestClient, session: Session, world: World
) -> None:
    user = world.user(Role.LEADER)
    client.cookies.set("lang", "en")
    sign_in(client, user)
    session.expire_all()
    assert user.language == "en"


def test_a_closed_account_is_told_nothing(session: Session, ticket: Ticket, people: dict[Role, User]) -> None:
    beat(OVERDUE)
    people[Role.LEADER].active = False
    session.flush()
    beat(OVERDUE + queries.SETTLE)
    assert staff_messages(session) == []


def test_urgent_ones_leave_alone_but_never_as_a_storm(
    session: Session, world: World, people: dict[Role, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    facts_of = service.facts_of
    monkeypatch.setattr(
        service, "facts_of", lambda ticket: replace(facts_of(ticket), term=service.parse_term("1 working day"))
    )
    count = digest.ALONE_MOST + 3
    for _n in range(count):
        world.receive(RECEIVED)
    beat(OVERDUE)
    leader = people[Role.LEADER]

    def mine() -> list[str]:
        return [m.template for m in staff_messages(session) if m.user_id == leader.id]

    assert mine() == ["urgent"] * digest.ALONE_MOST
    for minutes in range(5, 60, 5):
        beat(OVERDUE + timedelta(minutes=minutes))
    assert mine() == ["urgent"] * digest.ALONE_MOST + ["digest"]
    assert session.scalar(select(func.count()).select_from(StaffNotice).where(StaffNotice.message_id.is_(None))) == 0


def test_a_thousand_due_at_once_are_one_letter_of_fifty_lines(
    session: Session, world: World, people: dict[Role, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 20)
    for _n in range(70):
        world.receive(RECEIVED)
    assert beat(OVERDUE) == 70
    beat(OVERDUE + queries.SETTLE)
    (row,) = [m for m in staff_messages(session) if m.user_id == people[Role.LEADER].id]
    spy = Spy()
    delivery.deliver_message(row.id, 0, OVERDUE, spy)
    body = spy.messages[0].body
    assert body.count(" · hạn ") == 50 and "Và 20 phản ánh khác" in body and "70" in spy.messages[0].subject


def test_what_comes_after_the_digest_waits_for_the_next_half_day(
    session: Session, world: World, people: dict[Role, User]
) -> None:
    world.receive(RECEIVED)
    beat(OVERDUE)
    beat(OVERDUE + queries.SETTLE)
    world.receive(RECEIVED)
    for minutes in range(20, 600, 5):
        beat(OVERDUE + timedelta(minutes=minutes))
    keys = [m.key for m in staff_messages(session) if m.user_id == people[Role.LEADER].id]
    assert keys == [f"{audit.user_key(people[Role.LEADER].id)}:digest:2026-10-27:{half}" for half in ("am", "pm")]


def test_the_apology_names_the_missed_date_and_that_no_reason_was_given(session: Session, ticket: Ticket) -> None:
    beat(OVERDUE)
    (key,) = to_sender(session, ticket)
    row = session.scalars(select(OutboxMessage).where(OutboxMessage.key == key)).one()
    spy = Spy()
    delivery.deliver_message(row.id, 0, OVERDUE, spy)
    body = spy.messages[0].body
    assert "xin lỗi" in body and "Hạn trả lời đã hẹn: 26/10/2026." in body and "chưa nêu lý do" in body


def test_a_missed_sweep_changes_no_verdict(session: Session, world: World, people: dict[Role, User]) -> None:
    """Never swept, answered on the due date's last minute and the first of the next: the verdict is by event time."""
    on_time, _s = world.answered(RECEIVED, at("10-26T23:59"))
    late, _s = world.answered(RECEIVED, at("10-27T00:00"))
    before = [(t.verdict, t.due_date, t.answered_at) for t in (on_time, late)]
    beat(AFTER_5)
    session.expire_all()
    assert [(t.verdict, t.due_date, t.answered_at) for t in (on_time, late)] == before
    assert [verdict for verdict, _due, _at in before] == ["on_time", "late"]


def test_a_message_has_one_recipient(session: Session, people: dict[Role, User]) -> None:
    user = people[Role.LEADER]
    first = outbox.put_to_staff(session, "digest", user_id=user.id, key="user:1:x", now=OVERDUE)
    assert first is not None
    assert outbox.put_to_staff(session, "digest", user_id=user.id, key="user:1:x", now=OVERDUE) is None
