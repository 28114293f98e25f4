"""Sweeps and tasks with real commits: two beats at the same moment, and workers killed in the middle."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from backend import db
from backend.escalation import digest, queries, service
from backend.escalation.models import StaffNotice, StepRecord
from backend.outbox.models import OutboxMessage
from backend.users.models import Role, User
from tests.factories import World
from tests.waiting import wait_until, wait_until_somebody_is_blocked

RECEIVED = datetime.fromisoformat("2026-10-05T09:00+07:00")
OVERDUE = datetime.fromisoformat("2026-10-27T08:00+07:00")
KILLS, OVERDUE_TICKETS, BATCH = 10, 300, 3
# A worker stands still after so many batches until its standard input ends: those that are killed leave some over.
A_LIFE = OVERDUE_TICKETS // KILLS // BATCH - 1
WORKER = """
import sys
from datetime import datetime
from backend.escalation import service
now = datetime.fromisoformat({now!r})
service.BATCH = {batch}
service.sweep_tickets(now, lambda ids: None)
print("begun", flush=True)
left = {a_life}
while True:
    handed = []
    service.sweep_tickets(now, handed.append)
    if not handed:
        break
    for ids in handed:
        if not left:
            sys.stdin.read()
        service.decide_steps(ids, now)
        left -= 1
print("done", flush=True)
"""


def overdue(tickets: int) -> None:
    """Tickets that became overdue, in a unit with an officer and a leader."""
    with db.transaction() as session:
        world = World(session)
        world.user(Role.OFFICER)
        world.user(Role.LEADER)
        for _n in range(tickets):
            world.receive(RECEIVED)


def counts(session: Session) -> tuple[int, int, int]:
    """Notices of the latest leader, apologies, and steps taken."""
    leader = session.scalar(select(func.max(User.id)).where(User.role == Role.LEADER))
    mine = (StaffNotice.code == "overdue", StaffNotice.user_id == leader)
    notices = session.scalar(select(func.count()).select_from(StaffNotice).where(*mine))
    apologies = session.scalar(
        select(func.count()).select_from(OutboxMessage).where(OutboxMessage.template == "apology")
    )
    steps = session.scalar(select(func.count()).select_from(StepRecord))
    return notices or 0, apologies or 0, steps or 0


@pytest.mark.usefixtures("committed")
def test_two_beats_and_four_workers_at_once_tell_once(committed: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    overdue(40)
    monkeypatch.setattr(service, "BATCH", 5)

    def beat(_n: int) -> int:
        handed: list[list[int]] = []
        service.sweep_tickets(OVERDUE, handed.append)
        return sum(service.decide_steps(ids, OVERDUE) for ids in handed)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(beat, range(4)))
    beat(0)  # what two of them held at the same moment was left to the next sweep
    later = OVERDUE + queries.SETTLE
    with ThreadPoolExecutor(4) as pool:
        sent = sum(pool.map(lambda user: digest.collect_notices(user, later), [*digest.find_recipients(later)] * 4))
    with Session(committed) as session:
        assert counts(session) == (40, 40, 160)
    assert sent == 1


@pytest.mark.processes
@pytest.mark.usefixtures("committed")
def test_workers_killed_ten_times_lose_nothing_and_tell_nobody_twice(committed: Engine) -> None:
    with Session(committed) as session:
        _notices, *before = counts(session)
    overdue(OVERDUE_TICKETS)
    partly = []
    for kill in range(KILLS):
        (kill_while_it_writes if kill % 2 else kill_after_it_told)(committed)
        with Session(committed) as session:
            partly.append(counts(session)[0])
    last = start(committed, subprocess.DEVNULL)
    last.communicate(timeout=120)
    assert last.returncode == 0
    with Session(committed) as session:
        notices, apologies, steps = counts(session)
    told = notices, apologies - before[0], steps - before[1]
    sys.stdout.write(f"killed {KILLS} times after {partly} of {OVERDUE_TICKETS}; in the end {told}\n")
    assert told == (OVERDUE_TICKETS, OVERDUE_TICKETS, 4 * OVERDUE_TICKETS)
    assert all(0 < count < OVERDUE_TICKETS for count in partly), "each kill fell into the middle of the work"


def kill_after_it_told(committed: Engine) -> None:
    """A worker is killed as soon as it has told somebody, however slow the machine."""
    with Session(committed) as session:
        before = counts(session)
        worker = start(committed, subprocess.PIPE)

        def more_are_told() -> bool:
            assert worker.poll() is None
            session.rollback()
            return counts(session) != before

        try:
            wait_until(more_are_told)
        finally:
            end(worker)


def kill_while_it_writes(committed: Engine) -> None:
    """A worker is killed in the middle of a transaction, before its first message."""
    with committed.connect() as blocker:
        blocker.execute(text("LOCK TABLE outbox IN EXCLUSIVE MODE"))
        worker = start(committed, subprocess.PIPE)
        try:
            wait_until_somebody_is_blocked(blocker, worker)
        finally:
            end(worker)
        blocker.rollback()


def end(worker: subprocess.Popen[str]) -> None:
    worker.kill()
    worker.communicate()


def start(committed: Engine, stdin: int) -> subprocess.Popen[str]:
    """A worker that has begun."""
    url = committed.url.render_as_string(hide_password=False)
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER.format(now=OVERDUE.isoformat(), batch=BATCH, a_life=A_LIFE)],
        env=os.environ | {"LANGNGHE_DATABASE_URL": url},
        stdin=stdin,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None and worker.stdout.readline() == "begun\n"
    return worker
