"""A file as rows of texts, whatever it is: what it is told by its first bytes, never by its name. Pure.

Every cell is a text as it stood: numbers by their digits, a formula as ``=...``. Limits hold before anything is parsed.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Protocol

from backend.files.workbook import Workbook
from backend.surveys.ballot_files.faults import Fault, FileRefused, Finding

MOST_BYTES: Final = 100_000_000
MOST_ROWS: Final = 200_000
MOST_COLUMNS: Final = 400
LONGEST_LINE: Final = 200_000
TOO_LONG: Final = "\x00"
DELIMITERS: Final = (",", ";", "\t", "|")
ZIP, OLE = b"PK", bytes.fromhex("d0cf11e0a1b11ae1")
WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(slots=True)
class Row:
    """A line of the file with what is wrong with its form."""

    line: int
    cells: list[str]
    findings: list[Finding] = field(default_factory=list)


class Table(Protocol):
    """A header and the rows below it, read once. After the last row ``late`` tells what is wrong with earlier ones.
    ``heads_elsewhere``: name and first row of other sheets, which are not read."""

    header: list[str]
    serial_days: int | None
    heads_elsewhere: list[tuple[str, list[str]]]

    def __iter__(self) -> Iterator[Row]: ...

    def late(self) -> dict[int, Finding]: ...


def open_table(stream: BinaryIO) -> Table:
    """The table in a seekable stream. Raises FileRefused."""
    size = stream.seek(0, io.SEEK_END)
    if size > MOST_BYTES:
        raise FileRefused(Fault.TOO_LARGE, most=MOST_BYTES // 1_000_000)
    stream.seek(0)
    start = stream.read(8)
    stream.seek(0)
    if start == OLE:
        raise FileRefused(Fault.ENCRYPTED)
    if start.startswith(ZIP):
        return Sheet(Workbook(stream))
    if start.startswith(WIDE_BOMS):
        raise FileRefused(Fault.ENCODING)
    return Commas(stream)


class Commas:
    """A CSV file in UTF-8, with or without a byte order mark; the separator is the one that the header has most of."""

    serial_days: int | None = None
    heads_elsewhere: list[tuple[str, list[str]]] = []

    def __init__(self, stream: BinaryIO) -> None:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        lines = _bounded(text)
        first = next(lines, "")
        if "\x00" in first:
            raise FileRefused(Fault.NOT_A_TABLE)
        if not_utf8(first):
            raise FileRefused(Fault.ENCODING)
        delimiter = max(DELIMITERS, key=first.count)
        self.header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
        self._text = text  # keeps the stream open
        self._rows = csv.reader(lines, delimiter=delimiter)

    def __iter__(self) -> Iterator[Row]:
        width = len(self.header)
        while True:
            line = self._rows.line_num + 2
            try:
                cells = next(self._rows)
            except StopIteration:
                return
            except csv.Error:
                yield Row(line, [], [Finding("", Fault.QUOTES)])
                continue
            if any(cells):
                yield Row(line, cells, [] if len(cells) == width else [_ragged(cells, width)])

    def late(self) -> dict[int, Finding]:
        return {}


class Sheet:
    """The first visible sheet of a workbook."""

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self._rows = workbook.rows()
        first = next((cells for _line, cells, _hidden in self._rows if any(cells)), [])
        while first and not first[-1]:
            first.pop()
        self.header = [name.strip() for name in first]
        self.serial_days: int | None = workbook.serial_days
        self.heads_elsewhere = list(workbook.heads_elsewhere())
        hidden = workbook.hidden_columns(len(self.header))
        if hidden:
            raise FileRefused(Fault.HIDDEN_COLUMN, columns=", ".join(self.header[place] for place in hidden))

    def __iter__(self) -> Iterator[Row]:
        """Cells left of the header's end are filled up: a workbook does not store empty cells at the end of a row."""
        width = len(self.header)
        for line, cells, hidden in self._rows:
            while len(cells) > width and not cells[-1]:
                cells.pop()
            if not any(cells):
                continue
            cells += [""] * (width - len(cells))
            findings = [Finding("", Fault.HIDDEN_ROW)] if hidden else []
            yield Row(line, cells, findings if len(cells) == width else [*findings, _ragged(cells, width)])

    def late(self) -> dict[int, Finding]:
        """Rows with merged cells: a sheet tells of them after its rows."""
        found: dict[int, Finding] = {}
        for top, bottom, name in self._workbook.merged:
            if top <= self._workbook.first_line:
                raise FileRefused(Fault.MERGED_HEADER, range=name)
            for line in range(top, min(bottom, top + MOST_ROWS) + 1):
                found[line] = Finding("", Fault.MERGED_CELLS, {"range": name})
        return found


def not_utf8(text: str) -> bool:
    """Whether bytes that are no UTF-8 were read into this text (as lone surrogates)."""
    return not text.isascii() and any("\udc80" <= c <= "\udcff" for c in text)


def _ragged(cells: list[str], width: int) -> Finding:
    if cells == [TOO_LONG]:
        return Finding("", Fault.TOO_LONG, {"most": LONGEST_LINE})
    return Finding("", Fault.RAGGED, {"found": len(cells), "wanted": width})


def _bounded(stream: io.TextIOWrapper) -> Iterator[str]:
    """Lines of the stream; one that is too long becomes a mark, and its rest is passed over."""
    while line := stream.readline(LONGEST_LINE):
        if len(line) < LONGEST_LINE or line.endswith(("\n", "\r")):
            yield line
            continue
        while line and not line.endswith(("\n", "\r")):
            line = stream.readline(LONGEST_LINE)
        yield f"{TOO_LONG}\n"
