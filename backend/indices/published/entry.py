"""Enter published figures together with the document that prints them: all rows or none, each fault at its line."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from analytics.methods import METHODS, IndexMethod, load_method
from backend.errors import Conflict, Invalid, _
from backend.files.faults import FileRefused
from backend.files.tables import TableRow, open_table
from backend.files.text import clean_text
from backend.indices.models import FigureKind, PublishedFigure, PublishedSource
from backend.indices.published.consistency import ConsistencyFinding, list_findings
from backend.indices.published.shipped_figures import GEOGRAPHIES
from backend.jobs.guarded import limits_for, run_guarded

COLUMNS = ("ma", "gia_tri", "hang", "so_tinh", "tang_giam", "doi_hang", "so_phieu", "noi_dung")
REQUIRED = ("ma", "gia_tri")
MOST_BYTES = 1_000_000
MOST_ROWS = 200
FIRST_YEAR, LAST_YEAR = 2011, 2099
NUMBER = re.compile(r"[-+−]?\d{1,3}(?:[.,]\d{1,2})?", re.A)
WHOLE = re.compile(r"[-+−]?\d{1,6}", re.A)

RowReader = Callable[[str, IndexMethod], list[dict[str, Any]]]


@dataclass(frozen=True)
class PublishedDocument:
    """Where, when and by which method. ``source`` is a short code of the document, ``title`` is its name."""

    geography: str
    year: int
    method: str
    source: str
    title: str


@dataclass(frozen=True)
class EntryResult:
    """How many figures were stored, and what does not add up among them."""

    stored: int
    findings: Sequence[ConsistencyFinding]


def enter_table(
    session: Session, document: PublishedDocument, table: str, read_rows: RowReader | None = None
) -> EntryResult:
    """Store the rows of a table (CSV with the header ``COLUMNS``) and return what does not add up.

    Raises Invalid with a refusal for each faulty line, Conflict where another document gave the figures of this place
    and year.
    """
    method = _check_document(document)
    rows = (read_rows or read_figures)(table, method)
    other_source = session.scalar(
        select(PublishedFigure.source_code)
        .filter_by(geography=document.geography, year=document.year, kind=FigureKind.SATISFACTION)
        .where(PublishedFigure.source_code != document.source)
        .limit(1)
    )
    if other_source is not None:
        raise Conflict(
            _("Số liệu năm %(year)s của nơi này đã có theo văn bản “%(source)s”."),
            year=document.year,
            source=other_source,
        )
    session.execute(
        insert(PublishedSource)
        .values(code=document.source, title=document.title, note="")
        .on_conflict_do_update(index_elements=["code"], set_={"title": document.title})
    )
    fixed = {"geography": document.geography, "year": document.year, "kind": FigureKind.SATISFACTION}
    values = [row | fixed | {"method": method.code, "source_code": document.source} for row in rows]
    statement = insert(PublishedFigure).values(values)
    fresh = {name: statement.excluded[name] for name in values[0] if name not in fixed and name != "code"}
    key = ["geography", "year", "kind", "code"]
    session.execute(statement.on_conflict_do_update(index_elements=key, set_=fresh))
    session.expire_all()
    return EntryResult(len(values), list_findings(session, document.geography, document.year))


def read_file(content: bytes) -> str:
    """Return a file as text. Raises Invalid for a file that is too large or not UTF-8."""
    check_size(len(content), "tep")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(_("Tệp phải là văn bản CSV, mã UTF-8."), field="tep") from None


def _check_document(document: PublishedDocument) -> IndexMethod:
    refusals = []
    if document.geography not in GEOGRAPHIES:
        refusals.append(Invalid(_("Hãy chọn một trong các mục."), field="noi"))
    if document.method not in METHODS or not load_method(document.method).nodes:
        refusals.append(Invalid(_("Hãy chọn một trong các mục."), field="phuong-phap"))
    if not FIRST_YEAR <= document.year <= LAST_YEAR:
        refusals.append(Invalid(_("Hãy ghi năm của cuộc khảo sát, ví dụ 2024."), field="nam"))
    if not re.fullmatch(r"[a-z0-9-]{3,40}", document.source):
        refusals.append(
            Invalid(_("Mã văn bản gồm chữ thường không dấu, số và gạch ngang, từ 3 đến 40 ký tự."), field="ma-van-ban")
        )
    if len(document.title) < 10:
        refusals.append(Invalid(_("Hãy ghi tên, số và ngày của văn bản công bố."), field="van-ban"))
    Invalid.collect(refusals)
    return load_method(document.method)


def read_figures(table: str, method: IndexMethod) -> list[dict[str, Any]]:
    """Return the values of each row. Raises Invalid with all faulty rows together."""
    header, rows = _table(table)
    if not rows or not set(REQUIRED) <= set(header) or not set(header) <= set(COLUMNS):
        raise Invalid(
            _("Bảng phải có dòng đầu gồm các cột: %(columns)s; bắt buộc ma và gia_tri."),
            field="bang",
            columns=", ".join(COLUMNS),
        )
    if len(rows) > MOST_ROWS:
        raise Invalid(_("Bảng có quá %(most)s dòng."), field="bang", most=MOST_ROWS)
    figures: dict[str, dict[str, Any]] = {}
    refusals: list[Invalid] = []
    for row in rows:
        try:
            figure = _figure(row.line, _cells(row, header), method, figures)
            figures[figure["code"]] = figure
        except Invalid as refusal:
            refusals.append(refusal)
    if refusals:
        raise Invalid(_("Có dòng cần sửa; chưa lưu dòng nào."), errors=tuple(refusals))
    return list(figures.values())


def _cells(row: TableRow, header: Sequence[str]) -> dict[str, str]:
    """Return the cells of a row by column. Raises Invalid for a row that the reader of the file complains about."""
    if row.findings:
        reason = str(row.findings[0].reason)
        raise Invalid(_("dòng %(line)s: %(reason)s"), field="bang", line=row.line, reason=reason)
    return dict(zip(header, row.cells, strict=True))


def _table(text: str) -> tuple[list[str], list[TableRow]]:
    """Return the header and the rows of a table that was typed, pasted or uploaded."""
    try:
        table = open_table(io.BytesIO(text.strip().encode("utf-8", "surrogatepass")))
        return table.header, list(table)
    except FileRefused as refusal:
        raise refusal.at("bang") from None


def read_figures_guarded(table: str, method: IndexMethod) -> list[dict[str, Any]]:
    """Do the same in a child process with limits: for a table from outside, in a process that others wait for."""
    check_size(len(table), "bang")
    return run_guarded(read_figures, table, method, limits=limits_for(len(table)), field="bang")


def check_size(size: int, field: str) -> None:
    """Raise Invalid for a table that is too large."""
    if size > MOST_BYTES:
        raise Invalid(_("Tệp lớn hơn 1 MB."), field=field)


def _figure(line: int, row: Mapping[str, str], method: IndexMethod, earlier: Mapping[str, object]) -> dict[str, Any]:
    """Return the values of one row. ``earlier``: the codes of the rows before it. Raises Invalid at the line."""
    codes = list(method.nodes)
    code = row.get("ma", "").strip()
    if code not in method.nodes:
        raise _fault(line, _("dòng %(line)s: phương pháp này không có chỉ số “%(text)s”."), code)
    if code in earlier:
        raise _fault(line, _("dòng %(line)s: chỉ số “%(text)s” có hai lần."), code)
    rank, ranked = _rank(line, row)
    node = method.nodes[code]
    return {
        "code": code,
        "parent": node.parent,
        "level": node.level.value,
        "position": codes.index(code) + 1,
        "text_vi": clean_text(row.get("noi_dung") or code, limit=500),
        "value": _value(line, row),
        "rank": rank,
        "ranked": ranked,
        "n": _ballots(line, row),
        "change": _number(line, row, "tang_giam"),
        "rank_change": _whole(line, row, "doi_hang"),
    }


def _value(line: int, row: Mapping[str, str]) -> Decimal:
    value = _number(line, row, "gia_tri")
    if value is None or not 0 <= value <= 100:
        raise _fault(line, _("dòng %(line)s: giá trị “%(text)s” phải từ 0 đến 100."), row.get("gia_tri", ""))
    return value


def _rank(line: int, row: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Return the rank and the number of provinces ranked; None for both without a rank."""
    rank, ranked = _whole(line, row, "hang"), _whole(line, row, "so_tinh")
    if rank is None:
        return None, None
    if not 1 <= rank <= (ranked or 0):
        raise _fault(line, _("dòng %(line)s: hạng “%(text)s” phải từ 1 đến số tỉnh được xếp."), row.get("hang", ""))
    return rank, ranked


def _ballots(line: int, row: Mapping[str, str]) -> int | None:
    ballots = _whole(line, row, "so_phieu")
    if ballots is not None and ballots < 1:
        raise _fault(line, _("dòng %(line)s: số phiếu “%(text)s” phải lớn hơn 0."), row.get("so_phieu", ""))
    return ballots


def _number(line: int, row: Mapping[str, str], column: str) -> Decimal | None:
    text = row.get(column, "").strip()
    if not text:
        return None
    if not NUMBER.fullmatch(text):
        raise _fault(line, _("dòng %(line)s: “%(text)s” không phải là số có nhiều nhất hai chữ số thập phân."), text)
    return Decimal(text.replace(",", ".").replace("−", "-"))


def _whole(line: int, row: Mapping[str, str], column: str) -> int | None:
    text = row.get(column, "").strip()
    if not text:
        return None
    if not WHOLE.fullmatch(text):
        raise _fault(line, _("dòng %(line)s: “%(text)s” không phải là số nguyên."), text)
    return int(text.replace("−", "-"))


def _fault(line: int, message: str, text: str) -> Invalid:
    return Invalid(message, field="bang", line=line, text=text[:60])
