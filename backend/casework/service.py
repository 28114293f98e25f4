"""Turn the cases of another system into tickets, batch by batch; each batch is stored whole or not at all.

A case is recognised by its key, so a run may be repeated or continued. What is stored stays, with one exception: a case
that is open here and answered in the file becomes answered. Where the file says something else than what is stored, the
line is reported and nothing is changed. Imported tickets have no sender and no secret.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain, islice
from typing import Any, Final, NamedTuple

import numpy as np
from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend import audit, db
from backend.casework import statements as sql
from backend.casework.case_file import ImportedCase, RejectedLine
from backend.casework.case_keys import LeadingZeros
from backend.casework.case_names import UNSORTED, CaseHeld, CaseworkNames
from backend.db import AdvisoryLock
from backend.deadlines import due_dates
from backend.deadlines.clock_states import ClockKind
from backend.deadlines.rules import DeadlineRule, choose_rule
from backend.deadlines.terms import Term
from backend.errors import Invalid, _
from backend.tickets import rulebook
from backend.tickets.lifecycle import Event
from backend.tickets.models import Category, words_digest
from backend.tickets.search.index import index_tickets
from backend.worktime import service as worktime
from backend.worktime.arithmetic import DueMoment
from backend.worktime.calendar import WorkCalendar, local_time
from backend.worktime.duration import Duration
from backend.worktime.vector import working_days_between

BATCH: Final = 5_000
TITLE_MOST: Final = 200
ACTOR: Final = "system"
IMPORTED: Final = {"imported": True}
COMPARED: Final = {
    "office": "cơ quan",
    "received": "ngày nhận",
    "answered": "ngày trả lời",
    "category": "loại",
    "text": "nội dung",
}


@dataclass(frozen=True)
class CaseworkCounts:
    """What became of a batch.

    ``added``: new tickets. ``closed``: open tickets that are answered now. ``already``: stored with the same values.
    ``differing``: stored with other values. ``held``: a name or a key may mean two things.
    """

    added: int
    closed: int
    already: int
    differing: tuple[RejectedLine, ...]
    held: tuple[RejectedLine, ...] = ()


@dataclass
class CaseworkImport:
    """One run: where its cases go and what it has met so far.

    ``names.source`` keeps the keys of two systems apart. Nobody is reminded of what fell due up to ``reminded_after``.
    """

    names: CaseworkNames
    now: datetime
    reminded_after: date | None
    terms: dict[tuple[date, str], DeadlineRule] = field(default_factory=dict)
    dues: dict[tuple[datetime, Duration | None], DueMoment] = field(default_factory=dict)
    zeros: LeadingZeros = field(default_factory=lambda: LeadingZeros("", ()))


def begin_import(source: str, parent_code: str | None, now: datetime, *, remind: bool = False) -> CaseworkImport:
    """Return a run that can begin. ``remind``: staff are also reminded of what fell due before the import.

    Raises Invalid for a source name of the wrong length and for an unknown parent.
    """
    if not 1 <= len(source) <= 40:
        raise Invalid(_("Tên nguồn cần 1 đến %(most)s ký tự."), most=40)
    run = CaseworkImport(CaseworkNames(source, parent_code), now, None if remind else local_time(now).date())
    with db.transaction() as session:
        db.hold_lock(session, AdvisoryLock.CASEWORK)
        run.names.begin(session)
        run.zeros = LeadingZeros(run.names.source, session.scalars(text(sql.KEYS_WITH_ZEROS), {"source": f"{source}:"}))
        worktime.active_id(session)
    return run


def store_cases(run: CaseworkImport, cases: Iterable[ImportedCase]) -> Iterator[CaseworkCounts]:
    """Store the cases in batches, one transaction each, and yield the counts of each batch."""
    remaining = iter(cases)
    while batch := list(islice(remaining, BATCH)):
        yield _store_batch(run, batch)


def _store_batch(run: CaseworkImport, batch: Sequence[ImportedCase]) -> CaseworkCounts:
    _open_days({case.received.date() for case in batch})
    with db.transaction() as session:
        db.hold_lock(session, AdvisoryLock.CASEWORK)
        run.names.begin(session)
        parts = [_store_once(session, run, cases) for cases in _in_turn(batch)]
    return CaseworkCounts(
        added=sum(part.added for part in parts),
        closed=sum(part.closed for part in parts),
        already=sum(part.already for part in parts),
        differing=_by_line(chain.from_iterable(part.differing for part in parts)),
        held=_by_line(chain.from_iterable(part.held for part in parts)),
    )


def _by_line(rejects: Iterable[RejectedLine]) -> tuple[RejectedLine, ...]:
    return tuple(sorted(rejects, key=lambda reject: reject.line))


def _in_turn(batch: Sequence[ImportedCase]) -> list[list[ImportedCase]]:
    """Return parts without equal keys, in the order of the file.

    A key that stands twice then has the same result whether it stands in one batch, in two, or in two files.
    """
    times: Counter[str] = Counter()
    parts: list[list[ImportedCase]] = []
    for case in batch:
        if times[case.key] == len(parts):
            parts.append([])
        parts[times[case.key]].append(case)
        times[case.key] += 1
    return parts


def _store_once(session: Session, run: CaseworkImport, cases: Sequence[ImportedCase]) -> CaseworkCounts:
    places, held_lines = _places(session, run, cases)
    _stage(session, _rows(session, run, places))
    closed = session.execute(text(sql.CLOSE)).all()
    added = session.execute(text(sql.ADD), {"reminded_after": run.reminded_after}).all()
    _write_history(session, added, closed)
    written = {"ids": [row.id for row in (*added, *closed)]}
    session.execute(text(sql.RESULTS), written)
    index_tickets(session, [row.id for row in added])
    different = {row.import_key: row for row in session.execute(text(sql.DIFFERENT), written)}
    differing = tuple(_differing(different, run, cases)) if different else ()
    already = len(places) - len(added) - len(closed) - len(differing)
    return CaseworkCounts(len(added), len(closed), already, differing, tuple(held_lines))


@dataclass(frozen=True, slots=True)
class CasePlace:
    """A case with the unit and the category that it goes to."""

    case: ImportedCase
    unit_id: int
    category_code: str


def _places(
    session: Session, run: CaseworkImport, cases: Sequence[ImportedCase]
) -> tuple[list[CasePlace], list[RejectedLine]]:
    """Return where each case goes, and the cases that are held because that is not clear."""
    stored = _stored_keys(session, run, cases)
    places: list[CasePlace] = []
    held_lines: list[RejectedLine] = []
    for case in cases:
        try:
            run.zeros.check(case.key, stored)
            unit_id = run.names.unit_id(session, case.office, case.received.date())
            places.append(CasePlace(case, unit_id, run.names.category_code(session, case.category)))
        except CaseHeld as stop:
            held_lines.append(RejectedLine(case.line, stop.reason, case.fields))
    run.zeros.note(place.case.key for place in places)
    return places, held_lines


def _stored_keys(session: Session, run: CaseworkImport, cases: Sequence[ImportedCase]) -> set[str]:
    """Return the stored keys among those that the keys of the batch may mean."""
    wanted = [run.names.key(key) for key in run.zeros.likely(case.key for case in cases)]
    if not wanted:
        return set()
    prefix = len(run.names.key(""))
    return {key[prefix:] for key in session.scalars(text(sql.KEYS_AMONG), {"keys": wanted})}


def _differing(
    different: Mapping[str, Any], run: CaseworkImport, cases: Sequence[ImportedCase]
) -> Iterator[RejectedLine]:
    for case in cases:
        if row := different.get(run.names.key(case.key)):
            names = ", ".join(name for column, name in COMPARED.items() if getattr(row, column))
            reason = Invalid(_("Mã này đã có, với giá trị khác ở: %(columns)s. Giá trị đã có được giữ."), columns=names)
            yield RejectedLine(case.line, reason, case.fields)


def _open_days(days: set[date]) -> None:
    """Give each day its base of public numbers. A transaction of its own, so that nobody waits for a whole batch."""
    with db.transaction() as session:
        session.execute(text(sql.OPEN_DAYS), {"days": sorted(days)})


class _StagedCase(NamedTuple):
    """One row for COPY, in the order of `statements.COLUMNS`. The last four are empty for an open case."""

    import_key: str
    unit_id: int
    category_code: str
    title: str
    content: str
    received_at: datetime
    received_on: date
    rule: str
    term: str
    rule_id: int | None
    calendar_id: int
    due_date: date
    due_estimated: bool
    answered_at: datetime | None = None
    answered_on: date | None = None
    working_days: int | None = None
    verdict: str | None = None


def _rows(session: Session, run: CaseworkImport, places: Sequence[CasePlace]) -> list[_StagedCase]:
    calendar_id = worktime.active_id(session)
    calendar = worktime.load_calendar(session, calendar_id)
    rows: list[_StagedCase] = []
    for place, days in zip(places, _working_days(calendar, [place.case for place in places]), strict=True):
        case = place.case
        rule = _rule(session, run, case.received.date(), place.category_code)
        due = _due(run, calendar, rule, case.received)
        name = case.text or case.category or UNSORTED
        row = _StagedCase(
            import_key=run.names.key(case.key),
            unit_id=place.unit_id,
            category_code=place.category_code,
            title=name[:TITLE_MOST],
            content=name,
            received_at=case.received,
            received_on=case.received.date(),
            rule=rule.code,
            term=rule.value,
            rule_id=rule.id,
            calendar_id=calendar_id,
            due_date=due.on,
            due_estimated=due.estimate,
        )
        rows.append(row if case.answered is None else _answered(row, case.answered, days))
    return rows


def _answered(row: _StagedCase, answered: datetime, days: int) -> _StagedCase:
    """Return the row with its answer, working days and verdict."""
    verdict = due_dates.verdict_of(row.due_date, answered).value
    return row._replace(answered_at=answered, answered_on=answered.date(), working_days=days, verdict=verdict)


def _rule(session: Session, run: CaseworkImport, received_on: date, category: str) -> DeadlineRule:
    """Return the stored term of handling for this category that was in force on the day of reception."""
    key = (received_on, category)
    if key not in run.terms:
        about = rulebook.subject_of(session.get_one(Category, category))
        run.terms[key] = choose_rule(
            rulebook.load_rules(session).rows, ClockKind.RESOLVE.value, received_on, about=about
        ).rule
    return run.terms[key]


def _due(run: CaseworkImport, calendar: WorkCalendar, rule: DeadlineRule, received: datetime) -> DueMoment:
    """Return the due moment.

    Cases of one day share one due date, unless the term is in hours and runs from the moment itself.
    """
    in_days = rule.duration is not None and not rule.duration.unit.minutes
    key = (received.replace(hour=0, minute=0, second=0, microsecond=0) if in_days else received, rule.duration)
    if key not in run.dues:
        run.dues[key] = Term(calendar, rule.duration, received).due()
    return run.dues[key]


def _working_days(calendar: WorkCalendar, cases: Sequence[ImportedCase]) -> list[int]:
    """Return the working days from reception to answer, for all cases at once. The 0 of an open case is not used."""
    start = np.array([case.received.date() for case in cases], dtype="datetime64[D]")
    end = np.array([(case.answered or case.received).date() for case in cases], dtype="datetime64[D]")
    return [int(days) for days in working_days_between(calendar, start, end)]


def _stage(session: Session, rows: Iterable[Sequence[Any]]) -> None:
    session.execute(text(sql.STAGE))
    session.execute(text("TRUNCATE staged_cases"))
    db.copy_rows(session, sql.COPY_CASES, rows)
    session.execute(text(sql.KNOWN))


def _write_history(session: Session, added: Sequence[Any], closed: Sequence[Any]) -> None:
    """Write reception and answer as the first links of each chain, with the moments that the file gives."""
    db.copy_rows(session, audit.COPY_LINKS, chain.from_iterable(map(_first_links, added)))
    for row in closed:
        audit.record(
            session, audit.ticket_chain(row.id), Event.ANSWERED, actor=ACTOR, now=row.answered_at, data=IMPORTED
        )


def _first_links(row: Any) -> Iterator[tuple[Any, ...]]:
    data = {"unit": row.unit_id, "about": row.unit_id, "category": row.category_code, **IMPORTED}
    data["words"] = words_digest(row.title, row.content)
    received = _entry(row.id, 1, row.received_at, Event.RECEIVED, data, audit.FIRST)
    yield received
    if row.answered_at is not None:
        yield _entry(row.id, 2, row.answered_at, Event.ANSWERED, IMPORTED, received[-1])


def _entry(ticket_id: int, seq: int, at: datetime, event: Event, data: dict[str, Any], prev: bytes) -> tuple[Any, ...]:
    """Return a link in the order of ``audit.COPY_LINKS``. The last column is its hash."""
    chain_name, action = audit.ticket_chain(ticket_id), event.value
    link_hash = audit.hash_link(chain_name, seq, at, ACTOR, action, data, prev)
    return chain_name, seq, at, ACTOR, action, Jsonb(data), prev, link_hash
