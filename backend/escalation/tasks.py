"""Tasks of reminders: sweeps find tickets and people, small tasks decide."""

from backend import clock
from backend.escalation import digest, look_reminders, service
from backend.worker import app


@app.task(name="escalation.sweep")
def sweep_tickets() -> None:
    """Find tickets near or after their due date. A late, double or missed run is harmless."""
    service.sweep_tickets(clock.now(), lambda ids: decide_steps.apply_async((ids,)))


@app.task(name="escalation.decide")
def decide_steps(ids: list[int]) -> None:
    """Look at a few tickets again and write their notices."""
    service.decide_steps(ids, clock.now())


@app.task(name="escalation.sweep_looks")
def sweep_looks() -> None:
    """Find second looks near or after their due date. A late, double or missed run is harmless."""
    look_reminders.sweep_looks(clock.now(), lambda ids: remind_reviewers.apply_async((ids,)))


@app.task(name="escalation.remind_reviewers")
def remind_reviewers(ids: list[int]) -> None:
    """Look at a few second looks again and write the notices of the level above."""
    look_reminders.remind_reviewers(ids, clock.now())


@app.task(name="escalation.collect")
def sweep_notices() -> None:
    """Find people for whom notices wait."""
    for user_id in digest.find_recipients(clock.now()):
        send_digest.apply_async((user_id,))


@app.task(name="escalation.send_digest")
def send_digest(user_id: int) -> None:
    """Put the digest and the urgent messages of one person into the outbox."""
    digest.collect_notices(user_id, clock.now())
