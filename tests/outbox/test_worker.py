"""Outbox, Redis, beat and worker together: what is queued while the broker is away is sent when it is back."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from backend import clock, db
from backend.devserver import embedded
from backend.outbox.models import DeliveryState, OutboxMessage
from backend.settings import ROOT
from tests.databases import for_processes
from tests.factories import World
from tests.smtp_server import SmtpServer
from tests.waiting import wait_until

pytestmark = pytest.mark.processes

CELERY = [sys.executable, "-m", "celery", "--app", "backend.worker"]
WORKER = [*CELERY, "worker", "--queues", "messages,work", "--concurrency", "1", "--without-gossip", "--without-mingle"]


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with for_processes("worker", monkeypatch) as url:
        yield url


def receive() -> None:
    with db.transaction() as session:
        World(session).receive(clock.now())


def deliveries() -> list[DeliveryState]:
    with db.transaction() as session:
        return list(session.scalars(select(OutboxMessage.delivery).order_by(OutboxMessage.id)))


@pytest.mark.skipif(embedded.redis_binary() is None, reason="the embedded Redis has no wheel for this platform")
def test_nothing_is_lost_while_the_broker_is_away(url: str, tmp_path: Path) -> None:
    log = tmp_path / "celery.log"
    with SmtpServer() as mail, embedded.start_broker(tmp_path) as first:
        values = {"DATABASE_URL": url, "BROKER_URL": first.url, "SMTP_URL": mail.url, "DATA_DIR": str(tmp_path)}
        env = os.environ | {f"LANGNGHE_{name}": value for name, value in values.items()}
        beat = [*CELERY, "beat", "--schedule", str(tmp_path / "beat"), "--pidfile", ""]
        with log.open("ab") as out:
            running = [
                subprocess.Popen(command, env=env, cwd=ROOT, stdout=out, stderr=out) for command in (WORKER, beat)
            ]
        try:
            receive()
            wait_until(lambda: len(mail.mails) == 1, report=log.read_text)
            first.stop()
            receive()
            receive()
            wait_until(lambda: "Cannot connect to redis" in log.read_text(), report=log.read_text)
            assert deliveries().count(DeliveryState.PENDING) == 2
            with embedded.start_broker(tmp_path):
                wait_until(lambda: deliveries() == [DeliveryState.SENT] * 3, report=log.read_text)
                assert len({message["Message-ID"] for message in mail.mails}) == 3
                for process in running:
                    process.terminate()
                    process.wait(timeout=30)
        finally:
            for process in running:
                process.kill()
                process.wait()
