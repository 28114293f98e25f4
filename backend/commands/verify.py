"""``langnghe verify``: prove that the history was not rewritten, that tickets follow from it, and figures from tickets.

Status 0: everything holds; 1: something does not; 2: it could not be checked.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import select

from backend import clock, db
from backend.audit import BrokenLink
from backend.commands.console import database_at_hand, refusals_as_lines
from backend.commands.output_language import say_number, say_text
from backend.errors import Invalid, _
from backend.history import verification, words
from backend.history.heads import DailyHead
from backend.history.verification import VerificationReport
from backend.indicators.rollups import service as rollups
from backend.indicators.rollups.verification import RollupDifference, find_differences
from backend.tickets import projection
from backend.units.models import Unit
from backend.worktime.calendar import local_time

verify = typer.Typer(
    help="Kiểm tra: nhật ký còn nguyên, phản ánh khớp nhật ký, số cộng sẵn khớp phản ánh.", no_args_is_help=True
)

WHY = {
    "missing": _("bị mất"),
    "altered": _("bị sửa"),
    "does not follow the link before": _("không nối tiếp mục trước"),
    "differs from what was sealed": _("khác với lúc niêm phong"),
    "never sealed": _("được chèn vào mà không qua niêm phong"),
    "its heads were altered": _("danh sách đầu chuỗi bị sửa"),
    "entries were taken away before it": _("thiếu mục đã bị xóa trước khi niêm phong"),
    "signed by an unknown key": _("ký bằng khóa lạ"),
    "its signature does not fit": _("chữ ký không đúng"),
    "differs from what was signed": _("khác với lúc ký"),
}
WHERE = {
    verification.SEALS: _("Niêm phong số %(seq)s"),
    verification.SIGNATURES: _("Chữ ký trên niêm phong số %(seq)s"),
    verification.EXPORTED: _("Dấu đã xuất, niêm phong số %(seq)s"),
}
LOST = {
    "ticket": _("%(ticket)s: có trong nhật ký nhưng không còn trong dữ liệu"),
    "words": _("%(ticket)s: tiêu đề hoặc nội dung đã bị sửa"),
    "rating": _("%(ticket)s: đánh giá đang lưu là %(stored)s, theo nhật ký là %(replayed)s"),
}
NO_TEXT = {
    True: _("%(ticket)s: văn bản số %(id)s bị mất"),
    False: _("%(ticket)s: văn bản số %(id)s đã bị sửa"),
}
UNKNOWN_TEXT = _("%(ticket)s: văn bản số %(id)s không có trong nhật ký")
AsJson = Annotated[bool, typer.Option("--json", help="In một đối tượng JSON.")]


@verify.callback()
def _group() -> None:
    """Kiểm tra: nhật ký còn nguyên, phản ánh khớp nhật ký, số cộng sẵn khớp phản ánh."""


@verify.command("audit")
def audit_command(
    head: Annotated[Path | None, typer.Option(help="Tệp do “langnghe audit head” xuất ra trước đây.")] = None,
    as_json: AsJson = False,
) -> None:
    """Kiểm tra từng mục nhật ký, từng niêm phong, từng chữ ký; nêu chỗ hỏng đầu tiên."""
    with refusals_as_lines():
        exported = _read(head) if head else None
        with database_at_hand(), db.transaction() as session:
            report = verification.verify_history(session, exported)
    if as_json:
        typer.echo(json.dumps(_json(report, exported), ensure_ascii=False, indent=2))
    else:
        _print(report, exported)
    raise typer.Exit(1 if report.faults else 0)


@verify.command("tickets")
def tickets_command(as_json: AsJson = False) -> None:
    """Dựng lại trạng thái, hạn, kết luận của từng phản ánh từ nhật ký và so với dữ liệu đang lưu; lời văn và đánh giá
    được so với dấu vết trong nhật ký."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        found_by_check = chain(projection.check_all(session), words.differences(session))
        differences = [asdict(difference) for difference in found_by_check]
    if as_json:
        typer.echo(json.dumps({"ok": not differences, "differences": differences}, ensure_ascii=False, indent=2))
    else:
        for difference in differences:
            typer.echo(_difference(difference))
        count = say_text(_("Có %(n)s chỗ khác."), n=len(differences))
        typer.echo(count if differences else say_text(_("Mọi phản ánh khớp với nhật ký.")))
    raise typer.Exit(1 if differences else 0)


@verify.command("rollups")
def rollups_command(as_json: AsJson = False) -> None:
    """Đếm lại từ phản ánh và đánh giá mọi số cộng sẵn mà các trang chỉ số dùng; nêu từng ô khác."""
    with refusals_as_lines(), database_at_hand():
        today = local_time(clock.now()).date()
        rollups.bring_up_to_date(today)
        with db.transaction() as session:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            codes = {unit.id: unit.code for unit in session.scalars(select(Unit))}
            differences = list(find_differences(session, today))
    if as_json:
        cells = [asdict(difference) | {"month": _month(difference)} for difference in differences]
        typer.echo(json.dumps({"ok": not differences, "differences": cells}, ensure_ascii=False, indent=2))
    else:
        for difference in differences:
            typer.echo(_cell_sentence(difference, codes))
        count = say_text(_("Có %(n)s chỗ khác."), n=len(differences))
        typer.echo(count if differences else say_text(_("Mọi số cộng sẵn khớp với phản ánh và đánh giá.")))
    raise typer.Exit(1 if differences else 0)


def _cell_sentence(difference: RollupDifference, codes: Mapping[int, str]) -> str:
    return say_text(
        _("%(unit)s, tháng nhận %(month)s, kênh %(channel)s, %(what)s: đang lưu %(stored)s, đếm lại %(counted)s"),
        unit=codes.get(difference.unit_id) or say_text(_("Tất cả cơ quan")),
        month=_month(difference) or say_text(_("bất kỳ")),
        channel=difference.channel,
        what=difference.what,
        stored=say_number(difference.stored),
        counted=say_number(difference.counted),
    )


def _month(difference: RollupDifference) -> str:
    return f"{difference.month:%m/%Y}" if difference.month else ""


def _difference(difference: dict[str, str]) -> str:
    """Return a difference between the stored ticket and its history as a sentence."""
    what, _sign, number_of = difference["what"].partition(":")
    if what == "message":
        sentence = NO_TEXT[not difference["stored"]] if difference["replayed"] else UNKNOWN_TEXT
        return say_text(sentence, ticket=difference["ticket"], id=number_of)
    sentence = LOST.get(what, _("%(ticket)s: %(what)s đang lưu là %(stored)s, theo nhật ký là %(replayed)s"))
    return say_text(sentence, **{name: value or say_text(_("trống")) for name, value in difference.items()})


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
    counts = say_text(
        _("Đã kiểm tra %(entries)s mục nhật ký, %(chains)s chuỗi, %(seals)s niêm phong, %(signatures)s chữ ký."),
        entries=say_number(report.entries),
        chains=say_number(report.chains),
        seals=say_number(report.seals),
        signatures=say_number(report.signatures),
    )
    typer.echo(counts)
    if report.seals and not report.signatures:
        typer.echo(say_text(_("Chưa niêm phong nào được ký: hãy đối chiếu với dấu đã cất bằng --head.")))
    if report.unsealed:
        typer.echo(say_text(_("%(n)s mục đang chờ niêm phong."), n=say_number(report.unsealed)))
    for fault in report.faults:
        typer.echo(_sentence(fault))
    if not report.faults:
        typer.echo(_intact(head))


def _intact(head: DailyHead | None) -> str:
    if head is None:
        return say_text(_("Nhật ký còn nguyên."))
    sentence = _("Nhật ký còn nguyên, và vẫn chứa dấu ngày %(day)s (niêm phong số %(seal)s).")
    return say_text(sentence, day=f"{head.day:%d/%m/%Y}", seal=head.seal)


def _sentence(fault: BrokenLink) -> str:
    where = WHERE.get(fault.chain, _("Chuỗi %(chain)s, mục %(seq)s"))
    return f"{say_text(where, chain=fault.chain, seq=fault.seq)}: {say_text(WHY[fault.why])}."
