"""Cases of another system become tickets: batch by batch, each batch stored whole or not at all.

A case is known again by its key, so that a run may be repeated or continued: what is already there stays, except that
a case still open here and answered in the file becomes answered. Where the file says otherwise than what is here, that
is told and nothing is changed. Imported tickets have no sender and no secret.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any, Final

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
    """What became of a batch: tickets added, open ones now answered, cases that were there already, those that are here
    with other values, and those held because a name or a key may mean two things."""

    added: int
    closed: int
    already: int
    differing: tuple[RejectedLine, ...]
    held: tuple[RejectedLine, ...] = ()


@dataclass
class CaseworkImport:
    """One run: where cases go and what it has met so far. ``names.source`` keeps the keys of two systems apart.
    Nobody is reminded of what fell due up to ``reminded_after``."""

    names: CaseworkNames
    now: datetime
    reminded_after: date | None
    terms: dict[tuple[date, str], DeadlineRule] = field(default_factory=dict)
    dues: dict[tuple[datetime, Duration | None], DueMoment] = field(default_factory=dict)
    zeros: LeadingZeros = field(default_factory=lambda: LeadingZeros("", ()))


def begin_import(source: str, parent_code: str | None, now: datetime, *, remind: bool = False) -> CaseworkImport:
    """A run that can begin; refuses a source without a usable name and a parent that does not exist. ``remind``: staff
    are reminded also of what fell due before the cases came."""
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
    """Store the cases in batches, one transaction each; yields what each batch came to."""
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
        differing=_by_line(reject for part in parts for reject in part.differing),
        held=_by_line(reject for part in parts for reject in part.held),
    )


def _by_line(rejects: Iterable[RejectedLine]) -> tuple[RejectedLine, ...]:
    return tuple(sorted(rejects, key=lambda reject: reject.line))


def _in_turn(batch: Sequence[ImportedCase]) -> list[list[ImportedCase]]:
    """Parts without equal keys, in the order of the file: what a key says twice comes to the same whether it stands in
    one batch, in two, or in two files."""
    seen: Counter[str] = Counter()
    parts: list[list[ImportedCase]] = []
    for case in batch:
        if seen[case.key] == len(parts):
            parts.append([])
        parts[seen[case.key]].append(case)
        seen[case.key] += 1
    return parts


def _store_once(session: Session, run: CaseworkImport, cases: Sequence[ImportedCase]) -> CaseworkCounts:
    places, held = _places(session, run, cases)
    _stage(session, _rows(session, run, places))
    closed = session.execute(text(sql.CLOSE)).all()
    added = session.execute(text(sql.ADD), {"reminded_after": run.reminded_after}).all()
    _write_history(session, added, closed)
    written = {"ids": [row.id for row in (*added, *closed)]}
    session.execute(text(sql.RESULTS), written)
    different = {row.import_key: row for row in session.execute(text(sql.DIFFERENT), written)}
    differing = tuple(_differing(different, run, cases)) if different else ()
    already = len(places) - len(added) - len(closed) - len(differing)
    return CaseworkCounts(len(added), len(closed), already, differing, tuple(held))


@dataclass(frozen=True, slots=True)
class CasePlace:
    """A case with the unit and the category that it goes to."""

    case: ImportedCase
    unit_id: int
    category_code: str


def _places(
    session: Session, run: CaseworkImport, cases: Sequence[ImportedCase]
) -> tuple[list[CasePlace], list[RejectedLine]]:
    """Where each case goes, and the cases that are held because that is not clear."""
    stored = _stored_keys(session, run, cases)
    places: list[CasePlace] = []
    held: list[RejectedLine] = []
    for case in cases:
        try:
            run.zeros.check(case.key, stored)
            unit_id = run.names.unit_id(session, case.office, case.received.date())
            places.append(CasePlace(case, unit_id, run.names.category_code(session, case.category)))
        except CaseHeld as stop:
            held.append(RejectedLine(case.line, stop.reason, case.fields))
    run.zeros.note(place.case.key for place in places)
    return places, held


def _stored_keys(session: Session, run: CaseworkImport, cases: Sequence[ImportedCase]) -> set[str]:
    """Which of the keys that could be meant by those of the batch are here already."""
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
    """Give each day its base of public numbers, in a transaction of its own: nobody waits for a whole batch."""
    with db.transaction() as session:
        session.execute(text(sql.OPEN_DAYS), {"days": sorted(days)})


def _rows(session: Session, run: CaseworkImport, places: Sequence[CasePlace]) -> list[tuple[Any, ...]]:
    calendar_id = worktime.active_id(session)
    calendar = worktime.load_calendar(session, calendar_id)
    rows: list[tuple[Any, ...]] = []
    for place, days in zip(places, _working_days(calendar, [place.case for place in places]), strict=True):
        case = place.case
        rule = _rule(session, run, case.received.date(), place.category_code)
        due = _due(run, calendar, rule, case.received)
        name = case.text or case.category or UNSORTED
        row = (
            run.names.key(case.key),
            place.unit_id,
            place.category_code,
            name[:TITLE_MOST],
            name,
            case.received,
            case.received.date(),
            rule.code,
            rule.value,
            rule.id,
            calendar_id,
            due.on,
            due.estimate,
            *_answer(case, due, days),
        )
        rows.append(row)
    return rows


def _rule(session: Session, run: CaseworkImport, received_on: date, category: str) -> DeadlineRule:
    """The stored term of handling for this category that was in force on the day of reception."""
    key = (received_on, category)
    if key not in run.terms:
        about = rulebook.subject_of(session.get_one(Category, category))
        run.terms[key] = choose_rule(
            rulebook.load_rules(session).rows, ClockKind.RESOLVE.value, received_on, about=about
        ).rule
    return run.terms[key]


def _due(run: CaseworkImport, calendar: WorkCalendar, rule: DeadlineRule, received: datetime) -> DueMoment:
    """Cases of one day have one due date, unless the term is in hours and runs from the moment itself."""
    in_days = rule.duration is not None and not rule.duration.unit.minutes
    key = (received.replace(hour=0, minute=0, second=0, microsecond=0) if in_days else received, rule.duration)
    if key not in run.dues:
        run.dues[key] = Term(calendar, rule.duration, received).due()
    return run.dues[key]


def _answer(case: ImportedCase, due: DueMoment, days: int) -> tuple[Any, ...]:
    """Moment, day, working days and verdict; all empty for an open case."""
    if case.answered is None:
        return None, None, None, None
    return case.answered, case.answered.date(), days, due_dates.verdict_of(due.on, case.answered).value


def _working_days(calendar: WorkCalendar, cases: Sequence[ImportedCase]) -> list[int]:
    """Working days from reception to answer for all at once; of open cases the 0 is not used."""
    start = np.array([case.received.date() for case in cases], dtype="datetime64[D]")
    end = np.array([(case.answered or case.received).date() for case in cases], dtype="datetime64[D]")
    return [int(days) for days in working_days_between(calendar, start, end)]


def _stage(session: Session, rows: Iterable[Sequence[Any]]) -> None:
    session.execute(text(sql.STAGE))
    session.execute(text("TRUNCATE staged_cases"))
    db.copy_rows(session, sql.COPY_CASES, rows)
    session.execute(text(sql.KNOWN))


def _write_history(session: Session, added: Sequence[Any], closed: Sequence[Any]) -> None:
    """Reception and answer as the first links of each chain, with the moments that the file gives."""
    db.copy_rows(session, audit.COPY_LINKS, (entry for row in added for entry in _births(row)))
    for row in closed:
        audit.record(
            session, audit.ticket_chain(row.id), Event.ANSWERED, actor=ACTOR, now=row.answered_at, data=IMPORTED
        )


def _births(row: Any) -> Iterator[tuple[Any, ...]]:
    data = {"unit": row.unit_id, "about": row.unit_id, "category": row.category_code, **IMPORTED}
    data["words"] = words_digest(row.title, row.content)
    received = _entry(row.id, 1, row.received_at, Event.RECEIVED, data, audit.FIRST)
    yield received
    if row.answered_at is not None:
        yield _entry(row.id, 2, row.answered_at, Event.ANSWERED, IMPORTED, received[-1])


def _entry(ticket_id: int, seq: int, at: datetime, event: Event, data: dict[str, Any], prev: bytes) -> tuple[Any, ...]:
    """In the order of ``audit.COPY_LINKS``; the last is the hash."""
    chain, action = audit.ticket_chain(ticket_id), event.value
    made = audit.hash_link(chain, seq, at, ACTOR, action, data, prev)
    return chain, seq, at, ACTOR, action, Jsonb(data), prev, made
