"""Child processes: they end when we end, and are stopped first by a request and then by force."""

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

PR_SET_PDEATHSIG = 1  # linux/prctl.h
LOUD = re.compile(r"\b(ERROR|CRITICAL|FATAL|PANIC)\b|^Traceback ")
KEEP_LOG = 5_000_000  # bytes; a longer log is renamed to .old.log when its process starts again


@dataclass(frozen=True)
class SystemAccount:
    """A system account: its user and group number."""

    uid: int
    gid: int


def spawn_process(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    log: Path | None = None,
    account: SystemAccount | None = None,
    cwd: Path | None = None,
    on_our_death: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a process in its own session, so that a Ctrl-C reaches only us and we stop the others in order.

    On Linux the kernel sends it ``on_our_death`` if we are killed. Without ``log`` it writes to our own output.
    """
    with _output(log) as output:
        return subprocess.Popen(  # noqa: S603 - the callers' own commands, no shell
            [os.fspath(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            umask=0o077,
            preexec_fn=_tie_to_parent(on_our_death),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def _output(log: Path | None) -> AbstractContextManager[IO[bytes] | None]:
    if log is None:
        return nullcontext()
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > KEEP_LOG:
        log.replace(log.with_suffix(".old.log"))
    return log.open("ab")


def _tie_to_parent(sign: signal.Signals) -> Callable[[], None] | None:
    """Return the function that ties a child to us. Names are resolved before the fork, as little may run after it."""
    if sys.platform != "linux":
        return None
    prctl, number, parent = ctypes.CDLL(None).prctl, int(sign), os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # the parent was killed before the call above
            os._exit(1)

    return tie


def stop_processes(
    running: Iterable[subprocess.Popen[bytes]],
    *,
    signals: Sequence[signal.Signals] = (signal.SIGTERM,),
    patience: float = 10.0,
) -> None:
    """Send each signal in turn to all processes and wait up to ``patience`` seconds after each signal.

    Processes that still run are then killed, each with its group.
    """
    remaining = [process for process in running if process.poll() is None]
    for sign in signals:
        for process in remaining:
            process.send_signal(sign)
        remaining = _still_running_after(remaining, patience)
    for process in remaining:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _still_running_after(processes: list[subprocess.Popen[bytes]], patience: float) -> list[subprocess.Popen[bytes]]:
    deadline = time.monotonic() + patience
    while processes and time.monotonic() < deadline:
        time.sleep(0.02)
        processes = [process for process in processes if process.poll() is None]
    return processes


def find_leftovers(name: str, folder: Path) -> list[psutil.Process]:
    """Return the processes with this name whose working directory is this folder, whoever started them.

    A process id in a file proves nothing: the system may have given it to another program. The working directory of a
    running process is certain.
    """
    leftovers = []
    wanted = folder.resolve()
    for process in psutil.process_iter(["name"]):
        try:
            if (process.info["name"] or "").startswith(name) and Path(process.cwd()) == wanted:
                leftovers.append(process)
        except psutil.Error:  # it has ended meanwhile, or we may not inspect it
            continue
    return leftovers


def stop_leftovers(name: str, folder: Path, *, kindly: signal.Signals, patience: float = 10.0) -> None:
    """End the processes that a killed run left, with ``kindly`` and then SIGKILL.

    The processes are listed again for the second signal, because a parent may have restarted a child.
    """
    for sign in (kindly, signal.SIGKILL):
        leftovers = find_leftovers(name, folder)
        for process in leftovers:
            try:
                process.send_signal(sign)
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(leftovers, timeout=patience)


def last_lines(log: Path, count: int = 15) -> str:
    """Return the last lines of a log, to explain why a process ended."""
    if not log.exists():
        return ""
    lines = log.read_bytes()[-20_000:].decode("utf-8", "replace").splitlines()
    return "\n".join(lines[-count:])


class ErrorTail:
    """Reads the new error lines of a log, with whole tracebacks."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._at = log.stat().st_size if log.exists() else 0
        self._within = False

    def new_errors(self) -> list[str]:
        if not self._log.exists():
            return []
        with self._log.open("rb") as file:
            file.seek(self._at)
            chunk = file.read(200_000)
        complete = chunk[: chunk.rfind(b"\n") + 1]
        self._at += len(complete)
        return [line for line in complete.decode("utf-8", "replace").splitlines() if self._is_loud(line)]

    def _is_loud(self, line: str) -> bool:
        if LOUD.search(line):
            self._within = line.startswith("Traceback ")
            return True
        loud = self._within
        if loud and line and not line[0].isspace():
            self._within = False  # the exception itself is the last line of a traceback
        return loud
