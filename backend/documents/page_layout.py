"""The page of Decree 30/2020/NĐ-CP (annex I): paper, margins, fonts, spaces, and the marks that Word needs.

A4; margins top and bottom 20-25 mm, left 30-35, right 15-20; Times New Roman, black; body 14 justified, 6 pt between
paragraphs; the page number centred in the top margin, not on page 1.
"""

from typing import Any, Final

from docx.document import Document as Page
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph

from backend.documents.places import KEYS, STYLE

FONT: Final = "Times New Roman"
BODY, SMALL = Pt(14), Pt(11)
PAPER: Final = (Mm(210), Mm(297))
TOP, BOTTOM, LEFT, RIGHT = Mm(20), Mm(20), Mm(30), Mm(15)
TEXT_WIDTH: Final = 210 - 30 - 15  # mm
BLACK, GREY = RGBColor(0, 0, 0), RGBColor(0x59, 0x59, 0x59)
INDENT: Final = Mm(10)
# The style of a place: size, bold, italic. What the author types gets it, as does every paragraph added.
PLACE_STYLES: Final = {
    "number": (13, False, False),
    "dateline": (14, False, True),
    "recipients": (11, False, False),
    "signature": (14, True, False),
}
HINT: Final = "Placeholder Text"
# Heading levels: bold, italic.
HEADINGS: Final = {1: (True, False), 2: (True, False), 3: (True, True), 4: (False, True)}


def prepare_page(page: Page) -> None:
    """Set the paper, margins, styles and page number of an empty document."""
    section = page.sections[0]
    section.page_width, section.page_height = PAPER
    section.top_margin, section.bottom_margin = TOP, BOTTOM
    section.left_margin, section.right_margin = LEFT, RIGHT
    section.header_distance = section.footer_distance = Mm(10)
    section.different_first_page_header_footer = True
    number = section.header.paragraphs[0]
    number.alignment = WD_ALIGN_PARAGRAPH.CENTER
    add_field(number, "PAGE")
    _styles(page)


def _styles(page: Page) -> None:
    normal = _style(page, "Normal")
    _letters(normal, BODY)
    normal.paragraph_format.space_before = Pt(0)
    normal.paragraph_format.space_after = Pt(6)
    normal.paragraph_format.line_spacing_rule = WD_LINE_SPACING.SINGLE
    normal.paragraph_format.widow_control = True
    language = OxmlElement("w:lang")
    for kind in ("val", "eastAsia", "bidi"):
        language.set(qn(f"w:{kind}"), "vi-VN")
    normal.element.get_or_add_rPr().append(language)
    for level, (bold, italic) in HEADINGS.items():
        heading = _style(page, f"Heading {level}")
        _letters(heading, BODY, bold=bold, italic=italic)
        heading.paragraph_format.space_before = Pt(6)
        heading.paragraph_format.space_after = Pt(6)
        heading.paragraph_format.first_line_indent = INDENT
        heading.paragraph_format.keep_with_next = True
    _letters(_style(page, "Header"), BODY)
    _letters(_style(page, "Caption"), Pt(12), bold=True)
    hint = page.styles.add_style(HINT, WD_STYLE_TYPE.CHARACTER)
    hint.font.italic, hint.font.color.rgb = True, GREY
    for key in KEYS:
        own = page.styles.add_style(STYLE + key, WD_STYLE_TYPE.PARAGRAPH)
        assert isinstance(own, ParagraphStyle)  # noqa: S101 - narrows the declared type
        own.base_style = normal
        size, bold, italic = PLACE_STYLES.get(key, (14, False, False))
        _letters(own, Pt(size), bold=bold, italic=italic)
        _align_place(own, key)


def _align_place(style: ParagraphStyle, key: str) -> None:
    if key in PLACE_STYLES:
        centred = key != "recipients"
        style.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER if centred else WD_ALIGN_PARAGRAPH.LEFT
        style.paragraph_format.space_after = Pt(0)
    else:
        style.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
        style.paragraph_format.first_line_indent = INDENT


def _style(page: Page, name: str) -> ParagraphStyle:
    style = page.styles[name]
    assert isinstance(style, ParagraphStyle)  # noqa: S101 - narrows the declared type
    return style


def _letters(style: ParagraphStyle, size: Pt, *, bold: bool = False, italic: bool = False) -> None:
    """Set Times New Roman for every script; otherwise the template's theme fonts win."""
    style.font.name, style.font.size = FONT, size
    style.font.bold, style.font.italic, style.font.color.rgb = bold, italic, BLACK
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for script in ("ascii", "hAnsi", "cs", "eastAsia"):
        fonts.set(qn(f"w:{script}"), FONT)
        fonts.attrib.pop(qn(f"w:{script}Theme"), None)
    fonts.attrib.pop(qn("w:cstheme"), None)


def add_field(paragraph: Paragraph, code: str) -> None:
    """Add a field that Word computes, such as PAGE."""
    for kind in ("begin", None, "end"):
        run = paragraph.add_run()
        if kind:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
        else:
            mark = OxmlElement("w:instrText")
            mark.set(qn("xml:space"), "preserve")
            mark.text = f" {code} "
        run._r.append(mark)


def rule_below(paragraph: Paragraph, available: float, length: float) -> None:
    """Draw a line of ``length`` mm, centred under the paragraph within ``available`` mm.

    It is an empty, very low paragraph with only a top border, because a border of the text itself is as wide as the
    column.
    """
    side = Mm((available - length) / 2)
    paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = side
    paragraph.paragraph_format.space_before = Pt(3)
    paragraph.paragraph_format.space_after = Pt(2)
    paragraph.paragraph_format.line_spacing = Pt(3)
    borders = OxmlElement("w:pBdr")
    top = OxmlElement("w:top")
    for name, value in (("val", "single"), ("sz", "6"), ("space", "0"), ("color", "000000")):
        top.set(qn(f"w:{name}"), value)
    borders.append(top)
    properties = paragraph._p.get_or_add_pPr()
    properties.insert_element_before(
        borders, "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:spacing", "w:ind", "w:jc", "w:rPr"
    )


def no_borders(table: Any) -> None:
    """Hide the borders of a table that only places things."""
    _properties(table, ("top", "left", "bottom", "right", "insideH", "insideV"), "none")


def thin_borders(table: Any) -> None:
    """Give a table of figures thin lines and small cell margins, so that figures stay on one line."""
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        room = OxmlElement(f"w:{side}")
        room.set(qn("w:w"), "45")  # twentieths of a point: 0.8 mm
        room.set(qn("w:type"), "dxa")
        margins.append(room)
    layout = table._tbl.tblPr.find(qn("w:tblLayout"))
    layout.addnext(margins)
    _properties(table, ("top", "left", "bottom", "right", "insideH", "insideV"), "single")


def _properties(table: Any, sides: tuple[str, ...], kind: str) -> None:
    properties = table._tbl.tblPr
    borders = OxmlElement("w:tblBorders")
    for side in sides:
        line = OxmlElement(f"w:{side}")
        for name, value in (("val", kind), ("sz", "4"), ("space", "0"), ("color", "000000")):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    layout = properties.find(qn("w:tblLayout"))
    if layout is not None:
        layout.addprevious(borders)
    else:
        properties.append(borders)


def repeat_row(row: Any) -> None:
    """Repeat the row at the top of each page of the table."""
    mark = OxmlElement("w:tblHeader")
    row._tr.get_or_add_trPr().append(mark)


def keep_together(row: Any) -> None:
    """Keep the row on one page."""
    mark = OxmlElement("w:cantSplit")
    row._tr.get_or_add_trPr().insert(0, mark)
