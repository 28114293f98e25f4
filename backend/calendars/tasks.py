"""The task that recounts due dates after a change of calendar."""

from backend import clock
from backend.calendars import moves
from backend.worker import app


@app.task(name="calendars.recount", soft_time_limit=3600, time_limit=3660)
def recount_tickets(job_id: int) -> None:
    """Count the due dates of open tickets by the new version, in batches."""
    moves.recount_tickets(job_id, clock.now)
