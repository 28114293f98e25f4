"""Periodic task that removes old counts of failed attempts."""

from datetime import timedelta

from backend import clock
from backend.db import transaction
from backend.web import rate_limits
from backend.worker import app

STORED_FOR = timedelta(days=1)


@app.task(name="users.forget_attempts")
def forget_attempts() -> None:
    """Remove counts that have no effect any more. A late or double run is harmless."""
    with transaction() as session:
        rate_limits.forget_windows(session, clock.now() - STORED_FOR)
