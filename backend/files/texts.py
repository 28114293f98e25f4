"""A CSV file as records: separator, heading and lines. Pure.

A quotation mark that does not close spoils only its own line: the lines after it are read again.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TextIO

from backend.files.faults import FileRefused, TableFault

LONGEST_LINE: Final = 200_000
LONGEST_RECORD: Final = (
    50_000  # characters in a cell with line ends; looking further for its last quote would find that of another cell
)
TOO_LONG: Final = (
    "\x00"  # stands for a line that was too long; a row of one cell, so it is refused with its line number
)
SEPARATORS: Final = (",", ";", "\t", "|")
SEPARATOR_LINE: Final = re.compile(r"\"?sep=(?P<sign>[,;|\t])\"?[,;|\t]*\s*", re.IGNORECASE)
QUOTED: Final = re.compile(r"\"(?:[^\"]|\"\")*\"?")
SURROGATE: Final = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class TextForm:
    """How a CSV file is written. ``lines_before``: lines above the heading (``sep=;``)."""

    separator: str
    header: tuple[str, ...]
    lines_before: int


class RecordReader:
    """Reads the records of a text stream once. Open the stream as ``utf-8-sig`` with ``surrogateescape`` and
    ``newline=""``, so that bytes of another encoding are seen at their line. Raises FileRefused for the heading."""

    def __init__(self, stream: TextIO) -> None:
        self._lines = _NumberedLines(stream)
        sign = self._declared_separator()
        before = self._lines.number
        self._records = csv.reader(self._lines, delimiter=sign or self._guessed_separator(), strict=True)
        self.form = TextForm(self._records.dialect.delimiter, tuple(self._heading()), before)

    def __iter__(self) -> Iterator[tuple[int, list[str] | None]]:
        """Yield the first line of each record and its cells; none for cells where quotes are broken (see
        ``broken``)."""
        while True:
            self._lines.next_record()
            line = self._lines.number + 1
            try:
                cells = next(self._records)
            except StopIteration:
                return
            except csv.Error:
                yield line, None
                continue
            if any(cells):
                yield line, cells

    def broken(self) -> str:
        """Return the line whose quotes are broken, as it stands. The lines after it are read as if it were not
        there."""
        return self._lines.give_back()

    def _declared_separator(self) -> str | None:
        declared = SEPARATOR_LINE.fullmatch(self._lines.peek())
        if declared is None:
            return None
        next(self._lines)
        self._lines.next_record()
        return declared["sign"]

    def _guessed_separator(self) -> str:
        """Return the most frequent separator in the heading, outside quotation marks. Raises FileRefused for a tie."""
        bare = QUOTED.sub("", self._lines.peek())
        counts = {sign: bare.count(sign) for sign in SEPARATORS}
        most = max(counts.values())
        likely = [sign for sign in SEPARATORS if counts[sign] == most]
        if most and len(likely) > 1:
            raise FileRefused(TableFault.SEPARATOR, signs=" ".join(likely).replace("\t", "tab"))
        return likely[0]

    def _heading(self) -> list[str]:
        if self._lines.peek() == f"{TOO_LONG}\n":
            raise FileRefused(TableFault.TOO_LONG, most=LONGEST_LINE)
        try:
            return next(self._records, [])
        except csv.Error:
            if "\x00" in self._lines.first:
                raise FileRefused(TableFault.ENCODING) from None
            raise FileRefused(TableFault.BROKEN_HEADER) from None


class _NumberedLines:
    """The lines of a stream with their numbers. A line that is too long becomes a mark, and its rest is skipped. When a
    record fails, all its lines but the first are read again."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._record: list[str] = []
        self._length = 0
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._record and self._length > LONGEST_RECORD:
            raise StopIteration
        line = self._waiting.popleft() if self._waiting else self._read()
        if not line:
            raise StopIteration
        self._record.append(line)
        self._length += len(line)
        self.number += 1
        return line

    @property
    def first(self) -> str:
        """The first line of the current record."""
        return self._record[0] if self._record else ""

    def peek(self) -> str:
        """Return the next line without moving on."""
        self._waiting.appendleft(self._waiting.popleft() if self._waiting else self._read())
        return self._waiting[0]

    def next_record(self) -> None:
        """Begin a new record."""
        self._record.clear()
        self._length = 0

    def give_back(self) -> str:
        """Put all lines of this record but the first back, and return the first without its end."""
        first, *rest = self._record
        self._waiting.extendleft(reversed(rest))
        self.number -= len(rest)
        return first.rstrip("\r\n")

    def _read(self) -> str:
        line = self._stream.readline(LONGEST_LINE)
        if len(line) < LONGEST_LINE or line.endswith(("\n", "\r")):
            return line
        while line and not line.endswith(("\n", "\r")):
            line = self._stream.readline(LONGEST_LINE)
        return f"{TOO_LONG}\n"
