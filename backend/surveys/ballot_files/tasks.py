"""Tasks of the worker for imports of large files."""

from backend import clock
from backend.surveys.ballot_files import waiting
from backend.worker import app


@app.task(name="surveys.sweep")
def sweep_imports() -> None:
    """Remove files that no job needs any more. Running late or twice is harmless."""
    waiting.remove_stale_files(clock.now())


@app.task(name="surveys.import")
def import_file(job_id: int) -> None:
    """Import the file of a job; nothing happens where the job has ended."""
    waiting.run_import(job_id, clock.now)
