"""The child process of ``backend.jobs.guarded``: answers requests from its standard input, one after the other."""

import os
import pickle
import select
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from backend.errors import DomainError

if sys.platform != "win32":
    import resource

IDLE_SECONDS: Final = 60.0
KINDNESS: Final = 5  # priority below that of the processes that answer pages


def serve() -> None:
    """Answer requests until the parent is gone, nothing came for a while, or a request failed."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of a library must not mix with the answers
    if hasattr(os, "nice"):
        os.nice(KINDNESS)
    while _has_come(requests):
        request = _read_request(requests)
        if request is None or not _answer(request, answers):
            return
    answers.write(pickle.dumps(("idle", None)))
    answers.flush()


def _has_come(requests: BinaryIO) -> bool:
    return sys.platform == "win32" or bool(select.select([requests], [], [], IDLE_SECONDS)[0])


def _read_request(requests: BinaryIO) -> bytes | None:
    head = requests.read(8)
    size = int.from_bytes(head, "big")
    return requests.read(size) if len(head) == 8 else None


def _answer(request: bytes, answers: BinaryIO) -> bool:
    """Answer one request; return whether the process can take another one."""

    def send(kind: str, value: Any) -> None:
        answers.write(pickle.dumps((kind, value)))
        answers.flush()

    try:
        _lift_limits()
        function, arguments, reports, seconds, megabytes = pickle.loads(request)  # noqa: S301 - from our parent
        _limit(seconds, megabytes)
        send("begun", None)
        more: dict[str, Callable[[int], None]] = {"report": lambda value: send("progress", value)} if reports else {}
        send("result", function(*arguments, **more))
    except DomainError as refusal:
        send("refused", refusal)
    except (MemoryError, RecursionError):
        send("exceeded", None)
        return False
    except Exception as error:  # no file may end our parent; the frames of the traceback hold no content
        send("failed", f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__)[-8:])}")
        return False
    return True


def _lift_limits() -> None:
    """Remove the limits of the last request, so that they do not apply to the imports of the next one."""
    if sys.platform == "win32":
        return
    for limit in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
        _soft, hard = resource.getrlimit(limit)
        resource.setrlimit(limit, (hard, hard))


def _limit(seconds: float, megabytes: int) -> None:
    """Limit computing time and further memory from now on. The kernel ends a process that needs more."""
    if sys.platform == "win32":
        return  # the parent's timer still holds
    spent = resource.getrusage(resource.RUSAGE_SELF)
    _set(resource.RLIMIT_CPU, int(spent.ru_utime + spent.ru_stime + seconds) + 1)
    if (size := _address_space()) is not None:
        _set(resource.RLIMIT_AS, size + megabytes * 1_000_000)


def _set(limit: int, value: int) -> None:
    """Set the soft limit only, so that the next request can have another one."""
    if sys.platform == "win32":
        return
    _soft, hard = resource.getrlimit(limit)
    resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _address_space() -> int | None:
    """Return the bytes of address space in use; none where the system does not say (then memory has no limit)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as numbers:
            return int(numbers.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None
