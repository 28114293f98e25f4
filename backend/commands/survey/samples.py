"""``langnghe survey draw`` and ``sample``: draw a sample, and attach a drawn sample to a round.

Only drawing for a round and attaching a sample to one need the database. `backend.commands.survey.rounds` registers the
commands.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from analytics.sampling.drawing import Sample, draw_sample
from analytics.sampling.sample_design import DESIGNS, SampleDesign, SampleDesignError, load_design, parse_design
from analytics.sampling.sample_lists import ListError
from backend import clock, db
from backend.commands.console import database_at_hand, refusals_as_lines
from backend.commands.output_language import dashed_number, say_text
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
        drawn = _draw(design_called(design), units, households, seed)
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


def design_called(name: str) -> SampleDesign:
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
    lines.append(say_text(effect, effect=dashed_number(account["weighting_effect"], 3)))
    if account["single_unit_strata"]:
        single = _("Tầng chỉ có một đơn vị bậc một (%(strata)s): khi ước lượng phải chọn --single-psu.")
        lines.append(say_text(single, strata=", ".join(account["single_unit_strata"])))
    if account["unknown_listing"]:
        cut = _("Danh sách hộ bị cắt mà không biết tổng số hộ (%(villages)s): quyền số chỉ tính theo danh sách.")
        lines.append(say_text(cut, villages=", ".join(account["unknown_listing"])))
    return "\n".join(lines)


def _weights_text(account: Mapping[str, Any]) -> str:
    total, listed = dashed_number(account["estimated_households"], 1), account["known_households"]
    if not listed:
        return say_text(_("Tổng quyền số: %(total)s hộ."), total=total)
    return say_text(
        _("Tổng quyền số: %(total)s hộ (danh sách: %(listed)s)."), total=total, listed=dashed_number(listed)
    )
