"""Delivery of the outbox: find due rows, claim one, send it without a database connection, record the result.

A message is delivered at least once. A claim moves ``next_at`` to the end of its lease and counts the attempt. If the
worker dies while sending, the row comes due again. A task that comes late or twice finds another count and does
nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.db import transaction
from backend.notify.channels import (
    DeliveryDelayed,
    DeliveryRefused,
    EmailChannel,
    LocalMailbox,
    MessageChannel,
    TelegramChannel,
    UnsetChannel,
)
from backend.notify.composition import RecipientMissing, compose_message
from backend.outbox.models import DeliveryState, Medium, OutboxMessage
from backend.settings import get_settings
from backend.tickets import service as tickets
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.users.policy import SYSTEM

LEASE = timedelta(minutes=2)
HANDED_OVER = timedelta(minutes=15)  # how long a task may wait in the queue before its row is handed out again
WAITS = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 360, 720, 1440))  # after each failed attempt
BATCH = 200
SWEEP_MOST = 5000  # rows in one sweep; the next sweep comes seconds later

Enqueue = Callable[[int, int], object]


@dataclass(frozen=True)
class MessageClaim:
    """A row that only this process sends now, at its ``attempt``-th attempt."""

    id: int
    attempt: int
    medium: Medium


def sweep_messages(now: datetime, enqueue: Enqueue) -> int:
    """Hand out every due row once, in batches until none is left. Return how many.

    Raises what ``enqueue`` raises when the broker is not there. The rows that it did not take are due again at once.
    """
    count = 0
    while count < SWEEP_MOST:
        with transaction() as session:
            batch = _hand_out(session, now)
        for index, (message_id, attempts) in enumerate(batch):
            try:
                enqueue(message_id, attempts)
            except BaseException:
                with transaction() as session:
                    _take_back(session, [row for row, _attempts in batch[index:]], now)
                raise
        count += len(batch)
        if len(batch) < BATCH:
            break
    return count


def _hand_out(session: Session, now: datetime) -> list[tuple[int, int]]:
    """Lock a batch that no other sweep has, and set its rows to come due again after ``HANDED_OVER``."""
    due = session.execute(
        select(OutboxMessage.id, OutboxMessage.attempts)
        .where(OutboxMessage.delivery == DeliveryState.PENDING, OutboxMessage.next_at <= now)
        .order_by(OutboxMessage.next_at, OutboxMessage.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    ids = [row.id for row in due]
    session.execute(update(OutboxMessage).where(OutboxMessage.id.in_(ids)).values(next_at=now + HANDED_OVER))
    return [(row.id, row.attempts) for row in due]


def _take_back(session: Session, ids: list[int], now: datetime) -> None:
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(ids), OutboxMessage.delivery == DeliveryState.PENDING)
        .values(next_at=now)
    )


def deliver_message(
    message_id: int, attempts: int, now: datetime, channel: MessageChannel | None = None
) -> DeliveryState | None:
    """Send one message after ``attempts`` earlier attempts. Return None where another task has it or has sent it."""
    with transaction() as session:
        claim = _claim(session, message_id, attempts, now)
    if claim is None:
        return None
    try:
        with transaction() as session:
            outgoing = compose_message(session, session.get_one(OutboxMessage, claim.id), now)
        (channel or channel_of(claim.medium)).send(outgoing)
    except (RecipientMissing, DeliveryRefused) as failure:
        return _note(claim, now, DeliveryState.UNREACHABLE, str(failure))
    except DeliveryDelayed as failure:
        return _note(claim, now, DeliveryState.PENDING, str(failure), timedelta(seconds=failure.retry_after))
    return _note(claim, now, DeliveryState.SENT)


def _claim(session: Session, message_id: int, attempts: int, now: datetime) -> MessageClaim | None:
    """Claim the row for the time of the lease. A row whose workers have died too often fails for good."""
    row = session.scalar(
        select(OutboxMessage)
        .where(
            OutboxMessage.id == message_id,
            OutboxMessage.delivery == DeliveryState.PENDING,
            OutboxMessage.attempts == attempts,
        )
        .with_for_update(skip_locked=True)
    )
    if row is None:
        return None
    if row.attempts > len(WAITS):
        row.delivery = DeliveryState.FAILED
        return None
    row.attempts += 1
    row.next_at = now + LEASE
    return MessageClaim(row.id, row.attempts, row.medium)


def _note(
    claim: MessageClaim,
    now: datetime,
    outcome: DeliveryState,
    reason: str | None = None,
    at_least: timedelta = timedelta(),
) -> DeliveryState | None:
    """Record the result of an attempt; return None where it does not count.

    "Sent" always counts, even if another task has claimed the row meanwhile. Any other result counts only for the
    latest attempt.
    """
    with transaction() as session:
        row = session.scalar(select(OutboxMessage).where(OutboxMessage.id == claim.id).with_for_update())
        if row is None or row.delivery is not DeliveryState.PENDING:
            return None
        if outcome is not DeliveryState.SENT and row.attempts != claim.attempt:
            return None
        row.last_error = reason
        if outcome is DeliveryState.PENDING and claim.attempt > len(WAITS):
            outcome = DeliveryState.FAILED
        row.delivery = outcome
        if outcome is DeliveryState.PENDING:
            row.next_at = now + max(retry_delay(row.key, claim.attempt), at_least)
        elif outcome is DeliveryState.SENT:
            row.sent_at = now
            _tell_ticket(session, row, now)
    return outcome


def retry_delay(key: str, attempt: int) -> timedelta:
    """Return how long to wait after a failed attempt: longer each time.

    Up to a quarter is added, different for each message, so that messages that failed together are not sent together
    again.
    """
    spread = sha256(f"{key}:{attempt}".encode()).digest()[0] / 255 / 4
    return WAITS[attempt - 1] * (1 + spread)


def _tell_ticket(session: Session, row: OutboxMessage, now: datetime) -> None:
    """Record that the sender has got the decision: this ends the clock ``notify``. Only the first message counts."""
    if row.template not in (Event.ANSWERED, Event.REFUSED, Event.REDIRECTED) or row.ticket_id is None:
        return
    ticket = session.get_one(Ticket, row.ticket_id, with_for_update=True)
    if ticket.untold:
        tickets.apply(session, ticket.id, tickets.ActionRequest(Event.NOTIFIED), SYSTEM, now=now)


def channel_of(medium: Medium) -> MessageChannel:
    """Return the channel of a medium by the settings."""
    settings = get_settings()
    if medium is Medium.TELEGRAM:
        token = settings.telegram_token
        if token is None:
            return UnsetChannel("LANGNGHE_TELEGRAM_TOKEN")
        return TelegramChannel(settings.telegram_api_url, token.get_secret_value())
    if settings.smtp_url:
        return EmailChannel(settings.smtp_url, settings.mail_from)
    return LocalMailbox() if settings.development else UnsetChannel("LANGNGHE_SMTP_URL")
