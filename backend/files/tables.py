"""A file as rows of texts, whatever it is: what it is told by its first bytes, never by its name. Pure.

Every cell is a text as it stood: numbers by their digits, a formula as ``=...``. Limits hold before anything is parsed.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Protocol

from backend.files.workbook import BallotWorkbook
from backend.surveys.ballot_files.faults import BallotFault, BallotFinding, FileRefused

MOST_BYTES: Final = 100_000_000
MOST_ROWS: Final = 200_000
MOST_COLUMNS: Final = 400
LONGEST_LINE: Final = 200_000
TOO_LONG: Final = "\x00"
DELIMITERS: Final = (",", ";", "\t", "|")
ZIP, OLE = b"PK", bytes.fromhex("d0cf11e0a1b11ae1")
WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(slots=True)
class BallotRow:
    """A line of the file with what is wrong with its form."""

    line: int
    cells: list[str]
    findings: list[BallotFinding] = field(default_factory=list)


class BallotTable(Protocol):
    """A header and the rows below it, read once. After the last row ``late`` tells what is wrong with earlier ones.
    ``heads_elsewhere``: name and first row of other sheets, which are not read."""

    header: list[str]
    serial_days: int | None
    heads_elsewhere: list[tuple[str, list[str]]]

    def __iter__(self) -> Iterator[BallotRow]: ...

    def late(self) -> dict[int, BallotFinding]: ...


def open_table(stream: BinaryIO) -> BallotTable:
    """The table in a seekable stream. Raises FileRefused."""
    size = stream.seek(0, io.SEEK_END)
    if size > MOST_BYTES:
        raise FileRefused(BallotFault.TOO_LARGE, most=MOST_BYTES // 1_000_000)
    stream.seek(0)
    start = stream.read(8)
    stream.seek(0)
    if start == OLE:
        raise FileRefused(BallotFault.ENCRYPTED)
    if start.startswith(ZIP):
        return SheetBallots(BallotWorkbook(stream))
    if start.startswith(WIDE_BOMS):
        raise FileRefused(BallotFault.ENCODING)
    return CsvBallots(stream)


class CsvBallots:
    """A CSV file in UTF-8, with or without a byte order mark; the separator is the one that the header has most of."""

    serial_days: int | None = None
    heads_elsewhere: list[tuple[str, list[str]]] = []

    def __init__(self, stream: BinaryIO) -> None:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        lines = _bounded(text)
        first = next(lines, "")
        if "\x00" in first:
            raise FileRefused(BallotFault.NOT_A_TABLE)
        if not_utf8(first):
            raise FileRefused(BallotFault.ENCODING)
        delimiter = max(DELIMITERS, key=first.count)
        self.header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
        self._text = text  # keeps the stream open
        self._rows = csv.reader(lines, delimiter=delimiter)

    def __iter__(self) -> Iterator[BallotRow]:
        width = len(self.header)
        while True:
            line = self._rows.line_num + 2
            try:
                cells = next(self._rows)
            except StopIteration:
                return
            except csv.Error:
                yield BallotRow(line, [], [BallotFinding("", BallotFault.QUOTES)])
                continue
            if any(cells):
                yield BallotRow(line, cells, [] if len(cells) == width else [_ragged(cells, width)])

    def late(self) -> dict[int, BallotFinding]:
        return {}


class SheetBallots:
    """The first visible sheet of a workbook."""

    def __init__(self, workbook: BallotWorkbook) -> None:
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
            raise FileRefused(BallotFault.HIDDEN_COLUMN, columns=", ".join(self.header[place] for place in hidden))

    def __iter__(self) -> Iterator[BallotRow]:
        """Cells left of the header's end are filled up: a workbook does not store empty cells at the end of a row."""
        width = len(self.header)
        for line, cells, hidden in self._rows:
            while len(cells) > width and not cells[-1]:
                cells.pop()
            if not any(cells):
                continue
            cells += [""] * (width - len(cells))
            findings = [BallotFinding("", BallotFault.HIDDEN_ROW)] if hidden else []
            yield BallotRow(line, cells, findings if len(cells) == width else [*findings, _ragged(cells, width)])

    def late(self) -> dict[int, BallotFinding]:
        """Rows with merged cells: a sheet tells of them after its rows."""
        found: dict[int, BallotFinding] = {}
        for top, bottom, name in self._workbook.merged:
            if top <= self._workbook.first_line:
                raise FileRefused(BallotFault.MERGED_HEADER, range=name)
            for line in range(top, min(bottom, top + MOST_ROWS) + 1):
                found[line] = BallotFinding("", BallotFault.MERGED_CELLS, {"range": name})
        return found


def not_utf8(text: str) -> bool:
    """Whether bytes that are no UTF-8 were read into this text (as lone surrogates)."""
    return not text.isascii() and any("\udc80" <= c <= "\udcff" for c in text)


def _ragged(cells: list[str], width: int) -> BallotFinding:
    if cells == [TOO_LONG]:
        return BallotFinding("", BallotFault.TOO_LONG, {"most": LONGEST_LINE})
    return BallotFinding("", BallotFault.RAGGED, {"found": len(cells), "wanted": width})


def _bounded(stream: io.TextIOWrapper) -> Iterator[str]:
    """Lines of the stream; one that is too long becomes a mark, and its rest is passed over."""
    while line := stream.readline(LONGEST_LINE):
        if len(line) < LONGEST_LINE or line.endswith(("\n", "\r")):
            yield line
            continue
        while line and not line.endswith(("\n", "\r")):
            line = stream.readline(LONGEST_LINE)
        yield f"{TOO_LONG}\n"
