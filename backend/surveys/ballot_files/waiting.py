"""Large files are imported by the worker: the file waits in a folder, its job tells how far it is.

The job is known by its number; the waiting file by a random name, and it is removed when the job ends. A sweep hands
out again what a dead worker left, and ends what nobody took up within a day.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from backend import db
from backend.errors import DomainError, _
from backend.jobs import progress
from backend.jobs.progress import Job, WorkStage
from backend.settings import get_settings
from backend.surveys.ballot_files import importing
from backend.surveys.ballot_files.importing import ImportActor, ImportOutcome

KIND: Final = "survey-import"
LARGE: Final = 2_000_000  # bytes; below, the answer comes within a second or two
SOON: Final = timedelta(minutes=2)  # what was handed to a worker just now is not handed out again
LEASE: Final = timedelta(minutes=15)  # longer than a task may take
GIVE_UP: Final = timedelta(days=1)
BROKEN: Final = _("Việc nhập đã dừng vì lỗi của hệ thống; không có phiếu nào được lưu. Hãy thử lại.")


@dataclass(frozen=True)
class WaitingImport:
    """What a job is about: the round, the name of the waiting file, the name that it came with."""

    code: str
    token: str
    file_name: str

    @property
    def path(self) -> Path:
        return waiting_folder() / self.token


def waiting_folder() -> Path:
    place = get_settings().data_dir / "surveys" / "waiting"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def begin_import(
    session: Session, code: str, content: bytes, file_name: str, user_id: int | None, now: datetime
) -> Job:
    """Keep the file and note the job; the caller hands the job to the worker once this is committed."""
    token = secrets.token_hex(16)
    (waiting_folder() / token).write_bytes(content)
    name = "".join(c for c in file_name if c.isprintable())[-100:]
    return progress.start(session, KIND, f"{code}/{token}/{name}", now=now, user_id=user_id)


def import_of(job: Job) -> WaitingImport:
    return WaitingImport(*job.subject.split("/", 2))


def job_of(session: Session, job_id: int) -> Job:
    """A job of this kind. Raises NotFound."""
    return progress.find(session, job_id, KIND)


def run_import(job_id: int, now: datetime) -> None:
    """Import the waiting file. A job that ended is left alone, so that a second delivery does nothing; one that was cut
    off is simply run again: what was imported is known by its checksum."""
    with db.transaction() as session:
        job = job_of(session, job_id)
        if job.stage is not WorkStage.RUNNING:
            return
        waiting, who = import_of(job), ImportActor(f"user:{job.user_id}" if job.user_id else "system", job.user_id)
    try:
        with waiting.path.open("rb") as stream:
            outcome = importing.import_file(
                stream,
                waiting.code,
                file_name=waiting.file_name,
                who=who,
                now=now,
                told=lambda rows: _tell(job_id, rows, now),
            )
    except DomainError as refusal:
        _stop(job_id, str(refusal), now)
    except FileNotFoundError:
        _stop(job_id, BROKEN, now)
    else:
        _finish(job_id, outcome, now)
    waiting.path.unlink(missing_ok=True)


def sweep_imports(now: datetime, enqueue: Callable[[int], object]) -> int:
    """Hand out imports that nobody has begun, or whose worker has fallen silent; give up those of yesterday, and remove
    files that wait for nothing. Returns how many were handed out. Two sweeps at once are harmless."""
    with db.transaction() as session:
        silent = or_(Job.updated_at == Job.started_at, Job.updated_at <= now - LEASE)
        jobs = session.scalars(
            select(Job)
            .where(Job.kind == KIND, Job.stage == WorkStage.RUNNING, silent, Job.started_at <= now - SOON)
            .order_by(Job.id)
            .with_for_update(skip_locked=True)
        ).all()
        for job in jobs:
            job.updated_at = now
            if job.started_at <= now - GIVE_UP:
                progress.stop(session, job.id, now=now, note=BROKEN)
                import_of(job).path.unlink(missing_ok=True)
        handed = [job.id for job in jobs if job.stage is WorkStage.RUNNING]
    for job_id in handed:
        enqueue(job_id)
    _remove_older(now - GIVE_UP)
    return len(handed)


def _remove_older(before: datetime) -> None:
    """Files of no job that could still take them up."""
    for path in waiting_folder().iterdir():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before.timestamp():
                path.unlink()


def _tell(job_id: int, rows: int, now: datetime) -> None:
    with db.transaction() as session:
        progress.advance(session, job_id, rows, now=now)


def _finish(job_id: int, outcome: ImportOutcome, now: datetime) -> None:
    """The note of a job that is done is its batch."""
    with db.transaction() as session:
        progress.advance(session, job_id, outcome.rows, now=now, total=outcome.rows)
        progress.finish(session, job_id, now=now, note=str(outcome.batch_id))


def _stop(job_id: int, said: str, now: datetime) -> None:
    with db.transaction() as session:
        progress.stop(session, job_id, now=now, note=said)
