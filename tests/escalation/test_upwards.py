"""Where a unit has nobody of a role of the ladder: who is told instead, and that it is written down."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit
from backend.escalation import queries
from backend.escalation.models import StaffNotice, StepRecord
from backend.notify import service as delivery
from backend.users.models import Role
from tests.factories import World
from tests.reminders import AFTER_3, AFTER_5, HALF, LAST_DAY, OVERDUE, RECEIVED, beat, staff_messages, told
from tests.spy_channel import Spy


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ((Role.LEADER, Role.COORDINATOR, Role.MANAGER), {Role.LEADER: ["half", "last_day", "overdue"]}),
        ((Role.OFFICER, Role.COORDINATOR, Role.MANAGER), {Role.COORDINATOR: ["overdue", "overdue_3"]}),
        ((Role.COORDINATOR, Role.MANAGER), {Role.COORDINATOR: ["half", "last_day", "overdue", "overdue_3"]}),
        ((Role.MANAGER,), {Role.MANAGER: ["half", "last_day", "overdue", "overdue_3", "overdue_5"]}),
        ((Role.OFFICER,), {Role.OFFICER: ["half", "last_day"]}),
    ],
)
def test_where_a_unit_has_nobody_of_a_role_the_next_above_is_told(
    session: Session, world: World, there: tuple[Role, ...], expected: dict[Role, list[str]]
) -> None:
    people = {role: world.user(role) for role in there}
    world.user(Role.LEADER, world.unit("LC-SYT"))  # of another unit, who has nothing to do with it
    world.receive(RECEIVED)
    for now in (RECEIVED, HALF, LAST_DAY, OVERDUE, AFTER_3, AFTER_5):
        beat(now)
    assert {role: told(session, people[role]) for role in expected} == expected
    unheard = session.scalars(select(StepRecord.code).where(~StepRecord.told, StepRecord.code.like("overdue%")))
    assert set(unheard) == (set() if Role.MANAGER in there else {"overdue", "overdue_3", "overdue_5"})


def test_who_is_told_in_anothers_place_reads_why_and_it_is_recorded(session: Session, world: World) -> None:
    coordinator, ticket = world.user(Role.COORDINATOR), world.receive(RECEIVED)[0]
    world.user(Role.OFFICER)
    beat(OVERDUE)
    beat(OVERDUE + queries.SETTLE)
    (row,) = staff_messages(session)
    spy = Spy()
    delivery.deliver_message(row.id, 0, OVERDUE, spy)
    assert "(chưa có lãnh đạo nào của cơ quan nhận tin)" in spy.messages[0].body
    key = f"{audit.ticket_chain(ticket.id)}:overdue:2026-10-26:for:leader:user:{coordinator.id}"
    assert session.scalars(select(StaffNotice.key)).all() == [key]
