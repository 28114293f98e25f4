"""Tasks of the outbox: a sweep finds due messages, a task sends each of them."""

from backend import clock
from backend.notify import service
from backend.worker import app


@app.task(name="notify.sweep")
def sweep_messages() -> None:
    """Hand out due messages. A late, double or missed run is harmless: rows wait in the database."""
    service.sweep_messages(
        clock.now(), lambda message_id, attempts: deliver_message.apply_async((message_id, attempts))
    )


@app.task(name="notify.deliver")
def deliver_message(message_id: int, attempts: int) -> None:
    """Send one message, unless another task has."""
    service.deliver_message(message_id, attempts, clock.now())
