"""What a ticket's row must say, derived from its history alone; and whether it does.

``projection`` is what ``service.apply`` stores after each event, so a row that differs from it was changed by other
hands. The due date is the one as of the last event: a pause that lasts moves it when it ends.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from backend import audit
from backend.db import table_of
from backend.deadlines.clock_states import ClockKind, ClockState, TicketClocks, VersionBook
from backend.deadlines.clocks import state_of_clocks
from backend.deadlines.due_dates import days_taken_in
from backend.deadlines.events import TicketEvent
from backend.errors import DomainError
from backend.tickets import lifecycle, rulebook
from backend.tickets.clock_models import ClockVersion
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketState, Verdict
from backend.tickets.rulebook import CalendarCache
from backend.worktime.calendar import local_time

BATCH: Final = 500
_DECISIONS: Final = frozenset({Event.ANSWERED, Event.ANSWERED_TOGETHER, Event.REFUSED, Event.REDIRECTED})
_EVENTS: Final = frozenset(event.value for event in Event)


@dataclass(frozen=True)
class ReplayDifference:
    """A value of a ticket that does not follow from its history. ``ticket`` is its public number."""

    ticket: str
    what: str
    stored: str
    replayed: str


def events_of(entries: Iterable[Any]) -> list[TicketEvent]:
    """The events of a ticket's chain, in order."""
    return [TicketEvent(Event(e.action), e.at, e.actor, e.data) for e in entries if e.action in _EVENTS]


def project_columns(history: Sequence[TicketEvent], clocks: TicketClocks) -> dict[str, Any]:
    """The columns of a ticket that follow from its history, by name."""
    resolve = clocks.resolve
    standing = lifecycle.replay_states((h.event, bool(h.data.get("imported"))) for h in history)
    last = {h.event: h for h in history}
    merged = last[Event.MERGED].data.get("into") if standing.state is TicketState.MERGED else None
    return {
        "state": standing.state,
        "episode": clocks.episode,
        "unit_id": clocks.unit,
        "rule": resolve.rule.code,
        "term": resolve.rule.value,
        "rule_id": resolve.rule.id,
        "calendar_id": clocks.calendar_id,
        "due_date": resolve.due.on,
        "due_estimated": resolve.due.estimate,
        "assignee_id": _assignee(history),
        "paused_on": _paused_on(history, standing.state, clocks),
        "merged_into_id": merged,
        "accepted_at": last[Event.ACCEPTED].at if Event.ACCEPTED in last else None,
        "decided_at": clocks.decided,
        "published_at": last[Event.PUBLISHED].at if Event.PUBLISHED in last else None,
        **_first_answer(history, clocks),
        **_notice_columns(history, clocks),
        "tell_by": _tell_by(history, standing.state, clocks),
    }


def _reception_columns(history: Sequence[TicketEvent]) -> dict[str, Any]:
    """The columns that reception writes for good."""
    received = history[0]
    born = {"received_at": received.at, "received_on": local_time(received.at).date()}
    named = {"about_unit_id": "about", "category_code": "category"}
    return born | {name: received.data[key] for name, key in named.items() if key in received.data}


def _assignee(history: Sequence[TicketEvent]) -> int | None:
    user_id = None
    for happening in history:
        if happening.event is Event.ASSIGNED:
            user_id = happening.data.get("user")
        elif happening.event is Event.FORWARDED:
            user_id = None
    return user_id


def _first_answer(history: Sequence[TicketEvent], clocks: TicketClocks) -> dict[str, Any]:
    """Moment, day, working days of the first answer; the first verdict on handling, which another end may bring."""
    resolves = [state for state in clocks.states if state.clock is ClockKind.RESOLVE]
    answered = next((h.at for h in history if h.event is Event.ANSWERED), None)
    days = None
    if answered is not None:
        term = next(s.term for s in reversed(resolves) if s.term.start <= answered)
        days = days_taken_in(term, answered)
    return {
        "answered_at": answered,
        "answered_on": local_time(answered).date() if answered else None,
        "working_days": days,
        "verdict": next((state.verdict for state in resolves if state.verdict is not None), None),
    }


def _notice_columns(history: Sequence[TicketEvent], clocks: TicketClocks) -> dict[str, Any]:
    """When the latest decision reached the sender, and whether in time."""
    told: datetime | None = None
    for happening in history:
        if happening.event in _DECISIONS or happening.event is Event.UNMERGED:
            told = None
        elif happening.event is Event.NOTIFIED and told is None:
            told = happening.at
    judged = next(
        (s for s in clocks.states if s.clock is ClockKind.NOTIFY and s.ended == told and told is not None), None
    )
    return {"told_at": told, "told_in_time": judged.verdict is Verdict.ON_TIME if judged else None}


def _paused_on(history: Sequence[TicketEvent], state: TicketState, clocks: TicketClocks) -> date | None:
    """Return the day on which the pause that still stops the clock began. A pause that was struck out stops nothing,
    and neither does one whose limit has been written down as over."""
    if state is not TicketState.AWAITING_SENDER or not clocks.breaks or clocks.breaks[-1].struck:
        return None
    start = clocks.breaks[-1].start
    over = any(happening.event is Event.PAUSE_EXPIRED and happening.at > start for happening in history)
    return None if over else local_time(start).date()


def _tell_by(history: Sequence[TicketEvent], state: TicketState, clocks: TicketClocks) -> date | None:
    """Return the last day on which the sender is told in time of a decision that nobody has told them yet. Of a case
    of another system it is not recorded whether the sender was told, so there is no such day."""
    if (
        state is TicketState.MERGED
        or history[0].data.get("imported")
        or _notice_columns(history, clocks)["told_at"] is not None
    ):
        return None
    running = (clock for clock in clocks.states if clock.clock is ClockKind.NOTIFY and clock.running)
    return next((clock.due.on for clock in running), None)


def compare_row(
    ticket: Any, history: Sequence[TicketEvent], book: VersionBook, results: Sequence[Any] = ()
) -> list[ReplayDifference]:
    """Where a ticket's row, and the ``results`` stored for its clocks, differ from what its history gives. ``ticket``
    and ``results`` are rows with the names of the columns."""
    number = str(ticket.number)
    try:
        clocks = state_of_clocks(history, book, max(happening.at for happening in history))
        expected = _reception_columns(history) | project_columns(history, clocks)
    except (DomainError, KeyError, IndexError, ValueError, TypeError) as broken:
        return [ReplayDifference(number, "history", "", type(broken).__name__)]
    found = [
        ReplayDifference(number, name, str(stored), str(value))
        for name, value in expected.items()
        if (stored := getattr(ticket, name)) != value
    ]
    return found + _results(number, clocks, results)


def _results(number: str, clocks: TicketClocks, results: Sequence[Any]) -> list[ReplayDifference]:
    """The last stored version of each clock against the clock; every verdict on handling has one."""
    latest: dict[tuple[int, ClockKind, int], Any] = {}
    for row in sorted(results, key=lambda row: int(row.version)):
        latest[(row.episode, ClockKind(row.clock), row.nth)] = row
    replayed = {(state.episode, state.clock, state.nth): state for state in clocks.states}
    found = []
    for key, row in latest.items():
        name = ":".join(("clock", key[1].value, str(key[0]), str(key[2])))
        stored, value = _result(row), _outcome(replayed.get(key))
        if stored != value:
            found.append(ReplayDifference(number, name, str(stored), str(value)))
    missing = [s for key, s in replayed.items() if s.clock is ClockKind.RESOLVE and s.verdict and key not in latest]
    return found + [ReplayDifference(number, f"clock:resolve:{s.episode}:1", "None", str(_outcome(s))) for s in missing]


def _result(row: Any) -> tuple[str, ...]:
    if not row.verdict:  # a due date that moved; who has the ticket may change without it
        return (str(row.due_date),)
    return str(row.due_date), Verdict(row.verdict).value, str(row.late_days), str(row.unit_id)


def _outcome(state: ClockState | None) -> tuple[str, ...] | None:
    if state is None:
        return None
    if not state.verdict:
        return (str(state.due.on),)
    return str(state.due.on), state.verdict.value, str(state.late_days), str(state.unit)


def check_all(session: Session) -> Iterator[ReplayDifference]:
    """Every difference of every ticket, a batch at a time."""
    calendars = CalendarCache(session)
    table = table_of(Ticket)
    wanted = [column for column in table.c if column.name not in ("title", "content")]
    after = 0
    while rows := session.execute(select(*wanted).where(table.c.id > after).order_by(table.c.id).limit(BATCH)).all():
        after = rows[-1].id
        entries, results = _entries(session, rows), _stored_results(session, rows)
        for row in rows:
            history = events_of(entries.get(audit.ticket_chain(row.id), ()))
            if not history:
                yield ReplayDifference(row.number, "history", row.state, "")
                continue
            yield from compare_row(
                row, history, rulebook.version_book(session, row, history, calendars), results.get(row.id, ())
            )


def _entries(session: Session, rows: Sequence[Row[Any]]) -> Mapping[str, Sequence[Any]]:
    table = table_of(audit.AuditEntry)
    chains = [audit.ticket_chain(row.id) for row in rows]
    columns = (table.c.chain, table.c.at, table.c.actor, table.c.action, table.c.data)
    found = session.execute(select(*columns).where(table.c.chain.in_(chains)).order_by(table.c.chain, table.c.seq))
    return {chain: list(links) for chain, links in groupby(found, key=lambda entry: str(entry.chain))}


def _stored_results(session: Session, rows: Sequence[Row[Any]]) -> Mapping[int, Sequence[Any]]:
    table = table_of(ClockVersion)
    names = ("ticket_id", "episode", "clock", "nth", "version", "unit_id", "due_date", "verdict", "late_days")
    between = table.c.ticket_id.between(rows[0].id, rows[-1].id)
    found = session.execute(select(*(table.c[name] for name in names)).where(between).order_by(table.c.ticket_id))
    return {ticket_id: list(group) for ticket_id, group in groupby(found, key=lambda row: int(row.ticket_id))}
