"""Tables of groups: tickets about the same matter, what their senders added, and what was done with all of them.

Which tickets belong to a group follows from the history of each ticket (``Ticket.group_id``).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment


class MatterGroup(Base):
    """Tickets of one unit that are reviewed once and answered together; each keeps its own clock and sender."""

    __tablename__ = "ticket_groups"
    __table_args__ = (Index(None, "unit_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), doc="the unit that has all of its tickets")
    hidden_from_id: Mapped[int | None] = mapped_column(
        ForeignKey("units.id"), doc="for complaints about conduct: the unit that must not see them"
    )
    officer_id: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="who hears what the senders add")
    created_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment, doc="when the whole group was undone")
    read_upto: Mapped[int] = mapped_column(
        BigInteger, default=0, server_default="0", doc="id of the last news that the officer marked as read"
    )


class GroupNews(Base):
    """One thing that the sender of a member added: a reply, a dispute, a withdrawal, a rating.

    It is only ever inserted, so a sender never waits for an officer who works on the whole group.
    """

    __tablename__ = "ticket_group_news"
    __table_args__ = (Index(None, "group_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("ticket_groups.id"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    event: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(Moment)


class GroupStep(Base):
    """One action on many members at once, with its result for each: which tickets it reached, and why not the others.

    ``results`` is a list of objects: ``ticket`` (id), and for a refused one ``why`` (the message) and ``params``.
    """

    __tablename__ = "ticket_group_steps"
    __table_args__ = (Index(None, "group_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("ticket_groups.id"))
    event: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(Moment)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    results: Mapped[Any] = mapped_column(JSONB)
