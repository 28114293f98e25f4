"""Table of the versions of work calendars. A stored version never changes."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment


class CalendarVersion(Base):
    """One version of a calendar: its windows, exceptions and years as a document that `WorkCalendar` validates.

    A change is a new row. The active version of a code is the one that was activated last.
    """

    __tablename__ = "calendar_versions"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        Index("ix_calendar_versions_activated", "code", text("activated_at DESC")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    version: Mapped[int] = mapped_column()
    document: Mapped[Any] = mapped_column(JSONB)
    basis: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    activated_at: Mapped[datetime | None] = mapped_column(Moment)
