"""PostgreSQL and Redis as a distribution installs them, each started on a free port for a test."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from backend.devserver import processes
from tests.waiting import wait_until

CLEAN = {"PATH": os.environ["PATH"], "LC_ALL": "C"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def required(found: Path | str | None, name: str) -> Path:
    """The program; in CI its absence is a failure, elsewhere a reason to skip."""
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is not installed, and CI must not skip this test")
    if found is None:
        pytest.skip(f"{name} of the distribution is not installed")
    return Path(found)


@contextmanager
def postgres(password: str) -> Iterator[int]:
    """A server that asks for this password; gives its port."""
    newest = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None)
    binaries = required(newest, "PostgreSQL")
    folder = Path(tempfile.mkdtemp(prefix="langnghe-debian-", dir="/var/tmp"))
    account = None
    if os.geteuid() == 0:
        entry = pwd.getpwnam("nobody")
        account = processes.SystemAccount(entry.pw_uid, entry.pw_gid)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    (folder / "password").write_text(password)
    (folder / "password").chmod(0o644)
    port = free_port()
    log = folder / "log" / "postgres.log"
    spawn = partial(processes.spawn_process, env=CLEAN, account=account, cwd=folder, log=log)
    initdb: list[str | Path] = [binaries / "initdb", "-D", folder / "data", "-U", "langnghe"]
    initdb += ["-A", "scram-sha-256", "-E", "UTF8"]
    server: list[str | Path] = [binaries / "postgres", "-D", folder / "data", "-p", str(port)]
    server += ["-k", folder, "-c", "fsync=off"]
    try:
        assert spawn([*initdb, "--pwfile", folder / "password"]).wait() == 0
        process = spawn([*server, "-c", "listen_addresses=127.0.0.1"])
        try:
            wait_until(lambda: _make_database(port, password))
            yield port
        finally:
            processes.stop_processes([process], signals=(signal.SIGINT, signal.SIGQUIT))
    finally:
        shutil.rmtree(folder)


def _make_database(port: int, password: str) -> bool:
    url = f"postgresql://langnghe:{password}@127.0.0.1:{port}/postgres"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE langnghe TEMPLATE template0")
    return True


@contextmanager
def redis(password: str, folder: Path) -> Iterator["RedisServer"]:
    """A server that asks for this password and keeps its queue in ``folder``."""
    server = RedisServer(required(shutil.which("redis-server"), "Redis"), password, folder, free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()


class RedisServer:
    """A Redis that can be taken away and brought back."""

    def __init__(self, binary: Path, password: str, folder: Path, port: int) -> None:
        self.port = port
        self._folder = folder
        self._client = Redis(port=port, password=password)
        options = ["--bind", "127.0.0.1", "--appendonly", "yes", "--save", "", "--dir", str(folder)]
        self._command: list[str | Path] = [binary, "--port", str(port), "--requirepass", password, *options]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = processes.spawn_process(self._command, log=self._folder / "redis.log", env=CLEAN)
        wait_until(self._client.ping)

    def stop(self) -> None:
        assert self._process is not None
        processes.stop_processes([self._process])
