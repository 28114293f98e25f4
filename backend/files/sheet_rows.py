"""The rows of one sheet of an .xlsx workbook, from the events of its XML. Pure."""

from typing import Any, Final
from xml.parsers import expat

from backend.files.faults import FileRefused, TableFault

MOST_MERGED: Final = 20_000


class SheetReader:
    """Turns the XML events of a sheet into ``rows``: line, cells, whether it is hidden. This code runs for every cell
    of a large file, so it does as little as possible."""

    def __init__(self, texts: list[str], hidden: list[tuple[int, int]], merged: list[tuple[int, int, str]]) -> None:
        self.rows: list[tuple[int, list[str], bool]] = []
        self.parser = new_parser()
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._start, self._end
        self._texts, self._hidden, self._merged = texts, hidden, merged
        self._line, self._row_hidden = 0, False
        self._cells: list[str] = []
        self._kind, self._formula = "", False
        self._parts: list[str] = []
        self._places: dict[str, int] = {}
        self._prefix: str | None = None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._prefix is None:
            self._prefix = name[: -len("worksheet")]
        if self._prefix:
            name = name.removeprefix(self._prefix)
        if name == "c":
            self._cell(attributes)
        elif name in ("v", "t"):
            self.parser.CharacterDataHandler = self._parts.append
        elif name == "f":
            self._formula = True
        elif name == "row":
            self._line = _whole(attributes.get("r"), self._line + 1)
            self._row_hidden = attributes.get("hidden") in ("1", "true") or attributes.get("ht") in ("0", "0.0")
            self._cells = []
        elif name in ("col", "mergeCell"):
            self._shape(name, attributes)

    def _cell(self, attributes: dict[str, str]) -> None:
        """Fill the row with empty cells up to this one. Raises FileRefused for a cell far outside any table."""
        self._kind = attributes.get("t", "n")
        self._formula = False
        reference = attributes.get("r")
        if reference:
            letters = reference.rstrip("0123456789")
            place = self._places.get(letters)
            if place is None:
                place = self._places[letters] = _place(letters)
            missing = place - len(self._cells)
            if missing < 0:
                raise FileRefused(TableFault.NOT_A_TABLE)
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
            self.rows.append((self._line, self._cells, self._row_hidden))

    def _text(self, number: str) -> str:
        place = _whole(number, -1)
        if not 0 <= place < len(self._texts):
            raise FileRefused(TableFault.NOT_A_TABLE)
        return self._texts[place]

    def _shape(self, name: str, attributes: dict[str, str]) -> None:
        if name == "col" and attributes.get("hidden") in ("1", "true"):
            self._hidden.append((_whole(attributes.get("min"), 1), _whole(attributes.get("max"), 1)))
        elif name == "mergeCell":
            if len(self._merged) >= MOST_MERGED:
                raise FileRefused(TableFault.TOO_MANY_MERGED, most=MOST_MERGED)
            area = attributes.get("ref", "")[:40]
            top, _colon, bottom = area.partition(":")
            line = _line(top)
            self._merged.append((line, _line(bottom) or line, area))


def new_parser() -> Any:
    """Return a parser that refuses every declaration of a document type: only there can entities be declared and
    expanded."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_declaration
    return parser


def _refuse_declaration(*_attributes: object) -> None:
    raise FileRefused(TableFault.UNSAFE_XML)


def feed(parser: Any, piece: bytes) -> None:
    """Parse a piece of a part; an empty piece ends the part."""
    try:
        parser.Parse(piece, not piece)
    except expat.ExpatError:
        raise FileRefused(TableFault.NOT_A_TABLE) from None


def _place(letters: str) -> int:
    """Return the position of a column by its letters: 0 for A, 26 for AA. Raises FileRefused for one beyond any table,
    so that one far cell does not make millions of empty ones."""
    place = 0
    for letter in letters:
        if not "A" <= letter <= "Z":
            raise FileRefused(TableFault.NOT_A_TABLE)
        place = place * 26 + ord(letter) - 64
    if place > 16_384:
        raise FileRefused(TableFault.NOT_A_TABLE)
    if place > 1_000:
        raise FileRefused(TableFault.TOO_MANY_COLUMNS, most=1_000)
    return place - 1


def _line(reference: str) -> int:
    return _whole(reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ$").replace("$", ""), 0)


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else otherwise
