"""Exports of lists: asked for, written to a file, downloaded by the same person with the same right, removed.

A short list is written at once. A long one is left to a worker, and its job shows how far it is. Who exported which
list, and how many rows it had, stands in the history of the account; words and rows do not.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import audit, db
from backend.desk.exports.lists import ExportedList, ListReading, Rows, find_list, table_of_list
from backend.desk.exports.models import ExportFormat, ListExport
from backend.errors import Conflict, Forbidden, Invalid, NotFound, _
from backend.files.sheets import Value, write_csv, write_workbook
from backend.jobs import lease as leases
from backend.jobs.lease import JobLease
from backend.jobs.models import LongJob
from backend.jobs.service import JobKind, ask_job, find_job, find_latest_job
from backend.settings import get_settings
from backend.users import service as users
from backend.users.models import User
from backend.users.policy import Actor, can
from backend.worktime.calendar import local_time

AT_ONCE_MOST: Final = 2_000  # rows that are written while the reader waits, within a second
ROWS_MOST: Final = 500_000  # about four minutes; a task may take ten
UNDER_WAY_MOST: Final = 3  # exports of one person that a worker has not finished
KEPT_FOR: Final = timedelta(hours=24)
ORPHANED_AFTER: Final = timedelta(days=2)
PROGRESS_EVERY: Final = 1_000  # rows
SHOWN_MOST: Final = 30  # exports on the page of a person
NO_RIGHT: Final = _("Quyền của bạn đã thay đổi nên tệp này đã bị xóa. Hãy xuất lại nếu còn được xem danh sách.")
TOO_LONG: Final = _("Danh sách dài hơn 500.000 dòng. Hãy lọc bớt rồi xuất.")
GONE: Final = _("Tệp này không còn nữa. Hãy xuất lại.")
EXPORT: Final = JobKind("exports.make", failed=_("Chưa lập được tệp vì lỗi của hệ thống. Hãy xuất lại."))


def ask_export(
    session: Session,
    actor: Actor,
    list_key: str,
    file_format: str,
    filters: Mapping[str, str],
    *,
    language: str,
    now: datetime,
) -> tuple[ListExport, LongJob | None]:
    """Export a list; return its export, and the job that writes it where the list is long.

    Hand the job to a worker after the commit. Raises Forbidden, Conflict (too many under way) and Invalid (no such
    list, format or filter).
    """
    exported = find_list(list_key)
    if file_format not in set(ExportFormat):
        raise Invalid(_("Hãy chọn CSV hoặc Excel."), field="format")
    if actor.user_id is None or not can(actor, exported.permission):
        raise Forbidden
    users.lock_user(session, actor.user_id)
    _check_under_way(session, actor.user_id)
    export = ListExport(
        user_id=actor.user_id,
        role=actor.role,
        unit_id=actor.unit_id,
        list_key=list_key,
        file_format=ExportFormat(file_format),
        filters=dict(filters),
        language=language,
        file_key=secrets.token_hex(16),
        asked_at=now,
        expires_at=now + KEPT_FOR,
    )
    session.add(export)
    session.flush()
    rows = _write_file(export, exported, _reading(session, actor, export), most=AT_ONCE_MOST)
    if rows is not None:
        _note_ready(session, export, actor, rows, now)
        return export, None
    return export, ask_job(session, EXPORT, str(export.id), now=now, user_id=actor.user_id)


def run_export(job_id: int, clock: Callable[[], datetime]) -> None:
    """Write the file of a job and report progress. Why there is no file is stored with the export."""
    try:
        leases.run_job(EXPORT, job_id, clock, lambda lease: _work(lease, clock))
    finally:
        with db.transaction() as session:
            job = find_job(session, EXPORT, job_id)
            export = session.get_one(ListExport, int(job.subject), with_for_update=True)
            if export.under_way and not job.under_way:
                _remove(export, clock(), job.note)


def list_exports(session: Session, actor: Actor) -> Sequence[tuple[ListExport, LongJob | None]]:
    """Return the latest exports of a person, each with its job where a worker writes it."""
    exports = session.scalars(
        select(ListExport).where(ListExport.user_id == actor.user_id).order_by(ListExport.id.desc()).limit(SHOWN_MOST)
    )
    return [
        (export, find_latest_job(session, EXPORT, str(export.id)) if export.under_way else None) for export in exports
    ]


def open_export(session: Session, actor: Actor, export_id: int, now: datetime) -> tuple[ListExport, Path]:
    """Return an export and its file for its owner, and record the download.

    Raises NotFound where there is no such file for this person, and Forbidden where they no longer have the right of
    the time when they asked; the file is then removed.
    """
    export = session.get(ListExport, export_id, with_for_update=True)
    if export is None or export.user_id != actor.user_id or not export.is_offered(now):
        raise NotFound(GONE)
    if not _has_same_right(actor, export):
        _remove(export, now)
        raise Forbidden(NO_RIGHT)
    path = _path(export)
    if not path.exists():
        raise NotFound(GONE)
    users.lock_user(session, export.user_id)
    audit.record(session, actor.key, "export_downloaded", actor=actor.key, now=now, data={"export": export.id})
    return export, path


def sweep_exports(now: datetime) -> int:
    """Remove files that have expired or whose owner no longer has the right, and files of no export; return how many.

    Two sweeps at once are harmless.
    """
    with db.transaction() as session:
        kept = select(ListExport).where(ListExport.removed_at.is_(None)).with_for_update(skip_locked=True)
        to_remove = [export for export in session.scalars(kept) if _must_go(session, export, now)]
        for export in to_remove:
            _remove(export, now)
        known = set(session.scalars(select(ListExport.file_key).where(ListExport.removed_at.is_(None))))
    return len(to_remove) + _remove_orphans(known, now)


def _work(lease: JobLease, clock: Callable[[], datetime]) -> None:
    with db.transaction() as session:
        export = session.get_one(ListExport, int(lease.subject))
        actor = _actor_of(session, export)
        if not _has_same_right(actor, export):
            raise Forbidden(NO_RIGHT)
        reading = _reading(session, actor, export)
        rows = _write_file(export, find_list(export.list_key), reading, most=ROWS_MOST, lease=lease, clock=clock)
    if rows is None:
        raise Invalid(TOO_LONG)
    with db.transaction() as session:
        users.lock_user(session, export.user_id)
        stored = session.get_one(ListExport, export.id, with_for_update=True)
        _note_ready(session, stored, actor, rows, clock())
        leases.advance_job(session, lease, rows, now=clock(), total=rows)
        leases.finish_job(session, lease, now=clock(), note=str(export.id))


def _note_ready(session: Session, export: ListExport, actor: Actor, rows: int, now: datetime) -> None:
    """Record that a list was exported: which one, in which format and how many rows, but no content."""
    export.ready_at, export.row_count = now, rows
    data = {"export": export.id, "list": export.list_key, "format": export.file_format.value, "rows": rows}
    audit.record(session, actor.key, "list_exported", actor=actor.key, now=now, data=data)
    session.flush()


def _write_file(
    export: ListExport,
    exported: ExportedList,
    reading: ListReading,
    *,
    most: int,
    lease: JobLease | None = None,
    clock: Callable[[], datetime] | None = None,
) -> int | None:
    """Write the file row by row and return the number of rows. Return None, and keep no file, above ``most`` rows."""
    counter = _RowCounter(lease, clock)
    path = _path(export)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    try:
        with unfinished.open("wb") as stream:
            rows = counter.count(islice(table_of_list(exported, reading), most + 2))
            if export.file_format is ExportFormat.CSV:
                write_csv(stream, rows)
            else:
                write_workbook(stream, {reading.say(exported.title): rows})
        if counter.rows > most:
            return None
        unfinished.rename(path)
        return counter.rows
    finally:
        unfinished.unlink(missing_ok=True)


class _RowCounter:
    """Counts rows while they are written, without the header, and reports progress for a worker."""

    def __init__(self, lease: JobLease | None, clock: Callable[[], datetime] | None) -> None:
        self.rows = -1
        self.lease, self.clock = lease, clock

    def count(self, table: Iterator[Sequence[Value]]) -> Rows:
        for row in table:
            self.rows += 1
            if self.lease is not None and self.clock is not None and self.rows % PROGRESS_EVERY == 1:
                leases.report_progress(self.lease, self.rows, self.clock)
            yield row


def _reading(session: Session, actor: Actor, export: ListExport) -> ListReading:
    today = local_time(export.asked_at).date()
    return ListReading(session, actor, dict(export.filters), today, export.language, export.asked_at)


def _check_under_way(session: Session, user_id: int) -> None:
    count = session.scalar(
        select(func.count()).where(
            ListExport.user_id == user_id, ListExport.ready_at.is_(None), ListExport.removed_at.is_(None)
        )
    )
    if (count or 0) >= UNDER_WAY_MOST:
        raise Conflict(_("Bạn đang có %(n)s tệp chờ lập. Hãy đợi xong một tệp rồi xuất tiếp."), n=count)


def _actor_of(session: Session, export: ListExport) -> Actor:
    """Return the owner of an export as they are now. Raises Forbidden where the account is closed."""
    user = session.get_one(User, export.user_id, populate_existing=True)
    if not user.active:
        raise Forbidden(NO_RIGHT)
    return Actor(user.role, user.id, user.unit_id, user.name, audit.user_key(user.id))


def _has_same_right(actor: Actor, export: ListExport) -> bool:
    """Return whether the owner has the role, the unit and the permission of the time when they asked."""
    same_place = (actor.role, actor.unit_id) == (export.role, export.unit_id)
    return same_place and can(actor, find_list(export.list_key).permission)


def _must_go(session: Session, export: ListExport, now: datetime) -> bool:
    if export.expires_at <= now:
        return True
    job = find_latest_job(session, EXPORT, str(export.id)) if export.under_way else None
    if job is not None and not job.under_way:
        return True
    user = session.get_one(User, export.user_id)
    return not user.active or not _has_same_right(Actor(user.role, user.id, user.unit_id), export)


def _remove(export: ListExport, now: datetime, refusal: str = "") -> None:
    """Remove the file and forget the filters."""
    _path(export).unlink(missing_ok=True)
    export.removed_at, export.filters, export.refusal = now, {}, refusal


def _remove_orphans(known: set[str], now: datetime) -> int:
    """Remove files of no export that were not written for a while; a worker may be writing a fresh one."""
    removed = 0
    for path in _folder().glob("*"):
        if path.stem not in known and path.stat().st_mtime < (now - ORPHANED_AFTER).timestamp():
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _folder() -> Path:
    return get_settings().data_dir / "exports"


def _path(export: ListExport) -> Path:
    return _folder() / f"{export.file_key}.{export.file_format.value}"
