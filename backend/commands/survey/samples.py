"""``langnghe survey plan``, ``draw`` and ``sample``: how large a sample must be, and the sample itself.

Only drawing for a round and attaching a sample to one need the database. `backend.commands.survey.rounds` registers the
commands.
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from analytics.sampling.drawing import Sample, draw_sample
from analytics.sampling.sample_design import DESIGNS, SampleDesign, SampleDesignError, load_design, parse_design
from analytics.sampling.sample_lists import ListError
from analytics.sampling.sample_plan import LevelOutlook, PlanAssumptions, PlanError, SamplePlan, plan_sample
from backend import clock, db
from backend.commands.console import database_at_hand, refusals_as_lines
from backend.commands.output_language import say_bilingual, say_number, say_text
from backend.errors import Invalid, _
from backend.settings import get_settings
from backend.surveys.forms.instruments import SHIPPED, Instrument, InstrumentError, shipped_instrument
from backend.surveys.rounds import queries
from backend.surveys.samples import sample_files, sampling
from backend.surveys.samples.printing import print_ballots, print_field_list

DesignOption = Annotated[
    str, typer.Option("--design", help=f"Thiết kế có sẵn ({', '.join(DESIGNS)}) hoặc đường dẫn tệp TOML.")
]
AsJson = Annotated[bool, typer.Option("--json", help="In một đối tượng JSON.")]
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
        sample_design = _design(design)
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


def draw_command(
    design: DesignOption,
    units: Annotated[Path, typer.Option(help="CSV đơn vị: level, code, name, parent, các cột tầng và quy mô.")],
    seed: Annotated[int, typer.Option(help="Số gieo: cùng số và cùng danh sách thì cùng mẫu.", min=0)],
    out: Annotated[Path, typer.Option(help="Thư mục mới để ghi kết quả.")],
    households: Annotated[
        Path | None,
        typer.Option(
            help="CSV hộ: village, code, name, address. Không có thì chỉ chọn đơn vị, để lập danh sách hộ sau."
        ),
    ] = None,
    instrument: Annotated[str, typer.Option(help=f"Mẫu phiếu: {', '.join(SHIPPED)}.")] = "feedback-1",
    link: Annotated[
        str, typer.Option(help="Địa chỉ đứng trước số phiếu (với --round: trước mã tự trả lời) trong mã QR.")
    ] = "",
    code: Annotated[
        str | None,
        typer.Option("--round", help="Gắn mẫu vào đợt khảo sát này; phiếu in có mã để người dân tự trả lời."),
    ] = None,
    no_print: Annotated[bool, typer.Option("--no-print", help="Không in danh sách và phiếu (.docx).")] = False,
    as_json: AsJson = False,
) -> None:
    """Chọn ngẫu nhiên đơn vị và hộ; ghi mẫu, quyền số, dự phòng, danh sách thực địa và phiếu."""
    with refusals_as_lines():
        drawn = _draw(_design(design), units, households, seed)
        if code:
            _draw_for_round(drawn, code, out, link or f"{get_settings().base_url}/phieu/", printed=not no_print)
        else:
            _write(drawn, out, None if no_print else _instrument(instrument), link)
    result = drawn.account
    typer.echo(json.dumps(result, ensure_ascii=False) if as_json else _draw_summary(result, out))


@dataclass(frozen=True)
class _DrawnSample:
    """A sample and the account of how it was drawn."""

    sample: Sample
    account: dict[str, Any]


def _draw(design: SampleDesign, units_file: Path, households_file: Path | None, seed: int) -> _DrawnSample:
    units = sample_files.read_units(units_file, design)
    households = sample_files.read_households(households_file) if households_file else None
    try:
        sample = draw_sample(design, units, households, seed)
    except ListError as error:
        raise sample_files.refusal_of(design, error, units_file, households_file) from None
    return _DrawnSample(sample, sample_files.account_for(sample, units, households))


def _write(
    drawn: _DrawnSample, out: Path, form: Instrument | None, link: str, codes: Mapping[str, str] | None = None
) -> None:
    sample = drawn.sample
    with sample_files.new_folder(out) as folder:
        sample_files.write_tables(sample, folder)
        sample_files.write_account(drawn.account, folder)
        if form and sample.ballots:
            print_field_list(sample, folder / "field-list.docx")
            print_ballots(sample, form, folder / "ballots", link, codes)


def _draw_for_round(drawn: _DrawnSample, code: str, out: Path, link: str, *, printed: bool) -> None:
    """Draw a sample for a round.

    If the last step fails, the folder exists and the round is unchanged: the same draw into another folder repairs it.
    """
    if not drawn.sample.ballots:
        raise Invalid(_("Cần danh sách hộ (--households) để gắn mẫu vào một đợt khảo sát."))
    with database_at_hand(), db.transaction() as session:
        survey_round = queries.round_called(session, code)
        slips = sampling.slips_of(drawn.sample, sampling.standings_of(session, survey_round))
        codes = sampling.take_sample(
            session, survey_round, slips, drawn.account, coded=printed, by="system", now=clock.now()
        )
        _write(drawn, out, queries.instrument_of(survey_round.instrument) if printed else None, link, codes)


def sample_command(
    file: Annotated[Path, typer.Argument(help="Tệp sample.csv của một lần chọn mẫu.")],
    code: Annotated[str, typer.Option("--round", help="Mã đợt khảo sát.")],
    as_json: AsJson = False,
) -> None:
    """Gắn mẫu đã rút vào một đợt: từ đó chỉ nhận phiếu có trong mẫu; tầng, cụm, quyền số lấy theo mẫu."""
    with refusals_as_lines(), database_at_hand(), db.transaction() as session:
        try:
            content = file.read_bytes()
        except OSError:
            raise Invalid(_("Không mở được tệp “%(file)s”."), file=str(file)) from None
        survey_round = queries.round_called(session, code)
        slips = sampling.read_sample(content, file.name, sampling.standings_of(session, survey_round))
        sampling.take_sample(
            session, survey_round, slips, {"file": file.name}, coded=False, by="system", now=clock.now()
        )
    unknown = sum(slip.unit_id is None for slip in slips)
    if as_json:
        typer.echo(json.dumps({"round": code, "ballots": len(slips), "without_unit": unknown}))
    else:
        sentences = [say_text(_("Đợt %(code)s có mẫu %(n)s phiếu."), code=code, n=len(slips))]
        if unknown:
            sentences.append(say_text(_("%(n)s phiếu chưa rõ đơn vị."), n=unknown))
        typer.echo(" ".join(sentences))


def _design(name: str) -> SampleDesign:
    if name in DESIGNS:
        return load_design(name)
    path = Path(name)
    try:
        return parse_design(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError:
        raise Invalid(
            _("Không có thiết kế “%(name)s”. Có sẵn: %(known)s; hoặc ghi đường dẫn một tệp TOML."),
            name=name,
            known=", ".join(DESIGNS),
        ) from None
    except (SampleDesignError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(_("Thiết kế “%(file)s” chưa đúng: %(detail)s."), file=path.name, detail=str(error)) from None


def _instrument(key: str) -> Instrument:
    try:
        return shipped_instrument(key)
    except InstrumentError:
        raise Invalid(_("Không có mẫu phiếu “%(key)s”. Có: %(known)s."), key=key, known=", ".join(SHIPPED)) from None


def _icc(design: SampleDesign, written: list[str]) -> dict[str, float]:
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
        console.print(say_text(sentence, n=_number(result.per_village, 1)), highlight=False)
    note = _("± là theo phân phối chuẩn; ước lượng sau khảo sát dùng Student t theo bậc tự do.")
    console.print(say_text(note), highlight=False)


def _assumptions_text(assumptions: PlanAssumptions, level_names: Mapping[str, str]) -> str:
    shares = (f"{level_names[level]} {_number(share, 3)}" for level, share in assumptions.icc.items())
    return say_text(
        _("Giả định: độ lệch chuẩn %(sd)s (= %(points)s điểm), tương quan trong cụm %(icc)s, độ tin cậy %(level)s%%."),
        sd=_number(assumptions.sd, 2),
        points=_number(assumptions.points, 1),
        icc="; ".join(shares),
        level=_number(100 * assumptions.level, 1),
    )


def _column_title(outlook: LevelOutlook, level_names: Mapping[str, str]) -> str:
    if not outlook.level:
        return say_text(_("toàn bộ"))
    return say_text(_("một %(level)s"), level=level_names[outlook.level])


def _lines(assumptions: PlanAssumptions) -> list[tuple[str, Callable[[LevelOutlook], str]]]:
    """Return the lines of the table: a title, and what a column shows."""
    margin = _number(assumptions.margin, 2)
    unreached = say_text(_("không đạt"))
    villages_title = say_text(_("Cần cho ±%(margin)s: thôn"), margin=margin)
    ballots_title = say_text(_("Cần cho ±%(margin)s: phiếu"), margin=margin)
    found_title = say_text(_("Thay đổi thật phát hiện được (%(power)s)"), power=f"{assumptions.power:.0%}")
    lines: list[tuple[str, Callable[[LevelOutlook], str]]] = [
        (say_text(_("Số thôn")), lambda o: _number(o.villages)),
        (say_text(_("Số phiếu")), lambda o: _number(o.ballots)),
        (say_text(_("Hệ số thiết kế")), lambda o: _number(o.deff, 2)),
        (say_text(_("Hiệu chỉnh tổng thể hữu hạn")), lambda o: _number(o.fpc, 3)),
        (say_text(_("± điểm")), lambda o: _number(o.margin, 2)),
        (say_text(_("± điểm theo t (bậc tự do)")), lambda o: f"{_number(o.margin_t, 2)} ({o.df})"),
        (villages_title, lambda o: _number(o.needed.villages) if o.needed else unreached),
        (ballots_title, lambda o: _number(o.needed.ballots) if o.needed else unreached),
        (say_text(_("Hai năm lệch từ (có ý nghĩa)")), lambda o: _number(o.change_seen, 2)),
        (found_title, lambda o: _number(o.change_found, 2)),
        (say_text(_("Số đơn vị xếp hạng")), lambda o: _number(o.ranks.units) if o.ranks else "–"),
        (
            say_text(_("Hai đơn vị phân biệt khi lệch từ")),
            lambda o: _number(o.ranks.told_apart, 2) if o.ranks else "–",
        ),
        (say_text(_("Khoảng hạng rộng khoảng (hạng)")), lambda o: _number(o.ranks.interval, 1) if o.ranks else "–"),
    ]
    if assumptions.cost_village is not None and assumptions.cost_interview is not None:
        cost_title = say_text(_("Chi phí cho ±%(margin)s"), margin=margin)
        lines.append((say_text(_("Chi phí")), lambda o: _number(o.cost)))
        lines.append((cost_title, lambda o: _number(o.needed.cost) if o.needed else "–"))
    return lines


def _number(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else say_number(value, digits)


def _draw_summary(account: Mapping[str, Any], out: Path) -> str:
    """Return what was drawn, and what an estimate from this sample must take into account."""
    lines = [
        say_text(
            _("Đã chọn %(villages)s thôn, %(ballots)s phiếu, %(reserves)s dự phòng: %(path)s"),
            villages=account["villages"],
            ballots=account["ballots"],
            reserves=account["reserves"],
            path=out,
        )
    ]
    if not account["ballots"]:
        again = _("Hãy lập danh sách hộ của các thôn trong units.csv, rồi chạy lại với --households và cùng số gieo.")
        return "\n".join([*lines, say_text(again)])
    lines.append(_weights_text(account))
    effect = _("Quyền số không đều làm phương sai tăng %(effect)s lần.")
    lines.append(say_text(effect, effect=_number(account["weighting_effect"], 3)))
    if account["single_unit_strata"]:
        single = _("Tầng chỉ có một đơn vị bậc một (%(strata)s): khi ước lượng phải chọn --single-psu.")
        lines.append(say_text(single, strata=", ".join(account["single_unit_strata"])))
    if account["unknown_listing"]:
        cut = _("Danh sách hộ bị cắt mà không biết tổng số hộ (%(villages)s): quyền số chỉ tính theo danh sách.")
        lines.append(say_text(cut, villages=", ".join(account["unknown_listing"])))
    return "\n".join(lines)


def _weights_text(account: Mapping[str, Any]) -> str:
    total, listed = _number(account["estimated_households"], 1), account["known_households"]
    if not listed:
        return say_text(_("Tổng quyền số: %(total)s hộ."), total=total)
    return say_text(_("Tổng quyền số: %(total)s hộ (danh sách: %(listed)s)."), total=total, listed=_number(listed))
