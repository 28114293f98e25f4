"""The life cycle of all long work: asked, running under a lease, done or stopped; lost work is asked for again.

A room that wants work done writes a row (``ask_job``) and, after the commit, hands it to a worker
(``broker.hand_to_worker``). The worker takes a lease (``backend.jobs.lease``) and renews it as long as it lives. When
the lease runs out, the worker is dead: the sweep, or a new request, hands the work to another one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from backend.db import AdvisoryLock, hold_lock, transaction
from backend.errors import Conflict, NotFound, _
from backend.jobs.models import UNDER_WAY, JobStage, LongJob

HANDED_AGAIN: Final = timedelta(minutes=2)  # after this time without a lease the work is handed out again
GIVEN_UP: Final = timedelta(days=1)
ATTEMPTS_MOST: Final = 3  # work that killed three workers would kill the next one too
LOST: Final = _("Việc này đã dừng vì lỗi của hệ thống. Hãy thử lại; nếu vẫn lỗi, hãy báo người quản trị.")
LATER: Final = _("Đã ghi nhận. Việc này sẽ tự bắt đầu trong ít phút.")


@dataclass(frozen=True)
class JobKind:
    """A kind of long work. ``name``: also the name of its task. ``busy``: the sentence for a second request of the same
    work. ``failed``: the sentence on the page after an error of the system. ``must_end``: the work is tried again until
    it is done."""

    name: str
    busy: str = _("Việc này đang được làm.")
    failed: str = LOST
    must_end: bool = False


def ask_job(
    session: Session,
    kind: JobKind,
    subject: str,
    *,
    now: datetime,
    user_id: int | None = None,
    total: int | None = None,
) -> LongJob:
    """Store a job for work and return it. Hand it to a worker after the commit.

    Lost work on the same subject is asked for again under the same job. Raises Conflict while a worker has that work or
    will have it soon.
    """
    hold_lock(session, AdvisoryLock.JOB, f"{kind.name}:{subject}")
    job = session.scalar(_of_subject(kind, subject).where(LongJob.stage.in_(UNDER_WAY)).with_for_update())
    if job is not None:
        if job.is_cared_for(now):
            raise Conflict(kind.busy)
        _ask_again(job, now)
        return job
    job = LongJob(
        kind=kind.name,
        subject=subject,
        stage=JobStage.ASKED,
        total=total,
        user_id=user_id,
        asked_at=now,
        updated_at=now,
        next_at=now + HANDED_AGAIN,
        must_end=kind.must_end,
    )
    session.add(job)
    session.flush()
    return job


def find_job(session: Session, kind: JobKind, job_id: int) -> LongJob:
    """Return a job by its id. Raises NotFound where there is none, or none of that kind."""
    job = session.get(LongJob, job_id, populate_existing=True)
    if job is None or job.kind != kind.name:
        raise NotFound
    return job


def find_latest_job(session: Session, kind: JobKind, subject: str) -> LongJob | None:
    """Return the last job about a subject."""
    return session.scalar(_of_subject(kind, subject))


def sweep_jobs(now: datetime, hand_out: Callable[[str, int], object]) -> list[int]:
    """Hand out lost work, and return the ids of these jobs.

    Lost is work that no worker took, and work whose worker died. Work that no worker took for a day, or that lost three
    workers, is stopped, unless it must end. Two sweeps at once are harmless.
    """
    with transaction() as session:
        jobs = session.scalars(
            select(LongJob).where(LongJob.next_at <= now).order_by(LongJob.id).with_for_update(skip_locked=True)
        ).all()
        lost_jobs = [job for job in jobs if not _is_given_up(job, now)]
        for job in jobs:
            if job in lost_jobs:
                _ask_again(job, now)
            else:
                job.stage, job.note, job.next_at, job.updated_at = JobStage.STOPPED, LOST, None, now
        to_hand_out = [(job.kind, job.id) for job in lost_jobs]
    for kind_name, job_id in to_hand_out:
        hand_out(kind_name, job_id)
    return [job_id for _kind, job_id in to_hand_out]


def _ask_again(job: LongJob, now: datetime) -> None:
    """Ask for lost work again. A worker that still lives no longer holds the lease."""
    job.stage, job.next_at = JobStage.ASKED, now + HANDED_AGAIN


def _is_given_up(job: LongJob, now: datetime) -> bool:
    if job.must_end:
        return False
    return job.attempts >= ATTEMPTS_MOST or job.asked_at <= now - GIVEN_UP


def _of_subject(kind: JobKind, subject: str) -> Select[LongJob]:
    return select(LongJob).filter_by(kind=kind.name, subject=subject).order_by(LongJob.id.desc()).limit(1)
