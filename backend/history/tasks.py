"""The sealer by the clock. A run that is late, missed or doubled harms nothing: what is not sealed keeps waiting."""

from backend import clock, db
from backend.history import heads, sealing
from backend.worker import app


@app.task(name="history.seal")
def seal_entries() -> None:
    """Seal what was written since the last run."""
    sealing.seal_all(clock.now())


@app.task(name="history.sign")
def sign_heads() -> None:
    """Sign the heads of days that are over, once each."""
    with db.transaction() as session:
        heads.sign_finished_days(session, clock.now())
