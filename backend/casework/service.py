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
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from backend import audit, db
from backend.casework import statements as sql
from backend.casework.case_file import ImportedCase, RejectedLine
from backend.casework.case_names import UNSORTED, CaseworkNames
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
LOCK: Final = 0x6C6E6E6770  # one batch of one import at a time, and one making of the parent


@dataclass(frozen=True)
class CaseworkCounts:
    """What became of a batch: tickets added, open ones now answered, cases that were there already, and those that
    are here with other values."""

    added: int
    closed: int
    already: int
    differing: tuple[RejectedLine, ...]


@dataclass
class CaseworkImport:
    """One run: where cases go and what it has met so far. ``names.source`` keeps the keys of two systems apart.
    Nobody is reminded of what fell due up to ``reminded_after``."""

    names: CaseworkNames
    now: datetime
    reminded_after: date | None
    terms: dict[tuple[date, str], DeadlineRule] = field(default_factory=dict)
    dues: dict[tuple[datetime, Duration | None], DueMoment] = field(default_factory=dict)


def begin_import(source: str, parent_code: str | None, now: datetime, *, remind: bool = False) -> CaseworkImport:
    """A run that can begin; refuses a source without a usable name and a parent that does not exist. ``remind``: staff
    are reminded also of what fell due before the cases came."""
    if not 1 <= len(source) <= 40:
        raise Invalid(_("Tên nguồn cần 1 đến %(most)s ký tự."), most=40)
    run = CaseworkImport(CaseworkNames(source, parent_code), now, None if remind else local_time(now).date())
    with db.transaction() as session:
        session.execute(select(func.pg_advisory_xact_lock(LOCK)))
        run.names.parent_id(session)
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
        session.execute(select(func.pg_advisory_xact_lock(LOCK)))
        found = [_store_once(session, run, cases) for cases in _in_turn(batch)]
    return CaseworkCounts(
        added=sum(one.added for one in found),
        closed=sum(one.closed for one in found),
        already=sum(one.already for one in found),
        differing=tuple(sorted((reject for one in found for reject in one.differing), key=lambda one: one.line)),
    )


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
    _stage(session, _rows(session, run, cases))
    closed = session.execute(text(sql.CLOSE)).all()
    added = session.execute(text(sql.ADD), {"reminded_after": run.reminded_after}).all()
    _write_history(session, added, closed)
    written = {"ids": [row.id for row in (*added, *closed)]}
    session.execute(text(sql.RESULTS), written)
    different = {row.import_key: row for row in session.execute(text(sql.DIFFERENT), written)}
    differing = tuple(_differing(different, run, cases)) if different else ()
    return CaseworkCounts(len(added), len(closed), len(cases) - len(added) - len(closed) - len(differing), differing)


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


def _rows(session: Session, run: CaseworkImport, cases: Sequence[ImportedCase]) -> list[tuple[Any, ...]]:
    calendar_id = worktime.active_id(session)
    calendar = worktime.load_calendar(session, calendar_id)
    rows: list[tuple[Any, ...]] = []
    for case, days in zip(cases, _working_days(calendar, cases), strict=True):
        category = run.names.category_code(session, case.category)
        rule = _rule(session, run, case.received.date(), category)
        due = _due(run, calendar, rule, case.received)
        name = case.text or case.category or UNSORTED
        row = (
            run.names.key(case.key),
            run.names.unit_id(session, case.office),
            category,
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
        audit.record(session, f"ticket:{row.id}", Event.ANSWERED, actor=ACTOR, now=row.answered_at, data=IMPORTED)


def _births(row: Any) -> Iterator[tuple[Any, ...]]:
    data = {"unit": row.unit_id, "about": row.unit_id, "category": row.category_code, **IMPORTED}
    data["words"] = words_digest(row.title, row.content)
    received = _entry(row.id, 1, row.received_at, Event.RECEIVED, data, audit.FIRST)
    yield received
    if row.answered_at is not None:
        yield _entry(row.id, 2, row.answered_at, Event.ANSWERED, IMPORTED, received[-1])


def _entry(ticket_id: int, seq: int, at: datetime, event: Event, data: dict[str, Any], prev: bytes) -> tuple[Any, ...]:
    """In the order of ``audit.COPY_LINKS``; the last is the hash."""
    chain, action = f"ticket:{ticket_id}", event.value
    made = audit.hash_link(chain, seq, at, ACTOR, action, data, prev)
    return chain, seq, at, ACTOR, action, Jsonb(data), prev, made
