"""The side of our own survey: ballots of rounds that asked the feedback group in the period, and their figures.

Only the three items leave the ballot, beside its place in the design; the key of a ballot is random and tells nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from analytics.estimation.estimate import Estimate, estimate_means, index_of, is_publishable
from backend.errors import Conflict
from backend.indices.measures.values import GROUP, RunValue
from backend.indices.models import FigureSide, Measure
from backend.surveys.ballot_files.layout import AGE, ETHNICITY, SEX, STRATUM, UNIT
from backend.surveys.forms.instruments import parse_instrument
from backend.surveys.models import Ballot, IssuedBallot, Round
from backend.surveys.rounds.figures import design_of
from backend.surveys.samples.totals import KnownTotals, stored_totals
from backend.units.models import Unit

SLOTS = ("service.feedback.1", "service.feedback.2", "service.feedback.3")
NAMES = ("1", "2", "3")


class BallotScores(NamedTuple):
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


class DrawRecord(NamedTuple):
    """What the draw and the respondent tell of one ballot, in a round whose sample was drawn here or whose weights are
    brought to known totals. ``population``: first-stage units in that of its stratum."""

    key: str
    population: int | None
    unit: str | None
    age: str | None
    sex: str | None
    ethnicity: str | None


class RoundTotals(NamedTuple):
    """The known totals of one round (`backend.surveys.samples.totals`)."""

    round_id: int
    document: dict[str, Any]


UNKNOWN = DrawRecord("", None, None, None, None, None)


def read_draws(session: Session, sheets: Sequence[BallotScores]) -> tuple[DrawRecord, ...]:
    """Of the ballots in such rounds, in the order of their keys."""
    rounds = {sheet.round_id for sheet in sheets}
    rows = session.execute(
        select(Ballot.id, IssuedBallot.population, Unit.code, Ballot.age, Ballot.sex, Ballot.ethnicity)
        .join(Round, Round.id == Ballot.round_id)
        .outerjoin(IssuedBallot, (IssuedBallot.round_id == Ballot.round_id) & (IssuedBallot.number == Ballot.number))
        .outerjoin(Unit, Unit.id == Ballot.unit_id)
        .where(Ballot.round_id.in_(rounds), Ballot.valid, ~Ballot.withdrawn)
        .where(Round.draw.is_not(None) | Round.totals.is_not(None))
        .order_by(Ballot.round_id, Ballot.id)
    )
    return tuple(DrawRecord(row.id.hex, *row[1:]) for row in rows)


def read_totals(session: Session, sheets: Sequence[BallotScores]) -> tuple[RoundTotals, ...]:
    """The totals of these rounds, where there are any."""
    rounds = {sheet.round_id for sheet in sheets}
    known = select(Round.id, Round.totals).where(Round.id.in_(rounds), Round.totals.is_not(None)).order_by(Round.id)
    return tuple(RoundTotals(*row) for row in session.execute(known))


def read_ballots(session: Session, first: date, last: date, unit_ids: Sequence[int]) -> tuple[BallotScores, ...]:
    """Ballots that count, of rounds begun in the period in one of these units, in the order of random keys."""
    rounds = session.scalars(
        select(Round)
        .where(Round.first_day.between(first, last), Round.unit_id.in_(list(unit_ids)))
        .options(joinedload(Round.instrument))
        .order_by(Round.id)
    ).all()
    return tuple(sheet for one in rounds for sheet in _sheets(session, one))


def round_codes(session: Session) -> dict[int, str]:
    """Code of each round by its id."""
    return {row.id: row.code for row in session.execute(select(Round.id, Round.code))}


def survey_values(
    sheets: Sequence[BallotScores], places: Sequence[DrawRecord], known: Sequence[RoundTotals]
) -> Iterator[RunValue]:
    """Means of the items and of the group, with design-based intervals, round by round."""
    place_of = {place.key: place for place in places}
    totals_of = {one.round_id: stored_totals(one.document) for one in known}
    for round_id in sorted({sheet.round_id for sheet in sheets}):
        held = [sheet for sheet in sheets if sheet.round_id == round_id]
        try:
            found = _estimate_round(held, place_of, totals_of.get(round_id))
        except Conflict:
            continue
        for item, name in (*enumerate(NAMES, start=1), (GROUP, "group")):
            yield _value(held[0], item, found[name])


def _sheets(session: Session, one: Round) -> Iterator[BallotScores]:
    codes = [slot.code for slot in parse_instrument(one.instrument.document).slots]
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
        yield BallotScores(key.hex, one.id, *days, unit_id, stratum, psu, weight, *scores)


def _estimate_round(
    held: Sequence[BallotScores], place_of: Mapping[str, DrawRecord], known: KnownTotals | None
) -> dict[str, Estimate]:
    """By the same design as on the page of the round."""
    places = [place_of.get(sheet.key, UNKNOWN) for sheet in held]
    strata = [sheet.stratum for sheet in held]
    design, _brought = design_of(
        strata,
        [sheet.psu for sheet in held],
        [sheet.weight for sheet in held],
        [place.population for place in places],
        {
            STRATUM: strata,
            UNIT: [place.unit for place in places],
            AGE: [place.age for place in places],
            SEX: [place.sex for place in places],
            ETHNICITY: [place.ethnicity for place in places],
        },
        known,
    )
    scores = np.array([sheet[-3:] for sheet in held], dtype=np.float64)
    items = {name: scores[:, at] for at, name in enumerate(NAMES)}
    indices = {f"i{name}": index_of([name]) for name in NAMES} | {"group": index_of(NAMES)}
    found = estimate_means(design, items, indices)
    return {name: found.get(f"i{name}") for name in NAMES} | {"group": found.get("group")}


def _value(sheet: BallotScores, item: int, one: Estimate) -> RunValue:
    shown = is_publishable(one.n)
    return RunValue(
        None, date.fromisoformat(sheet.first), date.fromisoformat(sheet.last), FigureSide.SURVEY, item, "own_survey",
        Measure.SCORE, n=one.n,
        value=one.estimate if shown else None, se=one.se if shown else None,
        lo=_clip_end(one.lo) if shown else None, hi=_clip_end(one.hi) if shown else None,
        extra={"round": sheet.round_id, "df": one.df, "deff": one.deff},
    )  # fmt: skip


def _clip_end(end: float | None) -> float | None:
    return None if end is None else min(100.0, max(20.0, end))
