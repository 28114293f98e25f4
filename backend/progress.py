"""Progress of long work, kept in a table of ours: Celery has no result backend here."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment, by_value


class Stage(StrEnum):
    """How a piece of long work stands."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


class Job(Base):
    """A long piece of work: what it is, how far it is, how it ended."""

    __tablename__ = "jobs"
    __table_args__ = (CheckConstraint("done >= 0 AND (total IS NULL OR done <= total)", name="progress"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(200))
    stage: Mapped[Stage] = mapped_column(by_value(Stage, "stage"))
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None] = mapped_column()
    note: Mapped[str] = mapped_column(Text, default="")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    started_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)
