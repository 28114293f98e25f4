"""Another version of the calendar: who moves is shown before, moved after, and no verdict with it."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import islice

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit, progress
from backend.progress import Stage
from backend.tickets import recount, replay, service
from backend.tickets.clock_models import ClockVersion
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, Verdict
from backend.users.models import Role
from backend.worktime import service as worktime
from backend.worktime.calendar import ZONE, DayException, WorkCalendar
from backend.worktime.document import to_document
from backend.worktime.models import CalendarVersion
from tests.factories import SENDER, World

START = datetime(2026, 11, 2, 9, 0, tzinfo=ZONE)
NOW = datetime(2026, 11, 12, 9, 0, tzinfo=ZONE)
DAY = timedelta(days=1)


@pytest.fixture
def without_the_24th(session: Session) -> WorkCalendar:
    """The calendar in force, less the holiday of 24 November, and with 16 November off."""
    held = worktime.calendar(session, worktime.active_id(session))
    kept = [item for item in held.exceptions if item.day != date(2026, 11, 24)]
    off = DayException(date(2026, 11, 16), is_open=False, name="Nghỉ bù")
    days = tuple(sorted([*kept, off], key=lambda item: item.day))
    return replace(held, version="thử", exceptions=days)


@pytest.fixture
def stored(session: Session, without_the_24th: WorkCalendar) -> int:
    """The same as a stored version, activated."""
    row = CalendarVersion(
        code="vn",
        version=99,
        document=to_document(without_the_24th),
        basis="Quyết định thử",
        created_at=NOW,
        activated_at=NOW,
    )
    session.add(row)
    session.flush()
    return row.id


@pytest.fixture
def tickets(world: World) -> dict[str, Ticket]:
    """One of each kind that a recount meets."""
    officer, leader = world.actor(), world.actor(Role.LEADER)
    made = {name: world.receive(START, email=f"{name}@example.vn")[0] for name in ("early", "paused", "merged", "long")}
    made["late"] = world.receive(START - 30 * DAY)[0]
    made["young"] = world.receive(START + 8 * DAY)[0]
    made["answered"] = world.answered(START, START + 3 * DAY)[0]
    world.happen(made["paused"], Event.ACCEPTED, officer, START)
    world.happen(made["paused"], Event.INFO_REQUESTED, officer, START + DAY)
    world.happen(made["paused"], Event.INFO_RECEIVED, SENDER, START + 3 * DAY)
    world.happen(made["long"], Event.ACCEPTED, officer, START)
    for event, who in ((Event.EXTENSION_REQUESTED, officer), (Event.EXTENDED, leader)):
        change = service.Change(event, text="Cần thêm thời gian.", more="5 working days")
        service.apply(world.session, made["long"].id, change, who, now=START + DAY)
    change = service.Change(Event.MERGED, text="Cùng một việc.", into_id=made["early"].id)
    service.apply(world.session, made["merged"].id, change, officer, now=START + DAY)
    return made


def dues(session: Session, tickets: dict[str, Ticket]) -> dict[str, date]:
    for ticket in tickets.values():
        session.refresh(ticket)
    return {name: ticket.due_date for name, ticket in tickets.items()}


BEFORE = {
    "early": date(2026, 11, 23),
    "paused": date(2026, 11, 26),
    "merged": date(2026, 11, 23),
    "long": date(2026, 12, 1),
    "late": date(2026, 10, 23),
    "young": date(2026, 12, 2),
    "answered": date(2026, 11, 23),
}
# 16 November is off now: later by a day; where the 24th was left out it counts again, which takes the day back.
AFTER = BEFORE | {"early": date(2026, 11, 24), "merged": date(2026, 11, 24)}


def test_the_preview_shows_who_would_move_and_writes_nothing(
    session: Session, tickets: dict[str, Ticket], without_the_24th: WorkCalendar
) -> None:
    found = recount.preview(session, without_the_24th, NOW)
    assert (found.open, found.moved, found.later, found.earlier) == (6, 2, 2, 0)
    assert {row.number for row in found.first} == {tickets[name].number for name in ("early", "merged")}
    assert found.by_days == {1: 2}
    assert dues(session, tickets) == BEFORE
    assert list(replay.check_all(session)) == []


def test_a_run_moves_what_the_preview_showed_and_keeps_verdicts_and_proof(
    session: Session, tickets: dict[str, Ticket], stored: int
) -> None:
    job_id = recount.begin(session, stored, by=None, now=NOW)
    assert list(recount.run(job_id, stored, NOW)) == [6]
    assert dues(session, tickets) == AFTER
    assert {name for name, ticket in tickets.items() if ticket.calendar_id != stored} == {"answered"}
    assert tickets["answered"].verdict is Verdict.ON_TIME
    job = progress.find(session, job_id, recount.KIND)
    assert (job.stage, job.done, job.total) == (Stage.DONE, 6, 6)
    assert list(replay.check_all(session)) == []
    for ticket in tickets.values():
        assert audit.first_break(audit.entries(session, f"ticket:{ticket.id}")) is None


def test_the_moved_date_is_kept_with_what_it_was_and_why(
    session: Session, tickets: dict[str, Ticket], stored: int
) -> None:
    list(recount.run(recount.begin(session, stored, by=None, now=NOW), stored, NOW))
    rows = session.scalars(select(ClockVersion).where(ClockVersion.reason == "recounted")).all()
    assert {row.ticket_id for row in rows} == {tickets["early"].id, tickets["merged"].id}
    row = next(row for row in rows if row.ticket_id == tickets["early"].id)
    assert (row.calendar_id, row.due_date, row.explanation["was"]) == (stored, date(2026, 11, 24), "2026-11-23")
    assert ["2026-11-16", "2026-11-16", "holiday", "Nghỉ bù"] in row.explanation["out"]


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recount, "BATCH", 2)


@pytest.mark.usefixtures("small_batches")
def test_an_interrupted_run_goes_on_and_nothing_is_counted_twice(
    session: Session, tickets: dict[str, Ticket], stored: int
) -> None:
    job_id = recount.begin(session, stored, by=None, now=NOW)
    assert list(islice(recount.run(job_id, stored, NOW), 1)) == [2]
    assert list(recount.run(job_id, stored, NOW)) == [2, 4]
    assert list(recount.run(job_id, stored, NOW)) == []
    assert dues(session, tickets) == AFTER
    actions = [e.action for t in tickets.values() for e in audit.entries(session, f"ticket:{t.id}")]
    assert actions.count("recounted") == 6
    assert list(replay.check_all(session)) == []


def test_a_verdict_after_it_is_by_the_new_version(
    session: Session, world: World, tickets: dict[str, Ticket], stored: int
) -> None:
    list(recount.run(recount.begin(session, stored, by=None, now=NOW), stored, NOW))
    officer = world.actor()
    world.happen(tickets["early"], Event.ACCEPTED, officer, NOW)
    ticket = world.happen(tickets["early"], Event.ANSWERED, officer, datetime(2026, 11, 24, 20, tzinfo=ZONE))
    assert ticket.verdict is Verdict.ON_TIME
    session.refresh(tickets["merged"])  # answered together, on its own due date, and yet no case
    assert (tickets["merged"].verdict, tickets["merged"].untold) == (None, True)
    assert list(replay.check_all(session)) == []


def test_a_form_that_shows_the_old_date_is_refused_and_one_that_shows_the_same_is_not(
    session: Session, tickets: dict[str, Ticket], stored: int
) -> None:
    before = {name: ticket.version for name, ticket in tickets.items()}
    list(recount.run(recount.begin(session, stored, by=None, now=NOW), stored, NOW))
    dues(session, tickets)
    assert {name for name, ticket in tickets.items() if ticket.version != before[name]} == {"early", "merged"}


def test_another_calendar_s_tickets_are_left_alone(session: Session, tickets: dict[str, Ticket]) -> None:
    plain = worktime.calendar(session, worktime.active_id(session, "weekdays"))
    assert recount.preview(session, plain, NOW).open == 0
