"""Tables of notices: what staff get notices about, how each person wants them, and what each person has seen."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment, by_value
from backend.outbox.models import Medium
from backend.tickets.notices.kinds import NoticeKind, NoticeWay


class StaffNotice(Base):
    """One notice for one member of staff, about one ticket. It stands in the list behind the bell.

    A notice whose ``way`` is not the bell alone also waits for the digest of a half day, or is a message of its own.
    One that was read before is not sent any more.
    """

    __tablename__ = "staff_notices"
    __table_args__ = (
        Index(
            "ix_staff_notices_waiting",
            "user_id",
            "at",
            postgresql_where=text("message_id IS NULL AND read_at IS NULL AND way <> 'bell'"),
        ),
        Index("ix_staff_notices_unread", "user_id", "ticket_id", postgresql_where=text("read_at IS NULL")),
        Index("ix_staff_notices_person", "user_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    key: Mapped[str] = mapped_column(String(140), unique=True, doc="ticket:42:overdue:2026-11-22:user:7")
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    code: Mapped[str] = mapped_column(String(40), doc="the event, or the rule of the ladder")
    way: Mapped[NoticeWay] = mapped_column(by_value(NoticeWay, "notice_way"))
    at: Mapped[datetime] = mapped_column(Moment)
    read_at: Mapped[datetime | None] = mapped_column(Moment)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("outbox.id"), index=True)


class NoticeChoice(Base):
    """How one person wants one kind of notice. Without a row the default of the kind holds."""

    __tablename__ = "notice_choices"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    kind: Mapped[NoticeKind] = mapped_column(by_value(NoticeKind, "notice_kind"), primary_key=True)
    way: Mapped[NoticeWay] = mapped_column(by_value(NoticeWay, "choice_way"))


class NoticeSettings(Base):
    """What one person has seen of the new tickets of the unit, and where messages to this person go.

    Tickets have rising ids, so one id says which new tickets were seen. ``arrivals_after`` and ``arrivals_upto`` are
    the new tickets that the last digest names, and ``arrivals_message_id`` is that digest.
    """

    __tablename__ = "notice_settings"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    seen_ticket_id: Mapped[int] = mapped_column(default=0, server_default="0")
    arrivals_after: Mapped[int] = mapped_column(default=0, server_default="0")
    arrivals_upto: Mapped[int] = mapped_column(default=0, server_default="0")
    arrivals_message_id: Mapped[int | None] = mapped_column(ForeignKey("outbox.id"))
    medium: Mapped[Medium] = mapped_column(by_value(Medium, "staff_medium"), server_default=Medium.EMAIL.value)
    chat_id: Mapped[int | None] = mapped_column(BigInteger, doc="the person's own chat with the bot")
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True, doc="of the one-time code")
    code_until: Mapped[datetime | None] = mapped_column(Moment)
