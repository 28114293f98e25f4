"""The files of a draw: the lists of units and households that it reads (CSV), and the folder of results that it writes.

The command that draws a sample asks here.
"""

import csv
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analytics.sampling.ballot_number import ballot_number
from analytics.sampling.drawing import Sample, SampleBranch, SampleReserve
from analytics.sampling.sample_design import SampleDesign
from analytics.sampling.sample_lists import Household, ListError, ListFault, ListFinding, ListUnit, size_of
from analytics.sampling.sample_selection import ALGORITHM
from backend.errors import Invalid, _
from backend.files.faults import file_named
from backend.files.names import zeros_apart
from backend.files.tables import not_utf8, open_failed, open_table, refuse_more_sheets, totals_finding
from backend.files.text import clean_text, fold_text

LONGEST_CELL = 500
FIRST_CELLS = 3  # a line of sums says so in one of these cells
MOST_SENTENCES = 20
IN_LINE = {
    ListFault.NO_CODE: _("%(file)s, dòng %(line)s: thiếu mã, hoặc mã dài quá 100 ký tự."),
    ListFault.UNKNOWN_LEVEL: _("%(file)s, dòng %(line)s: thiết kế không có cấp “%(level)s”."),
    ListFault.DUPLICATE: _("%(file)s, dòng %(line)s: mã “%(code)s” đã có ở một dòng trước."),
    ListFault.UNKNOWN_PARENT: _(
        "%(file)s, dòng %(line)s: mã “%(code)s” thuộc “%(what)s”, nhưng danh sách đơn vị không có mã đó."
    ),
    ListFault.NO_STRATUM: _("%(file)s, dòng %(line)s: mã “%(code)s” thiếu tầng ở cột “%(what)s”."),
    ListFault.UNKNOWN_STRATUM: _("%(file)s, dòng %(line)s: mã “%(code)s” thuộc tầng “%(what)s” mà thiết kế không có."),
    ListFault.EMPTY_STRATUM: _(
        "%(file)s, dòng %(line)s: “%(code)s” không có %(name)s nào thuộc tầng “%(what)s”, thiết kế cần %(need)s."
    ),
    ListFault.NO_SIZE: _("%(file)s, dòng %(line)s: mã “%(code)s” thiếu quy mô ở cột “%(what)s”."),
    ListFault.BAD_SIZE: _(
        "%(file)s, dòng %(line)s: quy mô của mã “%(code)s” ở cột “%(what)s” phải là số nguyên lớn hơn 0, chỉ có chữ số."
    ),
    ListFault.TOO_FEW: _(
        "%(file)s, dòng %(line)s: “%(code)s” có %(have)s %(name)s trong danh sách, thiết kế cần %(need)s."
    ),
    ListFault.CANNOT_SHARE: _(
        "%(file)s, dòng %(line)s: %(need)s %(name)s của “%(code)s” là quá ít để chia cho các tầng."
    ),
    ListFault.LIST_TOO_LONG: _(
        "%(file)s, dòng %(line)s: “%(code)s” có %(have)s hộ trong danh sách, nhiều hơn số hộ đã khai là %(need)s."
    ),
}
AT_THE_TOP = {
    ListFault.EMPTY_STRATUM: _("%(file)s: không có đơn vị nào thuộc tầng “%(what)s”, thiết kế cần %(need)s."),
    ListFault.TOO_FEW: _("%(file)s: danh sách có %(have)s %(name)s, thiết kế cần %(need)s."),
    ListFault.CANNOT_SHARE: _("%(file)s: %(need)s %(name)s là quá ít để chia cho các tầng."),
    ListFault.NO_UNITS: _("%(file)s: không có dòng nào thuộc cấp “%(level)s”."),
}


def read_units(path: Path, design: SampleDesign) -> list[ListUnit]:
    """Read the list of units: columns level, code, name, parent, and those of strata and sizes. A level is written as
    its code or as its Vietnamese name. Raises `Invalid`."""
    levels: dict[str, str] = {}
    for stage in design.units:
        levels |= {fold_text(name): stage.level for name in (stage.level, stage.name.vi)}
    units = [
        ListUnit(line, levels.get(fold_text(row["level"]), row["level"]), row["code"], row["name"], row["parent"], row)
        for line, row in _rows(path, ("level", "code", "name", "parent"))
    ]
    _refuse_lost_zeros(path.name, ((unit.level, unit.code) for unit in units))
    return units


def read_households(path: Path) -> list[Household]:
    """Read the list of households: columns village and code; also name and address if they are to be printed. Raises
    `Invalid`."""
    households = [
        Household(line, row["code"], row["village"], row.get("name", ""), row.get("address", ""))
        for line, row in _rows(path, ("village", "code"))
    ]
    _refuse_lost_zeros(path.name, ((household.village, household.code) for household in households))
    return households


def _refuse_lost_zeros(file: str, codes: Iterable[tuple[str, str]]) -> None:
    """Refuse codes of one group that differ only in leading zeros: a spreadsheet may have lost the zeros of one.
    ``codes``: pairs of group and code."""
    groups: dict[str, list[str]] = defaultdict(list)
    for group, code in codes:
        groups[group].append(code)
    for group, members in groups.items():
        if apart := zeros_apart(members):
            raise Invalid(
                _("%(file)s: mã “%(code)s” và “%(other)s” (%(group)s) chỉ khác số 0 ở đầu; hãy sửa cho thống nhất."),
                file=file,
                group=group,
                code=apart[0],
                other=apart[1],
            )


def _rows(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        content = path.read_bytes()
    except OSError:
        raise open_failed(str(path)) from None
    return read_rows(content, path.name, needed)


def read_rows(content: bytes, name: str, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line number and the cells by column of each row. Empty lines are skipped. Raises `Invalid`."""
    with file_named(name):
        table = open_table(io.BytesIO(content))
        header = [cell.casefold() for cell in table.header]
        _check_header(name, header, needed)
        with file_named("", table.form.sheet):
            refuse_more_sheets(table, needed)
            rows = list(table)
            late = table.late()
    for row in rows:
        finding = row.findings[0] if row.findings else late.get(row.line) or totals_finding(row.cells[:FIRST_CELLS])
        if finding is not None:
            raise _at_line(name, row.line, finding.reason)
        yield row.line, _row(name, row.line, header, row.cells)


def _check_header(file: str, header: list[str], needed: Sequence[str]) -> None:
    missing = [name for name in needed if name not in header]
    if missing:
        raise Invalid(_("%(file)s: thiếu cột %(columns)s."), file=file, columns=", ".join(missing))
    if len(set(header)) < len(header):
        raise Invalid(_("%(file)s: có hai cột trùng tên."), file=file)


def _at_line(file: str, line: int, reason: Invalid) -> Invalid:
    return Invalid(_("%(file)s, dòng %(line)s: %(reason)s"), file=file, line=line, reason=str(reason))


def _row(file: str, line: int, header: list[str], cells: list[str]) -> dict[str, str]:
    if any(map(not_utf8, cells)):
        raise Invalid(_("%(file)s, dòng %(line)s: tệp không phải UTF-8."), file=file, line=line)
    try:
        return {name: clean_text(cell, limit=LONGEST_CELL) for name, cell in zip(header, cells, strict=True)}
    except Invalid:
        raise Invalid(
            _("%(file)s, dòng %(line)s: có ô dài quá %(limit)s ký tự."), file=file, line=line, limit=LONGEST_CELL
        ) from None


def refusal_of(design: SampleDesign, error: ListError, units: Path, households: Path | None) -> Invalid:
    """Return the faults of the lists as one refusal, with a sentence that names file and line for each."""
    names = {stage.level: stage.name.vi for stage in design.stages}
    sentences = []
    for fault in error.faults[:MOST_SENTENCES]:
        file = households if fault.in_households and households else units
        sentences.append(_sentence(fault, file.name, names.get(fault.level, fault.level)))
    if (more := len(error.faults) - MOST_SENTENCES) > 0:
        sentences.append(Invalid(_("Và %(left)s chỗ khác cần sửa."), left=more))
    return Invalid(_("Danh sách chưa chọn mẫu được."), errors=tuple(sentences))


def _sentence(fault: ListFinding, file: str, name: str) -> Invalid:
    message = IN_LINE[fault.kind] if fault.line else AT_THE_TOP[fault.kind]
    values = {key: value for key, value in asdict(fault).items() if key not in ("kind", "in_households")}
    return Invalid(message, file=file, name=name, **{**values, "level": fault.level or "?"})


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Write a folder that appears under its name complete or not at all. Only its owner may read it, because it names
    households. Raises `Invalid` where the folder already has contents or cannot be written."""
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise Invalid(_("Thư mục “%(folder)s” đã có nội dung. Hãy chọn thư mục mới."), folder=str(out))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError:
        raise Invalid(_("Không ghi được thư mục “%(folder)s”."), folder=str(out)) from None
    try:
        yield work
        os.replace(work, out)
    except OSError:
        raise Invalid(_("Không ghi được thư mục “%(folder)s”."), folder=str(out)) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def write_tables(sample: Sample, folder: Path) -> None:
    """Write units.csv and reserves.csv, and sample.csv where there are ballots. No file names a household."""
    _write(folder / "units.csv", _unit_header(sample), (_unit_row(sample, branch) for branch in sample.villages))
    _write(
        folder / "reserves.csv", _reserve_header(sample), (_reserve_row(sample, reserve) for reserve in sample.reserves)
    )
    if sample.ballots:
        _write(folder / "sample.csv", *_ballot_table(sample))


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write CSV with a byte order mark, so that spreadsheets read the Vietnamese letters."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _levels(sample: Sample) -> list[str]:
    return [stage.level for stage in sample.design.units]


def _unit_header(sample: Sample) -> list[str]:
    return [*_chain_header(sample), *(f"p_{level}" for level in _levels(sample))]


def _unit_row(_sample: Sample, branch: SampleBranch) -> list[object]:
    return [*_chain_cells(branch), *branch.probabilities]


def _chain_header(sample: Sample) -> list[str]:
    """A column for the code and one for the name of each level, from the top down."""
    columns: list[str] = []
    for level in _levels(sample):
        columns += [level, f"{level}_name"]
    return columns


def _chain_cells(branch: SampleBranch) -> list[str]:
    cells: list[str] = []
    for unit in branch.chain:
        cells += [unit.code, unit.name]
    return cells


def _reserve_header(sample: Sample) -> list[str]:
    return ["level", *_levels(sample), "stratum", "rank", "code", "name"]


def _reserve_row(sample: Sample, reserve: SampleReserve) -> list[object]:
    parents = [*reserve.parents, *[""] * (len(sample.design.units) - len(reserve.parents))]
    code, name = "", ""
    if reserve.unit:
        code, name = reserve.unit.code, reserve.unit.name
    elif reserve.household:
        code = reserve.household.code
    return [reserve.level, *parents, reserve.stratum, reserve.rank, code, name]


def _ballot_table(sample: Sample) -> tuple[list[str], Iterator[list[object]]]:
    """Return the header and the rows of sample.csv. Columns ``stratum``, ``psu`` and ``fpc`` are those that ``langnghe
    estimate`` reads. There is no ``fpc`` where units were drawn with probability proportional to size."""
    last = sample.design.households
    chances = [f"p_{level}" for level in _levels(sample)]
    chances += ["p_listing", f"p_{last.level}"]
    with_fpc = all(ballot.population is not None for ballot in sample.ballots)
    header = ["ballot", *_chain_header(sample), last.level, *chances]
    header += ["p", "weight", "stratum", "psu", *(["fpc"] if with_fpc else [])]
    return header, (
        [
            ballot_number(sample.design.year, ballot.number),
            *_chain_cells(ballot.branch),
            ballot.household.code,
            *ballot.probabilities,
            ballot.probability,
            ballot.weight,
            "/".join(ballot.branch.stratum),
            ballot.psu,
            *([ballot.population] if with_fpc else []),
        ]
        for ballot in sample.ballots
    )


def account_for(sample: Sample, units: Sequence[ListUnit], households: Sequence[Household] | None) -> dict[str, Any]:
    """Return the account of a draw: inputs, design, seed and algorithm, from which it can be drawn again, and the
    checks of the weights."""
    result: dict[str, Any] = {
        "algorithm": ALGORITHM,
        "design": sample.design.code,
        "design_sha256": _digest([asdict(sample.design)]),
        "seed": sample.seed,
        "units_sha256": _digest([unit.level, unit.code, unit.name, unit.parent, unit.columns] for unit in units),
        "households_sha256": None if households is None else _digest(map(_household_cells, households)),
        "villages": len(sample.villages),
        "ballots": len(sample.ballots),
        "reserves": len(sample.reserves),
    }
    if sample.ballots:
        result |= {
            "estimated_households": sample.households,
            "known_households": _known_households(sample.design, units),
            "weighting_effect": sample.weighting_effect,
            "single_unit_strata": list(sample.lonely_strata),
            "unknown_listing": list(sample.unknown_listing),
        }
    return result


def _household_cells(household: Household) -> list[str]:
    return [household.village, household.code, household.name, household.address]


def _digest(rows: Iterable[object]) -> str:
    """Return the SHA-256 of the rows. Their order does not matter."""
    lines = sorted(json.dumps(row, ensure_ascii=False, sort_keys=True) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _known_households(design: SampleDesign, units: Sequence[ListUnit]) -> int | None:
    """Return the number of households of all villages by their column of sizes; none where one size is missing."""
    last = design.units[-1]
    sizes = [size_of(unit, design.households.list_size or last.size) for unit in units if unit.level == last.level]
    return round(sum(size or 0 for size in sizes)) if all(sizes) else None


def write_account(result: Mapping[str, Any], folder: Path) -> None:
    text = json.dumps(result, ensure_ascii=False, indent=2)
    (folder / "draw.json").write_text(text + "\n", encoding="utf-8")
