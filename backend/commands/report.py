"""``langnghe report sipas``: the province's report as a document, a workbook and charts, for others to check."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from backend import clock, db
from backend.commands.console import database_at_hand, refusals_as_lines
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
    kept: Annotated[
        Path | None, typer.Option("--keep", help="Báo cáo .docx đã sửa tay: giữ lại lời văn ở những chỗ đánh dấu.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="In các câu sinh từ số liệu và tên các bảng.")] = False,
) -> None:
    """Lập báo cáo phân tích SIPAS từ số liệu công bố đã lưu; lời văn của người soạn được giữ qua mỗi lần lập."""
    about, now = ReportSubject(unit, year, against), clock.now()
    with refusals_as_lines():
        _writable(out, xlsx)
        edited = _read(kept) if kept else None
        with database_at_hand(), db.transaction() as session:
            service.check_subject(session, about)
            found = service.keep_texts(session, about, edited, user_id=None, now=now) if edited is not None else []
            made = service.make(session, about, now)
        _write(made, out, xlsx, charts)
    if as_json:
        typer.echo(json.dumps(_json(made, out, found), ensure_ascii=False, indent=2))
    else:
        blocks = made.report.blocks
        typer.echo(f"Đã ghi {out}: {len(tables_of(blocks))} bảng, {len(pictures(blocks))} biểu đồ, "
                   f"{len(generated_paragraphs(blocks))} đoạn sinh từ số liệu.")  # fmt: skip


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Invalid(_("Không đọc được tệp “%(path)s”."), path=path) from error


def _writable(out: Path, xlsx: Path | None) -> None:
    """Refuse a name of another kind before the work: a document under a wrong ending opens nowhere."""
    for path, ending in ((out, ".docx"), (xlsx, ".xlsx")):
        if path is not None and path.suffix.lower() != ending:
            raise Invalid(_("Tên tệp “%(path)s” phải kết thúc bằng %(ending)s."), path=path, ending=ending)


def _write(made: WrittenReport, out: Path, xlsx: Path | None, charts: Path | None) -> None:
    wanted = {out: made.files[DOCX]}
    if xlsx is not None:
        wanted[xlsx] = made.files[XLSX]
    if charts is not None:
        wanted |= {charts / name: content for name, content in made.files.items() if name.startswith("hinh-")}
    for path, content in wanted.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise Invalid(_("Không ghi được tệp “%(path)s”."), path=path) from error


def _json(made: WrittenReport, out: Path, kept: list[str]) -> dict[str, Any]:
    context, blocks = made.report.context, made.report.blocks
    return {
        "out": str(out),
        "unit": context.geography,
        "year": context.year,
        "against": context.against,
        "n": context.n,
        "inputs_hash": made.inputs_hash.hex(),
        "sentences": [{"key": one.key, "text": one.text} for one in generated_paragraphs(blocks)],
        "tables": [one.title for one in tables_of(blocks)],
        "charts": [one.title for one in pictures(blocks)],
        "places": {key: bool(made.report.texts.get(key)) for key in KEYS},
        "kept": kept,
        "discrepancies": len(context.findings),
    }
