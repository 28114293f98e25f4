"""The papers of interviewers: the list of households by village, and the ballots, each with its number and QR code.

The command that draws a sample writes them.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import docx
import segno
from docx.document import Document
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.section import Section
from docx.shared import Cm, Length, Pt
from docx.table import _Cell
from docx.text.paragraph import Paragraph

from analytics.sampling.ballot_number import ballot_number
from analytics.sampling.drawing import Sample, SampleBallot
from analytics.sampling.sample_lists import Household
from backend.surveys.ballot_files.ballot_rules import shipped_rules
from backend.surveys.forms.instruments import AnswerSlot, Instrument, QuestionKind, SkipRule, SurveyQuestion

BOX = "☐"
NUMBER = "00-00000-0"  # stands for the ballot's number in the form that every ballot is copied from
BORDERS = "Table Grid"
LEVEL = 1.6  # cm, the width of a column of boxes
FIELD_COLUMNS = (
    ("TT", 1.0), ("Số phiếu", 2.6), ("Mã hộ", 2.2), ("Chủ hộ", 4.6), ("Địa chỉ", 5.6),
    ("Số người từ 18 tuổi", 2.0), ("Lần 1", 2.0), ("Lần 2", 2.0), ("Kết quả", 3.6),
)  # fmt: skip
RESERVE_COLUMNS = (
    ("Thứ tự", 1.6),
    ("Mã hộ", 2.4),
    ("Chủ hộ", 5.0),
    ("Địa chỉ", 6.6),
    ("Thay cho số phiếu", 4.0),
    ("Lý do", 6.0),
)
BAND_TITLES = {"age": "Nhóm tuổi", "sex": "Giới tính", "ethnicity": "Dân tộc"}
WHAT_TO_DO = (
    "Mỗi hộ một người từ đủ 18 tuổi trả lời; nhà có nhiều người thì mời người có ngày sinh nhật sắp tới gần nhất, "
    "không chọn người dễ gặp. Chỉ thay hộ khi đã đến hai lần vào hai buổi khác nhau mà không gặp, hoặc hộ từ chối; "
    "thay theo đúng thứ tự của danh sách dự phòng và dùng phiếu mang số của hộ được thay. "
    "Danh sách này có tên người dân: không sao chụp, nộp lại sau khi kết thúc."
)
TO_THE_RESPONDENT = (
    "Ông/bà được chọn ngẫu nhiên để trả lời. Phiếu không ghi tên; câu trả lời chỉ dùng để tổng hợp số liệu. "
    "Xin đánh dấu X vào ô phù hợp; câu nào không rõ có thể bỏ trống."
)

BY_ONESELF = "Có thể tự trả lời trên điện thoại: quét mã này. Đã gửi thì không điền phiếu giấy nữa."


def print_field_list(sample: Sample, path: Path) -> None:
    """Write one page or more for each village: its households with their ballot numbers, then the reserves in order."""
    document = _document(landscape=True)
    reserves: dict[tuple[str, ...], list[Household]] = defaultdict(list)
    for reserve in sample.reserves:
        if reserve.household:
            reserves[reserve.parents].append(reserve.household)
    for position, (codes, ballots) in enumerate(_by_village(sample).items()):
        if position:
            document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
        _village_pages(document, sample, ballots, reserves[codes])
    document.save(str(path))


def print_ballots(
    sample: Sample, instrument: Instrument, folder: Path, link: str = "", codes: Mapping[str, str] | None = None
) -> int:
    """Write a file of ballots for each village, named by its codes from the top level down. Return the number of
    files.

    A ballot names neither village nor household. Its QR code holds ``link`` and the ballot number. With ``codes`` it
    holds the respondent's code of that number instead, which is printed nowhere else.
    """
    folder.mkdir()
    villages = _by_village(sample)
    for chain, ballots in villages.items():
        numbers = [ballot_number(sample.design.year, ballot.number) for ballot in ballots]
        qr = {number: link + (codes[number] if codes else number) for number in numbers}
        hint = BY_ONESELF if codes else ""
        _ballots_of(instrument, qr, hint).save(str(folder / f"{_file_name(chain)}.docx"))
    return len(villages)


def _by_village(sample: Sample) -> dict[tuple[str, ...], list[SampleBallot]]:
    villages: dict[tuple[str, ...], list[SampleBallot]] = defaultdict(list)
    for ballot in sample.ballots:
        villages[ballot.branch.codes].append(ballot)
    return dict(villages)


def _file_name(codes: Sequence[str]) -> str:
    """Return a safe file name. Codes come from a list, so everything except letters, digits and dashes is replaced: no
    code can lead to another folder."""
    return "_".join("".join(c if c.isalnum() or c == "-" else "-" for c in code) for code in codes)[:150]


def _document(landscape: bool = False) -> Document:
    document = docx.Document()
    normal: Any = document.styles["Normal"]
    normal.font.name, normal.font.size = "Times New Roman", Pt(12)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), "Times New Roman")
    normal.paragraph_format.space_after = Pt(4)
    section = document.sections[0]
    section.page_width, section.page_height = (Cm(29.7), Cm(21)) if landscape else (Cm(21), Cm(29.7))
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(1.7)
    return document


def _village_pages(document: Document, sample: Sample, ballots: list[SampleBallot], reserves: list[Household]) -> None:
    chain = ballots[0].branch.chain
    _line(document.add_paragraph(), "DANH SÁCH HỘ ĐƯỢC CHỌN", bold=True, size=14, centre=True)
    place = ", ".join(unit.name or unit.code for unit in reversed(chain))
    _line(document.add_paragraph(), place, bold=True, centre=True)
    _line(document.add_paragraph(), f"{sample.design.name.vi}. Số phiếu: {len(ballots)}.", centre=True)
    _line(document.add_paragraph(), WHAT_TO_DO, size=10.5)
    _table(document, FIELD_COLUMNS, _field_rows(sample.design.year, ballots))
    if reserves:
        _line(document.add_paragraph(), "Hộ dự phòng, dùng lần lượt từ trên xuống", bold=True)
        _table(document, RESERVE_COLUMNS, _reserve_rows(reserves))
    _line(document.add_paragraph(), "Điều tra viên (ký, ghi rõ họ tên): ................................", size=11)


def _field_rows(year: int, ballots: Iterable[SampleBallot]) -> Iterator[Sequence[str]]:
    """Rows in the order of ``FIELD_COLUMNS``; the last four columns are filled in by hand."""
    for order, ballot in enumerate(ballots, 1):
        household = ballot.household
        number = ballot_number(year, ballot.number)
        yield str(order), number, household.code, household.name, household.address, "", "", "", ""


def _reserve_rows(reserves: Iterable[Household]) -> Iterator[Sequence[str]]:
    """Rows in the order of ``RESERVE_COLUMNS``; the last two columns are filled in by hand."""
    for order, household in enumerate(reserves, 1):
        yield str(order), household.code, household.name, household.address, "", ""


def _table(document: Document, columns: Sequence[tuple[str, float]], rows: Iterable[Sequence[str]]) -> None:
    """Add a table whose heading is repeated on every page and whose rows are never split over two pages."""
    table = document.add_table(rows=1, cols=len(columns), style=BORDERS)
    table.autofit = False
    _row(table.rows[0].cells, [name for name, _width in columns], bold=True)
    properties = table.rows[0]._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:tblHeader"))
    form = deepcopy(table.rows[0]._tr)
    form.trPr.remove(form.trPr.find(qn("w:tblHeader")))
    form.trPr.append(OxmlElement("w:cantSplit"))
    for row in rows:
        table._tbl.append(deepcopy(form))
        _row(table.rows[-1].cells, row)
    _set_widths(table, [Cm(width) for _name, width in columns])


def _row(cells: Sequence[_Cell], texts: Sequence[str], bold: bool = False) -> None:
    for cell, text in zip(cells, texts, strict=True):
        _line(cell.paragraphs[0], text, bold=bold, size=10.5)
        cell.paragraphs[0].paragraph_format.space_after = Pt(1)


def _line(
    paragraph: Paragraph, text: str, *, bold: bool = False, size: float | None = None, centre: bool = False
) -> None:
    """Make this text the only run of the paragraph."""
    for old in list(paragraph.runs):
        old._r.getparent().remove(old._r)
    run = paragraph.add_run(text)
    run.bold = bold
    if size:
        run.font.size = Pt(size)
    if centre:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER


def _ballots_of(instrument: Instrument, qr: Mapping[str, str], hint: str) -> Document:
    """Lay the form out once and copy it for each ballot number: laying it out anew takes ten times as long.

    ``qr``: content of the QR code by ballot number. Each ballot begins on a new sheet of paper, also when both sides
    are printed. Its number stands on every page, because sheets come apart.
    """
    document = _document()
    _form(document, instrument, hint)
    body = document.element.body
    form = [element for element in body if element.tag != qn("w:sectPr")]
    for element in form:
        body.remove(element)
        for blip in element.iter(qn("a:blip")):
            document.part.rels.pop(blip.get(qn("r:embed")))  # the QR code of the laid-out form belongs to no ballot
    end = body[-1]
    for position, (number, content) in enumerate(qr.items()):
        if position:
            document.add_section(WD_SECTION.ODD_PAGE)
        image, _picture = document.part.get_or_add_image(_qr(content))
        for element in form:
            copy = deepcopy(element)
            _number_copy(copy, number, image, position + 1)
            end.addprevious(copy)
        _number_pages(document.sections[-1], number)
    return document


def _number_pages(section: Section, number: str) -> None:
    """Write the ballot number and the page number in the footer. Pages are counted from 1 in each ballot."""
    section._sectPr.append(OxmlElement("w:pgNumType", attrs={qn("w:start"): "1"}))
    section.footer.is_linked_to_previous = False
    paragraph = section.footer.paragraphs[0]
    _line(paragraph, f"Số phiếu {number}, trang ", size=10, centre=True)
    page = paragraph.add_run("1")
    page.font.size = Pt(10)
    field = OxmlElement("w:fldSimple", attrs={qn("w:instr"): "PAGE"})
    field.append(page._r)
    paragraph._p.append(field)


def _number_copy(element: Any, number: str, image: str, serial: int) -> None:
    for text in element.iter(qn("w:t")):
        if text.text == NUMBER:
            text.text = number
    for blip in element.iter(qn("a:blip")):
        blip.set(qn("r:embed"), image)
    for properties in element.iter(qn("wp:docPr")):
        properties.set("id", str(serial))


def _qr(content: str) -> io.BytesIO:
    picture = io.BytesIO()
    segno.make(content, error="m", micro=False).save(picture, kind="png", scale=4, border=2)
    picture.seek(0)
    return picture


def _form(document: Document, instrument: Instrument, hint: str) -> None:
    head = document.add_table(rows=1, cols=2)
    head.autofit = False
    left, right = head.rows[0].cells
    _set_widths(head, [Cm(13.6), Cm(4)])
    _line(left.paragraphs[0], instrument.name.vi.upper(), bold=True, size=14)
    _line(left.add_paragraph(), TO_THE_RESPONDENT, size=11)
    right.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
    right.paragraphs[0].add_run().add_picture(_qr(NUMBER), width=Cm(2.4))
    _line(right.add_paragraph(), NUMBER, bold=True, size=13, centre=True)
    if hint:
        _line(right.add_paragraph(), hint, size=9, centre=True)
    for at, question in enumerate(instrument.questions, 1):
        _question(document, at, question, instrument)
    _about_the_respondent(document, len(instrument.questions) + 1)


def _about_the_respondent(document: Document, at: int) -> None:
    """Print what a ballot asks besides its answers: bands (never an age or a name) and the day of the interview."""
    title = document.add_paragraph()
    title.paragraph_format.space_before, title.paragraph_format.keep_with_next = Pt(8), True
    _line(title, f"{at}. Về người trả lời (có thể bỏ trống)", bold=True)
    for name, values in shipped_rules().bands.items():
        choices = "     ".join(f"{BOX}  {value}" for value in values)
        line = document.add_paragraph()
        line.paragraph_format.keep_with_next = True
        _line(line, f"{BAND_TITLES[name]}:  {choices}", size=11.5)
    _line(document.add_paragraph(), "Ngày phỏng vấn:  ......./......./............", size=11.5)


def _question(document: Document, at: int, question: SurveyQuestion, instrument: Instrument) -> None:
    title = document.add_paragraph()
    title.paragraph_format.space_before, title.paragraph_format.keep_with_next = Pt(8), True
    _line(title, f"{at}. {question.text.vi}", bold=True)
    if question.skip:
        _line(document.add_paragraph(), _condition(question.skip, instrument), size=10.5)
    if question.kind in (QuestionKind.SINGLE, QuestionKind.MULTIPLE):
        hint = document.add_paragraph()
        hint.paragraph_format.keep_with_next = True
        single = question.kind is QuestionKind.SINGLE
        _line(hint, "Chọn một câu trả lời." if single else "Có thể chọn nhiều câu trả lời.", size=10.5)
        for level in question.slots[0].levels:
            option = document.add_paragraph()
            option.paragraph_format.space_after = Pt(2)
            option.paragraph_format.keep_with_next = level is not question.slots[0].levels[-1]
            _line(option, f"{BOX}  {level.text.vi}", size=11.5)
        return
    _grid(document, question.slots, instrument.groups)


def _condition(skip: SkipRule, instrument: Instrument) -> str:
    """Return the sentence that says who answers the question."""
    gate = next(slot for slot in instrument.slots if slot.code == skip.slot)
    answers = " hoặc ".join(f"“{level.text.vi}”" for level in gate.levels if level.value in skip.values)
    return f"Chỉ trả lời nếu ở nội dung “{gate.text.vi}” đã chọn {answers}."


def _grid(document: Document, slots: Sequence[AnswerSlot], groups: Mapping[str, Any]) -> None:
    """Print items in rows and levels in columns, with a box in each cell. The name of each group has its own row."""
    levels = slots[0].levels
    table = document.add_table(rows=1, cols=1 + len(levels), style=BORDERS)
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    for cell, level in zip(table.rows[0].cells[1:], levels, strict=True):
        _line(cell.paragraphs[0], f"{level.text.vi} ({level.value})", bold=True, size=9, centre=True)
        cell.paragraphs[0].paragraph_format.space_after = Pt(0)
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    group = ""
    for at, slot in enumerate(slots, 1):
        own = slot.code.rpartition(".")[0]
        if own in groups and own != group:
            group = own
            _group_row(table, groups[own].vi)
        cells = table.add_row().cells
        _line(cells[0].paragraphs[0], f"{at}) {slot.text.vi}", size=10.5)
        for cell in cells[1:]:
            _line(cell.paragraphs[0], BOX, size=13, centre=True)
        for cell in cells:
            cell.paragraphs[0].paragraph_format.space_after = Pt(0)
            cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    for row in table._tbl.tr_lst:
        row.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    _set_widths(table, [Cm(17.6 - LEVEL * len(levels)), *[Cm(LEVEL)] * len(levels)])


def _set_widths(table: Any, widths: Sequence[Length]) -> None:
    """Set the widths in the grid, which LibreOffice reads, and in every cell that is not merged, which Word reads."""
    for column, width in zip(table._tbl.tblGrid.gridCol_lst, widths, strict=True):
        column.w = width
    for row in table._tbl.tr_lst:
        if len(row.tc_lst) == len(widths):
            for cell, width in zip(row.tc_lst, widths, strict=True):
                cell.width = width


def _group_row(table: Any, text: str) -> None:
    cells = table.add_row().cells
    cells[0].merge(cells[-1])
    paragraph = cells[0].paragraphs[0]
    _line(paragraph, text, bold=True, size=11)
    paragraph.paragraph_format.space_after, paragraph.paragraph_format.keep_with_next = Pt(0), True
