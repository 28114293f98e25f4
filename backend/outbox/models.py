"""The outbox: what is to be told to whom, written in the transaction that gave rise to it. And chats with the bot."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment, by_value


class Medium(StrEnum):
    """By which channel a message leaves."""

    EMAIL = "email"
    TELEGRAM = "telegram"


class DeliveryState(StrEnum):
    """How far a message has come; the last three are final."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


class OutboxMessage(Base):
    """One message to one recipient: the sender of a ticket, or with ``user_id`` a member of staff. ``key`` is
    deterministic, so that the same occasion is told once. It holds no address: that is read from the ticket's contact
    or the account when it is sent, and gone when the person has been erased."""

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
    next_at: Mapped[datetime] = mapped_column(Moment, doc="not before; also the end of a lease while it is being sent")
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    last_error: Mapped[str | None] = mapped_column(Text)


class LocalMail(Base):
    """An e-mail of the development mailbox, shown on a page instead of sent."""

    __tablename__ = "local_mails"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    recipient: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)


class Chat(Base):
    """A chat with the bot: its language and how far its conversation has come."""

    __tablename__ = "chats"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    language: Mapped[str | None] = mapped_column(String(2))
    conversation: Mapped[Any] = mapped_column(JSONB, default=dict)
    last_update_id: Mapped[int | None] = mapped_column(BigInteger, doc="updates up to here were dealt with")
    updated_at: Mapped[datetime] = mapped_column(Moment)
