"""The side of our own survey: ballots of rounds that asked the feedback group in the period, and their figures.

Only the three items leave the ballot, beside its place in the design; the key of a ballot is random and tells nothing.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from analytics.design import DesignError, SinglePsu, build_design
from analytics.estimate import Estimate, estimate_means, index_of, publishable
from backend.indices.models import Measure, Side
from backend.indices.values import GROUP, Value
from backend.surveys.instruments import parse
from backend.surveys.models import Ballot, Round

SLOTS = ("service.feedback.1", "service.feedback.2", "service.feedback.3")
NAMES = ("1", "2", "3")


class Sheet(NamedTuple):
    """The three answers of one ballot; None where blank."""

    key: str
    round_id: int
    first: str
    last: str
    unit_id: int | None
    stratum: str | None
    psu: str | None
    weight: float
    ease: int | None
    by_rules: int | None
    timely: int | None


def read(session: Session, first: date, last: date, unit_ids: Sequence[int]) -> tuple[Sheet, ...]:
    """Ballots that count, of rounds begun in the period in one of these units, in the order of random keys."""
    rounds = session.scalars(
        select(Round)
        .where(Round.first_day.between(first, last), Round.unit_id.in_(list(unit_ids)))
        .options(joinedload(Round.instrument))
        .order_by(Round.id)
    ).all()
    return tuple(sheet for one in rounds for sheet in _sheets(session, one))


def values(sheets: Sequence[Sheet]) -> Iterator[Value]:
    """Means of the items and of the group, with design-based intervals, round by round."""
    for round_id in sorted({sheet.round_id for sheet in sheets}):
        held = [sheet for sheet in sheets if sheet.round_id == round_id]
        try:
            found = _estimated(held)
        except DesignError:
            continue
        for item, name in (*enumerate(NAMES, start=1), (GROUP, "group")):
            yield _value(held[0], item, found[name])


def _sheets(session: Session, one: Round) -> Iterator[Sheet]:
    codes = [slot.code for slot in parse(one.instrument.document).slots]
    if not set(SLOTS) <= set(codes):
        return
    places = [codes.index(slot) for slot in SLOTS]
    rows = session.execute(
        select(Ballot.id, Ballot.unit_id, Ballot.stratum, Ballot.psu, Ballot.weight, Ballot.answers)
        .where(Ballot.round_id == one.id, Ballot.valid, ~Ballot.withdrawn)
        .order_by(Ballot.id)
    )
    for key, unit_id, stratum, psu, weight, answers in rows:
        scores: list[Any] = [answers[place] for place in places]
        days = (one.first_day.isoformat(), one.last_day.isoformat())
        yield Sheet(key.hex, one.id, *days, unit_id, stratum, psu, weight, *scores)


def _estimated(held: Sequence[Sheet]) -> dict[str, Estimate]:
    """Strata and first-stage units as far as every ballot has them; a stratum with one unit is centred on all units."""
    strata = np.array([sheet.stratum or "" for sheet in held])
    psu = np.array([sheet.psu or "" for sheet in held])
    design = build_design(
        len(held),
        strata=strata if all(strata) else None,
        psu=psu if all(psu) else None,
        weights=[sheet.weight for sheet in held],
        single=SinglePsu.ADJUST,
    )
    scores = np.array([sheet[-3:] for sheet in held], dtype=np.float64)
    items = {name: scores[:, at] for at, name in enumerate(NAMES)}
    indices = {f"i{name}": index_of([name]) for name in NAMES} | {"group": index_of(NAMES)}
    found = estimate_means(design, items, indices)
    return {name: found.get(f"i{name}") for name in NAMES} | {"group": found.get("group")}


def _value(sheet: Sheet, item: int, one: Estimate) -> Value:
    shown = publishable(one.n)
    return Value(
        None, date.fromisoformat(sheet.first), date.fromisoformat(sheet.last), Side.SURVEY, item, "own_survey",
        Measure.SCORE, n=one.n,
        value=one.estimate if shown else None, se=one.se if shown else None,
        lo=_within(one.lo) if shown else None, hi=_within(one.hi) if shown else None,
        extra={"round": sheet.round_id, "df": one.df, "deff": one.deff},
    )  # fmt: skip


def _within(end: float | None) -> float | None:
    return None if end is None else min(100.0, max(20.0, end))
