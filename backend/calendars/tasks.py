"""Recounts after a change of calendar, by the worker."""

from backend import clock
from backend.calendars import moves, service
from backend.worker import app


@app.task(name="calendars.sweep")
def sweep() -> None:
    """Find recounts that nobody has begun or that were left by a dead worker."""
    service.sweep(clock.now(), lambda calendar_id, job_id: recount.apply_async((calendar_id, job_id)))


@app.task(name="calendars.recount", soft_time_limit=3600, time_limit=3660)
def recount(calendar_id: int, job_id: int) -> None:
    """Count the due dates of open tickets anew, in batches."""
    moves.recount(calendar_id, job_id, clock.now)
