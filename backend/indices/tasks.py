"""Index runs that were asked for on a page."""

from backend import clock
from backend.indices import asking
from backend.worker import app


@app.task(name="indices.run")
def run(job_id: int) -> None:
    """Count and store one run; its job tells how it ended. Twice is harmless: a job that has ended is left alone."""
    asking.run(job_id, clock.now())
