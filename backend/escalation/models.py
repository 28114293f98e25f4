"""Tables of reminders: when to look at a ticket next, and which steps it has reached."""

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment
from backend.tickets.notices.models import StaffNotice as StaffNotice


class TicketWatch(Base):
    """When to look at a ticket next.

    The row holds for one version and one due date of the ticket. If either has changed, the ticket is looked at again
    at once.
    """

    __tablename__ = "escalation_watches"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    version: Mapped[int] = mapped_column()
    due_date: Mapped[date] = mapped_column()
    next_at: Mapped[datetime | None] = mapped_column(Moment)


class StepRecord(Base):
    """A step of the ladder that a ticket has reached. ``told``: somebody got a notice about it.

    A repeating step is one row, however often it was reached. ``times`` counts; ``at`` and ``told`` belong to the last
    time.
    """

    __tablename__ = "escalation_steps"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True, doc="ticket:42:overdue:2026-11-22")
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    code: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(Moment)
    told: Mapped[bool] = mapped_column()
    times: Mapped[int] = mapped_column(
        default=0, server_default="0", doc="how often a repeating step was reached; else 0"
    )
