"""Photos that nobody came back for, by the clock."""

from backend import clock
from backend.attachments import service
from backend.worker import app


@app.task(name="attachments.sweep")
def sweep_files() -> None:
    """Remove files of no ticket. Late or twice is harmless: only files older than a day are looked at."""
    service.sweep_orphans(clock.now())
