"""Keep photos: the file first, the row that gives it to a ticket in the ticket's own transaction.

Photos of a form that is not sent yet wait in ``attachments/held``. A file without a row belongs to nobody (the form was
left, the transaction failed) and is swept after a day.
"""

import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.attachments import photos
from backend.attachments.models import Attachment
from backend.db import transaction
from backend.errors import DomainError, Invalid, NotFound, _
from backend.settings import get_settings
from backend.tickets.models import Ticket

MOST = 5
ORPHAN_AFTER = timedelta(days=1)
BATCH = 1000


@dataclass(frozen=True)
class WaitingPhoto:
    """A re-encoded photo that waits for its ticket: the name of its file and what its row will say."""

    key: str
    sha256: str
    size: int
    width: int
    height: int


class StorageFull(DomainError):
    """The disk refused; what was typed is not at fault."""

    status = 503

    def __init__(self) -> None:
        super().__init__(
            _("Máy chủ chưa lưu được ảnh lúc này. Xin gửi lại sau, hoặc gửi không kèm ảnh."), field="photos"
        )


def store_photo(session: Session, ticket_id: int, content: bytes, now: datetime) -> Attachment:
    """Keep a photo of a ticket. The same photo again is the one already kept.

    Raises Invalid (not a photo within the limits, or one too many), NotFound (no such ticket), NoRoom.
    """
    return attach_photos(session, ticket_id, [hold_photo(content)], now)[0]


def hold_photo(content: bytes) -> WaitingPhoto:
    """Check and re-encode a photo whose ticket is not there yet. Raises Invalid, NoRoom."""
    photo = photos.reencode(content)
    held = WaitingPhoto(
        secrets.token_hex(16), sha256(photo.content).hexdigest(), len(photo.content), photo.width, photo.height
    )
    try:
        _write(_held_path(held.key), photo.content)
    except OSError as failure:
        raise StorageFull from failure
    return held


def waiting(held: WaitingPhoto) -> bool:
    """Whether a held photo is still there: after a day it is swept."""
    return _held_path(held.key).is_file()


def attach_photos(session: Session, ticket_id: int, held: Sequence[WaitingPhoto], now: datetime) -> list[Attachment]:
    """Give held photos to a ticket, each under a new name: a form that is sent anew finds its photos still held.

    The ticket's row is locked, so that two messages of one album cannot pass the limit together.
    """
    if session.scalar(select(Ticket.id).where(Ticket.id == ticket_id).with_for_update()) is None:
        raise NotFound
    kept = {row.sha256: row for row in session.scalars(select(Attachment).where(Attachment.ticket_id == ticket_id))}
    for photo in held:
        digest = bytes.fromhex(photo.sha256)
        if digest in kept:
            continue
        if len(kept) == MOST:
            raise Invalid(_("Mỗi phản ánh kèm được nhiều nhất %(most)s ảnh."), field="photos", most=MOST)
        row = Attachment(
            ticket_id=ticket_id,
            key=_settle(photo),
            sha256=digest,
            size=photo.size,
            width=photo.width,
            height=photo.height,
            at=now,
        )
        session.add(row)
        kept[digest] = row
    session.flush()
    return [kept[bytes.fromhex(photo.sha256)] for photo in held]


def preview_photo(held: WaitingPhoto) -> bytes:
    """A small JPEG of a held photo. Raises NotFound where its file was swept meanwhile."""
    try:
        return photos.thumbnail(_held_path(held.key).read_bytes())
    except OSError as gone:
        raise NotFound from gone


def read_photo(photo: Attachment) -> bytes:
    """The picture. Raises NotFound where its file is gone."""
    try:
        return _path(photo.key).read_bytes()
    except OSError as failure:
        raise NotFound(_("Ảnh này hiện không mở được.")) from failure


def sweep_orphans(now: datetime) -> int:
    """Remove files of no ticket that are older than a day; returns how many. Two sweeps at once are harmless."""
    before = (now - ORPHAN_AFTER).timestamp()
    removed = 0
    for path in _old_files(_root() / "held", before):
        path.unlink(missing_ok=True)
        removed += 1
    paths = _old_files(_root(), before, pattern="[0-9a-f][0-9a-f]/*.jpg")
    while batch := {path.stem: path for path in islice(paths, BATCH)}:
        with transaction() as session:
            owned = set(session.scalars(select(Attachment.key).where(Attachment.key.in_(batch))))
        for key in batch.keys() - owned:
            batch[key].unlink(missing_ok=True)
            removed += 1
    return removed


def _old_files(folder: Path, before: float, pattern: str = "*.jpg") -> Iterator[Path]:
    """Files not touched since; half-written ones begin with a dot and end the same way, so they are among them."""
    for path in folder.glob(pattern):
        try:
            if path.stat().st_mtime < before:
                yield path
        except FileNotFoundError:
            continue


def _root() -> Path:
    return get_settings().data_dir / "attachments"


def _held_path(key: str) -> Path:
    return _root() / "held" / f"{key}.jpg"


def _path(key: str) -> Path:
    return _root() / key[:2] / f"{key}.jpg"


def _settle(photo: WaitingPhoto) -> str:
    """A second name for a held file, where it stays; the first is swept. The new one counts as just written."""
    key = secrets.token_hex(16)
    path = _path(key)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.link(_held_path(photo.key), path)
        os.utime(path)
    except FileNotFoundError as gone:
        raise Invalid(_("Ảnh đã chờ quá lâu và không còn nữa. Xin chọn lại ảnh."), field="photos") from gone
    except OSError as failure:
        raise StorageFull from failure
    return key


def _write(path: Path, content: bytes) -> None:
    """The whole file under its name or nothing, safely on the disk before a row can speak of it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
