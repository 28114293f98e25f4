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
from backend.errors import _
from backend.indices.published import service
from backend.indices.published.queries import N_UNKNOWN
from backend.indices.published.service import IndexRecomputation, RecomputedIndex
from backend.indices.published.shipped_figures import GEOGRAPHIES
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
        found = list_findings(session)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=2))
    else:
        _list(found)


def _list(found: list[ConsistencyFinding]) -> None:
    console = Console()
    table = Table("Mã", "Năm", "Chỗ chưa khớp", "In", "Tính lại", "Vì sao", box=None)
    for one in found:
        table.add_row(one.code, str(one.year), one.what, one.printed, one.computed, one.why)
    console.print(table)
    console.print(f"Có {len(found)} chỗ chưa khớp.", highlight=False)


def _json(row: RecomputedIndex) -> dict[str, str | float]:
    return {
        "code": row.code,
        "published": float(row.published),
        "recomputed": float(row.recomputed),
        "difference": float(row.difference),
    }


def _print(result: IndexRecomputation) -> None:
    console = Console()
    n = f"n = {result.n}" if result.n else N_UNKNOWN
    console.print(f"{result.method.name.vi}: {GEOGRAPHIES[result.geography]}, năm {result.year}, {n}", highlight=False)
    table = Table("Mã", box=None)
    for title in ("Công bố", "Tính lại", "Chênh lệch", "Số thành phần"):
        table.add_column(title, justify="right")
    table.add_column()
    for row in result.rows:
        note = _("vượt mức làm tròn") if row.off else _("thiếu số liệu") if row.missing else ""
        table.add_row(
            row.code, *map(_two_decimals, (row.published, row.recomputed, row.difference)), str(row.used), note
        )
    console.print(table)
    for code, reason in result.as_printed.items():
        console.print(f"{code}: lấy theo số công bố, vì {reason.vi}.", highlight=False)
    console.print(f"Chênh lệch lớn nhất: {_two_decimals(result.largest)}", highlight=False)


def _two_decimals(value: Decimal) -> str:
    return f"{value:.2f}".replace(".", ",")
