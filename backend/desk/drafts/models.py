"""The table of what staff have typed on the page of a ticket and not sent yet."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment


class TypedDraft(Base):
    """What one person has typed on the page of one ticket, by the names of the fields, as typed.

    It is no part of the history: it is removed when it is sent, dropped or old. It may hold personal data, so it is
    neither searched nor exported.
    """

    __tablename__ = "typed_drafts"
    __table_args__ = (
        CheckConstraint("jsonb_typeof(fields) = 'object'", name="fields"),
        Index(None, "ticket_id"),
        Index(None, "saved_at"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    fields: Mapped[dict[str, Any]] = mapped_column(JSONB)
    version: Mapped[int] = mapped_column(doc="version of the ticket that the page showed")
    revision: Mapped[int] = mapped_column(doc="rises with each save; tells a page of another window that it is old")
    began_at: Mapped[datetime] = mapped_column(Moment)
    saved_at: Mapped[datetime] = mapped_column(Moment)
