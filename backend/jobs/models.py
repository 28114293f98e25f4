"""Long work as rows of our database: Celery stores no results here, and a broker may lose a task."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Moment, by_value


class JobStage(StrEnum):
    """The stage of long work. ``asked``: no worker has it yet. ``running``: one worker holds its lease."""

    ASKED = "asked"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


UNDER_WAY: Final = (JobStage.ASKED, JobStage.RUNNING)


class LongJob(Base):
    """A piece of long work. ``kind``: also the name of its task. ``subject``: what it is about.

    ``attempts``: the number of leases; a worker that lost its lease is recognised by its number. ``next_at``: when the
    sweep hands the work to a worker again; while it runs, this is the end of the lease. ``must_end``: it is never given
    up.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("done >= 0 AND (total IS NULL OR done <= total)", name="progress"),
        CheckConstraint("(next_at IS NULL) = (stage IN ('done', 'stopped'))", name="next_at"),
        Index("ix_jobs_due", "next_at", "id", postgresql_where=text("next_at IS NOT NULL")),
        Index("ix_jobs_subject", "kind", "subject"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(200))
    stage: Mapped[JobStage] = mapped_column(by_value(JobStage, "stage"))
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None] = mapped_column()
    note: Mapped[str] = mapped_column(Text, default="")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    asked_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(Moment)
    must_end: Mapped[bool] = mapped_column(default=False)

    @property
    def under_way(self) -> bool:
        """Whether it has not ended."""
        return self.stage in UNDER_WAY

    def is_cared_for(self, now: datetime) -> bool:
        """Return whether a worker has the job or will have it soon. False after it has ended, and while it is lost: its
        lease has run out, or no worker took it."""
        return self.next_at is not None and now < self.next_at
