"""The side of our own survey: ballots of rounds that asked the feedback group in the period, and their figures.

Only the three items leave a ballot, together with its place in the design. The key of a ballot is random.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from analytics.estimation.design import SurveyDesign
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
    """The three answers of one ballot, None where blank, and its place in the design."""

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
    """What is known of a ballot from the draw and the respondent, in a round that was drawn here or is weighted to
    known totals.

    ``population``: the first-stage units of its stratum.
    """

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


def read_draws(session: Session, ballots: Sequence[BallotScores]) -> tuple[DrawRecord, ...]:
    """Return the draw records of the ballots in such rounds, in the order of their keys."""
    rounds = {ballot.round_id for ballot in ballots}
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


def read_totals(session: Session, ballots: Sequence[BallotScores]) -> tuple[RoundTotals, ...]:
    """Return the known totals of these rounds, where there are any."""
    rounds = {ballot.round_id for ballot in ballots}
    statement = select(Round.id, Round.totals).where(Round.id.in_(rounds), Round.totals.is_not(None)).order_by(Round.id)
    return tuple(RoundTotals(*row) for row in session.execute(statement))


def read_ballots(session: Session, first: date, last: date, unit_ids: Sequence[int]) -> tuple[BallotScores, ...]:
    """Return the valid ballots of rounds that began in the period in one of these units, ordered by their random
    keys."""
    rounds = session.scalars(
        select(Round)
        .where(Round.first_day.between(first, last), Round.unit_id.in_(list(unit_ids)))
        .options(joinedload(Round.instrument))
        .order_by(Round.id)
    ).all()
    return tuple(chain.from_iterable(_ballots(session, survey_round) for survey_round in rounds))


def round_codes(session: Session) -> dict[int, str]:
    """Return the code of each round by its id."""
    return {row.id: row.code for row in session.execute(select(Round.id, Round.code))}


def survey_values(
    ballots: Sequence[BallotScores], draws: Sequence[DrawRecord], totals: Sequence[RoundTotals]
) -> Iterator[RunValue]:
    """Yield the means of the items and of the group round by round, with design-based intervals.

    A round that cannot be estimated (`Conflict`) is left out.
    """
    draw_of = {draw.key: draw for draw in draws}
    totals_of = {round_totals.round_id: stored_totals(round_totals.document) for round_totals in totals}
    for round_id in sorted({ballot.round_id for ballot in ballots}):
        of_round = [ballot for ballot in ballots if ballot.round_id == round_id]
        try:
            estimates = _estimate_round(of_round, draw_of, totals_of.get(round_id))
        except Conflict:
            continue
        for item, name in (*enumerate(NAMES, start=1), (GROUP, "group")):
            yield _value(of_round[0], item, estimates[name])


def _ballots(session: Session, survey_round: Round) -> Iterator[BallotScores]:
    codes = [slot.code for slot in parse_instrument(survey_round.instrument.document).slots]
    if not set(SLOTS) <= set(codes):
        return
    places = [codes.index(slot) for slot in SLOTS]
    days = (survey_round.first_day.isoformat(), survey_round.last_day.isoformat())
    rows = session.execute(
        select(Ballot.id, Ballot.unit_id, Ballot.stratum, Ballot.psu, Ballot.weight, Ballot.answers)
        .where(Ballot.round_id == survey_round.id, Ballot.valid, ~Ballot.withdrawn)
        .order_by(Ballot.id)
    )
    for row in rows:
        scores: list[Any] = [row.answers[place] for place in places]
        design = (row.unit_id, row.stratum, row.psu, row.weight)
        yield BallotScores(row.id.hex, survey_round.id, *days, *design, *scores)


def _estimate_round(
    ballots: Sequence[BallotScores], draw_of: Mapping[str, DrawRecord], totals: KnownTotals | None
) -> dict[str, Estimate]:
    """Estimate a round by the same design as on its own page. Raises Conflict where that is not possible."""
    design = _round_design(ballots, [draw_of.get(ballot.key, UNKNOWN) for ballot in ballots], totals)
    scores = np.array([[ballot.ease, ballot.by_rules, ballot.timely] for ballot in ballots], dtype=np.float64)
    items = {name: scores[:, column] for column, name in enumerate(NAMES)}
    indices = {f"i{name}": index_of([name]) for name in NAMES} | {"group": index_of(NAMES)}
    table = estimate_means(design, items, indices)
    return {name: table.get(f"i{name}") for name in NAMES} | {"group": table.get("group")}


def _round_design(
    ballots: Sequence[BallotScores], draws: Sequence[DrawRecord], totals: KnownTotals | None
) -> SurveyDesign:
    strata = [ballot.stratum for ballot in ballots]
    margins = {
        STRATUM: strata,
        UNIT: [draw.unit for draw in draws],
        AGE: [draw.age for draw in draws],
        SEX: [draw.sex for draw in draws],
        ETHNICITY: [draw.ethnicity for draw in draws],
    }
    psus = [ballot.psu for ballot in ballots]
    weights = [ballot.weight for ballot in ballots]
    design, _adjustment = design_of(strata, psus, weights, [draw.population for draw in draws], margins, totals)
    return design


def _value(ballot: BallotScores, item: int, estimate: Estimate) -> RunValue:
    first, last = date.fromisoformat(ballot.first), date.fromisoformat(ballot.last)
    extra = {"round": ballot.round_id, "df": estimate.df, "deff": estimate.deff}
    value = RunValue(None, first, last, FigureSide.SURVEY, item, "own_survey", Measure.SCORE, n=estimate.n, extra=extra)
    if not is_publishable(estimate.n):
        return value
    lo, hi = _clip_end(estimate.lo), _clip_end(estimate.hi)
    return replace(value, value=estimate.estimate, se=estimate.se, lo=lo, hi=hi)


def _clip_end(end: float | None) -> float | None:
    return None if end is None else min(100.0, max(20.0, end))
