"""Tasks of tickets: a sweep finds those whose time may be over, a small task checks each of them again."""

from backend import clock
from backend.db import transaction
from backend.tickets import sweeps
from backend.worker import app


@app.task(name="tickets.sweep")
def sweep_tickets(after: int = 0) -> None:
    """Hand out the tickets whose time may be over, in batches until none is left."""
    last = sweeps.sweep_tickets(clock.now(), lambda ticket_id: lapse_ticket.apply_async((ticket_id,)), after)
    if last:
        sweep_tickets.apply_async((last,))


@app.task(name="tickets.lapse")
def lapse_ticket(ticket_id: int) -> None:
    """Check one ticket again and apply the event that time has caused."""
    with transaction() as session:
        sweeps.lapse_ticket(session, ticket_id, clock.now())
