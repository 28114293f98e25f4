"""Delivery: find what is due, claim one row, send it with no connection held, note how that went.

Delivered at least once. A claim moves ``next_at`` past the lease and counts the attempt: who dies while sending leaves
a row that comes due again, and a task that comes late or twice finds another count and does nothing.
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
HANDED_OVER = timedelta(minutes=15)  # how long a task may stand in the queue before the row is handed out anew
WAITS = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 360, 720, 1440))  # after each failed attempt
BATCH = 200
SWEEP_MOST = 5000  # rows in one sweep; the next one is seconds away

Enqueue = Callable[[int, int], object]


@dataclass(frozen=True)
class MessageClaim:
    """A row that this process alone is sending, at its ``attempt``-th try."""

    id: int
    attempt: int
    medium: Medium


def sweep_messages(now: datetime, enqueue: Enqueue) -> int:
    """Hand every due row out once, in batches until none is left; returns how many. Raises what ``enqueue`` raises
    when the broker is away: the rows it did not take are due again at once."""
    handed = 0
    while handed < SWEEP_MOST:
        with transaction() as session:
            batch = _hand_out(session, now)
        for index, (message_id, attempts) in enumerate(batch):
            try:
                enqueue(message_id, attempts)
            except BaseException:
                with transaction() as session:
                    _take_back(session, [row for row, _attempts in batch[index:]], now)
                raise
        handed += len(batch)
        if len(batch) < BATCH:
            break
    return handed


def _hand_out(session: Session, now: datetime) -> list[tuple[int, int]]:
    """Lock a batch that no other sweep holds and move it out of their sight, for as long as a queue may take."""
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
    """Send one message that had been tried ``attempts`` times; None where somebody else has it or has sent it."""
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
    """Take the row for the time of the lease; one that has been tried too often (its sender died each time) ends."""
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
    why: str | None = None,
    at_least: timedelta = timedelta(),
) -> DeliveryState | None:
    """Write down how it went. What was sent is sent, whoever holds the row by now; other news counts only from the
    attempt that is still the last."""
    with transaction() as session:
        row = session.scalar(select(OutboxMessage).where(OutboxMessage.id == claim.id).with_for_update())
        if row is None or row.delivery is not DeliveryState.PENDING:
            return None
        if outcome is not DeliveryState.SENT and row.attempts != claim.attempt:
            return None
        row.last_error = why
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
    """How long to wait after a failed attempt: longer each time, and up to a quarter more, different for each message,
    so that what failed together does not come back together."""
    spread = sha256(f"{key}:{attempt}".encode()).digest()[0] / 255 / 4
    return WAITS[attempt - 1] * (1 + spread)


def _tell_ticket(session: Session, row: OutboxMessage, now: datetime) -> None:
    """The first message of a decision that reached the sender stops the clock of the announcement."""
    if row.template not in (Event.ANSWERED, Event.REFUSED, Event.REDIRECTED) or row.ticket_id is None:
        return
    ticket = session.get_one(Ticket, row.ticket_id, with_for_update=True)
    if ticket.untold:
        tickets.apply(session, ticket.id, tickets.ActionRequest(Event.NOTIFIED), SYSTEM, now=now)


def channel_of(medium: Medium) -> MessageChannel:
    """The channel that the settings name for a medium."""
    settings = get_settings()
    if medium is Medium.TELEGRAM:
        token = settings.telegram_token
        if token is None:
            return UnsetChannel("LANGNGHE_TELEGRAM_TOKEN")
        return TelegramChannel(settings.telegram_api_url, token.get_secret_value())
    if settings.smtp_url:
        return EmailChannel(settings.smtp_url, settings.mail_from)
    return LocalMailbox() if settings.development else UnsetChannel("LANGNGHE_SMTP_URL")
