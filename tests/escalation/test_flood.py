"""Tickets that have been overdue for years: the tables stay in proportion to tickets, and the past is left alone."""

import os
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from backend import audit
from backend.escalation.models import StaffNotice, StepRecord, TicketWatch
from backend.settings import ROOT
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.users.models import Role, User
from tests.casework.terminal import Desk
from tests.factories import World
from tests.reminders import beat

CAME = datetime.fromisoformat("2026-11-18T09:00+07:00")  # the day of the import, a Wednesday
OLD = "".join(f"old-{n},03388,2016-01-{n:02},,Đường\n" for n in range(4, 24))
OPEN_CASES = 20
MIGRATION = "0011"


@pytest.fixture
def desk(session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    return Desk(monkeypatch, tmp_path)


@pytest.fixture
def people(world: World) -> dict[Role, User]:
    return {role: world.user(role) for role in (Role.OFFICER, Role.LEADER, Role.COORDINATOR, Role.MANAGER)}


def rows_of(session: Session, table: type[StepRecord | StaffNotice | TicketWatch]) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def told_codes(session: Session) -> Counter[str]:
    return Counter(session.scalars(select(StaffNotice.code)))


@pytest.mark.usefixtures("people")
def test_cases_that_came_overdue_are_reminded_of_by_nothing_and_looked_at_once(desk: Desk, session: Session) -> None:
    assert desk.take(OLD)["added"] == OPEN_CASES
    assert beat(CAME) == OPEN_CASES
    for days in (0, 1, 7, 365):
        assert beat(CAME + timedelta(days=days)) == 0, "nobody is left to be told, so nothing is looked at again"
    assert rows_of(session, TicketWatch) == OPEN_CASES
    assert rows_of(session, StepRecord) == rows_of(session, StaffNotice) == 0


@pytest.mark.usefixtures("people")
def test_with_remind_staff_hear_of_each_case_once_and_no_sender_is_spoken_of(desk: Desk, session: Session) -> None:
    desk.take(OLD, "--remind")
    for days in (0, 1, 7, 365):
        beat(CAME + timedelta(days=days))
    assert told_codes(session) == {"overdue": OPEN_CASES, "overdue_3": OPEN_CASES, "overdue_5": OPEN_CASES}
    assert rows_of(session, StepRecord) == 5 * OPEN_CASES, "one for each rung of staff"
    of_tickets = text(audit.is_ticket_chain_sql("chain"))
    actions = set(session.scalars(select(audit.AuditEntry.action).where(of_tickets)))
    assert Event.PROGRESS_TOLD not in actions


@pytest.mark.usefixtures("people")
def test_an_imported_case_is_reminded_of_what_comes_due_after_it_came(desk: Desk, session: Session) -> None:
    """Received on 26/10, due on 16/11: two working days overdue when it comes. Another is due on 3/12."""
    desk.take("late,03388,2026-10-26,,Đường\nnext,03388,2026-11-11,,Đường\n")
    due = {ticket.import_key: f"{ticket.due_date}" for ticket in session.scalars(select(Ticket))}
    assert due == {"casework:late": "2026-11-16", "casework:next": "2026-12-03"}
    beat(CAME)
    assert told_codes(session) == {}
    for day in ("2026-11-20", "2026-11-25", "2026-12-02", "2026-12-04"):
        beat(datetime.fromisoformat(f"{day}T09:00+07:00"))
    later_steps = ("overdue_3", "overdue_5", "half", "last_day", "overdue", "backstop_warning")
    assert told_codes(session) == dict.fromkeys(later_steps, 1)


EARLIER = text("UPDATE tickets SET due_date = due_date - :days, received_on = received_on - :days WHERE id = :id")


def statements_of_a_look(session: Session, world: World, days_earlier: int) -> int:
    """How many statements sweep and decision of one ticket ask, which was never looked at before."""
    ticket, _secret = world.receive(CAME - timedelta(days=60))
    session.execute(EARLIER, {"days": days_earlier, "id": ticket.id})
    asked: list[str] = []

    def note(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    event.listen(session.get_bind(), "before_cursor_execute", note)
    assert beat(CAME) == 1
    event.remove(session.get_bind(), "before_cursor_execute", note)
    return len(asked)


@pytest.mark.usefixtures("people")
def test_ten_years_unswept_cost_no_more_rows_and_statements_than_two_months(session: Session, world: World) -> None:
    statements_of_a_look(session, world, 0)  # calendars and rules are read once by the process
    rows, statements = [], []
    for days_earlier in (0, 3650):
        before = rows_of(session, StepRecord)
        statements.append(statements_of_a_look(session, world, days_earlier))
        rows.append(rows_of(session, StepRecord) - before)
    assert rows == [10, 7], "the bound of 45 days is younger than a ticket of ten years ago"
    assert statements[0] == statements[1]


def test_a_notice_of_progress_every_week_stays_one_row(session: Session, world: World) -> None:
    ticket, _secret = world.receive(CAME - timedelta(days=60))
    for week in range(10):
        beat(CAME + timedelta(days=7 * week))
    session.expire_all()
    step = session.scalars(select(StepRecord).where(StepRecord.code == "progress")).one()
    entries = [entry.action for entry in audit.list_entries(session, audit.ticket_chain(ticket.id))]
    assert entries.count(Event.PROGRESS_TOLD) == 9, "the first look brought the apology"
    assert (step.told, step.times) == (True, (CAME.date() + timedelta(days=63) - ticket.due_date).days // 7)


def test_the_migration_keeps_the_latest_of_each_repeated_step_and_nothing_is_told_again() -> None:
    server = make_url(os.environ["LANGNGHE_TEST_SERVER"])
    name = f"repeats_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    engine = create_engine(server.set(database=name))
    config = Config(ROOT / "alembic.ini")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, MIGRATION)
        command.downgrade(config, f"{MIGRATION}-1")
        connection.execute(text("SET session_replication_role = replica"))
        keys = [f"ticket:42:progress:2016-01-05:{n}" for n in range(1, 244)]
        keys += [f"ticket:42:progress:2016-01-05:{n}:episode2" for n in range(1, 12)]
        keys += ["ticket:42:overdue:2016-01-26", "ticket:42:overdue_3:2016-01-26:episode2"]
        for key in keys:
            values = {"key": key, "code": key.split(":")[2], "told": key.endswith(":243")}
            connection.execute(
                text(
                    "INSERT INTO escalation_steps (key, ticket_id, code, at, told) "
                    "VALUES (:key, 42, :code, '2026-11-18T09:00+07:00', :told)"
                ),
                values,
            )
        command.upgrade(config, MIGRATION)
        rows = connection.execute(text("SELECT key, times, told FROM escalation_steps ORDER BY key")).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [
        ("ticket:42:overdue:2016-01-26", 0, False),
        ("ticket:42:overdue_3:2016-01-26:episode2", 0, False),
        ("ticket:42:progress:2016-01-05", 243, True),
        ("ticket:42:progress:2016-01-05:episode2", 11, False),
    ]
