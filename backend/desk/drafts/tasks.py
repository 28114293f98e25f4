"""The periodic task that removes old drafts."""

from backend import clock
from backend.db import transaction
from backend.desk.drafts import service
from backend.worker import app


@app.task(name="desk.forget_drafts")
def forget_drafts() -> None:
    """Remove old drafts in batches. Running late or twice is harmless."""
    now, removed = clock.now(), service.BATCH
    while removed == service.BATCH:
        with transaction() as session:
            removed = service.forget_drafts(session, now)
