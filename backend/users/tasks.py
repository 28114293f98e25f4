"""Counts of failed attempts whose time is over, by the clock."""

from datetime import timedelta

from backend import clock, limits
from backend.db import transaction
from backend.worker import app

KEPT = timedelta(days=1)


@app.task(name="users.forget_attempts")
def forget_attempts() -> None:
    """Remove counts that limit nothing any more. Late or twice is harmless."""
    with transaction() as session:
        limits.forget(session, clock.now() - KEPT)
