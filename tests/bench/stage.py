"""The stage of a measurement: a durable embedded PostgreSQL with first data, and the web server in two processes."""

import os
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from backend import db
from backend.devserver import embedded
from backend.devserver.demo.accounts import create_officers
from backend.settings import ROOT, get_settings
from tests.waiting import wait_until

WEB_PROCESSES = 2
UVICORN = ["uvicorn", "backend.app:create_app", "--factory", "--workers", str(WEB_PROCESSES), "--no-access-log"]


@dataclass(frozen=True)
class Stage:
    """Where the servers are, and the first of the web processes, which started the others."""

    database_url: str
    address: str
    web_pid: int


@contextmanager
def stage() -> Iterator[Stage]:
    """Start everything, as durable as in life (fsync on), and end it with the block."""
    with tempfile.TemporaryDirectory(prefix="langnghe-bench-") as folder:
        server = embedded.start_postgres(Path(folder), durable=True)
        env = {
            **os.environ,
            "LANGNGHE_DATABASE_URL": server.url,
            "LANGNGHE_DATA_DIR": folder,
            "LANGNGHE_BROKER_URL": f"filesystem://{folder}",
            "LANGNGHE_TICKETS_PER_HOUR": "0",
        }
        os.environ.update(env)
        for held in (get_settings, db.engine, db.session_factory):
            held.cache_clear()
        web: subprocess.Popen[bytes] | None = None
        try:
            for arguments in (["migrate"], ["seed", "base"]):
                langnghe(*arguments, env=env)
            port = _free_port()
            web = subprocess.Popen(
                [sys.executable, "-m", *UVICORN, "--port", str(port)],
                env=env,
                cwd=ROOT,
            )
            wait_until(lambda: _answers(f"http://127.0.0.1:{port}/healthz"), 60)
            yield Stage(server.url, f"127.0.0.1:{port}", web.pid)
        finally:
            if web is not None:
                web.terminate()
                web.wait(20)
            server.stop()


def langnghe(*arguments: str, env: dict[str, str] | None = None) -> None:
    subprocess.run([sys.executable, "-m", "backend.cli", *arguments], env=env, cwd=ROOT, check=True)


def hire(database_url: str) -> None:
    """The accounts of the demonstration, to sign in with."""
    from backend.clock import now

    engine = create_engine(database_url)
    with Session(engine) as session, session.begin():
        create_officers(session, now())
    engine.dispose()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _answers(address: str) -> bool:
    with urllib.request.urlopen(address, timeout=5):
        return True
