"""The task of the worker for index runs that a page requested."""

from backend import clock
from backend.indices.runs import requests
from backend.worker import app


@app.task(name="indices.run")
def run_index(job_id: int) -> None:
    """Compute and store one run; its job says how it ended. Running twice is harmless: nothing happens to a job that
    has ended."""
    requests.run_job(job_id, clock.now)
