"""Tables of the inbox: saved views, how each person has the list shown, when they last looked at a ticket, and the
counts of open tickets."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment, by_value
from backend.tickets.models import WaitsFor


class InboxDensity(StrEnum):
    """How much room a row of the list takes."""

    ROOMY = "roomy"
    DENSE = "dense"


class SavedView(Base):
    """Filters of the inbox under a name: of one person, or of all people of a unit."""

    __tablename__ = "inbox_views"
    __table_args__ = (
        CheckConstraint("(owner_id IS NULL) <> (unit_id IS NULL)", name="owner"),
        Index("uq_inbox_views_owner", "owner_id", "name", unique=True, postgresql_where=text("owner_id IS NOT NULL")),
        Index("uq_inbox_views_unit", "unit_id", "name", unique=True, postgresql_where=text("unit_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(Text, doc="the filters as the query of an address")
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)


class InboxDisplay(Base):
    """How one person has the inbox shown: columns, room between rows, and the view that it opens with."""

    __tablename__ = "inbox_displays"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    columns: Mapped[list[str]] = mapped_column(ARRAY(String(20)))
    density: Mapped[InboxDensity] = mapped_column(by_value(InboxDensity, "inbox_density"))
    default_view_id: Mapped[int | None] = mapped_column(ForeignKey("inbox_views.id", ondelete="SET NULL"))


class TicketLook(Base):
    """When a person last opened an open ticket. A sweep removes the looks at tickets that are no longer open."""

    __tablename__ = "ticket_looks"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)


class OpenTicketCount(Base):
    """A change of the number of open tickets, or the sum of earlier changes.

    A trigger on the table of tickets appends a row for each change, so that no writer waits for another. The number of
    tickets of a kind is the sum over its rows. A sweep folds the rows of a kind into one.
    """

    __tablename__ = "open_ticket_counts"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    waits_for: Mapped[WaitsFor] = mapped_column(by_value(WaitsFor, "counted_wait"))
    due_date: Mapped[date] = mapped_column()
    paused_in_time: Mapped[bool] = mapped_column(doc="the clock was stopped by the due date: never overdue")
    tickets: Mapped[int] = mapped_column()
