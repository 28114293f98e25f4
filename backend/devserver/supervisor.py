"""``langnghe up``: starts all servers and services on one machine, reports when they are ready, stops them together."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from backend.devserver import embedded, preparation, processes
from backend.devserver.homes import EmbeddedServerError
from backend.settings import ROOT, Settings

CELERY = [sys.executable, "-m", "celery", "--app", "backend.worker"]
PATIENCE_AT_START = 90.0  # seconds, on a slow machine at its first start
PATIENCE_AT_END = 10.0


class _StopRequestedError(Exception):
    """The supervisor must stop: Ctrl-C, SIGTERM, or the terminal was closed."""


class _ServiceFailedError(Exception):
    """A service could not start or has ended by itself. The message says which."""


@dataclass
class ChildProcess:
    """The process of a service, and its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    errors: processes.ErrorTail


class Supervisor:
    """The servers and services of one ``data_dir``, from start to end. ``say`` prints a line on the terminal."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._data = settings.data_dir.resolve()
        self._servers: list[tuple[str, embedded.EmbeddedServer]] = []
        self._children: list[ChildProcess] = []
        self._stop_requests = 0

    def run(self) -> int:
        """Run until the end and return the exit code: 0 after a request to stop, 1 after a failure."""
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sign, self._on_stop_request)
        code = 0
        try:
            self._start()
            self._watch()
        except _StopRequestedError:
            self._say("Stopping …")
        except (_ServiceFailedError, EmbeddedServerError) as failure:
            self._say(f"langnghe: {failure}")
            code = 1
        finally:
            self._stop()
        return code

    def _on_stop_request(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_requests += 1

    def _pause(self) -> None:
        """Wait for a moment. Raise where a stop is requested or a child has ended, and print new errors of the logs."""
        if self._stop_requests:
            raise _StopRequestedError
        for child in self._children:
            for line in child.errors.new_errors():
                self._say(f"{child.name:>8} | {line}")
            self._expect_running(child.name, child.process, child.log)
        for name, server in self._servers:
            if server.process is not None and server.log is not None:
                self._expect_running(name, server.process, server.log)
        time.sleep(0.05)

    def _expect_running(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        code = process.poll()
        if code is not None:
            raise _ServiceFailedError(f"{name} ended with code {code}. The end of {log}:\n{processes.last_lines(log)}")

    def _start(self) -> None:
        began = time.monotonic()
        self._expect_free_port()
        env = self._environment_with_servers()
        self._prepare(env)
        for name, command in self.services().items():
            log = self._data / "log" / f"{name}.log"
            tail = processes.ErrorTail(log)
            self._children.append(
                ChildProcess(name, processes.spawn_process(command, log=log, env=env, cwd=ROOT), log, tail)
            )
        self._wait_for_home_page()
        self._say(f"Ready after {time.monotonic() - began:.1f} s: {self._address()}")
        if self._settings.development:
            self._say(preparation.accounts_in_words())
        for name, server in self._servers:
            if server.folder is not None and not server.folder.is_relative_to(self._data):
                self._say(f"{name} cannot run as root or reach {self._data}; its files are in {server.folder}.")
        self._say(f"Data and logs: {self._data}. Ctrl-C stops everything.")

    def _expect_free_port(self) -> None:
        host, port = self._settings.host, self._settings.port
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            socket.create_server((host, port), family=family).close()
        except OSError as error:
            raise _ServiceFailedError(
                f"cannot listen on {host}:{port} ({error.strerror}); set LANGNGHE_PORT to a free port"
            ) from error

    def _environment_with_servers(self) -> dict[str, str]:
        """Start the servers that have no URL, and return the environment of the children: ours with these URLs."""
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        env.setdefault("LANGNGHE_BASE_URL", self._address())
        env["LANGNGHE_DATA_DIR"] = str(self._data)
        starters = {
            "PostgreSQL": ("LANGNGHE_DATABASE_URL", self._settings.database_url, embedded.start_postgres),
            "Redis": ("LANGNGHE_BROKER_URL", self._settings.broker_url, embedded.start_broker),
        }
        for name, (variable, url, start) in starters.items():
            if url:
                continue
            server = start(self._data)
            self._servers.append((name, server))
            env[variable] = server.url
        return env

    def _prepare(self, env: dict[str, str]) -> None:
        """Prepare schema and first data, unless this database has them already from the same sources."""
        url, stamp = env["LANGNGHE_DATABASE_URL"], self._data / "prepared.json"
        if preparation.is_done(url, stamp):
            return
        for arguments in preparation.preparation_steps(development=self._settings.development):
            process = processes.spawn_process([sys.executable, "-m", "backend.cli", *arguments], env=env, cwd=ROOT)
            try:
                while process.poll() is None:
                    self._pause()
            finally:
                processes.stop_processes([process])
            if process.returncode != 0:
                raise _ServiceFailedError(f"`langnghe {' '.join(arguments)}` failed with code {process.returncode}")
        preparation.note_stamp(url, stamp)

    def services(self) -> dict[str, list[str]]:
        """Return the services that run beside the servers: name and command."""
        settings = self._settings
        at = ["--host", settings.host, "--port", str(settings.port)]
        web = ["uvicorn", "backend.app:create_app", "--factory", *at, "--no-access-log"]
        proxies = ["--forwarded-allow-ips", settings.trusted_proxies]
        worker = ["worker", "--queues", "messages,work", "--concurrency", "2"]
        quiet = ["--loglevel", "WARNING"]
        services = {
            "web": [sys.executable, "-m", *web, *proxies, "--timeout-graceful-shutdown", "5"],
            "worker": [*CELERY, *worker, "--without-gossip", "--without-mingle", *quiet],
            "beat": [*CELERY, "beat", "--schedule", str(self._data / "beat-schedule"), "--pidfile", "", *quiet],
        }
        if settings.telegram_token is not None:
            services["bot"] = [sys.executable, "-m", "bot"]
        return services

    def _address(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._settings.host, self._settings.host)  # noqa: S104
        return f"http://{host}:{self._settings.port}"

    def _wait_for_home_page(self) -> None:
        deadline = time.monotonic() + PATIENCE_AT_START
        status = 0
        while status != http.client.OK:
            if status or time.monotonic() > deadline:
                raise _ServiceFailedError(f"the home page does not answer as it should (status {status or 'none'})")
            self._pause()
            status = self._home_page_status()

    def _home_page_status(self) -> int:
        connection = http.client.HTTPConnection(self._address().removeprefix("http://"), timeout=10)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def _watch(self) -> None:
        while True:
            self._pause()
            time.sleep(0.15)

    def _stop(self) -> None:
        """Stop all services together and then the servers. After a second Ctrl-C, do not wait for the services."""
        patience = PATIENCE_AT_END if self._stop_requests < 2 else 0.0
        processes.stop_processes([child.process for child in self._children], patience=patience)
        for _name, server in reversed(self._servers):
            server.stop()
        if self._children:
            self._say("Stopped.")
