"""The sweep that removes old notices."""

from backend import clock
from backend.tickets.notices import service
from backend.worker import app


@app.task(name="tickets.prune_notices")
def prune_notices() -> None:
    """Remove notices that nobody looks for any more. A late, double or missed run is harmless."""
    service.prune_notices(clock.now())
