"""Write a report as a Word document in the layout of Decree 30/2020/NĐ-CP. Opens in Word and LibreOffice."""

import io
from collections.abc import Sequence
from decimal import Decimal
from itertools import count
from typing import Any

from docx import Document
from docx.document import Document as Page
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.table import _Cell as TableCell
from docx.text.paragraph import Paragraph as Line

from backend.documents import page_layout
from backend.documents.places import BY_KEY, STYLE, TAG
from backend.reports import blocks, figures
from backend.reports.blocks import Block, Cell, ColumnKind
from backend.reports.content.outline import ReportOutline
from backend.reports.content.sentences import signed_value, two_decimals

NATION, MOTTO = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc"
HEAD: tuple[int, int] = (65, 100)  # mm: agency, nation
SHORT = 8  # rows of a table that is kept on one page
MOTTO_LENGTH = 60.0  # mm: the length of the motto in 14 bold
CENTRE, JUSTIFY = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.JUSTIFY
ALIGNED = {
    ColumnKind.TEXT: WD_ALIGN_PARAGRAPH.LEFT,
    ColumnKind.NUMBER: CENTRE,
    ColumnKind.SIGNED: CENTRE,
    ColumnKind.COUNT: CENTRE,
    ColumnKind.CENTRED: CENTRE,
}


def write_docx(report: ReportOutline) -> bytes:
    """Return the document. The same report gives the same words."""
    return _DocxWriter(report).written()


def cell_text(cell: Cell, kind: ColumnKind) -> str:
    """Return a cell as a reader sees it; an empty cell is a dash."""
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return cell
    if kind is ColumnKind.SIGNED:
        return signed_value(cell) if isinstance(cell, Decimal) else f"{cell:+d}".replace("-", "−")
    return two_decimals(cell) if isinstance(cell, Decimal) else str(cell)


class _DocxWriter:
    """Writes the parts one after the other and numbers tables, pictures and places."""

    def __init__(self, report: ReportOutline) -> None:
        self.report = report
        self.page: Page = Document()
        self.tables, self.pictures, self.ids = count(1), count(1), count(100)
        page_layout.prepare_page(self.page)
        about = self.page.core_properties
        about.title, about.author, about.language = report.title, report.context.agency.agency, "vi-VN"
        about.comments = ""

    def written(self) -> bytes:
        self._head()
        for block in self.report.body:
            self._block(block)
        self._foot()
        if self.report.annex:
            self._annex()
        out = io.BytesIO()
        self.page.save(out)
        return out.getvalue()

    # The parts of the first and the last page.

    def _head(self) -> None:
        context = self.report.context
        agency_side, nation_side = self._two_columns(HEAD)
        for i, text in enumerate(context.agency.agency_lines):
            self._centred(agency_side, text, Pt(13), bold=True, first=i == 0)
        page_layout.rule_below(agency_side.add_paragraph(), HEAD[0] - 4, 22)
        self._place(agency_side, "number")
        self._centred(nation_side, NATION, Pt(12), bold=True, first=True)
        self._centred(nation_side, MOTTO, Pt(14), bold=True)
        page_layout.rule_below(nation_side.add_paragraph(), HEAD[1] - 4, MOTTO_LENGTH)
        self._place(nation_side, "dateline")
        self._centred(self.page, "BÁO CÁO", Pt(14), bold=True, before=14)
        self._centred(self.page, self.report.title, Pt(14), bold=True)
        page_layout.rule_below(self.page.add_paragraph(), page_layout.TEXT_WIDTH, 55)
        self.page.add_paragraph().paragraph_format.space_after = Pt(0)

    def _foot(self) -> None:
        recipients_side, signature_side = self._two_columns((85, 80))
        title = recipients_side.paragraphs[0]
        run = title.add_run("Nơi nhận:")
        run.font.size, run.bold, run.italic = Pt(12), True, True
        title.paragraph_format.space_after = Pt(0)
        self._place(recipients_side, "recipients")
        empty = signature_side.paragraphs[0]._p
        self._place(signature_side, "signature")
        signature_side._tc.remove(empty)

    def _annex(self) -> None:
        first = self._centred(self.page, "PHỤ LỤC", Pt(14), bold=True)
        first.paragraph_format.page_break_before = True
        mark = self.report.context.agency.number_mark
        year = self.report.context.made_on.year
        agency = self.report.context.agency.agency
        with_what = f"(Kèm theo Báo cáo số        /{mark} ngày       tháng       năm {year} của {agency})"
        self._centred(self.page, with_what, Pt(14), italic=True)
        for block in self.report.annex:
            self._block(block)

    # The parts of the body.

    def _block(self, block: Block) -> None:
        match block:
            case blocks.Heading():
                self.page.add_heading(block.text, block.level)
            case blocks.Paragraph():
                self._paragraph(block.text)
            case blocks.ReportTable():
                self._table(block)
            case blocks.ReportPicture():
                self._picture(block)
            case blocks.AuthorPlace():
                self._place(self.page, block.key)

    def _paragraph(self, text: str) -> None:
        paragraph = self.page.add_paragraph(text)
        paragraph.alignment = JUSTIFY
        paragraph.paragraph_format.first_line_indent = page_layout.INDENT

    def _table(self, table: blocks.ReportTable) -> None:
        caption = self.page.add_paragraph(f"Bảng {next(self.tables)}. {table.title}", style="Caption")
        caption.alignment = CENTRE
        caption.paragraph_format.keep_with_next = True
        caption.paragraph_format.space_before = Pt(6)
        caption.paragraph_format.space_after = Pt(3)
        grid = self.page.add_table(rows=1, cols=len(table.columns))
        grid.alignment, grid.autofit = WD_TABLE_ALIGNMENT.CENTER, False
        page_layout.thin_borders(grid)
        share = page_layout.TEXT_WIDTH / sum(column.width for column in table.columns)
        widths = [Mm(column.width * share) for column in table.columns]
        self._describe(grid, f"{table.title}. {table.n}; {table.period}.")
        self._row(grid.rows[0], [column.title for column in table.columns], [CENTRE] * len(widths), widths, bold=True)
        page_layout.repeat_row(grid.rows[0])
        for row in table.rows:
            texts = [cell_text(cell, column.kind) for cell, column in zip(row.cells, table.columns, strict=True)]
            aligned = [ALIGNED[column.kind] for column in table.columns]
            self._row(grid.add_row(), texts, aligned, widths, bold=row.strong)
        for column, width in zip(grid.columns, widths, strict=True):
            column.width = width
        self._hold_together(grid)
        about = "; ".join(filter(None, (table.period, table.n, table.method))) + f". Nguồn: {table.source}."
        self._note(" ".join((*table.notes, about[:1].upper() + about[1:])))

    def _hold_together(self, grid: Any) -> None:
        """Keep a short table on one page with its note, and of a long one the head and the end."""
        last = len(grid.rows) - 1
        for i, row in enumerate(grid.rows):
            if last <= SHORT or i < 2 or i > last - 2:
                for cell in row.cells:
                    cell.paragraphs[0].paragraph_format.keep_with_next = True

    def _row(
        self, row: Any, texts: Sequence[str], aligned: Sequence[Any], widths: Sequence[Any], *, bold: bool
    ) -> None:
        page_layout.keep_together(row)
        for cell, text, alignment, width in zip(row.cells, texts, aligned, widths, strict=True):
            cell.width, cell.vertical_alignment = width, WD_CELL_VERTICAL_ALIGNMENT.CENTER
            paragraph = cell.paragraphs[0]
            paragraph.alignment = alignment
            paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(1)
            run = paragraph.add_run(text)
            run.font.size, run.bold = page_layout.SMALL, bold

    def _note(self, text: str) -> None:
        paragraph = self.page.add_paragraph()
        paragraph.alignment = JUSTIFY
        paragraph.paragraph_format.keep_together = True
        paragraph.paragraph_format.space_before = Pt(3)
        paragraph.paragraph_format.space_after = Pt(8)
        run = paragraph.add_run(text)
        run.font.size, run.italic = page_layout.SMALL, True

    def _picture(self, picture: blocks.ReportPicture) -> None:
        paragraph = self.page.add_paragraph()
        paragraph.alignment = CENTRE
        paragraph.paragraph_format.keep_with_next = True
        paragraph.paragraph_format.space_after = Pt(2)
        drawn = paragraph.add_run().add_picture(
            io.BytesIO(figures.draw_png(picture)), width=Mm(page_layout.TEXT_WIDTH - 4)
        )
        about = drawn._inline.docPr
        about.set("descr", picture.alt)
        about.set("title", picture.title)
        caption = self.page.add_paragraph(f"Hình {next(self.pictures)}. {picture.title}", style="Caption")
        caption.alignment = CENTRE
        caption.paragraph_format.keep_with_next = True
        caption.paragraph_format.space_after = Pt(2)
        context = self.report.context
        self._note(
            f"Vạch ngang: khoảng 95% gần đúng. Năm {context.year}; n = {context.n} phiếu. Nguồn: {context.source}."
        )

    # Small parts.

    def _two_columns(self, widths: tuple[int, int]) -> tuple[TableCell, TableCell]:
        grid = self.page.add_table(rows=1, cols=2)
        grid.alignment, grid.autofit = WD_TABLE_ALIGNMENT.CENTER, False
        page_layout.no_borders(grid)
        page_layout.keep_together(grid.rows[0])
        for cell, column, width in zip(grid.rows[0].cells, grid.columns, widths, strict=True):
            cell.width = column.width = Mm(width)
        first, second = grid.rows[0].cells
        return first, second

    def _centred(
        self, where: Any, text: str, size: Pt, *, bold: bool = False, italic: bool = False, first: bool = False,
        before: float = 0,
    ) -> Line:  # fmt: skip
        paragraph: Line = where.paragraphs[0] if first else where.add_paragraph()
        paragraph.alignment = CENTRE
        paragraph.paragraph_format.space_before = Pt(before)
        paragraph.paragraph_format.space_after = Pt(0)
        run = paragraph.add_run(text)
        run.font.size, run.bold, run.italic = size, bold, italic
        return paragraph

    def _place(self, where: Any, key: str) -> None:
        """Add a content control. Its paragraphs have a style of that name, which survives in programs that drop the
        control."""
        kind = BY_KEY[key]
        text = self.report.texts.get(key) or kind.hint
        hint = text == kind.hint
        paragraphs = []
        for line in text.split("\n"):
            paragraph = where.add_paragraph(style=self.page.styles[STYLE + key])
            paragraph.add_run(line, style=page_layout.HINT if hint else None)
            paragraphs.append(paragraph._p)
        self._control(key, paragraphs, kind.label, hint=hint)

    def _control(self, key: str, paragraphs: list[Any], label: str, *, hint: bool) -> None:
        control, properties, content = (OxmlElement(f"w:{name}") for name in ("sdt", "sdtPr", "sdtContent"))
        for name, value in (("alias", label), ("tag", TAG + key), ("id", str(next(self.ids)))):
            setting = OxmlElement(f"w:{name}")
            setting.set(qn("w:val"), value)
            properties.append(setting)
        if hint:  # Word replaces a placeholder by the first letter typed
            properties.append(OxmlElement("w:showingPlcHdr"))
        control.append(properties)
        control.append(content)
        paragraphs[0].addprevious(control)
        for paragraph in paragraphs:
            content.append(paragraph)

    def _describe(self, grid: Any, text: str) -> None:
        about = OxmlElement("w:tblDescription")
        about.set(qn("w:val"), text)
        grid._tbl.tblPr.append(about)
