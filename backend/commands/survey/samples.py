"""``langnghe survey plan`` and ``langnghe survey draw``: how large a sample must be, and the sample itself.

Neither needs the database, unless a sample is drawn for a round. ``commands.survey`` takes both among its commands.
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
from backend.errors import Invalid, _
from backend.settings import get_settings
from backend.surveys.forms.instruments import SHIPPED, Instrument, InstrumentError, shipped_instrument
from backend.surveys.rounds import queries
from backend.surveys.samples import sample_files, sampling
from backend.surveys.samples.printing import print_ballots, print_field_list
from backend.web.language import number_text

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
        found = _design(design)
        wanted = PlanAssumptions(
            margin=margin,
            sd=sd,
            icc=_icc(found, icc or ["0.05"]),
            level=level,
            power=power,
            cost_village=cost_village,
            cost_interview=cost_interview,
            spread=spread,
            peers=peers,
        )
        try:
            result = plan_sample(found, wanted)
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
    """The sample is the round's from now on. Should the last step fail, the folder is there and the round is not
    changed: the same draw into another folder puts it right."""
    if not drawn.sample.ballots:
        raise Invalid(_("Cần danh sách hộ (--households) để gắn mẫu vào một đợt khảo sát."))
    with database_at_hand(), db.transaction() as session:
        found = queries.round_called(session, code)
        slips = sampling.slips_of(drawn.sample, sampling.standings_of(session, found))
        codes = sampling.take_sample(session, found, slips, drawn.account, coded=printed, by="system", now=clock.now())
        _write(drawn, out, queries.instrument_of(found.instrument) if printed else None, link, codes)


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
        found = queries.round_called(session, code)
        slips = sampling.read_sample(content, file.name, sampling.standings_of(session, found))
        sampling.take_sample(session, found, slips, {"file": file.name}, coded=False, by="system", now=clock.now())
    unknown = sum(slip.unit_id is None for slip in slips)
    if as_json:
        typer.echo(json.dumps({"round": code, "ballots": len(slips), "without_unit": unknown}))
    else:
        typer.echo(f"Đợt {code} có mẫu {len(slips)} phiếu." + (f" {unknown} phiếu chưa rõ đơn vị." if unknown else ""))


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
    for one in written:
        where, _equals, value = one.rpartition("=")
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
    console, wanted = Console(), result.assumptions
    console.print(f"{result.design.name.vi} ({result.design.ballots} phiếu)", highlight=False)
    called = {stage.level: stage.name.vi for stage in result.design.units}
    supposed = "; ".join(f"{called[level]} {_number(share, 3)}" for level, share in wanted.icc.items())
    console.print(
        f"Giả định: độ lệch chuẩn {_number(wanted.sd, 2)} (= {_number(wanted.points, 1)} điểm), "
        f"tương quan trong cụm {supposed}, độ tin cậy {_number(100 * wanted.level, 1)}%.",
        highlight=False,
    )
    table = Table("", box=None)
    for outlook in result.outlooks:
        table.add_column(f"một {called[outlook.level]}" if outlook.level else "toàn bộ", justify="right")
    for title, cell in _lines(wanted):
        table.add_row(title, *map(cell, result.outlooks))
    console.print(table)
    if result.per_village:
        console.print(f"Số phiếu mỗi thôn lợi nhất theo chi phí: {_number(result.per_village, 1)}.", highlight=False)
    console.print("± là theo phân phối chuẩn; ước lượng sau khảo sát dùng Student t theo bậc tự do.", highlight=False)


def _lines(wanted: PlanAssumptions) -> list[tuple[str, Callable[[LevelOutlook], str]]]:
    """Titles and cells of the table, one line each."""
    margin = _number(wanted.margin, 2)
    lines: list[tuple[str, Callable[[LevelOutlook], str]]] = [
        ("Số thôn", lambda o: _number(o.villages)),
        ("Số phiếu", lambda o: _number(o.ballots)),
        ("Hệ số thiết kế", lambda o: _number(o.deff, 2)),
        ("Hiệu chỉnh tổng thể hữu hạn", lambda o: _number(o.fpc, 3)),
        ("± điểm", lambda o: _number(o.margin, 2)),
        ("± điểm theo t (bậc tự do)", lambda o: f"{_number(o.margin_t, 2)} ({o.df})"),
        (f"Cần cho ±{margin}: thôn", lambda o: _number(o.needed.villages) if o.needed else "không đạt"),
        (f"Cần cho ±{margin}: phiếu", lambda o: _number(o.needed.ballots) if o.needed else "không đạt"),
        ("Hai năm lệch từ (có ý nghĩa)", lambda o: _number(o.change_seen, 2)),
        (f"Thay đổi thật phát hiện được ({wanted.power:.0%})", lambda o: _number(o.change_found, 2)),
        ("Số đơn vị xếp hạng", lambda o: _number(o.ranks.units) if o.ranks else "–"),
        ("Hai đơn vị phân biệt khi lệch từ", lambda o: _number(o.ranks.told_apart, 2) if o.ranks else "–"),
        ("Khoảng hạng rộng khoảng (hạng)", lambda o: _number(o.ranks.interval, 1) if o.ranks else "–"),
    ]
    if wanted.cost_village is not None and wanted.cost_interview is not None:
        lines.append(("Chi phí", lambda o: _number(o.cost)))
        lines.append((f"Chi phí cho ±{margin}", lambda o: _number(o.needed.cost) if o.needed else "–"))
    return lines


def _number(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else number_text(value, "vi", digits)


def _draw_summary(result: Mapping[str, Any], out: Path) -> str:
    lines = [f"Đã chọn {result['villages']} thôn, {result['ballots']} phiếu, {result['reserves']} dự phòng: {out}"]
    if not result["ballots"]:
        return "\n".join(
            [
                *lines,
                "Hãy lập danh sách hộ của các thôn trong units.csv, rồi chạy lại với --households và cùng số gieo.",
            ]
        )
    known = result["known_households"]
    compared = f" (danh sách: {_number(known)})" if known else ""
    lines.append(f"Tổng quyền số: {_number(result['estimated_households'], 1)} hộ{compared}.")
    lines.append(f"Quyền số không đều làm phương sai tăng {_number(result['weighting_effect'], 3)} lần.")
    if result["single_unit_strata"]:
        strata = ", ".join(result["single_unit_strata"])
        lines.append(f"Tầng chỉ có một đơn vị bậc một ({strata}): khi ước lượng phải chọn --single-psu.")
    if result["unknown_listing"]:
        villages = ", ".join(result["unknown_listing"])
        lines.append(f"Danh sách hộ bị cắt mà không biết tổng số hộ ({villages}): quyền số chỉ tính theo danh sách.")
    return "\n".join(lines)
