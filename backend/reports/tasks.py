"""The task of the worker for reports that a page requested."""

from backend import clock
from backend.reports import service
from backend.worker import app


@app.task(name="reports.make")
def make_report(job_id: int) -> None:
    """Write one report; its job shows progress and result."""
    service.run_job(job_id, clock.now)
