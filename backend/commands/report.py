"""``langnghe report sipas``: the province's report as a document, a workbook and charts."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from backend import clock, db
from backend.commands.console import database_at_hand, refusals_as_lines
from backend.commands.output_language import say_text
from backend.documents.places import KEYS
from backend.errors import Invalid, _
from backend.reports import service
from backend.reports.blocks import generated_paragraphs, pictures, tables_of
from backend.reports.service import DOCX, XLSX, ReportSubject, WrittenReport

report = typer.Typer(help="Báo cáo.", no_args_is_help=True)


@report.callback()
def _group() -> None:
    """Báo cáo."""


@report.command("sipas")
def make_report(
    year: Annotated[int, typer.Option(help="Năm của số liệu công bố.")],
    against: Annotated[int, typer.Option(help="Năm so sánh.")],
    out: Annotated[Path, typer.Option(help="Tệp .docx cần ghi.")],
    unit: Annotated[str, typer.Option(help="Đơn vị, ví dụ lai-chau.")] = "lai-chau",
    xlsx: Annotated[Path | None, typer.Option(help="Tệp .xlsx chứa các bảng.")] = None,
    charts: Annotated[Path | None, typer.Option(help="Thư mục để ghi biểu đồ SVG và PNG.")] = None,
    edited: Annotated[
        Path | None, typer.Option("--keep", help="Báo cáo .docx đã sửa tay: giữ lại lời văn ở những chỗ đánh dấu.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="In các câu sinh từ số liệu và tên các bảng.")] = False,
) -> None:
    """Lập báo cáo phân tích SIPAS từ số liệu công bố đã lưu; lời văn của người soạn được giữ qua mỗi lần lập."""
    about, now = ReportSubject(unit, year, against), clock.now()
    with refusals_as_lines():
        _writable(out, xlsx)
        document = _read(edited) if edited else None
        with database_at_hand(), db.transaction() as session:
            service.check_subject(session, about)
            places = [] if document is None else service.keep_texts(session, about, document, user_id=None, now=now)
            written = service.make(session, about, now)
        _write(written, out, xlsx, charts)
    if as_json:
        typer.echo(json.dumps(_json(written, out, places), ensure_ascii=False, indent=2))
    else:
        typer.echo(_summary(written, out))


def _summary(written: WrittenReport, out: Path) -> str:
    blocks = written.report.blocks
    return say_text(
        _("Đã ghi %(path)s: %(tables)s bảng, %(charts)s biểu đồ, %(paragraphs)s đoạn sinh từ số liệu."),
        path=out,
        tables=len(tables_of(blocks)),
        charts=len(pictures(blocks)),
        paragraphs=len(generated_paragraphs(blocks)),
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Invalid(_("Không đọc được tệp “%(path)s”."), path=path) from error


def _writable(out: Path, xlsx: Path | None) -> None:
    """Refuse a file name with a wrong ending before the work: a document under a wrong ending opens nowhere."""
    for path, ending in ((out, ".docx"), (xlsx, ".xlsx")):
        if path is not None and path.suffix.lower() != ending:
            raise Invalid(_("Tên tệp “%(path)s” phải kết thúc bằng %(ending)s."), path=path, ending=ending)


def _write(report: WrittenReport, out: Path, xlsx: Path | None, charts: Path | None) -> None:
    wanted = {out: report.files[DOCX]}
    if xlsx is not None:
        wanted[xlsx] = report.files[XLSX]
    if charts is not None:
        wanted |= {charts / name: content for name, content in report.files.items() if name.startswith("hinh-")}
    for path, content in wanted.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise Invalid(_("Không ghi được tệp “%(path)s”."), path=path) from error


def _json(written: WrittenReport, out: Path, kept_places: list[str]) -> dict[str, Any]:
    context, blocks = written.report.context, written.report.blocks
    return {
        "out": str(out),
        "unit": context.geography,
        "year": context.year,
        "against": context.against,
        "n": context.n,
        "inputs_hash": written.inputs_hash.hex(),
        "sentences": [{"key": paragraph.key, "text": paragraph.text} for paragraph in generated_paragraphs(blocks)],
        "tables": [table.title for table in tables_of(blocks)],
        "charts": [picture.title for picture in pictures(blocks)],
        "places": {key: bool(written.report.texts.get(key)) for key in KEYS},
        "kept": kept_places,
        "discrepancies": len(context.findings),
    }
