"""The guidance letter (phiếu hướng dẫn) for feedback that is a complaint (khiếu nại) or a denunciation (tố cáo).

It comes as a page and as a .docx file in the layout of Decree 30/2020/NĐ-CP. The pages of staff and senders ask for it.
It names no person: the sender is known by the ticket's number alone.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Mm, Pt
from fastapi import Response
from sqlalchemy.orm import Session

from backend import audit
from backend.deadlines.rules import DeadlineRule, choose_rule
from backend.documents import page_layout as layout
from backend.errors import Conflict, NotFound, _
from backend.tickets import queries, rulebook
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketState
from backend.tickets.texts import TERM_TEXTS
from backend.units.models import Unit, UnitKind
from backend.worktime.calendar import local_time

# The fixed texts of every letter, for the page and for the file.
NATION: Final = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
MOTTO: Final = "Độc lập - Tự do - Hạnh phúc"
NUMBER: Final = "Số:        /PHD"
KIND: Final = "PHIẾU HƯỚNG DẪN"
RECIPIENTS: Final = ("- Như trên;", "- Lưu: VT.")
SIGN_HERE: Final = "(Chữ ký, dấu, họ tên)"
WIDTHS: Final = (68.0, 97.0)  # mm: agency, nation
COUNCIL: Final = "Ủy ban nhân dân"
TO_SIGN: Final = Pt(66)  # room for a signature and a stamp
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
# Procedure -> its name, its law, and who accepts it. Official documents are in Vietnamese, whatever language the reader
# chose.
_PROCEDURES: Final = {
    "complaint": (
        "khiếu nại",
        "Luật Khiếu nại năm 2011",
        "Đơn khiếu nại lần đầu gửi đến người đã ra quyết định hoặc cơ quan có người có hành vi bị khiếu nại.",
    ),
    "denunciation": (
        "tố cáo",
        "Luật Tố cáo năm 2018",
        "Đơn tố cáo gửi đến nơi có thẩm quyền quản lý người bị tố cáo; họ tên người tố cáo được giữ bí mật.",
    ),
}
# Units whose letter comes from their people's committee and is dated at a place of the unit's name. Above the name of a
# department stands the name of the province.
_COMMUNES: Final = frozenset({UnitKind.COMMUNE, UnitKind.WARD, UnitKind.TOWNSHIP})


@dataclass(frozen=True)
class OfficialLetter:
    """The parts of the letter. The last paragraph ends with ``./.``.

    ``above`` is the agency that the writing agency belongs to. ``signer`` holds the lines above the signature: in whose
    name, and in which office.
    """

    number: str
    above: str
    agency: tuple[str, ...]
    signer: tuple[str, ...]
    place: str
    on: date
    subject: str
    paragraphs: tuple[str, ...]

    @property
    def dateline(self) -> str:
        """Place and date. Days below 10, January and February get a leading 0, so that nobody can add a digit."""
        month = f"{self.on.month:02d}" if self.on.month < 3 else str(self.on.month)
        return f"{self.place}, ngày {self.on.day:02d} tháng {month} năm {self.on.year}"

    @property
    def addressee(self) -> str:
        return f"Kính gửi: Người gửi phản ánh mã số {self.number}"

    @property
    def heading(self) -> list[tuple[str, bool]]:
        """The lines above the number in capitals, each with whether it is bold. Only the writing agency is bold."""
        lines_above = [(self.above.upper(), False)] if self.above else []
        return lines_above + [(name.upper(), True) for name in self.agency]


@dataclass(frozen=True)
class LetterIssuer:
    """The parts of a letter that depend on the unit that writes it; see ``OfficialLetter``."""

    above: str
    agency: tuple[str, ...]
    signer: tuple[str, ...]
    place: str


def guidance_letter(session: Session, ticket: Ticket) -> OfficialLetter:
    """Return the letter of a redirected ticket, with the officer's own guidance. Raises Conflict for other tickets."""
    if ticket.state is not TicketState.REDIRECTED:
        raise Conflict(_("Phản ánh này không được chuyển sang thủ tục khác nên không có phiếu hướng dẫn."))
    entries = audit.list_entries(session, audit.ticket_chain(ticket.id))
    entry = [entry for entry in entries if entry.action == Event.REDIRECTED][-1]
    course = queries.list_course(session, ticket.id, entries=entries)
    step = [step for step in course if step.event is Event.REDIRECTED][-1]
    procedure = entry.data["procedure"]
    name, law, where = _PROCEDURES[procedure]
    received = local_time(ticket.received_at).strftime("%d/%m/%Y")
    guidance = [line.strip() for line in step.text.splitlines() if line.strip()]
    closing = "Trân trọng thông báo để ông/bà biết và thực hiện./."
    issuer = _find_issuer(session, ticket.unit)
    return OfficialLetter(
        number=ticket.number,
        above=issuer.above,
        agency=issuer.agency,
        signer=issuer.signer,
        place=issuer.place,
        on=local_time(step.at).date(),
        subject=f"Hướng dẫn thực hiện thủ tục {name}",
        paragraphs=(
            f"Ngày {received}, {ticket.unit.name} nhận được phản ánh mã số {ticket.number} của ông/bà.",
            f"Nội dung này thuộc thủ tục {name} theo {law}, không thuộc phạm vi xử lý phản ánh, kiến nghị. {where}",
            procedure_terms(rulebook.load_rules(session).rows, procedure, local_time(step.at).date()),
            *guidance,
            f"Phản ánh mã số {ticket.number} kết thúc tại đây và không được công khai. {closing}",
        ),
    )


def _find_issuer(session: Session, unit: Unit) -> LetterIssuer:
    """Return who issues the letters of a unit. A department leaves the place open, to be filled in by hand."""
    if unit.kind in _COMMUNES:
        return LetterIssuer(
            above="",
            agency=(COUNCIL, unit.name),
            signer=(f"TM. {COUNCIL}".upper(), "CHỦ TỊCH"),
            place=unit.name.split(" ", 1)[-1],
        )
    return LetterIssuer(
        above=_agency_above(session, unit),
        agency=(unit.name,),
        signer=("THỦ TRƯỞNG CƠ QUAN",),
        place="...............",
    )


def procedure_terms(rules: Sequence[DeadlineRule], procedure: str, on: date) -> str:
    """Return a sentence with the terms of a procedure for what is submitted on the day ``on``, each with its basis.

    The terms are guidance: the authority that accepts the khiếu nại or tố cáo counts them. No clock here does.
    """
    accept, resolve = (_term_text(rules, f"{procedure}_{stage}", on) for stage in ("accept", "resolve"))
    if procedure == "denunciation":
        return f"Tố cáo được thụ lý trong {accept}; thời hạn giải quyết là {resolve} kể từ ngày thụ lý."
    complex_case = _term_text(rules, "complaint_resolve", on, "complex")
    resolving = f"giải quyết lần đầu không quá {resolve} kể từ ngày thụ lý, vụ việc phức tạp không quá {complex_case}"
    decided = "Việc tạm đình chỉ hoặc đình chỉ giải quyết do người có thẩm quyền quyết định bằng văn bản"
    return f"Khiếu nại được thụ lý trong {accept}; {resolving}. {decided}{_suspension_text(rules, on)}."


def _suspension_text(rules: Sequence[DeadlineRule], on: date) -> str:
    """Return the term for sending a decision to suspend, if the law of that day sets one; else an empty text."""
    try:
        within = _term_text(rules, "complaint_suspension_notice", on)
    except NotFound:
        return ""
    going_on = "thời hạn chạy tiếp từ khi có quyết định tiếp tục giải quyết"
    return f"; quyết định tạm đình chỉ được gửi trong {within}, {going_on}"


def _term_text(rules: Sequence[DeadlineRule], code: str, on: date, case: str = "") -> str:
    """Return a term with its basis in Vietnamese, such as ``30 ngày (Luật Khiếu nại 2011, Điều 28)``."""
    rule = choose_rule(rules, code, on, case).rule
    term = TERM_TEXTS[rule.duration.unit] % {"n": rule.duration.value} if rule.duration else rule.value
    return f"{term} ({rule.basis})"


def _agency_above(session: Session, unit: Unit) -> str:
    """Return the province's committee for a unit directly below the province. The Decree allows the short form UBND."""
    parent = session.get(Unit, unit.parent_id) if unit.parent_id is not None else None
    return f"UBND {parent.name}" if parent is not None and parent.kind is UnitKind.PROVINCE else ""


def letter_response(letter: OfficialLetter) -> Response:
    """Return the letter as a file to download. The file name holds only the number."""
    name = f"phieu-huong-dan-{letter.number}.docx"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(letter_document(letter), media_type=DOCX, headers=headers)


def letter_document(letter: OfficialLetter) -> bytes:
    """Return the letter as a Word document."""
    paper = Document()
    layout.prepare_page(paper)
    properties = paper.core_properties
    properties.title, properties.author = letter.subject, letter.agency[-1]
    properties.language, properties.comments = "vi-VN", ""
    _head(paper, letter)
    _line(paper.add_paragraph(), KIND, 14, bold=True, before=14)
    _line(paper.add_paragraph(), letter.subject, 14, bold=True)
    layout.rule_below(paper.add_paragraph(), layout.TEXT_WIDTH, 50)
    _line(paper.add_paragraph(), letter.addressee, 14, before=6, after=6)
    for text in letter.paragraphs:
        body = paper.add_paragraph(text)
        body.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
        body.paragraph_format.first_line_indent = layout.INDENT
    body.paragraph_format.keep_with_next = True  # so no page holds only the signature
    _foot(paper, letter)
    out = io.BytesIO()
    paper.save(out)
    return out.getvalue()


def _head(paper: Any, letter: OfficialLetter) -> None:
    left, right = _columns(paper, WIDTHS)
    lines = letter.heading
    for line, (text, bold) in zip(_lines_of(left, len(lines)), lines, strict=True):
        _line(line, text, 13, bold=bold)
    layout.rule_below(left.add_paragraph(), WIDTHS[0] - 4, 22)
    _line(left.add_paragraph(), NUMBER, 13)
    _line(right.paragraphs[0], NATION, 12, bold=True)
    _line(right.add_paragraph(), MOTTO, 14, bold=True)
    layout.rule_below(right.add_paragraph(), WIDTHS[1] - 4, 60)
    _line(right.add_paragraph(), letter.dateline, 14, italic=True)


def _foot(paper: Any, letter: OfficialLetter) -> None:
    left, right = _columns(paper, (80.0, 85.0))
    _line(left.paragraphs[0], "Nơi nhận:", 12, bold=True, italic=True, centred=False)
    for text in RECIPIENTS:
        _line(left.add_paragraph(), text, 11, centred=False)
    for line, text in zip(_lines_of(right, len(letter.signer)), letter.signer, strict=True):
        _line(line, text, 14, bold=True)
    _line(right.add_paragraph(), SIGN_HERE, 14, italic=True, after=TO_SIGN.pt)


def _lines_of(cell: Any, count: int) -> list[Any]:
    """Return ``count`` paragraphs of a cell: its first one and new ones."""
    return [cell.paragraphs[0], *(cell.add_paragraph() for _number in range(count - 1))]


def _columns(paper: Any, widths: tuple[float, float]) -> tuple[Any, Any]:
    """Add two columns without borders, as header and footer have them."""
    grid = paper.add_table(rows=1, cols=2)
    grid.autofit = False
    layout.no_borders(grid)
    layout.keep_together(grid.rows[0])
    for cell, column, width in zip(grid.rows[0].cells, grid.columns, widths, strict=True):
        cell.width = column.width = Mm(width)
    left, right = grid.rows[0].cells
    return left, right


def _line(
    line: Any, text: str, size: int, *, bold: bool = False, italic: bool = False, before: float = 0,
    after: float = 0, centred: bool = True,
) -> None:  # fmt: skip
    line.alignment = WD_ALIGN_PARAGRAPH.CENTER if centred else WD_ALIGN_PARAGRAPH.LEFT
    line.paragraph_format.space_before, line.paragraph_format.space_after = Pt(before), Pt(after)
    run = line.add_run(text)
    run.font.size, run.bold, run.italic = Pt(size), bold, italic
