"""The columns of a ticket's row that follow from its history, and the check that stored rows agree with them.

``service.apply`` stores ``project_columns`` after each event. So a row that differs from it was changed in another way.
The due date is the one as of the last event: a pause that still lasts moves it when the pause ends.
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
from backend.tickets import lifecycle, rulebook, waiting
from backend.tickets.answers.outcomes import latest_outcome, latest_verdict
from backend.tickets.answers.promises import promise_columns
from backend.tickets.clock_models import ClockVersion
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketState, Verdict
from backend.tickets.rulebook import CalendarCache
from backend.worktime.calendar import local_time

BATCH: Final = 500
_DECISIONS: Final = frozenset({Event.ANSWERED, Event.ANSWERED_TOGETHER, Event.REFUSED, Event.REDIRECTED})
# An internal note is in the history, but nothing follows from it: no column, no clock.
_EVENTS: Final = frozenset(event.value for event in Event if event is not Event.NOTED)


@dataclass(frozen=True)
class ReplayDifference:
    """A stored value of a ticket that does not follow from its history. ``ticket`` is its public number."""

    ticket: str
    what: str
    stored: str
    replayed: str


def events_of(entries: Iterable[Any]) -> list[TicketEvent]:
    """Return the events of a ticket's chain, in order. Notes and entries that are no events are left out."""
    return [
        TicketEvent(Event(entry.action), entry.at, entry.actor, entry.data)
        for entry in entries
        if entry.action in _EVENTS
    ]


def project_columns(history: Sequence[TicketEvent], clocks: TicketClocks) -> dict[str, Any]:
    """Return the columns of a ticket that follow from its history, by name."""
    resolve = clocks.resolve
    state = lifecycle.replay_states(
        (ticket_event.event, bool(ticket_event.data.get("imported"))) for ticket_event in history
    ).state
    last = {ticket_event.event: ticket_event for ticket_event in history}
    merged = last[Event.MERGED].data.get("into") if state is TicketState.MERGED else None
    paused_on = _paused_on(history, state, clocks)
    return {
        "state": state,
        "episode": clocks.episode,
        "unit_id": clocks.unit,
        "rule": resolve.rule.code,
        "term": resolve.rule.value,
        "rule_id": resolve.rule.id,
        "calendar_id": clocks.calendar_id,
        "due_date": resolve.due.on,
        "due_estimated": resolve.due.estimate,
        "assignee_id": _assignee(history),
        "paused_on": paused_on,
        **_wait_columns(history, state, paused_on),
        "merged_into_id": merged,
        "group_id": _group(history),
        "accepted_at": last[Event.ACCEPTED].at if Event.ACCEPTED in last else None,
        "decided_at": clocks.decided,
        "published_at": last[Event.PUBLISHED].at if Event.PUBLISHED in last else None,
        "answer_outcome": latest_outcome(history),
        "citizen_verdict": latest_verdict(history),
        **promise_columns(history),
        **_first_answer(history, clocks),
        **_notice_columns(history, clocks),
        "tell_by": _tell_by(history, state, clocks),
    }


def _reception_columns(history: Sequence[TicketEvent]) -> dict[str, Any]:
    """Return the columns that reception writes and nothing changes later."""
    received = history[0]
    moments = {"received_at": received.at, "received_on": local_time(received.at).date()}
    noted = {"about_unit_id": "about", "category_code": "category"}
    return moments | {name: received.data[key] for name, key in noted.items() if key in received.data}


def _assignee(history: Sequence[TicketEvent]) -> int | None:
    """Return the officer who was assigned last. Forwarding ends an assignment."""
    user_id = None
    for ticket_event in history:
        if ticket_event.event is Event.ASSIGNED:
            user_id = ticket_event.data.get("user")
        elif ticket_event.event is Event.FORWARDED:
            user_id = None
    return user_id


def _group(history: Sequence[TicketEvent]) -> int | None:
    """Return the group that the ticket was put into last and has not left."""
    moves = [event for event in history if event.event in (Event.GROUPED, Event.UNGROUPED)]
    return moves[-1].data.get("group") if moves and moves[-1].event is Event.GROUPED else None


def _first_answer(history: Sequence[TicketEvent], clocks: TicketClocks) -> dict[str, Any]:
    """Return moment, day and working days of the first answer, and the first verdict on handling.

    Another end than an answer may bring the verdict: a refusal after the due date is late.
    """
    resolves = [state for state in clocks.states if state.clock is ClockKind.RESOLVE]
    answered = next((ticket_event.at for ticket_event in history if ticket_event.event is Event.ANSWERED), None)
    days = None
    if answered is not None:
        term = next(state.term for state in reversed(resolves) if state.term.start <= answered)
        days = days_taken_in(term, answered)
    return {
        "answered_at": answered,
        "answered_on": local_time(answered).date() if answered else None,
        "working_days": days,
        "verdict": next((state.verdict for state in resolves if state.verdict is not None), None),
    }


def _notice_columns(history: Sequence[TicketEvent], clocks: TicketClocks) -> dict[str, Any]:
    """Return when the latest decision reached the sender, and whether in time."""
    notified_at: datetime | None = None
    for ticket_event in history:
        if ticket_event.event in _DECISIONS or ticket_event.event is Event.UNMERGED:
            notified_at = None
        elif ticket_event.event is Event.NOTIFIED and notified_at is None:
            notified_at = ticket_event.at
    if notified_at is None:
        return {"told_at": None, "told_in_time": None}
    notices = (state for state in clocks.states if state.clock is ClockKind.NOTIFY and state.ended == notified_at)
    notice = next(notices, None)
    return {"told_at": notified_at, "told_in_time": notice.verdict is Verdict.ON_TIME if notice else None}


def _paused_on(history: Sequence[TicketEvent], state: TicketState, clocks: TicketClocks) -> date | None:
    """Return the day on which the pause that still stops the clock began.

    A pause that was struck out stops nothing. Neither does a pause after its limit has been recorded as over.
    """
    if state is not TicketState.AWAITING_SENDER or not clocks.breaks or clocks.breaks[-1].struck:
        return None
    start = clocks.breaks[-1].start
    over = any(ticket_event.event is Event.PAUSE_EXPIRED and ticket_event.at > start for ticket_event in history)
    return None if over else local_time(start).date()


def _wait_columns(history: Sequence[TicketEvent], state: TicketState, paused_on: date | None) -> dict[str, Any]:
    wait = waiting.wait_of(history, state, paused_on is not None)
    return {"waits_for": wait.waits_for, "waits_since": wait.since, "changed_at": wait.changed_at}


def _tell_by(history: Sequence[TicketEvent], state: TicketState, clocks: TicketClocks) -> date | None:
    """Return the last day on which the sender can get the decision in time; None once they have it.

    For a case of another system it is not recorded whether the sender got the decision, so there is no such day.
    """
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
    """Return where a ticket's row and the stored ``results`` of its clocks differ from what its history gives.

    ``ticket`` and ``results`` are rows with the names of the columns.
    """
    number = str(ticket.number)
    try:
        clocks = state_of_clocks(history, book, max(ticket_event.at for ticket_event in history))
        expected = _reception_columns(history) | project_columns(history, clocks)
    except (DomainError, KeyError, IndexError, ValueError, TypeError) as error:
        return [ReplayDifference(number, "history", "", type(error).__name__)]
    differences = [
        ReplayDifference(number, name, str(stored), str(value))
        for name, value in expected.items()
        if (stored := getattr(ticket, name)) != value
    ]
    return differences + _compare_results(number, clocks, results)


def _compare_results(number: str, clocks: TicketClocks, results: Sequence[Any]) -> list[ReplayDifference]:
    """Compare the last stored version of each clock with the clock. Every verdict on handling must be stored."""
    latest: dict[tuple[int, ClockKind, int], Any] = {}
    for row in sorted(results, key=lambda row: int(row.version)):
        latest[(row.episode, ClockKind(row.clock), row.nth)] = row
    replayed = {(state.episode, state.clock, state.nth): state for state in clocks.states}
    differences = []
    for key, row in latest.items():
        name = ":".join(("clock", key[1].value, str(key[0]), str(key[2])))
        stored, value = _stored_outcome(row), _outcome(replayed.get(key))
        if stored != value:
            differences.append(ReplayDifference(number, name, str(stored), str(value)))
    for key, state in replayed.items():
        if state.clock is ClockKind.RESOLVE and state.verdict and key not in latest:
            name = f"clock:resolve:{state.episode}:1"
            differences.append(ReplayDifference(number, name, "None", str(_outcome(state))))
    return differences


def _stored_outcome(row: Any) -> tuple[str, ...]:
    if not row.verdict:  # a due date that moved; the unit may change later without a new version
        return (str(row.due_date),)
    return str(row.due_date), Verdict(row.verdict).value, str(row.late_days), str(row.unit_id)


def _outcome(state: ClockState | None) -> tuple[str, ...] | None:
    if state is None:
        return None
    if not state.verdict:
        return (str(state.due.on),)
    return str(state.due.on), state.verdict.value, str(state.late_days), str(state.unit)


def check_all(session: Session) -> Iterator[ReplayDifference]:
    """Yield every difference of every ticket. Tickets are read in batches of 500."""
    calendars = CalendarCache(session)
    table = table_of(Ticket)
    columns = [column for column in table.c if column.name not in ("title", "content")]
    after = 0
    while rows := session.execute(select(*columns).where(table.c.id > after).order_by(table.c.id).limit(BATCH)).all():
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
    entries = session.execute(select(*columns).where(table.c.chain.in_(chains)).order_by(table.c.chain, table.c.seq))
    return {chain: list(links) for chain, links in groupby(entries, key=lambda entry: str(entry.chain))}


def _stored_results(session: Session, rows: Sequence[Row[Any]]) -> Mapping[int, Sequence[Any]]:
    table = table_of(ClockVersion)
    names = ("ticket_id", "episode", "clock", "nth", "version", "unit_id", "due_date", "verdict", "late_days")
    between = table.c.ticket_id.between(rows[0].id, rows[-1].id)
    columns = (table.c[name] for name in names)
    results = session.execute(select(*columns).where(between).order_by(table.c.ticket_id))
    return {ticket_id: list(group) for ticket_id, group in groupby(results, key=lambda row: int(row.ticket_id))}
