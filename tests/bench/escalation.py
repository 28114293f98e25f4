"""Escalation of very many tickets that come due at once: swept and decided in bounded batches until none is left."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from backend import db
from backend.escalation import digest, queries, service
from backend.users.models import Role
from backend.worktime.calendar import ZONE
from tests.bench.memory import growth
from tests.bench.stage import Stage
from tests.factories import World

T = TypeVar("T")
RECEIVED = datetime(2026, 10, 5, 9, 0, tzinfo=ZONE)
OVERDUE = datetime(2026, 10, 27, 8, 0, tzinfo=ZONE)
MANY = 100_000

COPY = """
INSERT INTO tickets ({columns})
SELECT {values} FROM tickets t, generate_series(1, :many) AS n WHERE t.id = :id
"""
CONTACTS = """
INSERT INTO ticket_contacts (ticket_id, email, consent_at)
SELECT id, 'a' || id || '@example.vn', received_at FROM tickets WHERE id <> :id AND id % 2 = 0
"""
OWN = {"id": "nextval('tickets_id_seq')", "number": "'X' || n", "secret_hash": "t.secret_hash"}
EMPTY = ("idempotency_hash", "fingerprint", "import_key")


def run(servers: Stage) -> list[str]:
    """Rows of the benchmark's table."""
    engine = create_engine(servers.database_url)
    factory = sessionmaker(engine, expire_on_commit=False)
    held, db.session_factory = db.session_factory, lambda: factory  # type: ignore[assignment] # it is cached in life
    try:
        with growth() as grown:
            measured = _measure(factory)
        grew = f"| the process grew by at most, beyond what measurements before had freed | {grown[0]:.0f} MB |"
        return ["| What | Result |", "|---|---|", *measured, grew]
    finally:
        db.session_factory = held
        engine.dispose()


def _measure(factory: sessionmaker[Session]) -> list[str]:
    with factory.begin() as session:
        _many_due(session)
    handed: list[list[int]] = []
    find, found = _timed(lambda: service.sweep_tickets(OVERDUE, handed.append))
    slowest, decided = 0.0, 0
    began = time.perf_counter()
    for ids in handed:
        spent, count = _timed(partial(service.decide_steps, ids, OVERDUE))
        slowest, decided = max(slowest, spent), decided + count
    whole = time.perf_counter() - began
    later = OVERDUE + queries.SETTLE
    digests, sent = _timed(lambda: sum(digest.collect_notices(user, later) for user in digest.find_recipients(later)))
    idle, left = _timed(lambda: service.sweep_tickets(OVERDUE, handed.append))
    return [
        f"| tickets found by one sweep | {found:,} in {find:.1f} s, {len(handed):,} batches of {service.BATCH} |",
        f"| decided, one worker | {decided:,} in {whole:.1f} s; slowest batch {slowest * 1000:.0f} ms |",
        f"| messages to staff for them | {sent} in {digests:.1f} s |",
        f"| a second sweep finds | {left} in {idle * 1000:.0f} ms |",
    ]


def _timed(act: Callable[[], T]) -> tuple[float, T]:
    """Seconds spent, and what came of it."""
    began = time.perf_counter()
    result = act()
    return time.perf_counter() - began, result


def _many_due(session: Session) -> None:
    world = World(session)
    for role in (Role.OFFICER, Role.LEADER, Role.COORDINATOR, Role.MANAGER):
        world.user(role)
    ticket, _secret = world.receive(RECEIVED)
    stored_columns = [column for column in type(ticket).__table__.columns if column.computed is None]
    columns = [column.name for column in stored_columns if column.name not in EMPTY]
    values = ", ".join(OWN.get(name, f"t.{name}") for name in columns)
    statement = text(COPY.format(columns=", ".join(columns), values=values))
    session.execute(statement, {"many": MANY, "id": ticket.id})
    session.execute(text(CONTACTS), {"id": ticket.id})
    session.execute(text("ANALYZE"))
