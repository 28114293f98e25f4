"""What the clock costs: one due date, a million, a replay with explanation, and a recount of 100,000 open tickets."""

import statistics
import threading
import time
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeVar

import numpy as np
import psycopg
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from backend import audit, db
from backend.calendars import moves
from backend.calendars.service import RECOUNT
from backend.clock import now
from backend.deadlines.clock_states import EPISODE_CODES, VersionBook, explain_state
from backend.deadlines.clocks import state_of_clocks
from backend.deadlines.events import TicketEvent
from backend.deadlines.rules import choose_rule, shipped_rules
from backend.jobs.service import ask_job, find_job
from backend.tickets.lifecycle import Event
from backend.worktime import service as worktime
from backend.worktime.arithmetic import due_moment
from backend.worktime.calendar import ZONE, DayException, WorkCalendar
from backend.worktime.document import to_document
from backend.worktime.duration import Duration
from backend.worktime.models import CalendarVersion
from backend.worktime.shipped import shipped_calendar
from backend.worktime.vector import due_dates
from tests.bench.memory import growth
from tests.bench.stage import Stage

START = datetime(2026, 11, 2, 9, 0, tzinfo=ZONE)
OPEN = 100_000
T = TypeVar("T")


def run() -> list[str]:
    """Rows of the table: what needs no database."""
    calendar = shipped_calendar("vn")
    received = np.datetime64("2024-01-01") + np.random.default_rng(7).integers(0, 1000, 1_000_000)
    near, far = (Duration.parse(text) for text in ("15 working days", "5000 working days"))
    paused = [(START + timedelta(days=day), START + timedelta(days=day, hours=30)) for day in (1, 4, 9)]
    course, book = fifty_events(), _book()
    soon, late = (_best(partial(due_moment, calendar, term, START)) for term in (near, far))
    replayed = _best(lambda: explain_state(state_of_clocks(course, book, course[-1].at).resolve))
    return [
        "| Clock | taken | goal |",
        "|---|---|---|",
        f"| one due date, 15 working days | {soon * 1e6:.1f} µs | < 20 µs |",
        f"| one due date, 5,000 working days | {late * 1e6:.1f} µs | < 20 µs |",
        f"| one due date, 3 pauses | {_best(lambda: due_moment(calendar, near, START, paused)) * 1e6:.1f} µs | |",
        f"| a million due dates as arrays | {_best(lambda: due_dates(calendar, 15, received), 1):.2f} s | < 1 s |",
        f"| replay with explanation, a ticket of 50 events | {replayed * 1e3:.2f} ms | < 1 ms |",
    ]


def run_recount(stage: Stage) -> list[str]:
    """Rows for a recount of 100,000 open tickets after a change of calendar, while somebody reads all the time."""
    engine = create_engine(stage.database_url)
    factory = sessionmaker(engine, expire_on_commit=False)
    live, db.session_factory = db.session_factory, lambda: factory  # type: ignore[assignment] # it is cached in life
    try:
        _fill(stage)
        with factory() as session:
            version = _store(session)
            moved, seen = _timed(lambda: moves.preview_moves(session, version, START, 50))
            version.activated_at = now()  # after the shipped one, which was put in force just now
            job = ask_job(session, RECOUNT, str(version.id), now=START)
            session.commit()
        with _reader(stage) as reads, growth() as grown:
            taken, _none = _timed(lambda: moves.recount_tickets(job.id, lambda: START))
        with factory() as session:
            done = find_job(session, RECOUNT, job.id).done
        slowest = max(reads) * 1e3
        middle = statistics.median(reads) * 1e3
    finally:
        db.session_factory = live
        engine.dispose()
    return [
        "| What | taken | goal |",
        "|---|---|---|",
        f"| preview of {seen.looked_at:,} open tickets, {seen.moved:,} of which move | {moved:.1f} s | |",
        f"| recount of {done:,}, each noted in its history, a tenth with a pause | {taken:.1f} s | < 60 s |",
        f"| a reader meanwhile: p50 {middle:.1f} ms, slowest of {len(reads)} | {slowest:.0f} ms | not blocked |",
        f"| the process grew by at most, beyond what measurements before had freed | {grown[0]:.0f} MB | bounded |",
    ]


def fifty_events() -> list[TicketEvent]:
    """A course of fifty: taken up, forwarded, twelve questions with their replies, two episodes, extension, merge."""
    course = [TicketEvent(Event.RECEIVED, START, data={"unit": 1}), TicketEvent(Event.ACCEPTED, START)]
    for i in range(12):
        day = START + timedelta(days=i)
        course += [TicketEvent(Event.INFO_REQUESTED, day), TicketEvent(Event.INFO_RECEIVED, day + timedelta(hours=20))]
        if i % 2:
            course.append(TicketEvent(Event.FORWARDED, day + timedelta(hours=21), data={"unit": i}))
    later: tuple[Event, ...] = (Event.EXTENDED, Event.MERGED, Event.UNMERGED, Event.PROGRESS_TOLD)
    later += (Event.SUBMITTED_FOR_APPROVAL,)
    later += (Event.ANSWERED, Event.NOTIFIED, Event.PUBLISHED, Event.DISPUTED, Event.INFO_REQUESTED)
    later += (Event.INFO_RECEIVED, Event.ACCEPTED, Event.ANSWERED, Event.NOTIFIED, Event.PUBLISHED)
    for i, name in enumerate((*later, Event.RATED, Event.CONFIRMED, Event.CLOSED)):
        data = {"value": "5 working days"} if name is Event.EXTENDED else {}
        course.append(TicketEvent(name, START + timedelta(days=13 + i), data=data))
    assert len(course) == 50
    return course


def _book() -> VersionBook:
    ruling = {code: choose_rule(shipped_rules(), code, START.date()).rule for code in EPISODE_CODES}
    return VersionBook({1: shipped_calendar("vn")}, {}, 1, ruling)


def _best(act: Callable[[], object], number: int = 200) -> float:
    return min(timeit.repeat(act, number=number, repeat=5)) / number


def _timed(act: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    result = act()
    return time.perf_counter() - began, result


CHAIN = audit.ticket_chain_sql("id")
FILL = (
    """INSERT INTO tickets (id, number, state, version, channel, category_code, about_unit_id, unit_id, title, content,
        language, received_at, received_on, rule, term, calendar_id, due_date, due_estimated, secret_hash,
        demonstration)
    SELECT nextval('tickets_id_seq'), 'RECOUNT.' || n, 'new', 1, 'web', 'roads', %(unit)s, %(unit)s, 'Ổ gà', 'Ổ gà',
        'vi', at, (at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date, 'resolve', '15 working days', %(calendar)s,
        DATE '2026-11-24', false, sha256(n::text::bytea), false
    FROM (SELECT n, TIMESTAMPTZ '2026-11-02 08:00+07' + n %% 14 * interval '1 day' AS at
        FROM generate_series(1, %(count)s) n) rows""",
    f"""INSERT INTO audit (chain, seq, at, actor, action, data, prev, hash)
    SELECT {CHAIN}, 1, received_at, 'sender', 'received', jsonb_build_object('unit', unit_id), sha256(''),
        sha256(id::text::bytea) FROM tickets WHERE number LIKE 'RECOUNT.%%'""",
    f"""INSERT INTO audit (chain, seq, at, actor, action, data, prev, hash)
    SELECT {CHAIN}, 2, received_at + interval '1 hour', 'system', 'info_requested', '{{}}', sha256(''),
        sha256(id::text::bytea) FROM tickets WHERE number LIKE 'RECOUNT.%%' AND id %% 10 = 0""",
    f"""INSERT INTO audit (chain, seq, at, actor, action, data, prev, hash)
    SELECT {CHAIN}, 3, received_at + interval '2 days', 'sender', 'info_received', '{{}}', sha256(''),
        sha256(id::text::bytea) FROM tickets WHERE number LIKE 'RECOUNT.%%' AND id %% 10 = 0""",
    "ANALYZE tickets",
    "ANALYZE audit",
)


def _fill(stage: Stage) -> None:
    """Open tickets of two weeks, every tenth of them paused for two days."""
    with psycopg.connect(_plain(stage.database_url)) as connection:
        values: dict[str, object] = {"count": OPEN}
        for name, question in (
            ("unit", "SELECT id FROM units WHERE code = '03388' AND valid_to IS NULL"),
            ("calendar", "SELECT id FROM calendar_versions WHERE code = 'vn' AND activated_at IS NOT NULL"),
        ):
            row = connection.execute(question.encode()).fetchone()
            assert row is not None
            values[name] = row[0]
        for statement in FILL:
            connection.execute(statement.encode(), values)


def _with_a_day_off(session: Session) -> WorkCalendar:
    """The calendar in force with another day off, which moves everybody."""
    held = worktime.load_calendar(session, worktime.active_id(session))
    off = DayException(date(2026, 11, 20), is_open=False, name="Nghỉ bù")
    days = tuple(sorted([*held.exceptions, off], key=lambda item: item.day))
    return replace(held, version="bench", exceptions=days)


def _store(session: Session) -> CalendarVersion:
    document = to_document(_with_a_day_off(session))
    row = CalendarVersion(code="vn", version=99, document=document, basis="bench", created_at=START)
    session.add(row)
    session.flush()
    return row


@contextmanager
def _reader(stage: Stage) -> Iterator[list[float]]:
    """Somebody who opens the inbox again and again; how long each look took."""
    taken: list[float] = []
    stop = threading.Event()

    def read() -> None:
        with psycopg.connect(_plain(stage.database_url), autocommit=True) as connection:
            while not stop.is_set():
                began = time.perf_counter()
                connection.execute(
                    "SELECT id, due_date FROM tickets WHERE state = 'new' ORDER BY id LIMIT 50"
                ).fetchall()
                taken.append(time.perf_counter() - began)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield taken
    finally:
        stop.set()
        thread.join()


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg:", "postgresql:", 1)
