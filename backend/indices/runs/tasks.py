"""Index runs that were asked for on a page."""

from backend import clock
from backend.indices.runs import requests
from backend.worker import app


@app.task(name="indices.run")
def run_index(job_id: int) -> None:
    """Count and store one run; its job tells how it ended. Twice is harmless: a job that has ended is left alone."""
    requests.run_job(job_id, clock.now)
