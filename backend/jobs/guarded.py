"""Reads files of strangers in a separate process with limits on time and memory.

A file of a few kilobytes can keep a reader busy for minutes, or fill the memory. So nothing that was uploaded is read
in a process that answers pages: a child process reads it, and is killed when it needs more than the file's size
justifies. The child gets a function of a module of ours and its arguments, returns what the function returns, and has
neither database nor settings. It stays for the next file, because starting one takes a second, and ends when it has
had nothing to do for a minute.
"""

import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock, Timer
from typing import IO, Any, Final, TypeVar, cast

from backend.errors import DomainError, Invalid, TooMany, _

AT_ONCE: Final = 2  # children of one process
WAITING_MOST: Final = 6  # threads that may wait for a child; the other threads of the process answer pages
WAIT_SECONDS: Final = 10.0
START_SECONDS: Final = 60.0  # until a new child has imported what it needs, on a machine with other work
SLACK: Final = 3.0  # a process that shares its machine gets this many seconds for one of computing
SECONDS_MOST: Final = 150.0
MEGABYTES_MOST: Final = 2_000
PROGRAM: Final = "from backend.jobs.reader_process import serve; serve()"
TOO_MUCH: Final = _(
    "Tệp này quá phức tạp so với kích thước của nó nên hệ thống đã dừng đọc. Hãy lưu lại tệp, chỉ giữ"
    " các ô có dữ liệu, rồi thử lại."
)
UNREADABLE: Final = _("Hệ thống không đọc được nội dung này. Hãy lưu lại tệp rồi thử lại.")
BUSY: Final = _("Nhiều tệp đang được đọc cùng lúc. Hãy gửi lại sau %(seconds)s giây.")
PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT")
IDLE: Final = "idle"  # the child had nothing to do, and ended at the moment it was asked
FIT: Final = ("result", "refused")  # after these the child may read another file
T = TypeVar("T")
log = logging.getLogger("langnghe.jobs")


@dataclass(frozen=True)
class GuardLimits:
    """What reading may cost: seconds of computing, and megabytes beyond what the child holds when it begins."""

    seconds: float
    megabytes: int


def limits_for(size: int) -> GuardLimits:
    """Return the limits for so many bytes, unpacked. Time and memory grow with them: a megabyte of ballots needs 0.1
    seconds and 7 MB; this is many times as much."""
    return GuardLimits(
        seconds=min(SECONDS_MOST, 5 + 1.5 * size / 1e6), megabytes=min(MEGABYTES_MOST, 400 + 20 * size // 1_000_000)
    )


class _Child:
    """A reading process at the other end of two pipes."""

    def __init__(self) -> None:
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and program, no shell
            [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )

    @property
    def pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("a reading process without pipes")
        return self.process.stdin, self.process.stdout

    def send(self, request: bytes) -> None:
        pipe, _answers = self.pipes
        with suppress(BrokenPipeError):  # its last answer can still be read
            pipe.write(len(request).to_bytes(8, "big"))
            pipe.write(request)
            pipe.flush()

    def receive(self) -> tuple[str, Any]:
        """Return kind and value of its next answer. Raises EOFError or UnpicklingError where it ended."""
        kind, value = pickle.load(self.pipes[1])  # noqa: S301 - written by our own program
        return kind, value

    def end(self) -> None:
        self.process.kill()
        for pipe in self.pipes:
            with suppress(OSError):
                pipe.close()
        self.process.wait()


_turns = BoundedSemaphore(AT_ONCE)
_places = BoundedSemaphore(AT_ONCE + WAITING_MOST)
_idle: list[_Child] = []
_idle_lock = Lock()


def run_guarded(
    function: Callable[..., T],
    *arguments: object,
    limits: GuardLimits,
    field: str,
    report: Callable[[int], None] | None = None,
) -> T:
    """Return ``function(*arguments)``, computed in a child process within the limits.

    The function is a public one of a module and needs nothing but its arguments; a DomainError that it raises is raised
    here. With ``report`` it gets a further argument ``report``, and each number with which it calls it is passed on
    here. Raises Invalid at ``field`` where the limits do not suffice or the function fails; TooMany where too many
    files are read at once.
    """
    if not _places.acquire(blocking=False):
        raise _busy(field)
    try:
        if not _turns.acquire(timeout=WAIT_SECONDS):
            raise _busy(field)
        try:
            request = (function, arguments, report is not None, limits.seconds, limits.megabytes)
            return cast(T, _outcome(*_ask(pickle.dumps(request), limits, report), field))
        finally:
            _turns.release()
    finally:
        _places.release()


def _busy(field: str) -> TooMany:
    refusal = TooMany(BUSY, retry_after=int(WAIT_SECONDS), seconds=int(WAIT_SECONDS))
    refusal.field = field
    return refusal


def _ask(request: bytes, limits: GuardLimits, report: Callable[[int], None] | None) -> tuple[str, Any]:
    """Return kind and value of a child's answer; the kind is "exceeded" where the child died of the request."""
    answer: tuple[str, Any] = (IDLE, None)
    while answer[0] == IDLE:
        child = _take_child()
        try:
            answer = _talk(child, request, limits, report)
        except BaseException:
            child.end()
            raise
        if answer[0] in FIT:
            with _idle_lock:
                _idle.append(child)
        else:
            child.end()
    return answer


def _outcome(kind: str, value: Any, field: str) -> Any:
    if kind == "result":
        return value
    if isinstance(value, DomainError):
        raise value
    if kind == "failed":
        log.error("reading failed: %s", value)
        raise Invalid(UNREADABLE, field=field)
    raise Invalid(TOO_MUCH, field=field)


def _talk(child: _Child, request: bytes, limits: GuardLimits, report: Callable[[int], None] | None) -> tuple[str, Any]:
    """Send a request and return kind and value of the answer; "exceeded" where the limits or a timer ended the
    child."""
    with ExitStack() as timers:
        timers.callback(_kill_after(child, START_SECONDS).cancel)
        try:
            child.send(request)
            while True:
                kind, value = child.receive()
                if kind == "begun":  # its modules are imported; from here on the limits hold
                    timers.close()
                    timers.callback(_kill_after(child, SLACK * limits.seconds).cancel)
                elif kind != "progress":
                    return kind, value
                elif report is not None:
                    report(value)
        except (EOFError, pickle.UnpicklingError):
            return "exceeded", None


def _kill_after(child: _Child, seconds: float) -> Timer:
    timer = Timer(seconds, child.process.kill)
    timer.daemon = True
    timer.start()
    return timer


def _take_child() -> _Child:
    """Return a child that waits for work, else a new one."""
    while True:
        with _idle_lock:
            child = _idle.pop() if _idle else None
        if child is None:
            return _Child()
        if child.process.poll() is None:
            return child
        child.end()
