"""What figures about the feedback group are counted from: rows of tickets, ratings, published figures, and their hash.

The rows hold ids, classes, days and scores; no text and nothing about a person. Their canonical form is one JSON array
a line, in the order of their ids, so that the same rows have the same hash on any machine.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Date, Integer, and_, case, cast, extract, func, or_, select
from sqlalchemy.orm import Session

from backend.deadlines.due_dates import TOLD_WITHIN
from backend.indicators.counts import AT_ONCE, is_undecided, unanswered_in_time
from backend.indices.measures import own_survey
from backend.indices.models import FigureKind, PublishedFigure
from backend.indices.published.shipped_figures import LAI_CHAU
from backend.ratings.models import Rating
from backend.tickets.models import Channel, Ticket, TicketState, Verdict
from backend.worktime import service as worktime
from backend.worktime.arithmetic import due_moment
from backend.worktime.calendar import ZONE, WorkCalendar
from backend.worktime.vector import working_days_between

ITEM_CODES = ("service.feedback", "service.feedback.1", "service.feedback.2", "service.feedback.3")
TICKETS, PUBLISHED, BALLOTS, DRAWN, TOTALS = "tickets", "published", "ballots", "drawn", "totals"
TAKEN_UP_WITHIN = 2  # working days
OUTSIDE = (TicketState.REFUSED, TicketState.REDIRECTED, TicketState.WITHDRAWN)


class IndexCase(NamedTuple):
    """One ticket as the figures need it. ``standing``: on_time or late (verdict of the first decision), overdue, open,
    or none (ended without a verdict).

    ``outside``: refused, redirected or withdrawn. ``again``: its sender had it reopened. ``taken_up``: a unit has taken
    it up at least once. ``in_two_days``, ``at_once``, ``told``: 1 yes, 0 no, None not known or not decided yet.
    ``days``: working days to the answer. ``told_after``: seconds from decision to notice. ``rated_unit``: the unit that
    the rating is credited to; the three scores stand with it.
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
    """A published figure of the feedback group; ``value`` as printed."""

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
    """The question. ``unit_ids``: the units looked at; ``province``: they are all there are."""

    first: date
    last: date
    unit_ids: tuple[int, ...]
    province: bool
    as_of: date


@dataclass(frozen=True)
class RunInputs:
    """The rows, in the order of their ids."""

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
    """Rows and SHA-256 of the canonical form of one part."""

    rows: int
    sha256: str


def read_inputs(session: Session, asked: RunRequest, calendar: WorkCalendar | None = None) -> RunInputs:
    """The rows that the question is about, as they are now."""
    calendar = calendar or worktime.load_calendar(session, worktime.active_id(session))
    figures = session.scalars(
        select(PublishedFigure)
        .filter_by(geography=LAI_CHAU, kind=FigureKind.SATISFACTION)
        .where(PublishedFigure.code.in_(ITEM_CODES))
        .order_by(PublishedFigure.id)
    )
    printed = tuple(
        PrintedFigure(one.id, one.year, one.code, str(one.value), one.n, one.rank, one.ranked, one.method)
        for one in figures
    )
    sheets = own_survey.read_ballots(session, asked.first, asked.last, asked.unit_ids)
    drawn, weighed = own_survey.read_draws(session, sheets), own_survey.read_totals(session, sheets)
    return RunInputs(_cases(session, asked, calendar), printed, sheets, drawn, weighed)


def canonical_form(rows: Iterable[Sequence[Any]]) -> bytes:
    """One JSON array a line; the rows stand in the order of their ids."""
    return "".join(json.dumps(list(row), ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows).encode()


def canonical_parts(inputs: RunInputs) -> dict[str, bytes]:
    """The canonical form of each part; those of drawn samples and known totals only where there are any."""
    found = {TICKETS: inputs.cases, PUBLISHED: inputs.printed, BALLOTS: inputs.sheets}
    designs = {DRAWN: inputs.drawn, TOTALS: inputs.weighed}
    return {part: canonical_form(held) for part, held in {**found, **designs}.items() if held or part in found}


def fingerprint_parts(forms: dict[str, bytes]) -> dict[str, Fingerprint]:
    return {part: Fingerprint(form.count(b"\n"), hashlib.sha256(form).hexdigest()) for part, form in forms.items()}


def whole_hash(marks: dict[str, Fingerprint]) -> str:
    """One hash over all parts."""
    form = json.dumps({part: [mark.rows, mark.sha256] for part, mark in marks.items()}, sort_keys=True)
    return hashlib.sha256(form.encode()).hexdigest()


def pack_form(form: bytes) -> bytes:
    return zlib.compress(form, 6)


def unpack_inputs(contents: dict[str, bytes]) -> RunInputs:
    """Inputs as they were stored."""
    lines = {part: zlib.decompress(content).splitlines() for part, content in contents.items()}
    return RunInputs(
        tuple(IndexCase(*json.loads(line)) for line in lines.get(TICKETS, [])),
        tuple(PrintedFigure(*json.loads(line)) for line in lines.get(PUBLISHED, [])),
        tuple(own_survey.BallotScores(*json.loads(line)) for line in lines.get(BALLOTS, [])),
        tuple(own_survey.DrawRecord(*json.loads(line)) for line in lines.get(DRAWN, [])),
        tuple(own_survey.RoundTotals(*json.loads(line)) for line in lines.get(TOTALS, [])),
    )


def _cases(session: Session, asked: RunRequest, calendar: WorkCalendar) -> tuple[IndexCase, ...]:
    told_by = _told_by(calendar, asked.as_of)
    own = Ticket.channel != Channel.IMPORT
    ids = list(asked.unit_ids)
    rows = session.execute(
        select(
            Ticket.id,
            Ticket.unit_id,
            Ticket.received_on,
            Ticket.channel,
            Ticket.category_code,
            _standing(asked.as_of),
            cast(Ticket.state.in_(OUTSIDE), Integer),
            cast(Ticket.answered_at.is_not(None), Integer),
            cast(Ticket.episode > 1, Integer),
            cast(or_(Ticket.accepted_at.is_not(None), Ticket.state != TicketState.NEW), Integer),
            cast(func.timezone(str(ZONE), Ticket.accepted_at), Date),
            case((own, cast(func.coalesce(Ticket.acknowledged_at - Ticket.received_at <= AT_ONCE, False), Integer))),
            Ticket.working_days,
            case((and_(own, _notice_decided(told_by)), cast(func.coalesce(Ticket.told_in_time, False), Integer))),
            case((own, cast(func.floor(extract("epoch", Ticket.told_at - Ticket.decided_at)), Integer))),
            cast(Ticket.demonstration, Integer),
            Rating.unit_id,
            Rating.ease,
            Rating.by_rules,
            Rating.timely,
            Rating.channel,
        )
        .outerjoin(Rating, Rating.ticket_id == Ticket.id)
        .where(
            Ticket.received_on.between(asked.first, asked.last),
            or_(Ticket.unit_id.in_(ids), Rating.unit_id.in_(ids)),
        )
        .order_by(Ticket.id)
    ).all()
    taken = _taken_up_in_time(calendar, asked.as_of, rows)
    return tuple(
        IndexCase._make([*row[:2], row[2].isoformat(), row[3].value, *row[4:10], soon, *row[11:20], _name(row[20])])
        for row, soon in zip(rows, taken, strict=True)
    )


def _name(channel: Channel | None) -> str | None:
    return channel.value if channel else None


def _standing(as_of: date) -> ColumnElement[str]:
    return case(
        (Ticket.verdict == Verdict.ON_TIME, "on_time"),
        (Ticket.verdict == Verdict.LATE, "late"),
        (unanswered_in_time(as_of), "overdue"),
        (is_undecided(), "open"),
        else_="none",
    )


def _notice_decided(told_by: date) -> ColumnElement[bool]:
    return and_(Ticket.answered_on.is_not(None), Ticket.told_at.is_not(None) | (Ticket.answered_on <= told_by))


def _taken_up_in_time(calendar: WorkCalendar, as_of: date, rows: Sequence[Any]) -> list[int | None]:
    """Taken up within two working days; not yet and still within them is not decided; of imports it is not known."""
    received: NDArray[np.datetime64] = np.array([row[2] for row in rows], dtype="datetime64[D]")
    ended: NDArray[np.datetime64] = np.array([max(row[10] or as_of, row[2]) for row in rows], dtype="datetime64[D]")
    within = working_days_between(calendar, received, ended) <= TAKEN_UP_WITHIN if len(rows) else np.zeros(0, bool)
    found: list[int | None] = []
    for row, soon in zip(rows, within.tolist(), strict=True):
        known = row[3] is not Channel.IMPORT and (row[10] is not None or not soon)
        found.append(int(soon) if known else None)
    return found


def _told_by(calendar: WorkCalendar, as_of: date) -> date:
    """The last day whose answers should have reached their senders before ``as_of``."""
    day = as_of - timedelta(days=1)
    while due_moment(calendar, TOLD_WITHIN, datetime.combine(day, time(12), ZONE)).on >= as_of:
        day -= timedelta(days=1)
    return day
