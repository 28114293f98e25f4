"""The inputs of an index run: rows of tickets with ratings, published figures, ballots, draws and known totals, and
their hash. Index runs and the pages of two sides ask here.

The rows hold ids, classes, days and scores; no text and nothing about a person. Their canonical form is one JSON array
per line in the order of their ids, so the same rows have the same hash on every machine.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from backend.indicators.rollups.facts import take_up_limits, ticket_facts
from backend.indicators.rollups.takeup_terms import TakeUpTerms
from backend.indices.measures import own_survey
from backend.indices.models import FigureKind, PublishedFigure
from backend.indices.published.shipped_figures import LAI_CHAU
from backend.ratings.models import Rating
from backend.tickets.models import Ticket
from backend.worktime import service as worktime
from backend.worktime.calendar import WorkCalendar

ITEM_CODES = ("service.feedback", "service.feedback.1", "service.feedback.2", "service.feedback.3")
TICKETS, PUBLISHED, BALLOTS, DRAWN, TOTALS = "tickets", "published", "ballots", "drawn", "totals"


class IndexCase(NamedTuple):
    """One ticket as the figures need it. The names of the fields are stored with runs, so they do not change.

    ``standing``: on_time or late (verdict of the first decision), overdue, open, or none (ended without a verdict).
    ``outside``: refused, redirected or withdrawn. ``again``: reopened by its sender. ``taken_up``: a unit accepted it
    at least once. ``in_two_days``: accepted within its term (the term was once two days). ``at_once``: acknowledged at
    once. ``told``: the sender was notified within the term. The last three are 1 for yes, 0 for no, None where it is
    not known or not decided yet. ``days``: working days until the answer. ``told_after``: seconds from decision to
    notice. ``rated_unit``: the unit to which the rating counts; the three scores belong to this rating. It is the
    rating of the latest answer; the rating of an earlier answer is in no figure.
    """

    id: int
    unit_id: int
    received_on: str
    channel: str
    category: str
    standing: str
    outside: int
    answered: int
    again: int
    taken_up: int
    in_two_days: int | None
    at_once: int | None
    days: int | None
    told: int | None
    told_after: int | None
    demonstration: int
    rated_unit: int | None
    ease: int | None
    by_rules: int | None
    timely: int | None
    rated_by: str | None

    @property
    def scores(self) -> tuple[int, int, int] | None:
        if self.ease is None or self.by_rules is None or self.timely is None:
            return None
        return self.ease, self.by_rules, self.timely


class PrintedFigure(NamedTuple):
    """A published figure of the feedback group. ``value``: the digits as they were published."""

    id: int
    year: int
    code: str
    value: str
    n: int | None
    rank: int | None
    ranked: int | None
    method: str


@dataclass(frozen=True)
class RunRequest:
    """What a run computes. ``unit_ids``: the units; ``province``: these are all units. ``as_of``: the day on which open
    tickets are judged."""

    first: date
    last: date
    unit_ids: tuple[int, ...]
    province: bool
    as_of: date


@dataclass(frozen=True)
class RunInputs:
    """The rows of each part, in the order of their ids. ``sheets``: ballots; ``drawn``: draws of rounds with a sample;
    ``weighed``: known totals of rounds that have them."""

    cases: tuple[IndexCase, ...]
    printed: tuple[PrintedFigure, ...]
    sheets: tuple[own_survey.BallotScores, ...] = ()
    drawn: tuple[own_survey.DrawRecord, ...] = ()
    weighed: tuple[own_survey.RoundTotals, ...] = ()

    @property
    def demonstration(self) -> int:
        return sum(case.demonstration for case in self.cases)


@dataclass(frozen=True)
class Fingerprint:
    """Number of rows and SHA-256 of the canonical form of one part."""

    rows: int
    sha256: str


def read_inputs(session: Session, run_request: RunRequest, calendar: WorkCalendar | None = None) -> RunInputs:
    """Read the rows of a request from the database as it is now."""
    calendar = calendar or worktime.load_calendar(session, worktime.active_id(session))
    return replace(read_others(session, run_request), cases=_cases(session, run_request, calendar))


def read_others(session: Session, run_request: RunRequest) -> RunInputs:
    """Read everything but the tickets: published figures and ballots."""
    figures = session.scalars(
        select(PublishedFigure)
        .filter_by(geography=LAI_CHAU, kind=FigureKind.SATISFACTION)
        .where(PublishedFigure.code.in_(ITEM_CODES))
        .order_by(PublishedFigure.id)
    )
    printed = tuple(
        PrintedFigure(
            figure.id, figure.year, figure.code, str(figure.value), figure.n, figure.rank, figure.ranked, figure.method
        )
        for figure in figures
    )
    sheets = own_survey.read_ballots(session, run_request.first, run_request.last, run_request.unit_ids)
    drawn, weighed = own_survey.read_draws(session, sheets), own_survey.read_totals(session, sheets)
    return RunInputs((), printed, sheets, drawn, weighed)


def canonical_form(rows: Iterable[Sequence[Any]]) -> bytes:
    """Return one JSON array per line, in the order of the rows."""
    return "".join(json.dumps(list(row), ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows).encode()


def canonical_parts(inputs: RunInputs) -> dict[str, bytes]:
    """Return the canonical form of each part. Draws and known totals are left out where there are none: runs from
    before they existed keep their hashes."""
    parts: dict[str, Sequence[Sequence[Any]]] = {
        TICKETS: inputs.cases,
        PUBLISHED: inputs.printed,
        BALLOTS: inputs.sheets,
    }
    if inputs.drawn:
        parts[DRAWN] = inputs.drawn
    if inputs.weighed:
        parts[TOTALS] = inputs.weighed
    return {part: canonical_form(rows) for part, rows in parts.items()}


def fingerprint_parts(forms: dict[str, bytes]) -> dict[str, Fingerprint]:
    return {part: Fingerprint(form.count(b"\n"), hashlib.sha256(form).hexdigest()) for part, form in forms.items()}


def whole_hash(marks: dict[str, Fingerprint]) -> str:
    """Return one SHA-256 over the fingerprints of all parts."""
    form = json.dumps({part: [mark.rows, mark.sha256] for part, mark in marks.items()}, sort_keys=True)
    return hashlib.sha256(form.encode()).hexdigest()


def pack_form(form: bytes) -> bytes:
    return zlib.compress(form, 6)


def unpack_inputs(contents: dict[str, bytes]) -> RunInputs:
    """Return the inputs of a stored run from its packed parts."""
    lines = {part: zlib.decompress(content).splitlines() for part, content in contents.items()}
    return RunInputs(
        tuple(IndexCase(*json.loads(line)) for line in lines.get(TICKETS, [])),
        tuple(PrintedFigure(*json.loads(line)) for line in lines.get(PUBLISHED, [])),
        tuple(own_survey.BallotScores(*json.loads(line)) for line in lines.get(BALLOTS, [])),
        tuple(own_survey.DrawRecord(*json.loads(line)) for line in lines.get(DRAWN, [])),
        tuple(own_survey.RoundTotals(*json.loads(line)) for line in lines.get(TOTALS, [])),
    )


def _cases(session: Session, run_request: RunRequest, calendar: WorkCalendar) -> tuple[IndexCase, ...]:
    """Read the tickets that were received in the period and that a unit of the request has, or was rated for."""
    ids = list(run_request.unit_ids)
    period = Ticket.received_on.between(run_request.first, run_request.last)
    days = session.scalars(select(Ticket.received_on).where(period).distinct()).all()
    limits = take_up_limits(TakeUpTerms(session, calendar), days)
    facts = ticket_facts(run_request.as_of, limits).where(period, or_(Ticket.unit_id.in_(ids), Rating.unit_id.in_(ids)))
    rows = session.execute(facts.order_by(Ticket.id))
    return tuple(_case(row) for row in rows)


def _case(row: Any) -> IndexCase:
    """Return a row in its stored form: days and channels as text, answers as 1 and 0."""
    return IndexCase(
        id=row.id,
        unit_id=row.unit_id,
        received_on=row.received_on.isoformat(),
        channel=row.channel.value,
        category=row.category,
        standing=row.standing,
        outside=int(row.outside),
        answered=int(row.answered),
        again=int(row.again),
        taken_up=int(row.taken_up),
        in_two_days=_number(row.in_two_days),
        at_once=_number(row.is_acknowledged),
        days=row.days,
        told=_number(row.is_told),
        told_after=row.told_after,
        demonstration=int(row.demonstration),
        rated_unit=row.rated_unit,
        ease=row.ease,
        by_rules=row.by_rules,
        timely=row.timely,
        rated_by=row.rated_by.value if row.rated_by else None,
    )


def _number(answer: bool | None) -> int | None:
    return None if answer is None else int(answer)
