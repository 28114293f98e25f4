"""Reads the rows of an .xlsx workbook in one pass, within limits, and sees what a reader of values does not: hidden
rows and columns, merged cells, formulas, macros. Pure.

A workbook is a zip of XML parts. Sizes are checked before a part is opened, declarations of entities are refused, and
nothing outside the file is ever read.
"""

import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final
from xml.parsers import expat

from backend.surveys.ballot_files.faults import BallotFault, FileRefused

MOST_UNPACKED: Final = 700_000_000
MOST_TEXTS: Final = 64_000_000
MOST_PARTS: Final = 2_000
RATIO: Final = 200  # of unpacked to packed; a sheet of numbers packs about 20 to 1
MOST_MERGED: Final = 20_000
PIECE: Final = 1 << 18
RELATIONS = "xl/_rels/workbook.xml.rels"
MACRO_PARTS = ("vbaproject.bin", "vbadata.xml")

Handler = Callable[[str, dict[str, str]], None]


class BallotWorkbook:
    """Its first visible sheet. Raises FileRefused. ``merged`` and ``hidden_columns`` are complete after the rows."""

    def __init__(self, stream: BinaryIO) -> None:
        try:
            self._zip = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, ValueError, OSError):
            raise FileRefused(BallotFault.NOT_A_TABLE) from None
        _check_parts(self._zip.infolist())
        self._others: list[tuple[str, str]] = []
        self._sheet, self.serial_days = self._find_sheet()
        self._texts = self._shared_texts()
        self._hidden: list[tuple[int, int]] = []
        self.merged: list[tuple[int, int, str]] = []
        self.first_line = 0

    def rows(self) -> Iterator[tuple[int, list[str], bool]]:
        """Line in the sheet, cells, whether the line is hidden."""
        reader = _SheetReader(self._texts, self._hidden, self.merged)
        for piece in self._pieces(self._sheet, MOST_UNPACKED):
            _feed(reader.parser, piece)
            if reader.done:
                for row in reader.done:
                    if not self.first_line and any(row[1]):
                        self.first_line = row[0]
                    yield row
                reader.done.clear()

    def hidden_columns(self, width: int) -> list[int]:
        """Places, from 0, of hidden columns among the first ``width``; known once the first row was read."""
        return [place for place in range(width) if any(low <= place + 1 <= high for low, high in self._hidden)]

    def heads_elsewhere(self) -> Iterator[tuple[str, list[str]]]:
        """Name and first filled row of every other sheet, hidden ones too."""
        for title, part in self._others:
            reader = _SheetReader(self._texts, [], [])
            for piece in self._pieces(part, MOST_UNPACKED):
                _feed(reader.parser, piece)
                if head := next((cells for _line, cells, _hidden in reader.done if any(cells)), None):
                    yield title, head
                    break
                reader.done.clear()

    def _find_sheet(self) -> tuple[str, int]:
        """The part of the first visible sheet, and what its days are shifted by; the other sheets are noted."""
        found: str | None = None
        sheets, days = self._sheets()
        for title, part, visible in sheets:
            if found is None and visible:
                found = part
            elif part in self._zip.namelist() and "worksheets/" in part:
                self._others.append((title, part))
        if found is None:
            raise FileRefused(BallotFault.EMPTY_FILE)
        return found, days

    def _sheets(self) -> tuple[list[tuple[str, str, bool]], int]:
        """Name, part and visibility of every sheet."""
        sheets: list[dict[str, str]] = []
        targets: dict[str, str] = {}
        days = 0

        def in_workbook(name: str, given: dict[str, str]) -> None:
            nonlocal days
            if name == "sheet":
                sheets.append(given)
            elif name == "workbookPr" and given.get("date1904") in ("1", "true"):
                days = 1462

        def in_relations(name: str, given: dict[str, str]) -> None:
            if name == "Relationship" and given.get("TargetMode") != "External":
                targets[given.get("Id", "")] = given.get("Target", "")

        self._walk("xl/workbook.xml", in_workbook)
        self._walk(RELATIONS, in_relations)
        found = []
        for sheet in sheets:
            key = next((value for name, value in sheet.items() if name.endswith(":id")), "")
            part = posixpath.normpath(posixpath.join("/xl", targets.get(key, "")))[1:]
            found.append((sheet.get("name", ""), part, sheet.get("state", "visible") == "visible"))
        return found, days

    def _walk(self, part: str, handle: Handler) -> None:
        parser = _parser()
        parser.StartElementHandler = lambda name, given: handle(name.rpartition(":")[2], given)
        for piece in self._pieces(part, MOST_TEXTS):
            _feed(parser, piece)

    def _shared_texts(self) -> list[str]:
        """The table of texts; phonetic guides (rPh) are no part of a text."""
        part = "xl/sharedStrings.xml"
        if part not in self._zip.namelist():
            return []
        texts: list[str] = []
        parts: list[str] = []
        aside = False

        def start(name: str, _given: dict[str, str]) -> None:
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

        parser = _parser()
        parser.StartElementHandler, parser.EndElementHandler = start, end
        for piece in self._pieces(part, MOST_TEXTS):
            _feed(parser, piece)
        return texts

    def _pieces(self, part: str, most: int) -> Iterator[bytes]:
        """The bytes of a part, counted while they are unpacked; an empty last piece ends the parsing."""
        try:
            with self._zip.open(part) as packed:
                read = 0
                while piece := packed.read(PIECE):
                    read += len(piece)
                    if read > most:
                        raise FileRefused(BallotFault.ZIP_BOMB, size=read // 1_000_000)
                    yield piece
            yield b""
        except (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error, OSError):
            raise FileRefused(BallotFault.NOT_A_TABLE) from None


class _SheetReader:
    """Turns the events of a sheet into rows. The few lines per cell are all that a large file costs."""

    def __init__(self, texts: list[str], hidden: list[tuple[int, int]], merged: list[tuple[int, int, str]]) -> None:
        self.done: list[tuple[int, list[str], bool]] = []
        self.parser = _parser()
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._start, self._end
        self._texts, self._hidden, self._merged = texts, hidden, merged
        self._line, self._row_hidden = 0, False
        self._cells: list[str] = []
        self._kind, self._formula = "", False
        self._parts: list[str] = []
        self._places: dict[str, int] = {}
        self._prefix: str | None = None

    def _start(self, name: str, given: dict[str, str]) -> None:
        if self._prefix is None:
            self._prefix = name[: -len("worksheet")]
        if self._prefix:
            name = name.removeprefix(self._prefix)
        if name == "c":
            self._cell(given)
        elif name in ("v", "t"):
            self.parser.CharacterDataHandler = self._parts.append
        elif name == "f":
            self._formula = True
        elif name == "row":
            self._line = _whole(given.get("r"), self._line + 1)
            self._row_hidden = given.get("hidden") in ("1", "true") or given.get("ht") in ("0", "0.0")
            self._cells = []
        elif name in ("col", "mergeCell"):
            self._shape(name, given)

    def _cell(self, given: dict[str, str]) -> None:
        """Fill up to the place of the cell; a place far outside any form ends the reading."""
        self._kind = given.get("t", "n")
        self._formula = False
        reference = given.get("r")
        if reference:
            letters = reference.rstrip("0123456789")
            place = self._places.get(letters)
            if place is None:
                place = self._places[letters] = _place(letters)
            missing = place - len(self._cells)
            if missing < 0:
                raise FileRefused(BallotFault.NOT_A_TABLE)
            self._cells += [""] * missing

    def _end(self, name: str) -> None:
        if self._prefix:
            name = name.removeprefix(self._prefix)
        if name == "c":
            text = "".join(self._parts)
            self._parts.clear()
            if self._formula:
                text = "=" + text
            elif self._kind == "s":
                text = self._text(text)
            elif self._kind == "b" and text:
                text = "FALSE" if text == "0" else "TRUE"
            self._cells.append(text)
        elif name in ("v", "t"):
            self.parser.CharacterDataHandler = None
        elif name == "row":
            self.done.append((self._line, self._cells, self._row_hidden))

    def _text(self, number: str) -> str:
        place = _whole(number, -1)
        if not 0 <= place < len(self._texts):
            raise FileRefused(BallotFault.NOT_A_TABLE)
        return self._texts[place]

    def _shape(self, name: str, given: dict[str, str]) -> None:
        if name == "col" and given.get("hidden") in ("1", "true"):
            self._hidden.append((_whole(given.get("min"), 1), _whole(given.get("max"), 1)))
        elif name == "mergeCell" and len(self._merged) < MOST_MERGED:
            area = given.get("ref", "")[:40]
            top, _colon, bottom = area.partition(":")
            line = _line(top)
            self._merged.append((line, _line(bottom) or line, area))


def _check_parts(parts: list[zipfile.ZipInfo]) -> None:
    """Refuse by the directory of the zip alone what is dangerous, locked or a program."""
    names = {part.filename.lower() for part in parts}
    if any(part.flag_bits & 1 for part in parts):
        raise FileRefused(BallotFault.ENCRYPTED)
    if any(name.endswith(MACRO_PARTS) for name in names):
        raise FileRefused(BallotFault.MACROS)
    unpacked = sum(part.file_size for part in parts)
    swollen = any(part.file_size > 1_000_000 and part.file_size > RATIO * part.compress_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or swollen:
        raise FileRefused(BallotFault.ZIP_BOMB, size=unpacked // 1_000_000)
    if "xl/workbook.xml" not in names:
        raise FileRefused(BallotFault.NOT_A_TABLE)


def _parser() -> Any:
    """A parser that refuses any declaration of a document type: there entities, and with them expansion, begin."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_declaration
    return parser


def _refuse_declaration(*_given: object) -> None:
    raise FileRefused(BallotFault.UNSAFE_XML)


def _feed(parser: Any, piece: bytes) -> None:
    try:
        parser.Parse(piece, not piece)
    except expat.ExpatError:
        raise FileRefused(BallotFault.NOT_A_TABLE) from None


def _place(letters: str) -> int:
    """0 for A. Wider than any form is refused, so that one far cell does not make millions of empty ones."""
    place = 0
    for letter in letters:
        if not "A" <= letter <= "Z":
            raise FileRefused(BallotFault.NOT_A_TABLE)
        place = place * 26 + ord(letter) - 64
    if place > 16_384:
        raise FileRefused(BallotFault.NOT_A_TABLE)
    if place > 1_000:
        raise FileRefused(BallotFault.TOO_MANY_COLUMNS, most=1_000)
    return place - 1


def _line(reference: str) -> int:
    return _whole(reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ$").replace("$", ""), 0)


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else otherwise
