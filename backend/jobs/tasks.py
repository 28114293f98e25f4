"""The sweep of long work."""

from backend import clock
from backend.jobs import broker, service
from backend.worker import app


@app.task(name="jobs.sweep")
def sweep() -> None:
    """Hand out work that nobody took up or whose worker died. Late or twice is harmless."""
    service.sweep_jobs(clock.now(), broker.hand_to_worker)
