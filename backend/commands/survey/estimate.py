"""``langnghe estimate``: means and indices of a file of ballots with standard errors, for others to check."""

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from analytics.estimation.condition import Condition, ConditionError, JoinedCondition, parse_condition
from analytics.estimation.design import DesignError, DesignFault, SinglePsu, SurveyDesign, build_design
from analytics.estimation.estimate import Estimate, EstimateNote, EstimateTable, estimate_means, index_of
from backend.commands.output_language import say_refusal, say_text
from backend.commands.reading import DecimalOption, MissingOption
from backend.errors import DomainError, Invalid, _
from backend.files.columns import ColumnFile
from backend.files.faults import file_named
from backend.files.options import ReadOptions, missing_texts

COLUMNS = ("variable", "domain", "n", "estimate", "se", "df", "lo", "hi", "deff")
RANGE = re.compile(r"(.*?)(\d+)\.\.(.*?)(\d+)")
LOWEST = 1  # of a scale of several points; one of a single point has 0 and 1
ITEMS_AT_MOST = 10_000
# At a level nearer to 1 an interval has no ends.
LEVEL_AT_MOST = 1 - 1e-9

FAULTS = {
    DesignFault.LABEL_MISSING: _(
        "Cột “%(what)s”, dòng %(line)s: thiếu nhãn; mọi phiếu phải có tầng và đơn vị chọn mẫu."
    ),
    DesignFault.WEIGHT_MISSING: _(
        "Cột “%(what)s”, dòng %(line)s: thiếu trọng số hoặc trọng số không phải là số hữu hạn."
    ),
    DesignFault.WEIGHT_NEGATIVE: _("Cột “%(what)s”, dòng %(line)s: trọng số âm."),
    DesignFault.WEIGHTS_ZERO: _("Cột “%(what)s”: mọi trọng số đều bằng 0."),
    DesignFault.FPC_MISSING: _("Cột “%(what)s”, dòng %(line)s: số đơn vị của tổng thể phải là số lớn hơn 0."),
    DesignFault.FPC_MIXED: _(
        "Cột “%(what)s”, dòng %(line)s: số đơn vị và tỷ lệ chọn mẫu lẫn lộn; chỉ dùng một trong hai."
    ),
    DesignFault.FPC_VARIES: _("%(stratum)s: số đơn vị của tổng thể không giống nhau giữa các phiếu."),
    DesignFault.FPC_SMALL: _("%(stratum)s: mẫu có nhiều đơn vị hơn tổng thể."),
    DesignFault.SINGLE_PSU: _(
        "%(stratum)s chỉ có một đơn vị chọn mẫu; hãy chọn --single-psu adjust, average hoặc certainty."
    ),
    DesignFault.NOT_FINITE: _("Cột “%(what)s”, dòng %(line)s: điểm vô hạn hoặc quá lớn."),
    DesignFault.RESERVED_DOMAIN: _("Cột của --by có nhãn “%(what)s”, là tên dành cho toàn bộ."),
}
NOTES = {
    EstimateNote.NO_ANSWERS: _("%(count)s dòng không có giá trị vì không có câu trả lời nào được tính."),
    EstimateNote.NO_VARIANCE: _("%(count)s dòng không có sai số chuẩn vì mọi tầng chỉ có một đơn vị chọn mẫu."),
    EstimateNote.NO_INTERVAL: _(
        "%(count)s dòng không có khoảng tin cậy vì số đơn vị chọn mẫu không nhiều hơn số tầng."
    ),
    EstimateNote.NO_DESIGN_EFFECT: _(
        "%(count)s dòng không có hiệu ứng thiết kế vì câu trả lời bằng nhau hoặc trọng số cộng lại không quá số phiếu."
    ),
}

estimation = typer.Typer(add_completion=False)


class OutputFormat(StrEnum):
    """How the rows are printed."""

    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True)
class ColumnRoles:
    """Which column plays which part in the design."""

    strata: str | None
    psu: str | None
    weights: str | None
    fpc: str | None
    by: str | None
    where: Condition | None
    items: dict[str, None]
    indices: dict[str, list[str]] = field(default_factory=dict)

    @property
    def labels(self) -> list[str]:
        names = [self.strata, self.psu, self.by, *(self.where.columns if self.where else ())]
        return [name for name in names if name]

    @property
    def numbers(self) -> list[str]:
        return [name for name in (self.weights, self.fpc, *self.items, *self.index_items) if name]

    @property
    def index_items(self) -> list[str]:
        """Return the items of all indices, with repetitions."""
        return list(chain.from_iterable(self.indices.values()))


@estimation.command()
def estimate(
    file: Annotated[Path, typer.Argument(help="Tệp phiếu: .csv, .csv.gz, .parquet hoặc .xlsx.")],
    strata: Annotated[str | None, typer.Option(help="Cột tầng.")] = None,
    psu: Annotated[str | None, typer.Option(help="Cột đơn vị chọn mẫu bậc một, đọc trong từng tầng.")] = None,
    weights: Annotated[str | None, typer.Option(help="Cột trọng số; không có thì mọi phiếu như nhau.")] = None,
    fpc: Annotated[str | None, typer.Option(help="Cột số đơn vị bậc một của tầng, hoặc tỷ lệ được chọn.")] = None,
    by: Annotated[str | None, typer.Option(help="Cột chia miền.")] = None,
    where: Annotated[str | None, typer.Option(help='Miền chung, ví dụ: gioi == "nữ".')] = None,
    items: Annotated[str, typer.Option(help="Các câu hỏi: q01,q02 hoặc q01..q39.")] = "",
    index: Annotated[list[str] | None, typer.Option(help="Chỉ số: TÊN=q37..q39; dùng được nhiều lần.")] = None,
    scale: Annotated[float, typer.Option(help="Điểm cao nhất của thang.")] = 5,
    single_psu: Annotated[SinglePsu, typer.Option(help="Cách xử lý tầng chỉ có một đơn vị.")] = SinglePsu.FAIL,
    level: Annotated[float, typer.Option(help="Độ tin cậy của khoảng.")] = 0.95,
    decimal: DecimalOption = None,
    missing: MissingOption = None,
    output: Annotated[OutputFormat, typer.Option("--format", help="Dạng kết quả.")] = OutputFormat.CSV,
) -> None:
    """Ước lượng điểm trung bình và chỉ số kèm sai số chuẩn từ một tệp phiếu; không cần cơ sở dữ liệu."""
    with _refusals(), file_named(file.name):
        roles = _roles(strata, psu, weights, fpc, by, where, items, index or [])
        if not scale > 0 or scale == float("inf"):
            raise Invalid(_("Điểm cao nhất của thang phải là số lớn hơn 0."))
        if not 0.5 <= level <= LEVEL_AT_MOST:
            raise Invalid(_("Độ tin cậy phải từ 0.5 đến dưới 1, thường là 0.95."))
        ballots = ColumnFile(file, roles.labels, roles.numbers, ReadOptions(None, decimal, missing_texts(missing)))
        with file_named(file.name, ballots.sheet):
            result = _estimates(ballots, roles, single_psu, scale, level)
    rows = [row for row in result if row.variable in roles.items or row.variable in roles.indices]
    _print(rows, output)
    typer.echo(say_text(_("Tệp: %(form)s; %(n)s dòng."), form=ballots.sentence, n=ballots.n), err=True)
    _explain(rows)


@contextmanager
def _refusals() -> Iterator[None]:
    """Print a refusal as one sentence to standard error and end the command with status 2."""
    try:
        yield
    except DomainError as refusal:
        typer.echo(say_refusal(refusal), err=True)
        raise typer.Exit(2) from None


def _roles(
    strata: str | None,
    psu: str | None,
    weights: str | None,
    fpc: str | None,
    by: str | None,
    where: str | None,
    items: str,
    index: list[str],
) -> ColumnRoles:
    """Return the roles that the options name. Raises Invalid for an option that cannot be read."""
    try:
        condition = parse_condition(where) if where else None
    except ConditionError as error:
        raise Invalid(_('Không hiểu điều kiện “%(text)s”; ví dụ: gioi == "nữ" hoặc tuoi >= 60.'), text=error) from None
    names = dict.fromkeys(_names(items))
    indices = _indices(index, names)
    if not names and not indices:
        raise Invalid(_("Hãy nêu --items hoặc --index."))
    return ColumnRoles(strata, psu, weights, fpc, by, condition, names, indices)


def _indices(options: list[str], names: Container[str]) -> dict[str, list[str]]:
    """Return the items of each index. ``names`` are taken by items already."""
    indices: dict[str, list[str]] = {}
    for text in options:
        name, _sign, columns = (part.strip() for part in text.partition("="))
        items = _names(columns)
        if not name or not items:
            raise Invalid(_("Chỉ số “%(text)s” phải có dạng TÊN=q37..q39."), text=text)
        if name in names or name in indices:
            raise Invalid(_("Tên “%(name)s” được dùng hai lần."), name=name)
        indices[name] = items
    return indices


def _names(text: str) -> list[str]:
    """Return the column names of ``q01,q02`` and ``q01..q39``. The digits keep their width."""
    names: list[str] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = RANGE.fullmatch(part)
        if not match:
            names.append(part)
            continue
        prefix, first, other, last = match.groups()
        if prefix != other or not int(first) <= int(last) < int(first) + ITEMS_AT_MOST:
            raise Invalid(_("Dãy “%(text)s” phải có dạng q01..q39."), text=part)
        names += [f"{prefix}{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]
    return names


def _estimates(ballots: ColumnFile, roles: ColumnRoles, single: SinglePsu, scale: float, level: float) -> EstimateTable:
    try:
        member = None if roles.where is None else _spelt(roles.where, ballots).holds(ballots.labels)
        by = ballots.labels(roles.by) if roles.by else None
        design = _design(ballots, roles, single)
        low = LOWEST if scale > LOWEST else 0
        names = dict.fromkeys([*roles.items, *roles.index_items])
        items = {name: ballots.scores(name, low, scale) for name in names}
        indices = {name: index_of(of, scale) for name, of in roles.indices.items()}
        return estimate_means(design, items, indices, by=by, where=member, level=level)
    except DesignError as error:
        # The design names its own parts, but the reader knows the columns of the file.
        columns = {"strata": roles.strata, "psu": roles.psu, "weights": roles.weights, "fpc": roles.fpc}
        line = None if error.row is None else ballots.line(error.row)
        stratum = say_text(_("Tầng “%(name)s”"), name=error.what) if roles.strata else say_text(_("Cả mẫu"))
        what = columns.get(error.what) or error.what
        raise Invalid(FAULTS[error.fault], what=what, stratum=stratum, line=line) from None


def _spelt(condition: Condition, ballots: ColumnFile) -> Condition:
    """Return the condition with its texts spelt like the labels of the file."""
    if isinstance(condition, JoinedCondition):
        return replace(condition, parts=tuple(_spelt(part, ballots) for part in condition.parts))
    literals = (
        ballots.spelling(condition.column, literal) if isinstance(literal, str) else literal
        for literal in condition.literals
    )
    return replace(condition, literals=tuple(literals))


def _design(ballots: ColumnFile, roles: ColumnRoles, single: SinglePsu) -> SurveyDesign:
    return build_design(
        ballots.n,
        strata=ballots.labels(roles.strata) if roles.strata else None,
        psu=ballots.labels(roles.psu) if roles.psu else None,
        weights=ballots.numbers(roles.weights) if roles.weights else None,
        fpc=ballots.numbers(roles.fpc) if roles.fpc else None,
        single=single,
    )


def _print(rows: list[Estimate], output: OutputFormat) -> None:
    table = [[getattr(row, column) for column in COLUMNS] for row in rows]
    if output is OutputFormat.JSON:
        lines = ",\n".join(json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) for row in table)
        typer.echo(f"[\n{lines}\n]")
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(table)


def _explain(rows: list[Estimate]) -> None:
    """Say on standard error why some values are empty, so that the rows stay as they are."""
    for note, count in Counter(row.note for row in rows if row.note).items():
        typer.echo(say_text(NOTES[note], count=count), err=True)
