"""``langnghe verify``: proves that the history was not rewritten and that tickets follow from it.

Status 0: all holds; 1: something does not; 2: could not be checked.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from backend import db
from backend.audit import BrokenLink
from backend.commands.console import database_at_hand, refusals_as_lines
from backend.errors import Invalid, _
from backend.history import verification, words
from backend.history.heads import DailyHead
from backend.history.verification import VerificationReport
from backend.tickets import projection
from backend.web.language import number_text

verify = typer.Typer(help="Kiểm tra: nhật ký còn nguyên, phản ánh khớp nhật ký.", no_args_is_help=True)

WHY = {
    "missing": "bị mất",
    "altered": "bị sửa",
    "does not follow the link before": "không nối tiếp mục trước",
    "differs from what was sealed": "khác với lúc niêm phong",
    "never sealed": "được chèn vào mà không qua niêm phong",
    "its heads were altered": "danh sách đầu chuỗi bị sửa",
    "entries were taken away before it": "thiếu mục đã bị xóa trước khi niêm phong",
    "signed by an unknown key": "ký bằng khóa lạ",
    "its signature does not fit": "chữ ký không đúng",
    "differs from what was signed": "khác với lúc ký",
}
WHERE = {
    verification.SEALS: "Niêm phong số {seq}",
    verification.SIGNATURES: "Chữ ký trên niêm phong số {seq}",
    verification.EXPORTED: "Dấu đã xuất, niêm phong số {seq}",
}
LOST = {
    "ticket": "{ticket}: có trong nhật ký nhưng không còn trong dữ liệu",
    "words": "{ticket}: tiêu đề hoặc nội dung đã bị sửa",
    "rating": "{ticket}: đánh giá đang lưu là {stored}, theo nhật ký là {replayed}",
}
NO_TEXT = {True: "{ticket}: văn bản số {id} bị mất", False: "{ticket}: văn bản số {id} đã bị sửa"}
UNKNOWN_TEXT = "{ticket}: văn bản số {id} không có trong nhật ký"
AsJson = Annotated[bool, typer.Option("--json", help="In một đối tượng JSON.")]


@verify.callback()
def _group() -> None:
    """Kiểm tra: nhật ký còn nguyên, phản ánh khớp nhật ký."""


@verify.command("audit")
def audit_command(
    head: Annotated[Path | None, typer.Option(help="Tệp do “langnghe audit head” xuất ra trước đây.")] = None,
    as_json: AsJson = False,
) -> None:
    """Kiểm tra từng mục nhật ký, từng niêm phong, từng chữ ký; nêu chỗ hỏng đầu tiên."""
    with refusals_as_lines():
        kept = _read(head) if head else None
        with database_at_hand(), db.transaction() as session:
            report = verification.verify_history(session, kept)
    if as_json:
        typer.echo(json.dumps(_json(report, kept), ensure_ascii=False, indent=2))
    else:
        _print(report, kept)
    raise typer.Exit(1 if report.faults else 0)


@verify.command("tickets")
def tickets_command(as_json: AsJson = False) -> None:
    """Dựng lại trạng thái, hạn, kết luận của từng phản ánh từ nhật ký và so với dữ liệu đang lưu; lời văn và đánh giá
    được so với dấu vết trong nhật ký."""
    checks = projection.check_all, words.differences
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        differences = [asdict(difference) for check in checks for difference in check(session)]
    if as_json:
        typer.echo(json.dumps({"ok": not differences, "differences": differences}, ensure_ascii=False, indent=2))
    else:
        for found in differences:
            typer.echo(_difference(found))
        typer.echo(f"Có {len(differences)} chỗ khác." if differences else "Mọi phản ánh khớp với nhật ký.")
    raise typer.Exit(1 if differences else 0)


def _difference(found: dict[str, str]) -> str:
    what, _sign, number_of = found["what"].partition(":")
    if what == "message":
        known = NO_TEXT[not found["stored"]] if found["replayed"] else UNKNOWN_TEXT
        return known.format(ticket=found["ticket"], id=number_of)
    told = LOST.get(what, "{ticket}: {what} đang lưu là {stored}, theo nhật ký là {replayed}")
    return told.format_map({name: value or "trống" for name, value in found.items()})


def _read(path: Path) -> DailyHead:
    try:
        return DailyHead.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise Invalid(_("Không đọc được tệp “%(path)s”."), path=str(path)) from None


def _json(report: VerificationReport, head: DailyHead | None) -> dict[str, object]:
    return {
        "ok": not report.faults,
        "entries": report.entries,
        "chains": report.chains,
        "unsealed": report.unsealed,
        "seals": report.seals,
        "signatures": report.signatures,
        "head": head.seal if head else None,
        "first": asdict(report.first) if report.first else None,
        "broken": [asdict(fault) for fault in report.faults],
    }


def _print(report: VerificationReport, head: DailyHead | None) -> None:
    counted = {
        "mục nhật ký": report.entries,
        "chuỗi": report.chains,
        "niêm phong": report.seals,
        "chữ ký": report.signatures,
    }
    typer.echo("Đã kiểm tra " + ", ".join(f"{number_text(n, 'vi')} {name}" for name, n in counted.items()) + ".")
    if report.seals and not report.signatures:
        typer.echo("Chưa niêm phong nào được ký: hãy đối chiếu với dấu đã cất bằng --head.")
    if report.unsealed:
        typer.echo(f"{number_text(report.unsealed, 'vi')} mục đang chờ niêm phong.")
    for fault in report.faults:
        typer.echo(_sentence(fault))
    if not report.faults:
        kept = f", và vẫn chứa dấu ngày {head.day:%d/%m/%Y} (niêm phong số {head.seal})" if head else ""
        typer.echo(f"Nhật ký còn nguyên{kept}.")


def _sentence(fault: BrokenLink) -> str:
    where = WHERE.get(fault.chain, "Chuỗi {chain}, mục {seq}").format(chain=fault.chain, seq=fault.seq)
    return f"{where}: {WHY[fault.why]}."
