"""The lease of long work: one worker holds it, renews it as long as it lives, and loses it when it dies.

Every write about a job is made under the lease and checks it. A worker that lost its lease therefore cannot report,
and a result that it stores in the same transaction as ``finish_job`` is rolled back: nothing is done twice.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from backend.db import transaction
from backend.errors import DomainError
from backend.jobs.models import JobStage, LongJob
from backend.jobs.service import JobKind, find_job

LEASE: Final = timedelta(minutes=2)
RENEWED_EVERY: Final = timedelta(seconds=30)
log = logging.getLogger("langnghe.jobs")


class LeaseLost(Exception):
    """This worker no longer holds the job: it must stop and store nothing more."""


@dataclass(frozen=True)
class JobLease:
    """A job that one worker holds. ``attempt``: the number of this lease among those of the job. ``done``: the progress
    that earlier attempts reported."""

    job_id: int
    attempt: int
    subject: str
    user_id: int | None
    done: int


def take_lease(session: Session, kind: JobKind, job_id: int, now: datetime) -> JobLease | None:
    """Take a job up. None where it has ended, or where another worker holds it. Raises NotFound."""
    find_job(session, kind, job_id)
    job = session.get_one(LongJob, job_id, with_for_update=True, populate_existing=True)
    if not job.under_way or (job.stage is JobStage.RUNNING and job.is_cared_for(now)):
        return None
    job.stage, job.next_at, job.updated_at = JobStage.RUNNING, now + LEASE, now
    job.attempts += 1
    session.flush()
    return JobLease(job.id, job.attempts, job.subject, job.user_id, job.done)


def renew_lease(session: Session, lease: JobLease, now: datetime) -> bool:
    """Extend the lease by ``LEASE``; False where it is lost."""
    renewed = session.scalar(
        update(LongJob)
        .where(LongJob.id == lease.job_id, LongJob.attempts == lease.attempt, LongJob.stage == JobStage.RUNNING)
        .values(next_at=now + LEASE)
        .returning(LongJob.id)
    )
    return renewed is not None


def advance_job(session: Session, lease: JobLease, progress: int, *, now: datetime, total: int | None = None) -> None:
    """Report ``progress`` in pieces, of ``total`` where that is now known. Raises LeaseLost.

    Work that started again may report less than before.
    """
    job = _held(session, lease)
    if total is not None:
        job.total = total
    job.done = progress if job.total is None else min(progress, job.total)
    job.updated_at, job.next_at = now, now + LEASE
    session.flush()


def finish_job(session: Session, lease: JobLease, *, now: datetime, note: str = "") -> None:
    """End the job as done; ``note`` names the result. Call it in the transaction that stores the result. Raises
    LeaseLost."""
    job = _held(session, lease)
    if job.total is not None:
        job.done = job.total
    _end(session, job, JobStage.DONE, now, note)


def stop_job(session: Session, lease: JobLease, *, now: datetime, note: str) -> None:
    """End the job as stopped; ``note`` says why. Raises LeaseLost."""
    _end(session, _held(session, lease), JobStage.STOPPED, now, note)


def run_job(kind: JobKind, job_id: int, clock: Callable[[], datetime], work: Callable[[JobLease], None]) -> None:
    """Take a job, renew its lease while ``work`` runs, and let ``work`` finish it. Nothing happens where the job has
    ended or another worker holds it: a task may come twice.

    A refusal (DomainError) stops the job with its sentence. Any other error stops it with the sentence of its kind and
    goes on to the caller; work that must end stays under its lease instead, and is asked for again when that runs out.
    """
    with transaction() as session:
        lease = take_lease(session, kind, job_id, clock())
    if lease is None:
        return
    try:
        with _renewed(lease, clock):
            work(lease)
    except LeaseLost:
        log.warning("job %d: lease of attempt %d lost", job_id, lease.attempt)
    except DomainError as refusal:
        _stop(lease, clock(), str(refusal))
    except Exception:
        if not kind.must_end:
            _stop(lease, clock(), kind.failed)
        raise


def report_progress(lease: JobLease, progress: int, clock: Callable[[], datetime]) -> None:
    """Report progress in a separate transaction, so that the page shows it while the work goes on. Raises LeaseLost."""
    with transaction() as session:
        advance_job(session, lease, progress, now=clock())


def _held(session: Session, lease: JobLease) -> LongJob:
    job = session.scalar(
        select(LongJob)
        .where(LongJob.id == lease.job_id, LongJob.attempts == lease.attempt, LongJob.stage == JobStage.RUNNING)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if job is None:
        raise LeaseLost
    return job


def _end(session: Session, job: LongJob, stage: JobStage, now: datetime, note: str) -> None:
    job.stage, job.note, job.updated_at, job.next_at = stage, note, now, None
    session.flush()


def _stop(lease: JobLease, now: datetime, note: str) -> None:
    try:
        with transaction() as session:
            stop_job(session, lease, now=now, note=note)
    except LeaseLost:
        log.warning("job %d: lease of attempt %d lost", lease.job_id, lease.attempt)


@contextmanager
def _renewed(lease: JobLease, clock: Callable[[], datetime]) -> Iterator[None]:
    """Renew the lease in a thread until the block ends. The thread dies with the process; then the lease runs out."""
    over = Event()
    thread = Thread(target=_renew_until, args=(over, lease, clock), name=f"lease of job {lease.job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _renew_until(over: Event, lease: JobLease, clock: Callable[[], datetime]) -> None:
    while not over.wait(RENEWED_EVERY.total_seconds()):
        try:
            with transaction() as session:
                if not renew_lease(session, lease, clock()):
                    return
        except SQLAlchemyError as error:  # the database is away for a moment; the lease lasts four rounds
            log.warning("job %d: lease not renewed: %s", lease.job_id, type(error).__name__)
