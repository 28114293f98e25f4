"""Stores photos: first the file, then the row that gives it to a ticket, in the transaction of the ticket.

Photos of a form that is not sent yet wait in a separate folder. A file without a row belongs to no ticket (the form was
left, the transaction failed) and is removed after a day. Only the pool of decoders decodes pictures.
"""

import asyncio
import os
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.attachments import waiting_folder
from backend.attachments.decoder_pool import DecoderPool, DecodersBusy, decoder_pool
from backend.attachments.models import Attachment
from backend.attachments.picture_header import check_picture
from backend.db import transaction
from backend.errors import DomainError, Invalid, NotFound, _
from backend.settings import get_settings
from backend.tickets.models import Ticket

MOST = 5
BATCH = 1000


@dataclass(frozen=True)
class WaitingPhoto:
    """A re-encoded photo that waits for its ticket: the name of its file and the values of its row."""

    key: str
    sha256: str
    size: int
    width: int
    height: int


class StorageFull(DomainError):
    """The disk refused the photo; the sender did nothing wrong."""

    status = 503

    def __init__(self) -> None:
        super().__init__(
            _("Máy chủ chưa lưu được ảnh lúc này. Xin gửi lại sau, hoặc gửi không kèm ảnh."), field="photos"
        )


def store_photo(session: Session, ticket_id: int, content: bytes, now: datetime) -> Attachment:
    """Store a photo of a ticket. For a photo that the ticket already has, return the stored one.

    Raises Invalid (not a photo within the limits, or one too many), NotFound (no such ticket), StorageFull, TooMany.
    """
    return attach_photos(session, ticket_id, [hold_photo(content, now)], now)[0]


def hold_photo(content: bytes, now: datetime) -> WaitingPhoto:
    """Check and re-encode a photo that has no ticket yet, and wait for the result.

    Not for a thread that answers requests. Raises Invalid, StorageFull, TooMany (decoders or folder are full).
    """
    return _begin_holding(BytesIO(content), now).result()


async def hold_upload(file: BinaryIO, now: datetime) -> WaitingPhoto:
    """Check and re-encode an uploaded photo. It needs no thread and no connection while it waits.

    Raises Invalid, StorageFull, TooMany (decoders or folder are full).
    """
    return await asyncio.wrap_future(_begin_holding(file, now))


def _begin_holding(file: BinaryIO, now: datetime) -> Future[WaitingPhoto]:
    """Check the header first, so that a picture refused by its header takes no place in the pool."""
    check_picture(file)

    def work(pool: DecoderPool) -> WaitingPhoto:
        photo = pool.decode(file.read())
        key = secrets.token_hex(16)
        try:
            waiting_folder.keep_photo(key, photo, now)
        except OSError as failure:
            raise StorageFull from failure
        return WaitingPhoto(key, sha256(photo.content).hexdigest(), len(photo.content), photo.width, photo.height)

    return decoder_pool().submit(work)


def waiting(photo: WaitingPhoto) -> bool:
    """Return whether a waiting photo is still there: it is removed after a day."""
    return waiting_folder.is_waiting(photo.key)


def attach_photos(session: Session, ticket_id: int, photos: Sequence[WaitingPhoto], now: datetime) -> list[Attachment]:
    """Give waiting photos to a ticket, each under a new name: a form that is sent again still finds its waiting photos.

    The ticket's row is locked, so that two messages of one album cannot exceed the limit together. Raises NotFound,
    StorageFull; Invalid for a photo too many, or for one that waited too long.
    """
    if session.scalar(select(Ticket.id).where(Ticket.id == ticket_id).with_for_update()) is None:
        raise NotFound
    attached = {row.sha256: row for row in session.scalars(select(Attachment).where(Attachment.ticket_id == ticket_id))}
    for photo in photos:
        digest = bytes.fromhex(photo.sha256)
        if digest in attached:
            continue
        if len(attached) == MOST:
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
        attached[digest] = row
    session.flush()
    return [attached[bytes.fromhex(photo.sha256)] for photo in photos]


def preview_photo(photo: WaitingPhoto) -> bytes:
    """Return a small JPEG of a waiting photo. Raises NotFound where its file was removed meanwhile."""
    return waiting_folder.read_thumbnail(photo.key)


def read_photo(photo: Attachment) -> bytes:
    """Return the picture. Raises NotFound where its file is gone."""
    try:
        return _path(photo.key).read_bytes()
    except OSError as failure:
        raise NotFound(_("Ảnh này hiện không mở được.")) from failure


def read_reduced(photo: Attachment) -> bytes:
    """Return the reduced copy of a photo. A photo of an earlier release has none yet: then the copy is asked for, and
    the photo itself is returned once more. Nobody waits for a decoder. Raises NotFound where its file is gone."""
    try:
        return _reduced_path(photo.key).read_bytes()
    except OSError:
        content = read_photo(photo)
    with suppress(DecodersBusy):  # the next reader asks again
        decoder_pool().submit(partial(_reduce, photo.key, content))
    return content


def _reduce(key: str, content: bytes, pool: DecoderPool) -> None:
    """Store the reduced copy of a stored photo. Two at once write the same; what goes wrong is tried again later."""
    with suppress(OSError, DomainError):
        waiting_folder.write_file(_reduced_path(key), pool.decode(content).reduced)


def sweep_orphans(now: datetime) -> int:
    """Remove files of no ticket that are older than a day; return how many. Two sweeps at once are harmless."""
    before = now - waiting_folder.KEPT_FOR
    removed = waiting_folder.sweep(before)
    paths = _old_files(before.timestamp())
    while batch := [(_key_of(path), path) for path in islice(paths, BATCH)]:
        keys = {key for key, _path_of_key in batch}
        with transaction() as session:
            owned = set(session.scalars(select(Attachment.key).where(Attachment.key.in_(keys))))
        orphans = [path for key, path in batch if key not in owned]
        for path in orphans:
            path.unlink(missing_ok=True)
        removed += len(orphans)
    return removed


def _key_of(path: Path) -> str:
    """Return the key of a stored file: ``0a1b.jpg`` is a photo, ``0a1b.reduced.jpg`` its reduced copy."""
    return path.name.partition(".")[0]


def _old_files(before: float) -> Iterator[Path]:
    """Yield files, of tickets or of no ticket, that were not written since."""
    for path in _root().glob("[0-9a-f][0-9a-f]/*.jpg"):
        try:
            if path.stat().st_mtime < before:
                yield path
        except FileNotFoundError:
            continue


def _root() -> Path:
    return get_settings().data_dir / "attachments"


def _path(key: str) -> Path:
    return _root() / key[:2] / f"{key}.jpg"


def _reduced_path(key: str) -> Path:
    return _root() / key[:2] / f"{key}.reduced.jpg"


def _settle(photo: WaitingPhoto) -> str:
    """Give a waiting file a second name, which stays; the first is removed later. The file counts as just written."""
    key = secrets.token_hex(16)
    path = _path(key)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.link(waiting_folder.copy_path(photo.key), path)
        os.utime(path)
        with suppress(FileNotFoundError):  # a photo that waits since an earlier release has no reduced copy
            os.link(waiting_folder.reduced_path(photo.key), _reduced_path(key))
    except FileNotFoundError as gone:
        raise Invalid(_("Ảnh đã chờ quá lâu và không còn nữa. Xin chọn lại ảnh."), field="photos") from gone
    except OSError as failure:
        raise StorageFull from failure
    return key
