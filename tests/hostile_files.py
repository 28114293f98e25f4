"""Small files made to keep a reader busy, or to fill its memory. Each is a few kilobytes to a few megabytes."""

import io
import struct
import zipfile
from collections.abc import Mapping

SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
HEADER = (
    "so_phieu", "mau_phieu", "don_vi", "tang", "cum", "trong_so", "ngay", "nhom_tuoi", "gioi_tinh", "dan_toc",
    "q37", "q38", "q39",
)  # fmt: skip
BALLOT = ("S-1", "feedback-1", "03388", "T1", "01", "1", "05/11/2026", "25-34", "nam", "kinh", "4", "5", "3")


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return target.getvalue()


def workbook(sheet: str, *, listed: str = '<sheet name="A" sheetId="1" r:id="rId1"/>', more: str = "") -> bytes:
    """An .xlsx of one sheet; ``listed``: what the workbook says of its sheets; ``more``: another sheet's part."""
    targets = f'<Relationship Id="rId1" Type="{RELATED}/worksheet" Target="worksheets/sheet1.xml"/>'
    targets += f'<Relationship Id="rId2" Type="{RELATED}/worksheet" Target="worksheets/sheet2.xml"/>'
    parts = {
        "xl/workbook.xml": f'<workbook xmlns="{SPREADSHEET}" xmlns:r="{RELATED}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">{targets}</Relationships>',
        "xl/worksheets/sheet1.xml": sheet,
    }
    return zipped(parts | {"xl/worksheets/sheet2.xml": more} if more else parts)


def worksheet(rows: str, after: str = "") -> str:
    return f'<worksheet xmlns="{SPREADSHEET}"><sheetData>{rows}</sheetData>{after}</worksheet>'


def row_of(line: int, cells: tuple[str, ...]) -> str:
    inside = "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in cells)
    return f'<row r="{line}">{inside}</row>'


def two_rows() -> str:
    return row_of(1, HEADER) + row_of(2, BALLOT)


def merged_cells_declared_20_000_times() -> bytes:
    merged = '<mergeCell ref="A2:M1048576"/>' * 20_000
    return workbook(worksheet(two_rows(), f'<mergeCells count="20000">{merged}</mergeCells>'))


def one_sheet_listed_20_000_times() -> bytes:
    """Each listing is another reading of 100,000 empty rows."""
    listed = '<sheet name="A" sheetId="1" r:id="rId1"/>' + '<sheet name="B" sheetId="2" r:id="rId2"/>' * 20_000
    return workbook(worksheet(two_rows()), listed=listed, more=worksheet("<row/>" * 100_000))


def one_part_listed_60_000_times() -> bytes:
    """The directory of the zip names the same bytes again and again."""
    source = workbook(worksheet(two_rows()))
    start = source.index(b"PK\x01\x02")
    end = source.index(b"PK\x05\x06")
    first = source[start : source.index(b"PK\x01\x02", start + 4)]
    directory = source[start:end] + first * 60_000
    count = 60_003
    ending = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), start, 0)
    return source[:start] + directory + ending


def rows_of_one_far_cell() -> bytes:
    """Each row of thirty bytes says that a thousand cells stand before its own."""
    rows = "".join(f'<row r="{n}"><c r="ALL{n}"><v>{n % 97}</v></c></row>' for n in range(3, 150_000))
    return workbook(worksheet(two_rows() + rows))


def workbook_heading_of_140_000_letters() -> bytes:
    return workbook(worksheet(row_of(1, ("x" * 140_000, *HEADER)) + row_of(2, ("", *BALLOT))))


def zip_bomb() -> bytes:
    return workbook(worksheet(two_rows()) + " " * 300_000_000)


def csv_heading_of_140_000_letters(heading: str = "x") -> bytes:
    return f"{heading * 140_000},q37\n1,2\n".encode()


def csv_cell_of_140_000_letters() -> bytes:
    return (",".join(HEADER) + "\n" + ",".join(BALLOT[:-1]) + f',"{"x" * 140_000}"\n').encode()


def csv_that_opens_a_quote() -> bytes:
    return (",".join(HEADER) + '\n"' + ("x" * 200 + "\n") * 50_000).encode()


def csv_of_100_000_columns(first: str) -> bytes:
    """Read as dictionaries, each of its rows costs as much as its heading."""
    heading = first + "," + ",".join(f"c{n}" for n in range(100_000))
    return (heading + "\n" + "2026-01-01,off,x\n" * 5_000).encode()


def toml_key_20_000_deep() -> str:
    return "evidence." + "a." * 20_000 + 'a = "x"\n'


def toml_lists_20_000_deep() -> str:
    return "evidence = " + "[" * 20_000 + "]" * 20_000 + "\n"


def toml_tables_deep_in_one_another() -> str:
    return "\n".join(f"[{'.'.join(['a'] * 19)}{n}]" for n in range(9_000)) + "\n"


def toml_number_of_100_000_digits() -> str:
    return f"first_year = {'9' * 100_000}\n"


def toml_of_20_000_unknown_keys() -> str:
    return "".join(f"khoa_{n} = {n}\n" for n in range(20_000)) + "[[question]]\n"


def toml_with_a_key_that_is_a_pattern() -> str:
    return '[scale."(a+)+$".x]\nb = 1\n[[question]]\n' + "c = {" + "a" * 5_000 + "}\n"


def calendar_of_components_20_000_deep() -> bytes:
    return ("BEGIN:VCALENDAR\n" + "BEGIN:VEVENT\n" * 20_000 + "END:VEVENT\n" * 20_000 + "END:VCALENDAR\n").encode()


def calendar_line_of_a_million_letters() -> bytes:
    event = "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260101\nSUMMARY" + ";X=1" * 200_000 + ":x\nEND:VEVENT\n"
    return f"BEGIN:VCALENDAR\n{event}END:VCALENDAR\n".encode()


def document_of_paragraphs_in_paragraphs() -> bytes:
    """Each of 250 controls holds all the paragraphs of the next one: every paragraph is read 250 times."""
    tagged = '<w:sdt><w:sdtPr><w:tag w:val="langnghe:causes"/></w:sdtPr><w:sdtContent>'
    inside = "<w:p><w:r><w:t>a</w:t></w:r></w:p>" * 20_000
    body = tagged * 60 + inside + "</w:sdtContent></w:sdt>" * 60
    return zipped({"word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'})


def document_that_unpacks_to_a_gigabyte() -> bytes:
    return zipped({"word/document.xml": b"<a>" + b" " * 1_000_000_000})


def document_of_entities() -> bytes:
    """A billion words out of ten lines (billion laughs)."""
    lines = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    return zipped({"word/document.xml": f'<!DOCTYPE a [<!ENTITY e0 "ha">{lines}]><a>&e9;</a>'})


def document_with_broken_compression() -> bytes:
    content = bytearray(zipped({"word/document.xml": b"<a/>" + bytes(range(256)) * 40}))
    start = content.index(b"word/document.xml") + len("word/document.xml")
    content[start : start + 40] = b"\xff" * 40
    return bytes(content)
