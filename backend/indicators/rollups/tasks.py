"""The sweep that counts what has changed when nobody reads the figures."""

from backend import clock
from backend.indicators.rollups import service
from backend.worker import app
from backend.worktime.calendar import local_time


@app.task(name="indicators.count")
def count_changes() -> None:
    """Count all months of units that have changed since the last run."""
    service.bring_up_to_date(local_time(clock.now()).date())
