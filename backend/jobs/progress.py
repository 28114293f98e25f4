"""Progress of long work, kept in a table of ours: Celery has no result backend here."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.db import Base, Moment, by_value
from backend.errors import NotFound


class WorkStage(StrEnum):
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
    stage: Mapped[WorkStage] = mapped_column(by_value(WorkStage, "stage"))
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None] = mapped_column()
    note: Mapped[str] = mapped_column(Text, default="")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    started_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)


def start(
    session: Session, kind: str, subject: str, *, now: datetime, user_id: int | None = None, total: int | None = None
) -> Job:
    """A new piece of work; the worker that takes it up reports by its id."""
    job = Job(
        kind=kind,
        subject=subject,
        stage=WorkStage.RUNNING,
        total=total,
        user_id=user_id,
        started_at=now,
        updated_at=now,
    )
    session.add(job)
    session.flush()
    return job


def advance(session: Session, job_id: int, done: int, *, now: datetime, total: int | None = None) -> None:
    """How far it is: ``done`` pieces altogether, of ``total`` where that has become known. Work that was begun again
    may report less than before; what has ended stays ended."""
    job = _running(session, job_id)
    if job is None:
        return
    if total is not None:
        job.total = total
    job.done = done if job.total is None else min(done, job.total)
    job.updated_at = now


def finish(session: Session, job_id: int, *, now: datetime, note: str = "") -> None:
    """It is done; ``note`` tells what came of it."""
    _end(session, job_id, WorkStage.DONE, now, note)


def stop(session: Session, job_id: int, *, now: datetime, note: str) -> None:
    """It ended before its end; ``note`` tells why."""
    _end(session, job_id, WorkStage.STOPPED, now, note)


def find(session: Session, job_id: int, kind: str | None = None) -> Job:
    """A piece of work by its id; NotFound where there is none, or none of that kind."""
    job = session.get(Job, job_id, populate_existing=True)
    if job is None or (kind is not None and job.kind != kind):
        raise NotFound
    return job


def _running(session: Session, job_id: int) -> Job | None:
    return session.scalar(
        select(Job)
        .where(Job.id == job_id, Job.stage == WorkStage.RUNNING)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _end(session: Session, job_id: int, stage: WorkStage, now: datetime, note: str) -> None:
    job = _running(session, job_id)
    if job is None:
        return
    if stage is WorkStage.DONE and job.total is not None:
        job.done = job.total
    job.stage, job.note, job.updated_at = stage, note, now
