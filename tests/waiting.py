"""Wait until something has come about. Nobody waits for a fixed time: a slow machine needs longer, a fast one less."""

import subprocess
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, text

FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.01, 0.25, 1.2  # seconds between two looks; they grow, for looking costs too


def wait_until(
    condition: Callable[[], object], patience: float = 120.0, *, report: Callable[[], str] | None = None
) -> None:
    """Ask again and again until ``condition()`` is true, at most ``patience`` seconds.

    An AssertionError of the condition ends the waiting at once: what is waited for can no longer come. Any other error
    means "not yet"; the last one is the test's failure. ``report`` says at the end what there was instead, e.g. a log.
    """
    deadline, pause = time.monotonic() + patience, FIRST_PAUSE
    while True:
        try:
            if condition():
                return
        except AssertionError:
            raise
        except Exception:
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience} s" + (f":\n{report()}" if report else ""))
        time.sleep(pause)
        pause = min(pause * GROWTH, LONGEST_PAUSE)


def wait_until_somebody_is_blocked(blocker: Connection, worker: subprocess.Popen[Any], patience: float = 120.0) -> None:
    """Wait until a transaction stands still because of what ``blocker`` has locked; the worker must live so long."""
    blocked_by_us = text("SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")

    def is_blocked() -> bool:
        assert worker.poll() is None, "the worker ended"
        return blocker.scalar(blocked_by_us) is not None

    wait_until(is_blocked, patience)
