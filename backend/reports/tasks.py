"""Reports that were asked for on a page."""

from backend import clock
from backend.reports import service
from backend.worker import app


@app.task(name="reports.make")
def make_report(job_id: int) -> None:
    """Make one report; its job tells how far it is and how it ended."""
    service.run_job(job_id, clock.now)
