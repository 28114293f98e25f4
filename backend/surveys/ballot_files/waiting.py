"""Large files of ballots are imported by the worker. The file waits in a folder, and its job shows how far it is.

The waiting file has a random name and is removed when the job ends.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from backend import audit, db
from backend.errors import Invalid, _
from backend.files.options import NOTHING_SAID, ReadOptions
from backend.jobs import lease as leases
from backend.jobs.lease import JobLease
from backend.jobs.models import LongJob
from backend.jobs.service import GIVEN_UP, JobKind, ask_job, find_job
from backend.settings import get_settings
from backend.surveys.ballot_files import importing
from backend.surveys.ballot_files.ballot_reading import read_ballots_guarded
from backend.surveys.ballot_files.importing import ImportActor
from backend.surveys.ballot_files.read_choices import choices_written, write_choices

SUBJECT_MOST: Final = 200  # letters
LARGE: Final = 2_000_000  # bytes; a smaller file is imported within a second or two
BROKEN: Final = _("Việc nhập đã dừng vì lỗi của hệ thống; không có phiếu nào được lưu. Hãy thử lại.")
BALLOT_IMPORT: Final = JobKind("surveys.import", failed=BROKEN)


@dataclass(frozen=True)
class WaitingImport:
    """The subject of a job. ``code``: of the round; ``token``: the name of the waiting file; ``choices``: what its
    officer stated about it; ``file_name``: the name under which it was uploaded."""

    code: str
    token: str
    choices: str
    file_name: str

    @property
    def path(self) -> Path:
        return waiting_folder() / self.token


def waiting_folder() -> Path:
    folder = get_settings().data_dir / "surveys" / "waiting"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def begin_import(
    session: Session,
    code: str,
    content: bytes,
    file_name: str,
    user_id: int | None,
    now: datetime,
    options: ReadOptions = NOTHING_SAID,
) -> LongJob:
    """Store the file and the job. The caller hands the job to the worker after the commit."""
    token = secrets.token_hex(16)
    (waiting_folder() / token).write_bytes(content)
    start = f"{code}/{token}/{write_choices(options)}/"
    name = "".join(c for c in file_name if c.isprintable())[-max(SUBJECT_MOST - len(start), 1) :]
    return ask_job(session, BALLOT_IMPORT, start + name, now=now, user_id=user_id)


def waiting_file(subject: str) -> WaitingImport:
    """Return what the job with this subject is about. Jobs of earlier releases say nothing about how to read."""
    code, token, *rest = subject.split("/", 3)
    choices, file_name = rest if len(rest) > 1 else ("", *rest)
    return WaitingImport(code, token, choices, file_name)


def job_of(session: Session, job_id: int) -> LongJob:
    """Return a job of this kind. Raises NotFound."""
    return find_job(session, BALLOT_IMPORT, job_id)


def run_import(job_id: int, clock: Callable[[], datetime]) -> None:
    """Import the waiting file. An import that was interrupted can simply run again: a file that was imported is
    recognised by its checksum. When the job is done, its note is the id of the batch."""
    leases.run_job(BALLOT_IMPORT, job_id, clock, lambda lease: _import(lease, clock))
    with db.transaction() as session:
        job = job_of(session, job_id)
    if not job.under_way:
        waiting_file(job.subject).path.unlink(missing_ok=True)


def remove_stale_files(now: datetime) -> None:
    """Remove files that are older than any job that could still need them."""
    for path in waiting_folder().iterdir():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < (now - GIVEN_UP).timestamp():
                path.unlink()


def _import(lease: JobLease, clock: Callable[[], datetime]) -> None:
    waiting = waiting_file(lease.subject)
    who = ImportActor(audit.user_key(lease.user_id) if lease.user_id else "system", lease.user_id)
    try:
        stream = waiting.path.open("rb")
    except FileNotFoundError:
        raise Invalid(BROKEN) from None
    with stream:
        outcome = importing.import_file(
            stream,
            waiting.code,
            file_name=waiting.file_name,
            who=who,
            now=clock(),
            told=lambda rows: leases.report_progress(lease, rows, clock),
            options=choices_written(waiting.choices),
            reader=read_ballots_guarded,
        )
    with db.transaction() as session:
        leases.advance_job(session, lease, outcome.rows, now=clock(), total=outcome.rows)
        leases.finish_job(session, lease, now=clock(), note=str(outcome.batch_id))
