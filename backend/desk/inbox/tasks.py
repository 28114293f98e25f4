"""Periodic tasks of the inbox: fold the counts of open tickets, and forget looks that mean nothing any more."""

from backend.db import transaction
from backend.desk.inbox import counts, looks
from backend.worker import app


@app.task(name="desk.fold_counts")
def fold_counts() -> None:
    """Fold the changes of the counts. A late or double run changes no number, only how many rows are summed up."""
    with transaction() as session:
        counts.fold_counts(session)


@app.task(name="desk.forget_looks")
def forget_looks() -> None:
    """Remove looks at ended tickets. A late or double run is harmless."""
    with transaction() as session:
        looks.forget_looks(session)
