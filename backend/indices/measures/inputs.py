"""The inputs of an index run: rows of tickets with ratings, published figures, ballots, draws and known totals, and
their hash. Index runs and the pages of two sides ask here.

The rows hold ids, classes, days and scores; no text and nothing about a person. Their canonical form is one JSON array
per line in the order of their ids, so the same rows have the same hash on every machine.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Date, Integer, case, cast, extract, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.deadlines.clock_states import CODES, ClockKind
from backend.deadlines.terms import Term
from backend.indicators import conditions
from backend.indicators.conditions import TicketIndicator
from backend.indices.measures import own_survey
from backend.indices.models import FigureKind, PublishedFigure
from backend.indices.published.shipped_figures import LAI_CHAU
from backend.ratings.models import Rating
from backend.ratings.queries import of_latest_answer
from backend.tickets import rulebook
from backend.tickets.models import Category, Channel, Ticket
from backend.worktime import service as worktime
from backend.worktime.calendar import ZONE, WorkCalendar

ITEM_CODES = ("service.feedback", "service.feedback.1", "service.feedback.2", "service.feedback.3")
TICKETS, PUBLISHED, BALLOTS, DRAWN, TOTALS = "tickets", "published", "ballots", "drawn", "totals"
TAKEN_UP_BY_RULE = CODES[ClockKind.REFUSE]  # a unit must look at a ticket within the term in which it may refuse it


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
    return RunInputs(_cases(session, run_request, calendar), printed, sheets, drawn, weighed)


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
    ids, today = list(run_request.unit_ids), run_request.as_of
    columns: dict[str, ColumnElement[Any]] = {
        "standing": conditions.outcome_on(today),
        "outside": _as_number(conditions.TURNED_AWAY_ONES, today),
        "answered": _as_number(conditions.ANSWERED, today),
        "again": cast(conditions.REOPENED.condition(today), Integer),
        "taken_up": _as_number(conditions.TAKEN_UP, today),
        "at_once": _as_number(conditions.ACKNOWLEDGED, today),
        "told": _as_number(conditions.TOLD, today),
        "told_after": case((conditions.OURS.condition(today), _seconds(Ticket.told_at - Ticket.decided_at))),
        "demonstration": cast(Ticket.demonstration, Integer),
    }
    stored: dict[str, InstrumentedAttribute[Any]] = {
        "days": Ticket.working_days,
        "rated_unit": Rating.unit_id,
        "ease": Rating.ease,
        "by_rules": Rating.by_rules,
        "timely": Rating.timely,
        "rated_by": Rating.channel,
    }
    rows: Sequence[Any] = session.execute(
        select(
            *(Ticket.id, Ticket.unit_id, Ticket.received_on, Ticket.channel, Ticket.category_code.label("category")),
            cast(func.timezone(str(ZONE), Ticket.accepted_at), Date).label("accepted_on"),
            *(column.label(name) for name, column in columns.items()),
            *(column.label(name) for name, column in stored.items()),
        )
        .outerjoin(Rating, of_latest_answer())
        .where(
            Ticket.received_on.between(run_request.first, run_request.last),
            or_(Ticket.unit_id.in_(ids), Rating.unit_id.in_(ids)),
        )
        .order_by(Ticket.id)
    ).all()
    in_time = _taken_up_in_time(session, calendar, today, rows)
    return tuple(_case(row._asdict(), soon) for row, soon in zip(rows, in_time, strict=True))


def _case(row: dict[str, Any], soon: int | None) -> IndexCase:
    """Return a row in its stored form: days and channels as text."""
    del row["accepted_on"]
    row |= {"received_on": row["received_on"].isoformat(), "channel": row["channel"].value, "in_two_days": soon}
    return IndexCase(**row | {"rated_by": _name(row["rated_by"])})


def _name(channel: Channel | None) -> str | None:
    return channel.value if channel else None


def _as_number(indicator: TicketIndicator, today: date) -> ColumnElement[int | None]:
    """Return 1 for yes, 0 for no, nothing where the answer is not known."""
    return cast(conditions.answer_of(indicator, today), Integer)


def _seconds(length: ColumnElement[Any]) -> ColumnElement[int | None]:
    return cast(func.floor(extract("epoch", length)), Integer)


def _taken_up_in_time(
    session: Session, calendar: WorkCalendar, as_of: date, rows: Sequence[Any]
) -> Iterator[int | None]:
    """Yield for each ticket whether it was accepted within the term in which its unit may refuse it: 1, 0, or None.
    None: not accepted yet and still within the term, or an imported ticket, of which it is not known."""
    rules = rulebook.load_rules(session)
    categories = {category.code: category for category in session.scalars(select(Category))}
    limits: dict[tuple[date, str, Channel], date] = {}
    for row in rows:
        key = (row.received_on, row.category, row.channel)
        if key not in limits:
            subject = rulebook.subject_of(categories[row.category], row.channel)
            term = rules.ruling(row.received_on, subject)[TAKEN_UP_BY_RULE].duration
            limits[key] = Term(calendar, term, datetime.combine(row.received_on, time(12), ZONE)).due().on
        in_time = (row.accepted_on or as_of) <= limits[key]
        is_decided = row.channel is not Channel.IMPORT and (row.accepted_on is not None or not in_time)
        yield int(in_time) if is_decided else None
