"""``langnghe sipas``: published figures beside what follows from their items, and what does not add up in them."""

import json
from dataclasses import asdict
from decimal import Decimal
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from backend import db
from backend.commands.console import database_at_hand, refusals_as_lines
from backend.commands.output_language import output_language, say_bilingual, say_number, say_text
from backend.errors import _
from backend.indices.published import service
from backend.indices.published.queries import N_UNKNOWN
from backend.indices.published.service import IndexRecomputation, RecomputedIndex
from backend.indices.published.shipped_figures import GEOGRAPHIES
from backend.indices.translated_texts import TranslatedText
from backend.reports.content.checks import ConsistencyFinding, list_findings

sipas = typer.Typer(help="Chỉ số SIPAS: số liệu công bố và cách tính.", no_args_is_help=True)


@sipas.callback()
def _group() -> None:
    """Chỉ số SIPAS: số liệu công bố và cách tính."""


@sipas.command("recompute")
def recompute_indices(
    method: Annotated[str, typer.Option(help="Phương pháp: qd1001-2023, form-2022 hoặc dak-nong.")] = "qd1001-2023",
    as_json: Annotated[bool, typer.Option("--json", help="In danh sách JSON.")] = False,
) -> None:
    """Tính lại các chỉ số tổng hợp từ nội dung thành phần và so với số công bố."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        result = service.recompute_published(session, method)
    if as_json:
        typer.echo(json.dumps([_json(row) for row in result.rows], indent=2))
    else:
        _print(result)


@sipas.command("check")
def check_figures(as_json: Annotated[bool, typer.Option("--json", help="In danh sách JSON.")] = False) -> None:
    """Liệt kê những chỗ chưa khớp trong số liệu đã công bố: số in, số tính lại, vì sao."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        findings = list_findings(session)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        _list(findings)


def _list(findings: list[ConsistencyFinding]) -> None:
    console = Console()
    titles = (_("Mã"), _("Năm"), _("Chỗ chưa khớp"), _("In"), _("Tính lại"), _("Vì sao"))
    table = Table(*map(say_text, titles), box=None)
    for finding in findings:
        texts = (finding.printed, finding.computed, finding.why)
        table.add_row(finding.code, str(finding.year), say_text(finding.what), *map(_text_in_language, texts))
    console.print(table)
    console.print(say_text(_("Có %(n)s chỗ chưa khớp."), n=len(findings)), highlight=False)


def _text_in_language(text: str) -> str:
    """Return a text of a finding in the language of the output, as far as it is translated."""
    return text.in_language(output_language()) if isinstance(text, TranslatedText) else text


def _json(row: RecomputedIndex) -> dict[str, str | float]:
    return {
        "code": row.code,
        "published": float(row.published),
        "recomputed": float(row.recomputed),
        "difference": float(row.difference),
    }


def _print(result: IndexRecomputation) -> None:
    console = Console()
    n = f"n = {result.n}" if result.n else say_text(N_UNKNOWN)
    sentence = say_text(
        _("%(method)s: %(place)s, năm %(year)s, %(n)s"),
        method=say_bilingual(result.method.name),
        place=GEOGRAPHIES[result.geography],
        year=result.year,
        n=n,
    )
    console.print(sentence, highlight=False)
    table = Table(say_text(_("Mã")), box=None)
    for title in (_("Công bố"), _("Tính lại"), _("Chênh lệch"), _("Số thành phần")):
        table.add_column(say_text(title), justify="right")
    table.add_column()
    for row in result.rows:
        figures = map(_two_decimals, (row.published, row.recomputed, row.difference))
        table.add_row(row.code, *figures, str(row.used), say_text(_note(row)))
    console.print(table)
    for code, reason in result.as_printed.items():
        sentence = _("%(code)s: lấy theo số công bố, vì %(reason)s.")
        console.print(say_text(sentence, code=code, reason=say_bilingual(reason)), highlight=False)
    largest = _two_decimals(result.largest)
    console.print(say_text(_("Chênh lệch lớn nhất: %(points)s"), points=largest), highlight=False)


def _note(row: RecomputedIndex) -> str:
    if row.off:
        return _("vượt mức làm tròn")
    return _("thiếu số liệu") if row.missing else ""


def _two_decimals(value: Decimal) -> str:
    return say_number(value, 2)
