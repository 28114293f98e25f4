"""Reads the rows of an .xlsx workbook in one pass and within limits. It also finds hidden rows and columns, merged
cells, formulas and macros, which a reader of values alone would miss. Pure.

A workbook is a zip of XML parts. The parts are found by the kinds of their relations, not by their names. Sizes are
checked before a part is opened, declarations of entities are refused, and nothing outside the file is ever read.
"""

import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, Final

from backend.files.faults import FileRefused, TableFault
from backend.files.sheet_rows import SheetReader, feed, new_parser

MOST_UNPACKED: Final = 700_000_000
MOST_TEXTS: Final = 64_000_000
MOST_PARTS: Final = 2_000
RATIO: Final = 200  # unpacked size by packed size; a sheet of numbers packs about 20 to 1
MOST_SHEETS: Final = 200
PIECE: Final = 1 << 18
PIECES_OF_A_HEAD: Final = 4
RELATIONS = "xl/_rels/workbook.xml.rels"
TEXTS_RELATION = "/sharedStrings"
SHEET_RELATION = "/worksheet"  # other kinds of sheets hold a chart (chartsheet) or a form (dialogsheet) and no rows
MACRO_PARTS = ("vbaproject.bin", "vbadata.xml")

Handler = Callable[[str, dict[str, str]], None]


class BallotWorkbook:
    """The first visible sheet of a workbook. Raises FileRefused. ``merged`` and ``hidden_columns`` are complete after
    the last row was read."""

    def __init__(self, stream: BinaryIO) -> None:
        try:
            self._zip = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, ValueError, OSError):
            raise FileRefused(TableFault.NOT_A_TABLE) from None
        _check_parts(self._zip.infolist())
        self._parts = {part.filename.lower(): part.filename for part in self._zip.infolist()}
        self._others: list[tuple[str, str]] = []
        self.title = ""
        self.hidden_titles: list[str] = []
        self._texts_part = ""
        self._sheet, self.serial_days = self._find_sheet()
        self._texts = self._shared_texts()
        self._hidden: list[tuple[int, int]] = []
        self.merged: list[tuple[int, int, str]] = []
        self.first_line = self.last_line = 0

    def rows(self) -> Iterator[tuple[int, list[str], bool]]:
        """Yield for each row: its line in the sheet, its cells, whether it is hidden."""
        reader = SheetReader(self._texts, self._hidden, self.merged)
        for piece in self._pieces(self._sheet, MOST_UNPACKED):
            feed(reader.parser, piece)
            for line, cells, hidden in reader.rows:
                if not self.first_line and any(cells):
                    self.first_line = line
                self.last_line = max(self.last_line, line)
                yield line, cells, hidden
            reader.rows.clear()

    def hidden_columns(self, width: int) -> list[int]:
        """Return the positions, from 0, of hidden columns among the first ``width``. Call it after the first row was
        read."""
        return [place for place in range(width) if any(low <= place + 1 <= high for low, high in self._hidden)]

    def heads_elsewhere(self) -> Iterator[tuple[str, list[str]]]:
        """Yield name and first filled row of every other sheet, also of hidden ones. A part that is listed twice is
        read once, and only its beginning is read: so the cost has a bound, whatever the workbook lists."""
        titles = {part: title for title, part in reversed(self._others) if part != self._sheet}
        if len(titles) > MOST_SHEETS:
            raise FileRefused(TableFault.NOT_A_TABLE)
        for part, title in titles.items():
            if head := self._first_row(part):
                yield title, head

    def _first_row(self, part: str) -> list[str]:
        reader = SheetReader(self._texts, [], [])
        for piece in islice(self._pieces(part, MOST_UNPACKED), PIECES_OF_A_HEAD):
            feed(reader.parser, piece)
            if head := next((cells for _line, cells, _hidden in reader.rows if any(cells)), None):
                return head
            reader.rows.clear()
        return []

    def _find_sheet(self) -> tuple[str, int]:
        """Return the part of the first visible sheet and the shift of its day numbers (0, or 1462 where it counts from
        1904). Note the other sheets."""
        first: str | None = None
        sheets, days = self._sheets()
        for sheet in sheets:
            if first is None and sheet.visible:
                first, self.title = sheet.part, sheet.title
            else:
                self._others.append((sheet.title, sheet.part))
                self.hidden_titles += [] if sheet.visible else [sheet.title]
        if first is None:
            raise FileRefused(TableFault.NO_SHEET)
        return first, days

    def _sheets(self) -> tuple[list["_SheetPart"], int]:
        """Return every sheet of rows, in the order of the workbook, and the shift of day numbers."""
        sheets: list[dict[str, str]] = []
        relations: dict[str, tuple[str, str]] = {}
        days = 0

        def in_workbook(name: str, attributes: dict[str, str]) -> None:
            nonlocal days
            if name == "sheet":
                sheets.append(attributes)
            elif name == "workbookPr" and attributes.get("date1904") in ("1", "true"):
                days = 1462

        def in_relations(name: str, attributes: dict[str, str]) -> None:
            if name == "Relationship" and attributes.get("TargetMode") != "External":
                relations[attributes.get("Id", "")] = (attributes.get("Type", ""), attributes.get("Target", ""))

        self._walk("xl/workbook.xml", in_workbook)
        self._walk(RELATIONS, in_relations)
        texts = [self._part_at(target) for kind, target in relations.values() if kind.endswith(TEXTS_RELATION)]
        self._texts_part = texts[0] if texts else ""
        return [part for part in (self._sheet_part(sheet, relations) for sheet in sheets) if part is not None], days

    def _sheet_part(self, sheet: dict[str, str], relations: dict[str, tuple[str, str]]) -> "_SheetPart | None":
        """Return the part of a listed sheet; none where it holds no rows."""
        key = next((value for name, value in sheet.items() if name.endswith(":id")), "")
        kind, target = relations.get(key, ("", ""))
        if not kind.endswith(SHEET_RELATION):
            return None
        visible = sheet.get("state", "visible") == "visible"
        return _SheetPart(sheet.get("name", ""), self._part_at(target), visible)

    def _part_at(self, target: str) -> str:
        """Return the name of the part to which a relation leads. Letter case does not matter."""
        part = posixpath.normpath(posixpath.join("/xl", target))[1:]
        return self._parts.get(part.lower(), part)

    def _walk(self, part: str, handle: Handler) -> None:
        parser = new_parser()
        parser.StartElementHandler = lambda name, attributes: handle(name.rpartition(":")[2], attributes)
        for piece in self._pieces(self._parts.get(part.lower(), part), MOST_TEXTS):
            feed(parser, piece)

    def _shared_texts(self) -> list[str]:
        """Return the table of shared texts, without phonetic guides (rPh)."""
        part = self._texts_part or self._parts.get("xl/sharedstrings.xml", "")
        if not part:
            return []
        texts: list[str] = []
        parts: list[str] = []
        aside = False

        def start(name: str, _attributes: dict[str, str]) -> None:
            nonlocal aside
            local = name.rpartition(":")[2]
            aside = aside or local == "rPh"
            parser.CharacterDataHandler = parts.append if local == "t" and not aside else None

        def end(name: str) -> None:
            nonlocal aside
            local = name.rpartition(":")[2]
            parser.CharacterDataHandler = None
            aside = aside and local != "rPh"
            if local == "si":
                texts.append("".join(parts))
                parts.clear()

        parser = new_parser()
        parser.StartElementHandler, parser.EndElementHandler = start, end
        for piece in self._pieces(part, MOST_TEXTS):
            feed(parser, piece)
        return texts

    def _pieces(self, part: str, most: int) -> Iterator[bytes]:
        """Yield the bytes of a part in pieces, and count them while they are unpacked. An empty last piece ends the
        parsing."""
        try:
            with self._zip.open(part) as packed:
                read = 0
                while piece := packed.read(PIECE):
                    read += len(piece)
                    if read > most:
                        raise FileRefused(TableFault.ZIP_BOMB, size=read // 1_000_000)
                    yield piece
            yield b""
        except (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error, OSError):
            raise FileRefused(TableFault.NOT_A_TABLE) from None


@dataclass(frozen=True)
class _SheetPart:
    """A sheet in the list of the workbook."""

    title: str
    part: str
    visible: bool


def _check_parts(parts: list[zipfile.ZipInfo]) -> None:
    """Refuse a locked workbook, one with macros, a zip bomb, and a zip that is no workbook. The directory of the zip is
    enough for that; nothing is unpacked."""
    names = {part.filename.lower() for part in parts}
    if any(part.flag_bits & 1 for part in parts):
        raise FileRefused(TableFault.ENCRYPTED)
    if any(name.endswith(MACRO_PARTS) for name in names):
        raise FileRefused(TableFault.MACROS)
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or any(map(_is_swollen, parts)):
        raise FileRefused(TableFault.ZIP_BOMB, size=unpacked // 1_000_000)
    if "xl/workbook.xml" not in names:
        raise FileRefused(TableFault.NOT_A_TABLE)


def _is_swollen(part: zipfile.ZipInfo) -> bool:
    """Return whether a part packs far better than a sheet of numbers does."""
    return part.file_size > 1_000_000 and part.file_size > RATIO * part.compress_size
