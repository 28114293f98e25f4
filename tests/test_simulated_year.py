"""A year of the service, day by day, and the demonstration beside it: the history holds, every ticket follows from it,
and one row that a superuser changes with the triggers off is named exactly."""

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, func, select, text
from sqlalchemy.orm import Session

from backend import audit, db, settings
from backend.devserver.demo import load
from backend.errors import DomainError
from backend.escalation import digest
from backend.escalation import service as escalation
from backend.history import heads, sealing
from backend.notify import service as delivery
from backend.tickets import service
from backend.tickets.lifecycle import Event, EventAuthor, possible_transitions
from backend.tickets.models import Ticket, Verdict, is_open
from backend.users.models import Role
from backend.users.policy import Actor
from backend.worktime.calendar import ZONE
from tests.command import Command
from tests.databases import copy_of, new_database, work_on
from tests.factories import SENDER, SYSTEM, World, drawn_notes

FIRST = datetime(2025, 11, 17, 9, 0, tzinfo=ZONE)
DAYS = 365
DEMONSTRATION = 400
PAST_USE = {Event.RECOUNTED, Event.WITHDRAWN, Event.REDIRECTED}
ONWARD = {Event.ACCEPTED, Event.ANSWERED, Event.INFO_RECEIVED}


@dataclass
class Staff:
    """Those who act during the year, of one commune and one department, and the units they forward between."""

    people: list[Actor]
    units: list[int]
    officer_ids: list[int]


@dataclass(frozen=True)
class Year:
    """A finished year in a database of its own, and the folder of its keys."""

    url: str
    data_dir: Path


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    folder = tmp_path_factory.mktemp("year")
    with pytest.MonkeyPatch.context() as patch:
        url = new_database("year")
        engine = create_engine(url)
        work_on(engine, patch, folder)
        live_through()
        engine.dispose()
        yield Year(url, folder)
    settings.get_settings.cache_clear()


@pytest.fixture
def copy(year: Year, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The application on a copy of that year, to be tampered with."""
    with copy_of(year.url) as engine:
        work_on(engine, monkeypatch, year.data_dir)
        yield engine
    settings.get_settings.cache_clear()


def live_through() -> None:
    """Each day feedback, work, reminders, mail, seals, and the signature of the day before; at last the demonstration
    is loaded, whose 18 months end with the year."""
    dice = random.Random(2026)
    with db.transaction() as session:
        staff = hired(World(session))
    for day in range(DAYS):
        now = FIRST + timedelta(days=day)
        if now.weekday() < 5:
            work(dice, staff, now)
        beat(now + timedelta(hours=1))
        sealing.seal_all(now + timedelta(hours=9))
        with db.transaction() as session:
            heads.sign_finished_days(session, now)
    end = FIRST + timedelta(days=DAYS)
    list(load.load_cases(7, DEMONSTRATION, end.date() - timedelta(days=1), end))
    sealing.seal_all(end)
    with db.transaction() as session:
        heads.sign_finished_days(session, end)


def hired(world: World) -> Staff:
    units = [world.unit(), world.unit("LC-SXD")]
    people = [world.actor(role, unit) for unit in units for role in (Role.OFFICER, Role.LEADER)]
    people.append(world.actor(Role.COORDINATOR))
    officers = [actor.user_id for actor in people if actor.role is Role.OFFICER and actor.user_id]
    return Staff(people, [unit.id for unit in units], officers)


def work(dice: random.Random, staff: Staff, now: datetime) -> None:
    """One new ticket, and up to six things that happen to the latest ones; the order is chance, so many are refused."""
    with db.transaction() as session:
        World(session).receive(now, email=f"nguoi{now:%m%d}@example.vn", name=f"Người {now:%d %m}")
        mine = select(Ticket).where(~Ticket.demonstration)
        waiting = session.scalars(mine.where(is_open()).order_by(Ticket.id).limit(10)).all()
        tickets = [*waiting, *session.scalars(mine.order_by(Ticket.id.desc()).limit(10))]
        for minute in range(6):
            ticket = dice.choice(tickets)
            try:
                with session.begin_nested():
                    happen(session, dice, staff, ticket, dice.choice(waiting).id, now + timedelta(minutes=minute + 1))
            except DomainError:
                session.refresh(ticket)


def happen(session: Session, dice: random.Random, staff: Staff, ticket: Ticket, other: int, now: datetime) -> None:
    moves = [move for move in possible_transitions(ticket.state) if move.event not in PAST_USE]
    if not moves:
        return
    move = dice.choice([move for move in moves if move.event in ONWARD and dice.random() < 0.6] or moves)
    people = [actor for actor in staff.people if actor.unit_id == ticket.unit_id]
    actors = {EventAuthor.SENDER: SENDER, EventAuthor.SYSTEM: SYSTEM, EventAuthor.EITHER: SYSTEM}
    more: dict[str, Any] = {
        "to_unit_id": dice.choice(staff.units),
        "to_user_id": dice.choice(staff.officer_ids),
        "into_id": other,
        "more": f"{dice.randrange(1, 9)} working days",
        "stands": dice.random() < 0.5,
        "procedure": "complaint",
        **drawn_notes(move.event, dice, now),
    }
    change = service.ActionRequest(move.event, text="Nội dung thử.", **more)
    service.apply(session, ticket.id, change, actors.get(move.by) or dice.choice(people or staff.people), now=now)


def beat(now: datetime) -> None:
    escalation.sweep_tickets(now, lambda ids: escalation.decide_steps(ids, now))
    for user_id in digest.find_recipients(now):
        digest.collect_notices(user_id, now)
    delivery.sweep_messages(now, lambda message_id, attempts: delivery.deliver_message(message_id, attempts, now))


def tamper(statement: str, **values: object) -> None:
    with db.transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        assert session.execute(text(statement), values).rowcount == 1  # type: ignore[attr-defined]


@pytest.mark.usefixtures("copy")
def test_after_the_year_everything_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    command = Command(monkeypatch)
    history = command.json("verify", "audit")
    assert command.json("verify", "tickets") == {"ok": True, "differences": []}
    with db.transaction() as session:
        tickets = session.scalar(select(func.count()).select_from(Ticket)) or 0
        verdicts = dict(session.execute(select(Ticket.verdict, func.count()).group_by(Ticket.verdict)).all())
        events = dict(
            session.execute(select(audit.AuditEntry.action, func.count()).group_by(audit.AuditEntry.action)).all()
        )
    figures = {name: history[name] for name in ("entries", "chains", "seals", "signatures", "unsealed")}
    sys.stdout.write(f"{tickets} tickets, {figures}, verdicts {verdicts}, entries {events}\n")
    assert history["ok"]
    assert history["unsealed"] == 0
    assert tickets > DEMONSTRATION + 250
    assert history["signatures"] == DAYS
    assert {"forwarded", "info_requested", "info_received", "answered", "disputed", "merged"} <= set(events)
    assert verdicts[Verdict.ON_TIME]
    assert verdicts[Verdict.LATE]


@pytest.mark.usefixtures("copy")
@pytest.mark.parametrize(
    ("column", "statement"),
    [
        ("due_date", "UPDATE tickets SET due_date = due_date + 1 WHERE id = :id"),
        ("verdict", "UPDATE tickets SET verdict = 'on_time' WHERE id = :id"),
    ],
)
@pytest.mark.parametrize("demonstration", [True, False])
def test_a_ticket_that_was_changed_is_named_with_what_was_changed(
    monkeypatch: pytest.MonkeyPatch, column: str, statement: str, demonstration: bool
) -> None:
    late = select(Ticket).where(Ticket.verdict == Verdict.LATE, Ticket.demonstration == demonstration)
    with db.transaction() as session:
        ticket = session.scalars(late.order_by(Ticket.id).limit(1)).one()
    tamper(statement, id=ticket.id)
    stored = {"due_date": str(ticket.due_date + timedelta(days=1)), "verdict": "on_time"}[column]
    replayed = {"due_date": str(ticket.due_date), "verdict": "late"}[column]
    command = Command(monkeypatch)
    result = command.run("verify", "tickets", "--json")
    assert result.exit_code == 1
    sys.stdout.write(command.run("verify", "tickets").stdout)
    assert json.loads(result.stdout)["differences"] == [
        {"ticket": ticket.number, "what": column, "stored": stored, "replayed": replayed}
    ]
    assert command.json("verify", "audit")["ok"], "the history itself was left alone"


@pytest.mark.usefixtures("copy")
@pytest.mark.parametrize(
    ("column", "statement"),
    [
        ("at", "UPDATE audit SET at = at - interval '3 days' WHERE id = :id"),
        ("data", "UPDATE audit SET data = data || '{\"unit\": 1}' WHERE id = :id"),
        ("actor", "UPDATE audit SET actor = 'system' WHERE id = :id"),
    ],
)
def test_an_entry_of_the_history_that_was_changed_is_named(
    monkeypatch: pytest.MonkeyPatch, column: str, statement: str
) -> None:
    answered = select(audit.AuditEntry).where(audit.AuditEntry.action == "answered").order_by(audit.AuditEntry.id)
    with db.transaction() as session:
        entries = session.scalars(answered).all()
    entry = entries[len(entries) // 2]
    tamper(statement, id=entry.id)
    command = Command(monkeypatch)
    result = command.run("verify", "audit", "--json")
    assert result.exit_code == 1
    sys.stdout.write(f"{column}: {command.run('verify', 'audit').stdout}")
    named = {"chain": entry.chain, "seq": entry.seq, "why": "altered"}
    found = json.loads(result.stdout)
    assert (found["first"], found["broken"]) == (named, [named])
