"""The folder of photos whose form is not sent yet: each as a copy and two smaller ones, up to a total size.

A photo waits a day at most. Where the folder is full, photos that have waited for an hour are removed first: a form is
filled in within an hour, and somebody who fills the folder with photos must not block it for everybody until tomorrow.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from backend.attachments.decoder_answer import EncodedPhoto
from backend.errors import NotFound, TooMany, _
from backend.settings import get_settings

MOST_BYTES: Final = 2 * 1024**3  # about 3,000 photos of phones
KEPT_FOR: Final = timedelta(days=1)
KEPT_WHEN_FULL: Final = timedelta(hours=1)
RETRY_AFTER: Final = 600  # seconds


class WaitingFolderFull(TooMany):
    """Too many photos wait for their forms."""

    def __init__(self) -> None:
        super().__init__(
            _("Đang có quá nhiều ảnh chờ gửi nên máy chủ chưa nhận thêm. Xin gửi lại sau, hoặc gửi không kèm ảnh."),
            retry_after=RETRY_AFTER,
        )


def copy_path(key: str) -> Path:
    """Return the path of the copy of a waiting photo."""
    return _folder() / f"{key}.jpg"


def reduced_path(key: str) -> Path:
    """Return the path of the reduced copy of a waiting photo."""
    return _folder() / f"{key}.reduced.jpg"


def is_waiting(key: str) -> bool:
    return copy_path(key).is_file()


def read_thumbnail(key: str) -> bytes:
    """Return the small picture. Raises NotFound where the photo was removed meanwhile."""
    try:
        return _thumbnail_path(key).read_bytes()
    except OSError as gone:
        raise NotFound from gone


def keep_photo(key: str, photo: EncodedPhoto, now: datetime) -> None:
    """Store a waiting photo. Raises WaitingFolderFull, OSError where the disk refuses."""
    _make_room(len(photo.content) + len(photo.thumbnail) + len(photo.reduced), now)
    try:
        write_file(copy_path(key), photo.content)
        write_file(_thumbnail_path(key), photo.thumbnail)
        write_file(reduced_path(key), photo.reduced)
    except BaseException:
        copy_path(key).unlink(missing_ok=True)
        raise


def sweep(before: datetime) -> int:
    """Remove files last written before a moment, half-written ones too; return how many. Two sweeps at once are
    harmless."""
    old = [path for path, status in _files() if status.st_mtime < before.timestamp()]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _make_room(size: int, now: datetime) -> None:
    if _bytes_waiting() + size <= MOST_BYTES:
        return
    sweep(now - KEPT_WHEN_FULL)
    if _bytes_waiting() + size > MOST_BYTES:
        raise WaitingFolderFull


def _bytes_waiting() -> int:
    return sum(status.st_size for _path, status in _files())


def _files() -> Iterator[tuple[Path, os.stat_result]]:
    with suppress(FileNotFoundError), os.scandir(_folder()) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                yield Path(entry.path), entry.stat()


def _folder() -> Path:
    return get_settings().data_dir / "attachments" / "held"


def _thumbnail_path(key: str) -> Path:
    return _folder() / f"{key}.small.jpg"


def write_file(path: Path, content: bytes) -> None:
    """Write the complete file under its name or nothing. It is on the disk before a row can name it."""
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
