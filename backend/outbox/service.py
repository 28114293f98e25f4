"""Write messages to the outbox, in the transaction that causes them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend import audit
from backend.db import table_of
from backend.outbox.models import DeliveryState, Medium, OutboxMessage

PUT = insert(table_of(OutboxMessage)).on_conflict_do_nothing(index_elements=["key"])


def put(
    session: Session,
    template: str,
    *,
    ticket_id: int,
    occasion: str,
    by: list[Medium],
    now: datetime,
    message_id: int | None = None,
) -> None:
    """Write one row for each medium, at most once for each occasion. A key is like ``ticket:42:answered:5:email``."""
    for row in message_rows(template, ticket_id=ticket_id, occasion=occasion, by=by, now=now, message_id=message_id):
        session.execute(PUT, row)


def message_rows(
    template: str,
    *,
    ticket_id: int,
    occasion: str,
    by: list[Medium],
    now: datetime,
    message_id: int | None = None,
) -> list[dict[str, Any]]:
    """Return the rows that `put` writes, so that `put_all` can write many of them together."""
    return [
        {
            "key": f"{audit.ticket_chain(ticket_id)}:{occasion}:{medium.value}",
            "medium": medium,
            "template": template,
            "ticket_id": ticket_id,
            "message_id": message_id,
            "created_at": now,
            "delivery": DeliveryState.PENDING,
            "attempts": 0,
            "next_at": now,
        }
        for medium in by
    ]


def put_all(session: Session, messages: Sequence[dict[str, Any]]) -> None:
    """Write many rows together, each at most once."""
    # RETURNING lets SQLAlchemy send all rows as one statement; its result is not needed.
    if messages:
        session.execute(PUT.returning(table_of(OutboxMessage).c.id), messages)


def put_to_staff(
    session: Session, template: str, *, user_id: int, key: str, now: datetime, medium: Medium = Medium.EMAIL
) -> int | None:
    """Write a message to a member of staff. Return the id of the row, or None where the key was used before."""
    row_id: int | None = session.scalar(
        PUT.returning(table_of(OutboxMessage).c.id),
        {
            "key": key,
            "medium": medium,
            "template": template,
            "user_id": user_id,
            "created_at": now,
            "delivery": DeliveryState.PENDING,
            "attempts": 0,
            "next_at": now,
        },
    )
    return row_id


def sent_to_staff(session: Session, user_id: int, template: str, *, since: datetime) -> int:
    """Return how many messages of a template were written for one person since a moment."""
    counted = select(func.count()).select_from(OutboxMessage)
    return (
        session.scalar(
            counted.where(
                OutboxMessage.user_id == user_id, OutboxMessage.template == template, OutboxMessage.created_at >= since
            )
        )
        or 0
    )
