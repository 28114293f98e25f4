"""Writes tables as workbooks and as CSV, row by row: the same rows give the same bytes, and a text never becomes a
formula. Pure.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO, Final
from xml.sax.saxutils import escape

Value = str | int | float | None
Rows = Iterable[Sequence[Value]]

EPOCH: Final = (1980, 1, 1, 0, 0, 0)
MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATED: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
KINDS: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
NOT_TITLE: Final = re.compile(r"[\\/*?:\[\]'\x00-\x1f]")
# What spreadsheets take for a formula where a cell begins with it, after blanks too. Full-width signs are typed by
# input methods of East Asia.
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
QUOTE: Final = "'"
CSV_PIECE: Final = 1 << 16  # characters that are written at a time


def write_workbook(stream: BinaryIO, sheets: Mapping[str, Rows]) -> None:
    """Write the sheets in order; the first row of each stays in view. Texts are stored as texts, so that one which
    begins with ``=`` is no formula. Characters that XML cannot hold become U+FFFD."""
    titles = [sheet_title(title) for title in sheets]
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as package:
        _put_part(package, "[Content_Types].xml", _content_types(len(titles)))
        _put_part(package, "_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")]))
        _put_part(package, "xl/workbook.xml", _workbook(titles))
        targets = [("worksheet", f"worksheets/sheet{number}.xml") for number in range(1, len(titles) + 1)]
        _put_part(package, "xl/_rels/workbook.xml.rels", _relations([*targets, ("styles", "styles.xml")]))
        _put_part(package, "xl/styles.xml", _STYLES)
        for number, rows in enumerate(sheets.values(), 1):
            entry = zipfile.ZipInfo(f"xl/worksheets/sheet{number}.xml", EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with package.open(entry, "w", force_zip64=True) as part:
                part.write(_SHEET_BEGIN.encode())
                for line, row in enumerate(rows, 1):
                    part.write(_row(line, row).encode())
                part.write(b"</sheetData></worksheet>")


def write_csv(stream: BinaryIO, rows: Rows) -> None:
    """Write the rows as CSV (RFC 4180) in UTF-8, with the byte order mark by which spreadsheets recognise it.

    A text that a spreadsheet would take for a formula gets an apostrophe in front (``quote_formula``).
    """
    text = io.StringIO("\ufeff")
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([quote_formula(value) if isinstance(value, str) else value for value in row])
        if text.tell() > CSV_PIECE:
            _move_text(text, stream)
    _move_text(text, stream)


def _move_text(text: io.StringIO, stream: BinaryIO) -> None:
    stream.write(text.getvalue().encode("utf-8", "replace"))
    text.seek(0)
    text.truncate()


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet may take a cell with this text for a formula."""
    return text.startswith(FORMULA_SIGNS) or text.lstrip().startswith(FORMULA_SIGNS)


def quote_formula(text: str) -> str:
    """Return the text of a cell with an apostrophe in front where it could be a formula.

    A text that begins with an apostrophe gets one more, so that ``unquote_formula`` gives back every text.
    """
    return QUOTE + text if text.startswith(QUOTE) or is_formula(text) else text


def unquote_formula(cell: str) -> str:
    """Return the text that ``quote_formula`` made a cell of."""
    return cell.removeprefix(QUOTE)


def sheet_title(title: str) -> str:
    """Return the title of a sheet: at most 31 characters, without signs that spreadsheets refuse or calculate with."""
    bare = NOT_TITLE.sub("_", title)
    return ("_" + bare if is_formula(bare) else bare)[:31]


def _row(line: int, row: Sequence[Value]) -> str:
    style = ' s="1"' if line == 1 else ""
    return f'<row r="{line}">{"".join([_cell(value, style) for value in row])}</row>'


def _cell(value: Value, style: str) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, str):
        text = escape(NOT_XML.sub("\ufffd", value))
        if is_formula(value):
            style = ' s="2"'  # stays a text when somebody edits the cell
        return f'<c t="inlineStr"{style}><is><t xml:space="preserve">{text}</t></is></c>'
    return f"<c{style}><v>{value}</v></c>"


def _put_part(package: zipfile.ZipFile, name: str, text: str) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    package.writestr(entry, text)


def _workbook(titles: Sequence[str]) -> str:
    sheets = "".join(
        f'<sheet name="{escape(title, {chr(34): "&quot;"})}" sheetId="{number}" r:id="rId{number}"/>'
        for number, title in enumerate(titles, 1)
    )
    return f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{RELATED}"><sheets>{sheets}</sheets></workbook>'


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    elements = "".join(
        f'<Relationship Id="rId{number}" Type="{RELATED}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{elements}</Relationships>'


def _content_types(sheets: int) -> str:
    parts = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    parts += [(f"/xl/worksheets/sheet{number}.xml", "worksheet") for number in range(1, sheets + 1)]
    overrides = "".join(f'<Override PartName="{name}" ContentType="{KINDS}.{kind}+xml"/>' for name, kind in parts)
    return (
        f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )


_STYLES: Final = (
    f'{HEAD}<styleSheet xmlns="{MAIN}"><fonts count="2"><font><sz val="11"/><name val="Times New Roman"/></font>'
    '<font><b/><sz val="11"/><name val="Times New Roman"/></font></fonts><fills count="2"><fill>'
    '<patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" quotePrefix="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_SHEET_BEGIN: Final = (
    f'{HEAD}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" '
    'activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
)
