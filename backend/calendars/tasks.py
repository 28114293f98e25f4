"""Recounts after a change of calendar, by the worker."""

from backend import clock
from backend.calendars import moves, service
from backend.worker import app


@app.task(name="calendars.sweep")
def sweep_recounts() -> None:
    """Find recounts that nobody has begun or that were left by a dead worker."""
    service.sweep_recounts(clock.now(), lambda calendar_id, job_id: recount_tickets.apply_async((calendar_id, job_id)))


@app.task(name="calendars.recount", soft_time_limit=3600, time_limit=3660)
def recount_tickets(calendar_id: int, job_id: int) -> None:
    """Count the due dates of open tickets anew, in batches."""
    moves.recount_tickets(calendar_id, job_id, clock.now)
