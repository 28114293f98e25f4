"""``langnghe survey plan``: how large a sample must be, and what a sample of a design can show."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from analytics.sampling.sample_design import SampleDesign
from analytics.sampling.sample_plan import LevelOutlook, PlanAssumptions, PlanError, SamplePlan, plan_sample
from backend.commands.console import refusals_as_lines
from backend.commands.output_language import dashed_number, say_bilingual, say_text
from backend.commands.survey.samples import AsJson, DesignOption, design_called
from backend.errors import Invalid, _

OUT_OF_RANGE = {
    "margin": _("Sai số mong muốn phải lớn hơn 0 và nhỏ hơn 100 điểm."),
    "sd": _("Độ lệch chuẩn phải lớn hơn 0 và không quá 5."),
    "icc": _("Hệ số tương quan trong cụm phải từ 0 đến dưới 1; tổng của các cấp cũng phải dưới 1."),
    "level": _("Độ tin cậy phải từ 0,5 đến dưới 1."),
    "power": _("Xác suất phát hiện phải lớn hơn 0 và nhỏ hơn 1."),
    "spread": _("Độ phân tán giữa các đơn vị phải lớn hơn 0 và nhỏ hơn 100 điểm."),
    "peers": _("Số đơn vị được xếp hạng phải từ 2 trở lên."),
    "cost": _("Chi phí phải là số không âm."),
    "icc level": _("Hệ số tương quan phải ghi theo một cấp đơn vị của thiết kế, ví dụ village=0.05."),
    "of": _("Thiết kế lấy mọi đơn vị của một cấp nhưng không ghi có bao nhiêu (khóa “of”)."),
}


def plan_command(
    design: DesignOption,
    margin: Annotated[float, typer.Option(help="Sai số mong muốn, điểm trên thang 100.")] = 2.5,
    sd: Annotated[float, typer.Option(help="Độ lệch chuẩn của điểm 1..5.")] = 0.65,
    icc: Annotated[
        list[str] | None,
        typer.Option(help="Tương quan trong cụm: 0.05 (cấp đơn vị thấp nhất) hoặc commune=0.02; lặp lại được."),
    ] = None,
    level: Annotated[float, typer.Option(help="Độ tin cậy.")] = 0.95,
    power: Annotated[float, typer.Option(help="Xác suất phát hiện một thay đổi có thật.")] = 0.8,
    spread: Annotated[float | None, typer.Option(help="Độ lệch chuẩn của giá trị thật giữa các đơn vị, điểm.")] = None,
    peers: Annotated[int | None, typer.Option(help="Số đơn vị xếp hạng cùng nhau (tỉnh).")] = None,
    cost_village: Annotated[float | None, typer.Option(help="Chi phí cho một thôn.")] = None,
    cost_interview: Annotated[float | None, typer.Option(help="Chi phí cho một phiếu.")] = None,
    as_json: AsJson = False,
) -> None:
    """Sai số, cỡ mẫu cần có, khả năng phân biệt thứ hạng và chi phí của một thiết kế."""
    with refusals_as_lines():
        sample_design = design_called(design)
        assumptions = PlanAssumptions(
            margin=margin,
            sd=sd,
            icc=_icc(sample_design, icc or ["0.05"]),
            level=level,
            power=power,
            cost_village=cost_village,
            cost_interview=cost_interview,
            spread=spread,
            peers=peers,
        )
        try:
            result = plan_sample(sample_design, assumptions)
        except PlanError as error:
            raise Invalid(OUT_OF_RANGE[str(error)]) from None
    if as_json:
        typer.echo(json.dumps(_plan_json(result), ensure_ascii=False, indent=2))
    else:
        _print_plan(result)


def _icc(design: SampleDesign, written: list[str]) -> dict[str, float]:
    """Return the correlation by level; a number without a level belongs to the lowest one."""
    shares = {}
    for text in written:
        where, _equals, value = text.rpartition("=")
        try:
            shares[where or design.units[-1].level] = float(value)
        except ValueError:
            raise Invalid(OUT_OF_RANGE["icc level"]) from None
    return shares


def _plan_json(result: SamplePlan) -> dict[str, Any]:
    return {
        "design": result.design.code,
        "assumptions": asdict(result.assumptions),
        "outlooks": [asdict(outlook) for outlook in result.outlooks],
        "per_village": result.per_village,
    }


def _print_plan(result: SamplePlan) -> None:
    console, assumptions = Console(), result.assumptions
    title = say_text(_("%(design)s (%(n)s phiếu)"), design=say_bilingual(result.design.name), n=result.design.ballots)
    console.print(title, highlight=False)
    level_names = {stage.level: say_bilingual(stage.name) for stage in result.design.units}
    console.print(_assumptions_text(assumptions, level_names), highlight=False)
    table = Table("", box=None)
    for outlook in result.outlooks:
        table.add_column(_column_title(outlook, level_names), justify="right")
    for row_title, cell in _lines(assumptions):
        table.add_row(row_title, *map(cell, result.outlooks))
    console.print(table)
    if result.per_village:
        sentence = _("Số phiếu mỗi thôn lợi nhất theo chi phí: %(n)s.")
        console.print(say_text(sentence, n=dashed_number(result.per_village, 1)), highlight=False)
    note = _("± là theo phân phối chuẩn; ước lượng sau khảo sát dùng Student t theo bậc tự do.")
    console.print(say_text(note), highlight=False)


def _assumptions_text(assumptions: PlanAssumptions, level_names: Mapping[str, str]) -> str:
    shares = (f"{level_names[level]} {dashed_number(share, 3)}" for level, share in assumptions.icc.items())
    return say_text(
        _("Giả định: độ lệch chuẩn %(sd)s (= %(points)s điểm), tương quan trong cụm %(icc)s, độ tin cậy %(level)s%%."),
        sd=dashed_number(assumptions.sd, 2),
        points=dashed_number(assumptions.points, 1),
        icc="; ".join(shares),
        level=dashed_number(100 * assumptions.level, 1),
    )


def _column_title(outlook: LevelOutlook, level_names: Mapping[str, str]) -> str:
    if not outlook.level:
        return say_text(_("toàn bộ"))
    return say_text(_("một %(level)s"), level=level_names[outlook.level])


def _lines(assumptions: PlanAssumptions) -> list[tuple[str, Callable[[LevelOutlook], str]]]:
    """Return the lines of the table: a title, and what a column shows."""
    margin = dashed_number(assumptions.margin, 2)
    unreached = say_text(_("không đạt"))
    villages_title = say_text(_("Cần cho ±%(margin)s: thôn"), margin=margin)
    ballots_title = say_text(_("Cần cho ±%(margin)s: phiếu"), margin=margin)
    found_title = say_text(_("Thay đổi thật phát hiện được (%(power)s)"), power=f"{assumptions.power:.0%}")
    lines: list[tuple[str, Callable[[LevelOutlook], str]]] = [
        (say_text(_("Số thôn")), lambda o: dashed_number(o.villages)),
        (say_text(_("Tổng số phiếu")), lambda o: dashed_number(o.ballots)),
        (say_text(_("Hệ số thiết kế")), lambda o: dashed_number(o.deff, 2)),
        (say_text(_("Hiệu chỉnh tổng thể hữu hạn")), lambda o: dashed_number(o.fpc, 3)),
        (say_text(_("± điểm")), lambda o: dashed_number(o.margin, 2)),
        (say_text(_("± điểm theo t (bậc tự do)")), lambda o: f"{dashed_number(o.margin_t, 2)} ({o.df})"),
        (villages_title, lambda o: dashed_number(o.needed.villages) if o.needed else unreached),
        (ballots_title, lambda o: dashed_number(o.needed.ballots) if o.needed else unreached),
        (say_text(_("Hai năm lệch từ (có ý nghĩa)")), lambda o: dashed_number(o.change_seen, 2)),
        (found_title, lambda o: dashed_number(o.change_found, 2)),
        (say_text(_("Số đơn vị xếp hạng")), lambda o: dashed_number(o.ranks.units) if o.ranks else "–"),
        (
            say_text(_("Hai đơn vị phân biệt khi lệch từ")),
            lambda o: dashed_number(o.ranks.told_apart, 2) if o.ranks else "–",
        ),
        (
            say_text(_("Khoảng hạng rộng khoảng (hạng)")),
            lambda o: dashed_number(o.ranks.interval, 1) if o.ranks else "–",
        ),
    ]
    if assumptions.cost_village is not None and assumptions.cost_interview is not None:
        cost_title = say_text(_("Chi phí cho ±%(margin)s"), margin=margin)
        lines.append((say_text(_("Chi phí")), lambda o: dashed_number(o.cost)))
        lines.append((cost_title, lambda o: dashed_number(o.needed.cost) if o.needed else "–"))
    return lines
