"""A worker that is killed while it sends: SIGKILL, ten times, with 300 messages in the outbox. Nothing is lost."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from backend import clock, db
from backend.devserver import embedded
from backend.notify import service
from backend.notify.tasks import deliver_message
from backend.outbox.models import DeliveryState, OutboxMessage
from backend.settings import ROOT
from backend.worker import app
from tests.databases import for_processes
from tests.factories import World
from tests.smtp_server import SmtpServer
from tests.waiting import wait_until

pytestmark = pytest.mark.processes

MESSAGES = 300
KILLS = 10
A_LIFE = MESSAGES // KILLS - 1  # what the server takes from a worker before its death: in the end some are left
CELERY = [sys.executable, "-m", "celery", "--app", "backend.worker", "worker", "--queues", "messages"]
WORKER = [*CELERY, "--concurrency", "2", "--without-gossip", "--without-mingle", "--without-heartbeat"]


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with for_processes("kills", monkeypatch) as url:
        yield url


def of(delivery: DeliveryState) -> int:
    with db.transaction() as session:
        return session.scalar(select(func.count()).where(OutboxMessage.delivery == delivery)) or 0


def has_sent(mail: SmtpServer, aim: int, before: int) -> bool:
    """Whether so many letters have arrived, and more than before are known to have."""
    return len(mail.mails) >= aim and of(DeliveryState.SENT) > before


def leases_run_out() -> None:
    """What takes minutes of the clock: rows that a dead worker held are due again."""
    with db.transaction() as session:
        due = clock.now() - timedelta(seconds=1)
        session.execute(
            update(OutboxMessage).where(OutboxMessage.delivery == DeliveryState.PENDING).values(next_at=due)
        )


def start(environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(WORKER, env=environment, cwd=ROOT, stdout=out, stderr=out, start_new_session=True)


def kill(worker: subprocess.Popen[bytes]) -> None:
    """The worker with its children, as when the machine loses power; none of them hears of it."""
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


@pytest.mark.skipif(embedded.redis_binary() is None, reason="the embedded Redis has no wheel for this platform")
def test_a_worker_killed_ten_times_loses_no_message(url: str, tmp_path: Path) -> None:
    log, dice, seen = tmp_path / "celery.log", random.Random(3), []
    with db.transaction() as session:
        for n in range(MESSAGES):
            World(session).receive(clock.now(), email=f"nguoi{n}@example.vn")
    with SmtpServer() as mail, embedded.start_broker(tmp_path) as broker:
        values = {"DATABASE_URL": url, "BROKER_URL": broker.url, "SMTP_URL": mail.url, "DATA_DIR": str(tmp_path)}
        environment = os.environ | {f"LANGNGHE_{name}": value for name, value in values.items()}

        def hand_out() -> None:
            """On a connection of its own: the application keeps one to the broker that earlier tests had."""
            leases_run_out()
            with app.connection_for_write(broker.url) as connection:

                def send(message_id: int, attempts: int) -> None:
                    app.send_task(deliver_message.name, (message_id, attempts), connection=connection)

                service.sweep_messages(clock.now(), send)

        def lives(holds: Callable[[], bool]) -> None:
            hand_out()
            worker = start(environment, log)
            try:
                wait_until(holds, 180, report=log.read_text)
            finally:
                kill(worker)
            seen.append(of(DeliveryState.SENT))

        for _ in range(KILLS):
            mail.take_at_most(A_LIFE)
            aim, before = len(mail.mails) + dice.randrange(1, A_LIFE - 3), of(DeliveryState.SENT)
            lives(partial(has_sent, mail, aim, before))
        mail.take_at_most(None)
        lives(lambda: of(DeliveryState.PENDING) == 0)
        arrived = Counter(str(message["Message-ID"]) for message in mail.mails)
        recipients = {str(message["To"]) for message in mail.mails}
    twice = sum(times - 1 for times in arrived.values())
    sys.stdout.write(
        f"killed {KILLS} times after {seen[:-1]} of {MESSAGES}; {len(mail.mails)} mails, {twice} of them again\n"
    )
    assert of(DeliveryState.SENT) == len(arrived) == len(recipients) == MESSAGES
    assert [0, *seen] == sorted({0, *seen}), "each kill fell into the middle of the work"
    assert twice <= KILLS * 2, "only what was in the hands of a killed process (two of them) may go out again"
