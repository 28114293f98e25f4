"""Large files are imported by the worker: the file waits in a folder, its job tells how far it is.

The job is known by its number; the waiting file by a random name, and it is removed when the job ends.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from backend import db
from backend.errors import DomainError, NotFound, _
from backend.progress import Job, Stage
from backend.settings import get_settings
from backend.surveys import importing
from backend.surveys.importing import Outcome, Who

KIND: Final = "survey-import"
LARGE: Final = 2_000_000  # bytes; below, the answer comes within a second or two
BROKEN: Final = _("Việc nhập đã dừng vì lỗi của hệ thống; không có phiếu nào được lưu. Hãy thử lại.")


@dataclass(frozen=True)
class Waiting:
    """What a job is about: the round, the name of the waiting file, the name that it came with."""

    code: str
    token: str
    file_name: str

    @property
    def path(self) -> Path:
        return folder() / self.token


def folder() -> Path:
    place = get_settings().data_dir / "surveys" / "waiting"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def begin(session: Session, code: str, content: bytes, file_name: str, user_id: int | None, now: datetime) -> Job:
    """Keep the file and note the job; the caller hands the job to the worker once this is committed."""
    token = secrets.token_hex(16)
    (folder() / token).write_bytes(content)
    name = "".join(c for c in file_name if c.isprintable())[-100:]
    job = Job(
        kind=KIND,
        subject=f"{code}/{token}/{name}",
        stage=Stage.RUNNING,
        user_id=user_id,
        started_at=now,
        updated_at=now,
    )
    session.add(job)
    session.flush()
    return job


def about(job: Job) -> Waiting:
    return Waiting(*job.subject.split("/", 2))


def job_of(session: Session, job_id: int) -> Job:
    """A job of this kind. Raises NotFound."""
    job = session.get(Job, job_id)
    if job is None or job.kind != KIND:
        raise NotFound
    return job


def run(job_id: int, now: datetime) -> None:
    """Import the waiting file. A job that ended is left alone, so that a second delivery does nothing; one that was cut
    off is simply run again: what was imported is known by its checksum."""
    with db.transaction() as session:
        job = job_of(session, job_id)
        if job.stage is not Stage.RUNNING:
            return
        waiting, who = about(job), Who(f"user:{job.user_id}" if job.user_id else "system", job.user_id)
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
        _end(job_id, Stage.STOPPED, str(refusal), now)
    except FileNotFoundError:
        _end(job_id, Stage.STOPPED, BROKEN, now)
    else:
        _end(job_id, Stage.DONE, str(outcome.batch_id), now, outcome)
    waiting.path.unlink(missing_ok=True)


def _tell(job_id: int, rows: int, now: datetime) -> None:
    with db.transaction() as session:
        job = session.get_one(Job, job_id)
        job.done, job.updated_at = rows, now


def _end(job_id: int, stage: Stage, note: str, now: datetime, outcome: Outcome | None = None) -> None:
    """``note``: the batch of a job that is done, the sentence of one that stopped."""
    with db.transaction() as session:
        job = session.get_one(Job, job_id)
        job.stage, job.note, job.updated_at = stage, note, now
        if outcome:
            job.done = job.total = outcome.rows
