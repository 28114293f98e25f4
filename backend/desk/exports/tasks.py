"""Tasks of exports: writing a long one, and the sweep that removes files."""

from backend import clock
from backend.desk.exports import service
from backend.worker import app


@app.task(name="exports.make")
def make_export(job_id: int) -> None:
    """Write the file of one export; its job shows progress and result."""
    service.run_export(job_id, clock.now)


@app.task(name="exports.sweep")
def sweep() -> None:
    """Remove files that nobody may download any more. Late or twice is harmless: a download asks for the right too."""
    service.sweep_exports(clock.now())
