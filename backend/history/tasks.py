"""Periodic tasks of the sealer. A late, missed or double run is harmless: entries wait until they are sealed."""

from backend import clock, db
from backend.history import heads, sealing
from backend.worker import app


@app.task(name="history.seal")
def seal_entries() -> None:
    """Seal the entries written since the last run."""
    sealing.seal_all(clock.now())


@app.task(name="history.sign")
def sign_heads() -> None:
    """Sign the heads of finished days, once for each day."""
    with db.transaction() as session:
        heads.sign_finished_days(session, clock.now())
