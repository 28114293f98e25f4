"""Counts of failed attempts whose time is over, by the clock."""

from datetime import timedelta

from backend import clock
from backend.db import transaction
from backend.web import rate_limits
from backend.worker import app

KEPT = timedelta(days=1)


@app.task(name="users.forget_attempts")
def forget_attempts() -> None:
    """Remove counts that limit nothing any more. Late or twice is harmless."""
    with transaction() as session:
        rate_limits.forget_windows(session, clock.now() - KEPT)
