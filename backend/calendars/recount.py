"""Count open tickets by another version of the calendar, and store the new due dates. Given verdicts stay.

Tickets are counted in batches by id: so memory is bounded, readers never wait, and an officer waits for one batch at
most. The history of each ticket notes the new version, so that a replay gives the same date. Tickets without a pause,
an extension or a second episode are counted together, as arrays; the others one by one. ``moves`` calls this module.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final

import numpy as np
from sqlalchemy import ColumnElement, Row, Select, select, text
from sqlalchemy.orm import Session

from backend import audit
from backend.db import copy_rows, table_of
from backend.deadlines.clock_states import ClockKind, ClockState
from backend.deadlines.clocks import state_of_clocks
from backend.deadlines.events import TicketEvent
from backend.deadlines.rules import DeadlineRule, RuleEvidence
from backend.deadlines.terms import Term
from backend.tickets import projection, rulebook
from backend.tickets.clock_results import result_columns
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.rulebook import CalendarCache
from backend.users.policy import SYSTEM
from backend.worktime import service as worktime
from backend.worktime.calendar import WorkCalendar
from backend.worktime.duration import Duration
from backend.worktime.duration import TimeUnit as Length
from backend.worktime.vector import due_dates, lean_on_estimate

BATCH: Final = 1_000
# Events that move no due date. A ticket with no other event is counted from its day of reception alone.
STILL: Final = tuple(
    event.value
    for event in (
        *(Event.RECEIVED, Event.ACCEPTED, Event.ASSIGNED, Event.FORWARDED, Event.EXTENSION_REQUESTED),
        *(Event.EXTENSION_DENIED, Event.SUBMITTED_FOR_APPROVAL, Event.RETURNED, Event.DELAY_EXPLAINED),
        *(Event.PROGRESS_TOLD, Event.RECOUNTED),
    )
)
COLUMNS: Final = (
    *("id", "number", "state", "unit_id", "episode", "received_at", "received_on", "rule", "term", "rule_id"),
    *("calendar_id", "due_date", "due_estimated"),
)
HEADS: Final = text("""
    SELECT chain, max(seq) AS seq, max(at) AS at, (array_agg(hash ORDER BY seq DESC))[1] AS hash,
        bool_and(action = ANY(:still)) AS still
    FROM audit WHERE chain = ANY(:chains) GROUP BY chain
""")
UPDATE: Final = text("""
    UPDATE tickets SET calendar_id = :calendar_id, due_date = fresh.due, due_estimated = fresh.estimated,
        version = version + CASE WHEN tickets.due_date = fresh.due THEN 0 ELSE 1 END
    FROM unnest(CAST(:ids AS int[]), CAST(:dues AS date[]), CAST(:estimates AS bool[])) AS fresh (id, due, estimated)
    WHERE tickets.id = fresh.id
""")
VERSIONS: Final = text("""
    SELECT ticket_id, max(version) AS version FROM ticket_clocks
    WHERE ticket_id = ANY(:ids) AND clock = 'resolve' AND nth = 1 GROUP BY ticket_id
""")
RESULTS: Final = (
    *("ticket_id", "episode", "clock", "nth", "version", "unit_id", "value", "rule_id", "calendar_id", "started_at"),
    *("due_date", "due_at", "estimated", "ended_at", "verdict", "late_days", "late_minutes", "explanation", "reason"),
    "computed_at",
)


@dataclass(frozen=True, slots=True)
class RecountedTicket:
    """A ticket with its due date ``before`` and by the new version (``due``).

    ``head`` is the last link of its chain. ``state`` is its clock of handling; None if the ticket was counted together
    with others, or if that clock has ended.
    """

    row: Row[Any]
    head: Row[Any]
    at: datetime
    before: date
    due: date
    estimated: bool
    state: ClockState | None


def recount_batches(
    session: Session, where: Sequence[ColumnElement[bool]], calendar_id: int, calendar: WorkCalendar, now: datetime
) -> Iterator[list[RecountedTicket]]:
    """Yield batches of tickets that meet ``where``, as ``calendar`` would count them. Writes and locks nothing."""
    after = 0
    while rows := session.execute(_next_batch(where, after, BATCH)).all():
        after = rows[-1].id
        yield _recount_rows(session, rows, calendar_id, calendar, now)


def recount_next(
    session: Session,
    where: Sequence[ColumnElement[bool]],
    calendar_id: int,
    now: datetime,
    *,
    after: int = 0,
    most: int = BATCH,
    skip_locked: bool = False,
) -> list[RecountedTicket]:
    """Count the next tickets that meet ``where`` by a stored version, and store the result.

    With ``skip_locked`` tickets that somebody has locked are left out, because a transaction with many locks must not
    wait for another one. Without it the transaction waits.
    """
    statement = _next_batch(where, after, most).with_for_update(of=Ticket, key_share=True, skip_locked=skip_locked)
    rows = session.execute(statement).all()
    calendar = worktime.load_calendar(session, calendar_id)
    batch = _recount_rows(session, rows, calendar_id, calendar, now) if rows else []
    if batch:
        _store(session, batch, calendar_id, calendar)
    return batch


def _next_batch(where: Sequence[ColumnElement[bool]], after: int, most: int) -> Select[Any]:
    table = table_of(Ticket)
    columns = (table.c[name] for name in COLUMNS)
    return select(*columns).join(Ticket.unit).where(*where, Ticket.id > after).order_by(Ticket.id).limit(most)


def _recount_rows(
    session: Session, rows: Sequence[Row[Any]], calendar_id: int, calendar: WorkCalendar, now: datetime
) -> list[RecountedTicket]:
    """Return each ticket with its due date by the new version."""
    chains = [audit.ticket_chain(row.id) for row in rows]
    heads = {head.chain: head for head in session.execute(HEADS, {"chains": chains, "still": list(STILL)})}
    plain_rows = [row for row in rows if _is_plain(row, heads[audit.ticket_chain(row.id)])]
    plain_ids = {row.id for row in plain_rows}
    other_rows = [row for row in rows if row.id not in plain_ids]
    tickets = _count_together(plain_rows, heads, calendar, now)
    tickets += _count_one_by_one(session, other_rows, heads, calendar_id, calendar, now)
    return sorted(tickets, key=lambda ticket: int(ticket.row.id))


def _is_plain(row: Row[Any], head: Row[Any]) -> bool:
    """Tell whether the ticket has a term in working days that nothing has moved."""
    return bool(head.still) and Duration.parse(row.term).unit is Length.WORKING_DAYS


def _count_together(
    rows: Sequence[Row[Any]], heads: dict[str, Row[Any]], calendar: WorkCalendar, now: datetime
) -> list[RecountedTicket]:
    if not rows:
        return []
    received = np.array([row.received_on for row in rows], dtype="datetime64[D]")
    values = np.array([Duration.parse(row.term).value for row in rows], dtype=np.int64)
    dues = due_dates(calendar, values, received)
    estimates = lean_on_estimate(calendar, received, dues)
    return [
        RecountedTicket(
            row, heads[audit.ticket_chain(row.id)], _moment_of(heads, row, now), row.due_date, due, bool(estimate), None
        )
        for row, due, estimate in zip(rows, dues.tolist(), estimates, strict=True)
    ]


def _count_one_by_one(
    session: Session,
    rows: Sequence[Row[Any]],
    heads: dict[str, Row[Any]],
    calendar_id: int,
    calendar: WorkCalendar,
    now: datetime,
) -> list[RecountedTicket]:
    histories = _histories(session, rows)
    calendars = CalendarCache(session)
    calendars[calendar_id] = calendar
    tickets = []
    for row in rows:
        history, at = histories[audit.ticket_chain(row.id)], _moment_of(heads, row, now)
        book = rulebook.version_book(session, row, history, calendars)
        recounted = TicketEvent(Event.RECOUNTED, at, SYSTEM.key, {"from": row.calendar_id, "calendar": calendar_id})
        before = state_of_clocks(history, book, at).resolve
        state = state_of_clocks([*history, recounted], book, at).resolve
        running = state if state.running else None
        head = heads[audit.ticket_chain(row.id)]
        tickets.append(RecountedTicket(row, head, at, before.due.on, state.due.on, state.due.estimate, running))
    return tickets


def _moment_of(heads: dict[str, Row[Any]], row: Row[Any], now: datetime) -> datetime:
    """Return ``now``, but never a moment before the last event of the ticket."""
    last: datetime = heads[audit.ticket_chain(row.id)].at
    return max(now, last)


def _histories(session: Session, rows: Sequence[Row[Any]]) -> dict[str, list[TicketEvent]]:
    table = table_of(audit.AuditEntry)
    columns = (table.c.chain, table.c.at, table.c.actor, table.c.action, table.c.data)
    chains = [audit.ticket_chain(row.id) for row in rows]
    entries = session.execute(select(*columns).where(table.c.chain.in_(chains)).order_by(table.c.chain, table.c.seq))
    return {str(chain): projection.events_of(links) for chain, links in groupby(entries, key=lambda entry: entry.chain)}


def _store(session: Session, batch: Sequence[RecountedTicket], calendar_id: int, calendar: WorkCalendar) -> None:
    """Write the rows, a link in each chain, and a clock version for each due date that moved."""
    columns = {
        "ids": [item.row.id for item in batch],
        "dues": [item.due for item in batch],
        "estimates": [item.estimated for item in batch],
    }
    session.execute(UPDATE, {"calendar_id": calendar_id, **columns})
    copy_rows(session, audit.COPY_LINKS, _links(batch, calendar_id))
    moved = [item for item in batch if item.due != item.row.due_date]
    if moved:
        # Make all versions before COPY begins, because the connection can answer nothing else during COPY.
        versions = list(_versions(session, moved, calendar_id, calendar))
        copy_rows(session, f"COPY ticket_clocks ({', '.join(RESULTS)}) FROM STDIN", versions)


def _links(batch: Sequence[RecountedTicket], calendar_id: int) -> Iterator[tuple[Any, ...]]:
    for item in batch:
        head, data = item.head, {"from": item.row.calendar_id, "calendar": calendar_id}
        seq, action = head.seq + 1, Event.RECOUNTED.value
        link_hash = audit.hash_link(head.chain, seq, item.at, SYSTEM.key, action, data, head.hash)
        yield head.chain, seq, item.at, SYSTEM.key, action, json.dumps(data), head.hash, link_hash


def _versions(
    session: Session, moved: Sequence[RecountedTicket], calendar_id: int, calendar: WorkCalendar
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of clock versions. Tickets counted together share the explanation of a day and a term."""
    rows = session.execute(VERSIONS, {"ids": [item.row.id for item in moved]})
    last_versions = {row.ticket_id: row.version for row in rows}
    by_day: dict[tuple[date, str], dict[str, Any]] = {}
    for item in moved:
        state = item.state or _state(item.row, calendar_id, calendar)
        key = (item.row.received_on, item.row.term)
        columns = by_day.get(key) if item.state is None else None
        if columns is None:
            columns = result_columns(state)
            if item.state is None:
                by_day[key] = columns
        start = state.term.start
        explanation = columns["explanation"] | {"start": start.isoformat(), "was": item.row.due_date.isoformat()}
        columns = columns | {"unit_id": item.row.unit_id, "rule_id": state.rule.id, "started_at": start}
        columns |= {"ticket_id": item.row.id, "episode": item.row.episode, "clock": ClockKind.RESOLVE.value, "nth": 1}
        columns |= {"version": last_versions.get(item.row.id, 0) + 1}
        columns |= {"explanation": json.dumps(explanation, ensure_ascii=False)}
        columns |= {"reason": Event.RECOUNTED.value, "computed_at": item.at}
        yield tuple(columns[name] for name in RESULTS)


def _state(row: Row[Any], calendar_id: int, calendar: WorkCalendar) -> ClockState:
    """Return the clock of a ticket that is counted from its day of reception alone."""
    rule = DeadlineRule(row.rule, Duration.parse(row.term), "", RuleEvidence.OURS, id=row.rule_id)
    term = Term(calendar, rule.duration, row.received_at)
    return ClockState(ClockKind.RESOLVE, row.episode, 1, row.unit_id, rule, calendar_id, term, term.due())
