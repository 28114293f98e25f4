"""Print the figures of a survey round: a table with intervals, and how the weights were made."""

from dataclasses import asdict
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from backend.commands.output_language import dashed_number, say_bilingual, say_text
from backend.errors import _
from backend.surveys.rounds.figures import SurveyFigures
from backend.surveys.samples.totals import WeightAdjustment


def figure_json(result: SurveyFigures, code: str) -> dict[str, Any]:
    fields = asdict(result.index(code))
    about = {"fpc": result.finite, "weights": "known totals" if result.brought else "as drawn"}
    return {key: value for key, value in fields.items() if key not in ("domain", "note")} | about


def print_figures(result: SurveyFigures) -> None:
    sentence = say_text(
        _(
            "%(method)s. n = %(n)s phiếu, %(units)s cụm trong %(strata)s tầng. Chỉ số là điểm trung bình, không phải "
            "tỷ lệ người hài lòng. Các tầng được coi là cố định."
        ),
        method=say_bilingual(result.method.name),
        n=result.n,
        units=result.units,
        strata=result.strata,
    )
    typer.echo(sentence)
    if result.finite:
        typer.echo(say_text(_("Sai số đã trừ phần tổng thể hữu hạn của các cụm bậc một.")))
    if result.brought:
        typer.echo(_weighting_text(result.brought))
    table = Table(box=None)
    table.add_column(say_text(_("Mã")), no_wrap=True)
    for title in ("n", _("Giá trị chỉ số"), _("Sai số"), _("Khoảng tin cậy 95%"), _("Hiệu ứng thiết kế")):
        table.add_column(say_text(title), justify="right")
    for code in result.indices:
        estimate = result.index(code)
        interval = f"{_two_decimals(estimate.lo)} – {_two_decimals(estimate.hi)}"
        numbers = map(_two_decimals, (estimate.estimate, estimate.se))
        table.add_row(code, str(estimate.n), *numbers, interval, _two_decimals(estimate.deff))
    Console().print(table)


def _weighting_text(brought: WeightAdjustment) -> str:
    """Return a sentence that says how the weights were brought to known totals."""
    margins = ", ".join(brought.totals.margins)
    if margins:
        by_totals = _("Trọng số theo các tổng đã biết (%(margins)s; nguồn: %(source)s)")
        parts = [say_text(by_totals, margins=margins, source=brought.totals.source)]
    else:
        parts = [say_text(_("Trọng số của mẫu"))]
    if brought.totals.trim:
        parts.append(say_text(_("cắt %(n)s phiếu"), n=brought.trimmed))
    for margin, n in brought.untold.items():
        if n:
            parts.append(say_text(_("%(n)s phiếu không ghi %(margin)s giữ phần của mình"), n=n, margin=margin))
    least, most = _two_decimals(brought.least), _two_decimals(brought.most)
    parts.append(say_text(_("từ %(least)s đến %(most)s"), least=least, most=most))
    effect = say_text(
        _("Trọng số không đều làm phương sai tăng %(effect)s lần (trước: %(before)s)."),
        effect=_two_decimals(brought.effect),
        before=_two_decimals(brought.effect_before),
    )
    return f"{'; '.join(parts)}. {effect}"


def _two_decimals(value: float | None) -> str:
    return dashed_number(value, 2)
