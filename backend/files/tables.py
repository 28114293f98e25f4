"""A file as rows of texts, CSV or workbook. The first bytes show its kind; its name does not matter. Pure.

Every cell is a text as it stands in the file: a number by its digits, a formula as ``=...``. Limits are checked before
anything is parsed.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Protocol
from unicodedata import normalize

from backend.errors import Invalid, _
from backend.files.faults import FileRefused, RowFinding, TableFault
from backend.files.names import is_total, name_key
from backend.files.text import few_marks
from backend.files.texts import LONGEST_LINE, SURROGATE, TOO_LONG, RecordReader
from backend.files.workbook import BallotWorkbook

MOST_BYTES: Final = 100_000_000
MOST_ROWS: Final = 200_000
MOST_COLUMNS: Final = 400
LONGEST_SHOWN: Final = 500
ZIP, OLE = b"PK", bytes.fromhex("d0cf11e0a1b11ae1")
WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")
CONTROL: Final = re.compile("[\x01-\x08\x0e-\x1f]")
SIGN_NAMES: Final = {",": _("dấu phẩy"), ";": _("dấu chấm phẩy"), "\t": _("tab"), "|": _("gạch đứng")}


@dataclass(slots=True)
class TableRow:
    """A line of the file, with the findings about its form."""

    line: int
    cells: list[str]
    findings: list[RowFinding] = field(default_factory=list)


@dataclass(frozen=True)
class TableForm:
    """How a table is written: the separator of a CSV file, or the sheet of a workbook and its hidden sheets."""

    kind: str
    separator: str = ""
    sheet: str = ""
    hidden_sheets: tuple[str, ...] = ()

    def sentence(self) -> str:
        """Return the sentence that says what was read."""
        if not self.sheet:
            return f"CSV, UTF-8, cột cách nhau bằng {SIGN_NAMES[self.separator]}"
        hidden = f" (không đọc trang ẩn: {', '.join(self.hidden_sheets)})" if self.hidden_sheets else ""
        return f"XLSX, trang “{self.sheet}”{hidden}"


class BallotTable(Protocol):
    """A header and the rows below it, read once. ``late``: findings about rows that are known only after the last row.
    ``heads_elsewhere``: name and first row of other sheets, which are not read."""

    header: list[str]
    serial_days: int | None
    heads_elsewhere: list[tuple[str, list[str]]]
    form: TableForm

    def __iter__(self) -> Iterator[TableRow]: ...

    def late(self) -> dict[int, RowFinding]: ...

    def release(self) -> None:
        """Release the stream, so that another table may read it from its beginning."""


def open_table(stream: BinaryIO, most_bytes: int | None = MOST_BYTES) -> BallotTable:
    """Return the table in a seekable stream. ``most_bytes``: none for any size. Raises FileRefused."""
    size = stream.seek(0, io.SEEK_END)
    if most_bytes is not None and size > most_bytes:
        raise FileRefused(TableFault.TOO_LARGE, most=most_bytes // 1_000_000)
    stream.seek(0)
    start = stream.read(8)
    stream.seek(0)
    if start == OLE:
        raise FileRefused(TableFault.ENCRYPTED)
    if start.startswith(ZIP):
        return SheetTable(BallotWorkbook(stream))
    if start.startswith(WIDE_BOMS):
        raise FileRefused(TableFault.ENCODING)
    return CsvTable(stream)


class CsvTable:
    """A CSV file in UTF-8, with or without a byte order mark."""

    serial_days: int | None = None
    heads_elsewhere: list[tuple[str, list[str]]] = []

    def __init__(self, stream: BinaryIO) -> None:
        # The wrapper is an attribute, so that the stream stays open as long as the table is read.
        self._text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self._records = RecordReader(self._text)
        form = self.text_form = self._records.form
        together = "".join(form.header)
        if CONTROL.search(together):
            raise FileRefused(TableFault.NOT_A_TABLE)
        if "\x00" in together or not_utf8(together):
            raise FileRefused(TableFault.ENCODING)  # UTF-16 without its mark is full of NUL
        self.header = [heading(name) for name in form.header]
        self.form = TableForm("csv", separator=form.separator)

    def __iter__(self) -> Iterator[TableRow]:
        width = len(self.header)
        for line, cells in self._records:
            if cells is None:
                yield TableRow(line, [self._records.broken()], [RowFinding(TableFault.QUOTES)])
            else:
                yield TableRow(line, cells, [] if len(cells) == width else [_ragged(cells, width)])

    def late(self) -> dict[int, RowFinding]:
        return {}

    def release(self) -> None:
        self._text.detach()


class SheetTable:
    """The first visible sheet of a workbook."""

    def __init__(self, workbook: BallotWorkbook) -> None:
        self._workbook = workbook
        self._rows = workbook.rows()
        first = next((cells for _line, cells, _hidden in self._rows if any(cells)), [])
        while first and not first[-1]:
            first.pop()
        self.header = [heading(name) for name in first]
        self.serial_days: int | None = workbook.serial_days
        self.heads_elsewhere = list(workbook.heads_elsewhere())
        self.form = TableForm("xlsx", sheet=workbook.title, hidden_sheets=tuple(workbook.hidden_titles))
        hidden = workbook.hidden_columns(len(self.header))
        if hidden:
            raise FileRefused(TableFault.HIDDEN_COLUMN, columns=", ".join(self.header[place] for place in hidden))

    def __iter__(self) -> Iterator[TableRow]:
        """Yield rows, filled up to the width of the header: a workbook does not store empty cells at the end of a
        row."""
        width = len(self.header)
        for line, cells, hidden in self._rows:
            while len(cells) > width and not cells[-1]:
                cells.pop()
            if not any(cells):
                continue
            cells += [""] * (width - len(cells))
            findings = [RowFinding(TableFault.HIDDEN_ROW)] if hidden else []
            yield TableRow(line, cells, findings if len(cells) == width else [*findings, _ragged(cells, width)])

    def late(self) -> dict[int, RowFinding]:
        """Return findings for rows with merged cells: a sheet lists them after its rows. Each row has one finding,
        however many merged areas lie over it."""
        findings: dict[int, RowFinding] = {}
        line = self._workbook.first_line
        for top, bottom, name in sorted(self._workbook.merged):
            if top <= self._workbook.first_line:
                raise FileRefused(TableFault.MERGED_HEADER, range=name)
            line = max(line, top)
            while line <= min(bottom, self._workbook.last_line):
                findings[line] = RowFinding(TableFault.MERGED_CELLS, {"range": name})
                line += 1
        return findings

    def release(self) -> None:
        """A workbook does not close its stream."""


def heading(text: str) -> str:
    """Return the name of a column in the form that is compared: NFC, without blanks around it."""
    bare = text.strip().lstrip("\ufeff")
    return bare if bare.isascii() else normalize("NFC", few_marks(bare))


def find_columns(header: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Return the positions of columns by name. Letter case and the position of tone marks do not matter, unless two
    columns differ in nothing else. Raises FileRefused with the columns that are missing or stand twice."""
    if not any(header):
        raise FileRefused(TableFault.EMPTY_FILE)
    places = {name: _places_of(header, name) for name in wanted}
    if missing := [name for name in wanted if not places[name]]:
        there = ", ".join(header)[:LONGEST_SHOWN]
        raise FileRefused(TableFault.MISSING_HEADING, missing=", ".join(missing), found=there)
    if twice := [name for name in wanted if len(places[name]) > 1]:
        raise FileRefused(TableFault.HEADING_TWICE, twice=", ".join(twice))
    return [places[name][0] for name in wanted]


def _places_of(header: Sequence[str], name: str) -> list[int]:
    name = heading(name)
    exact = [place for place, head in enumerate(header) if head == name]
    return exact or [place for place, head in enumerate(header) if name_key(head) == name_key(name)]


def refuse_more_sheets(table: BallotTable, wanted: Sequence[str]) -> None:
    """Refuse a workbook in which another visible sheet has the same columns: its rows would be lost."""
    keys = {name_key(name) for name in wanted}
    for title, head in table.heads_elsewhere:
        if title not in table.form.hidden_sheets and keys <= {name_key(heading(name)) for name in head}:
            raise FileRefused(TableFault.MORE_SHEETS, sheet="".join(c for c in title[:40] if c.isprintable()))


def totals_finding(cells: Sequence[str]) -> RowFinding | None:
    """Return the finding for a row of totals, none for another row."""
    total = next((cell for cell in cells if is_total(cell)), None)
    return None if total is None else RowFinding(TableFault.TOTALS_ROW, {"value": total.strip()[:40]})


def not_utf8(text: str) -> bool:
    """Return whether the text holds bytes that are not UTF-8 (read as lone surrogates)."""
    return not text.isascii() and SURROGATE.search(text) is not None


def open_failed(name: str) -> Invalid:
    """Return the refusal of a file that cannot be opened."""
    return Invalid(_("Không mở được tệp “%(file)s”."), file=name)


def _ragged(cells: list[str], width: int) -> RowFinding:
    if cells == [TOO_LONG]:
        return RowFinding(TableFault.TOO_LONG, {"most": LONGEST_LINE})
    return RowFinding(TableFault.RAGGED, {"found": len(cells), "wanted": width})
