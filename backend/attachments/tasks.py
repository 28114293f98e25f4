"""The periodic task that removes photos of no ticket."""

from backend import clock
from backend.attachments import service
from backend.worker import app


@app.task(name="attachments.sweep")
def sweep_files() -> None:
    """Remove files of no ticket. Running late or twice is harmless: only files older than a day are removed."""
    service.sweep_orphans(clock.now())
