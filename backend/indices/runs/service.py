"""Index runs: computed and stored once with their inputs, published once, verified at any time.

A run stores its inputs, so it can be computed again at any time: the same inputs give the same digits. Whether tickets
and ratings have changed since the run is a separate result. Pages, commands and jobs ask here.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from math import isclose
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from analytics.adjust import LEAST_IN_CELL
from analytics.association import LEAST_CLUSTERS
from analytics.operations import LEVEL, SMALL_N
from backend.db import table_of
from backend.deadlines.clock_states import CODES, ClockKind
from backend.errors import Conflict, Invalid, NotFound, _
from backend.indicators.filters import units_within
from backend.indicators.official_ratios import DISSATISFIED
from backend.indicators.published_error import SAMPLING
from backend.indicators.rollups.takeup_terms import TAKEN_UP_BY_RULE
from backend.indices.code_mark import code_hash
from backend.indices.measures import inputs as rows
from backend.indices.measures import own_survey
from backend.indices.measures.associations import (
    association_values,
    change_values,
    gap_values,
    outlook_values,
    year_values,
)
from backend.indices.measures.case_sums import sum_cases
from backend.indices.measures.inputs import Fingerprint, RunInputs, RunRequest
from backend.indices.measures.sides import printed_values, side_values, split_spans, unit_spans, unit_values
from backend.indices.measures.sums import PeriodSums
from backend.indices.measures.unit_ranks import among_values
from backend.indices.measures.values import RunValue
from backend.indices.models import IndexInput, IndexPublication, IndexRun, IndexValue
from backend.ratings.models import RATING_FORM
from backend.settings import ROOT
from backend.units.models import Unit
from backend.users.policy import Actor
from backend.worktime import service as worktime

SEED = 20_240_410
PARAMETERS = {
    "level": LEVEL, "small_n": SMALL_N, "least_in_cell": LEAST_IN_CELL, "least_units": LEAST_CLUSTERS,
    "dissatisfied_at_most": DISSATISFIED, "taken_up_within_rule": TAKEN_UP_BY_RULE,
    "told_within_rule": CODES[ClockKind.NOTIFY], "sd": SAMPLING.sd, "deff": SAMPLING.deff,
}  # fmt: skip
SAME_DIGITS = 1e-9
WITH_YEARS = ("published", "own_survey")
METHODS = {"feedback": RATING_FORM, "official": "QĐ 766/QĐ-TTg"}


@dataclass(frozen=True)
class RunVerification:
    """The result of computing a run again. ``digits``: every value has the same digits, from the stored inputs.
    ``intact``: the stored inputs have the hashes of the run. ``code``: the code is that of the run. ``changed``: parts
    of the inputs that are different in the database today. ``different``: a line for each value with other digits."""

    run_id: int
    digits: bool
    intact: bool
    code: bool
    changed: tuple[str, ...]
    different: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return self.digits and self.intact


def prepare_request(
    session: Session, unit: Unit | None, first: date, last: date, actor: Actor, as_of: date
) -> RunRequest:
    """Return the request for a unit and all units below it; without a unit, for the province. Raises Invalid where the
    period ends before it begins."""
    if last < first:
        raise Invalid(_("Ngày cuối kỳ phải sau ngày đầu kỳ."), field="den")
    ids = tuple(sorted(lower.id for lower in units_within(session, unit, actor)))
    return RunRequest(first, last, ids, unit is None, as_of)


def compute_values(inputs: RunInputs, run_request: RunRequest, seed: int) -> list[RunValue]:
    """Return all values of a request in a fixed order. Pure: the same inputs, request and seed give the same values."""
    return values_of_sums(inputs, sum_cases(inputs.cases, run_request), run_request, seed)


def values_of_sums(inputs: RunInputs, sums: PeriodSums, run_request: RunRequest, seed: int) -> list[RunValue]:
    """Return the same from the tickets added up. ``inputs``: everything else than tickets."""
    values = [*printed_values(inputs), *own_survey.survey_values(inputs.sheets, inputs.drawn, inputs.weighed)]
    by_span = split_spans(sums, run_request.first, run_request.last)
    for span in by_span:
        values += side_values(span)
    if run_request.province:
        values += outlook_values(inputs, sums, by_span[0])
        values += year_values(values)
        values += gap_values(_of_whole_period(values, run_request), run_request.first, run_request.last)
        values += association_values(by_span[0], sums.rated)
    if len(by_span) > 1:
        first_span, last_span = by_span[1], by_span[-1]
        values += change_values(values, (first_span.first, first_span.last), (last_span.first, last_span.last))
    if len(run_request.unit_ids) > 1:
        by_unit = unit_spans(sums, run_request.first, run_request.last)
        units = list(chain.from_iterable(map(unit_values, by_unit)))
        values += [*units, *among_values(by_unit, seed, units)]
    return values


def _of_whole_period(values: Sequence[RunValue], run_request: RunRequest) -> list[RunValue]:
    """Return the values of the whole period. Published figures and survey figures have a year, so they all belong."""
    period = (run_request.first, run_request.last)
    return [value for value in values if value.code in WITH_YEARS or (value.first, value.last) == period]


def make_run(
    session: Session, run_request: RunRequest, unit: Unit | None, *, seed: int, now: datetime, user_id: int | None
) -> int:
    """Compute and store a run; return its id."""
    calendar_id = worktime.active_id(session)
    inputs = rows.read_inputs(session, run_request, worktime.load_calendar(session, calendar_id))
    forms = rows.canonical_parts(inputs)
    marks = rows.fingerprint_parts(forms)
    values = compute_values(inputs, run_request, seed)
    run = IndexRun(
        first_day=run_request.first,
        last_day=run_request.last,
        unit_id=unit.id if unit else None,
        as_of=run_request.as_of,
        seed=seed,
        parameters=PARAMETERS | {"unit_ids": list(run_request.unit_ids)},
        inputs={part: asdict(mark) for part, mark in marks.items()},
        inputs_hash=rows.whole_hash(marks),
        code_version=code_version(),
        code_hash=_code_hash(),
        calendar_id=calendar_id,
        methods=METHODS | {"published": ", ".join(sorted({figure.method for figure in inputs.printed}, reverse=True))},
        values_hash=values_hash(values),
        demonstration=inputs.demonstration,
        created_at=now,
        user_id=user_id,
    )
    session.add(run)
    session.flush()
    session.add_all(IndexInput(run_id=run.id, part=part, content=rows.pack_form(form)) for part, form in forms.items())
    session.flush()
    session.execute(insert(table_of(IndexValue)), [_row(run.id, at, value) for at, value in enumerate(values)])
    return run.id


def find_run(session: Session, run_id: int) -> IndexRun:
    """Return a run by its id. Raises NotFound."""
    run = session.get(IndexRun, run_id)
    if run is None:
        raise NotFound(_("Không có lần tính này."))
    return run


def values_of(session: Session, run_id: int) -> list[RunValue]:
    """Return the stored values of a run in their order."""
    rows = session.scalars(select(IndexValue).where(IndexValue.run_id == run_id).order_by(IndexValue.position))
    return [_value(row) for row in rows]


def publish_run(session: Session, run_id: int, *, user_id: int, now: datetime) -> None:
    """Publish a run for good. Raises NotFound; Conflict the second time, or where computing it again gives other
    digits."""
    if not verify_run(session, run_id).holds:
        raise Conflict(_("Tính lại từ dữ liệu đã lưu cho kết quả khác, nên không công bố được lần tính này."))
    published = session.scalar(
        upsert(IndexPublication)
        .values(run_id=run_id, at=now, user_id=user_id)
        .on_conflict_do_nothing(index_elements=[IndexPublication.run_id])
        .returning(IndexPublication.run_id)
    )
    if published is None:
        raise Conflict(_("Lần tính này đã được công bố."))


def verify_run(session: Session, run_id: int) -> RunVerification:
    """Compute a run again from its stored inputs, and compare the inputs with the database of today. Raises
    NotFound."""
    run = find_run(session, run_id)
    run_request = request_of(run)
    contents = {part.part: part.content for part in session.scalars(select(IndexInput).filter_by(run_id=run_id))}
    inputs = rows.unpack_inputs(contents)
    marks = rows.fingerprint_parts(rows.canonical_parts(inputs))
    values, stored = compute_values(inputs, run_request, run.seed), values_of(session, run_id)
    as_stored = values_hash(stored) == run.values_hash
    different = tuple(_differences(values, stored, exactly=not as_stored))
    live = rows.fingerprint_parts(
        rows.canonical_parts(rows.read_inputs(session, run_request, worktime.load_calendar(session, run.calendar_id)))
    )
    return RunVerification(
        run_id=run_id,
        digits=as_stored and not different,
        intact=marks == _marks(run) and rows.whole_hash(marks) == run.inputs_hash,
        code=_code_hash() == run.code_hash,
        changed=tuple(part for part in {**live, **_marks(run)} if live.get(part) != _marks(run).get(part)),
        different=different,
    )


def request_of(run: IndexRun) -> RunRequest:
    """Return the request of a stored run."""
    return RunRequest(run.first_day, run.last_day, tuple(run.parameters["unit_ids"]), run.unit_id is None, run.as_of)


def values_hash(values: Sequence[RunValue]) -> str:
    """Return the SHA-256 of the values with all their digits."""
    form = "".join(json.dumps(_plain(value), sort_keys=True, ensure_ascii=False) + "\n" for value in values)
    return hashlib.sha256(form.encode()).hexdigest()


@lru_cache
def code_version() -> str:
    """Return the version of the package, or of the source folder. ``_code_hash`` distinguishes codes of the same
    version."""
    try:
        return version("langnghe")
    except PackageNotFoundError:
        return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


@lru_cache
def _code_hash() -> str:
    return code_hash(ROOT)


def _marks(run: IndexRun) -> dict[str, Fingerprint]:
    return {part: Fingerprint(**mark) for part, mark in run.inputs.items()}


def _differences(values: Sequence[RunValue], stored: Sequence[RunValue], *, exactly: bool) -> Iterator[str]:
    """Yield where values differ. ``exactly``: somebody has changed stored values, so that every digit is compared."""
    if len(values) != len(stored):
        yield f"{len(stored)} -> {len(values)}"
    for at, (new, old) in enumerate(zip(values, stored, strict=False)):
        if _plain(new) != _plain(old) and (exactly or not _is_same(_plain(new), _plain(old))):
            yield f"#{at} {old.code} {old.item}: {old.value!r} -> {new.value!r}"


def _is_same(new: Any, old: Any) -> bool:
    """Whether two parts of values are the same. Numbers may differ in the last digits that a computer keeps: sums of
    another order differ there."""
    if isinstance(new, float) and isinstance(old, float):
        return isclose(new, old, rel_tol=SAME_DIGITS, abs_tol=SAME_DIGITS)
    if isinstance(new, dict) and isinstance(old, dict):
        return new.keys() == old.keys() and all(_is_same(part, old[name]) for name, part in new.items())
    return bool(new == old)


def _plain(value: RunValue) -> dict[str, Any]:
    plain = asdict(value)
    numbers = {name: None if plain[name] is None else float(plain[name]) for name in ("value", "se", "lo", "hi")}
    extra = json.loads(json.dumps(plain["extra"]))
    return plain | numbers | {"first": str(value.first), "last": str(value.last), "extra": extra}


def _row(run_id: int, at: int, value: RunValue) -> dict[str, Any]:
    plain = _plain(value)
    first, last = plain.pop("first"), plain.pop("last")
    return plain | {"run_id": run_id, "position": at, "first_day": first, "last_day": last}


def _value(row: IndexValue) -> RunValue:
    return RunValue(
        row.unit_id, row.first_day, row.last_day, row.side, row.item, row.code, row.measure, row.n, row.value, row.se,
        row.lo, row.hi, row.about, row.extra,
    )  # fmt: skip
