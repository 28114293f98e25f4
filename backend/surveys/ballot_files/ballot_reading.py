"""Read and judge a file of ballots, in this process or in a child process with limits.

The import of ballots and the page that checks a file ask here.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import BinaryIO, Final

from backend.files.faults import FileRefused, TableFault, file_named
from backend.files.options import NOTHING_SAID, ReadOptions
from backend.files.tables import open_table
from backend.jobs.guarded import limits_for, run_guarded
from backend.surveys.ballot_files import quarantine
from backend.surveys.ballot_files.frame import RoundFrame
from backend.surveys.ballot_files.quarantine import BallotReading, RowProgress

ENTRY: Final = b"PK\x01\x02"  # the first bytes of each entry in the directory of a zip
PARTS_MOST: Final = 2_000
SHEET: Final = re.compile(rb"<(?:\w+:)?sheet\b")
SHEETS_MOST: Final = 255  # as many as Excel makes by itself
BOOK_MOST: Final = 4_000_000  # bytes of the part that lists the sheets
BallotReader = Callable[[BinaryIO, RoundFrame, RowProgress, ReadOptions], BallotReading]


def read_ballots(
    stream: BinaryIO, frame: RoundFrame, report: RowProgress = lambda _rows: None, options: ReadOptions = NOTHING_SAID
) -> BallotReading:
    """Read and judge the ballots in a seekable stream. ``report`` is called with the number of rows read so far. Raises
    FileRefused."""
    table = open_table(stream)
    with file_named("", table.form.sheet):
        return quarantine.read_ballots(table, frame, report, options)


def read_ballots_guarded(
    stream: BinaryIO, frame: RoundFrame, report: RowProgress = lambda _rows: None, options: ReadOptions = NOTHING_SAID
) -> BallotReading:
    """Do the same in a child process with limits on time and memory: web processes and workers read uploaded files this
    way. Also raises Invalid or TooMany, as `run_guarded`."""
    content = stream.read()
    limits = limits_for(_unpacked_size(content))
    return run_guarded(read_content, content, frame, options, limits=limits, field="file", report=report)


def read_content(content: bytes, frame: RoundFrame, options: ReadOptions, report: RowProgress) -> BallotReading:
    """Do the work of the child process."""
    return read_ballots(io.BytesIO(content), frame, report, options)


def _unpacked_size(content: bytes) -> int:
    """Return the size in bytes of an unpacked workbook; for another file, that of the file. Raises FileRefused for a
    workbook that lists the same part twice, too many parts or too many sheets: each listing would be read again."""
    if not content.startswith(b"PK"):
        return len(content)
    if content.count(ENTRY) > PARTS_MOST:
        raise FileRefused(TableFault.ZIP_BOMB, size=len(content) // 1_000_000)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            parts = package.infolist()
            if len({part.filename for part in parts}) < len(parts):
                raise FileRefused(TableFault.NOT_A_TABLE)
            with package.open("xl/workbook.xml") as part:
                listed = len(SHEET.findall(part.read(BOOK_MOST)))
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, OSError, RuntimeError, EOFError):
        raise FileRefused(TableFault.NOT_A_TABLE) from None
    if listed > SHEETS_MOST:
        raise FileRefused(TableFault.TOO_MANY_SHEETS, most=SHEETS_MOST)
    return sum(part.file_size for part in parts)
