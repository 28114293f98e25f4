"""The periodic tasks of similar tickets. Running late or twice is harmless."""

from backend import clock
from backend.tickets.similar import service
from backend.worker import app


@app.task(name="tickets.list_texts")
def list_texts() -> None:
    """Store the word pairs of tickets that came in since the last run."""
    service.list_new_texts(clock.now())


@app.task(name="tickets.tidy_texts")
def tidy_texts() -> None:
    """Remove the word pairs of old tickets, and store those of recent ones that were imported or left out."""
    now = clock.now()
    service.remove_old_texts(now)
    service.list_new_texts(now, everything=True)
