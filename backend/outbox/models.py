"""Tables of the outbox, of the development mailbox, and of chats with the bot.

A message is written to the outbox in the same transaction as its cause.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment, by_value


class Medium(StrEnum):
    """How a message is sent."""

    EMAIL = "email"
    TELEGRAM = "telegram"


class DeliveryState(StrEnum):
    """State of the delivery of a message. The last three are final."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


class OutboxMessage(Base):
    """One message to one recipient: the sender of a ticket, or with ``user_id`` a member of staff.

    ``key`` is deterministic, so that one occasion gives one message. A row has no address: the sending task reads it
    from the ticket's contact or the account, and it is gone once the person's data are erased.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("(delivery = 'sent') = (sent_at IS NOT NULL)", name="sent_at"),
        CheckConstraint("(ticket_id IS NULL) <> (user_id IS NULL)", name="recipient"),
        Index("ix_outbox_due", "next_at", "id", postgresql_where=text("delivery = 'pending'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    medium: Mapped[Medium] = mapped_column(by_value(Medium, "medium"))
    template: Mapped[str] = mapped_column(String(40))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("ticket_messages.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    delivery: Mapped[DeliveryState] = mapped_column(by_value(DeliveryState, "delivery"), default=DeliveryState.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(
        Moment, doc="earliest next try; while it is being sent, the end of the lease"
    )
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    last_error: Mapped[str | None] = mapped_column(Text)


class LocalMail(Base):
    """An e-mail of the development mailbox. It is displayed on a page and not sent."""

    __tablename__ = "local_mails"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    recipient: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)


class Chat(Base):
    """A chat with the bot: its language and the state of its conversation."""

    __tablename__ = "chats"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    language: Mapped[str | None] = mapped_column(String(2))
    conversation: Mapped[Any] = mapped_column(JSONB, default=dict)
    last_update_id: Mapped[int | None] = mapped_column(BigInteger, doc="all updates up to this one are handled")
    updated_at: Mapped[datetime] = mapped_column(Moment)
