"""The results of clocks that are stored with their explanation: verdicts, and due dates that moved.

``tickets.service`` stores them with each event. Recounts and imports in bulk take the columns from here.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from backend.db import table_of
from backend.deadlines.clock_states import ClockKind, ClockState, TicketClocks, explain_state
from backend.deadlines.events import Event
from backend.tickets.clock_models import ClockVersion


def new_results(before: TicketClocks, after: TicketClocks, episode: int, due_date: date) -> list[ClockState]:
    """Return the clocks that an event has judged or ended, and the clock of handling if its due date moved.

    ``episode`` and ``due_date`` are those of the ticket before the event.
    """
    ended_before = {_key(state): state for state in _ended_clocks(before)}
    ended_now = [state for state in _ended_clocks(after) if state != ended_before.get(_key(state))]
    results = [state for state in ended_now if state.verdict or state.clock is ClockKind.RESOLVE]
    resolve = after.resolve
    if resolve.running and resolve.episode == episode and resolve.due.on != due_date:
        results.append(resolve)
    return results


def store_results(session: Session, ticket_id: int, states: Sequence[ClockState], reason: Event, at: datetime) -> None:
    """Store results with their explanation, each as the next version of its clock."""
    table = table_of(ClockVersion)
    for state in states:
        place = {"ticket_id": ticket_id, "episode": state.episode, "clock": state.clock, "nth": state.nth}
        next_version = select(func.coalesce(func.max(table.c.version), 0) + 1).filter_by(**place).scalar_subquery()
        values: dict[str, Any] = place | result_columns(state) | {"reason": reason.value, "computed_at": at}
        session.execute(insert(table).values(version=next_version, **values))


def result_columns(state: ClockState) -> dict[str, Any]:
    """Return a clock as the columns of its stored version."""
    return {
        "unit_id": state.unit,
        "value": state.rule.value,
        "rule_id": state.rule.id,
        "calendar_id": state.calendar_id,
        "started_at": state.term.start,
        "due_date": state.due.on,
        "due_at": state.due.at,
        "estimated": state.due.estimate,
        "ended_at": state.ended,
        "verdict": state.verdict,
        "late_days": state.late_days,
        "late_minutes": state.late_minutes,
        "explanation": explain_state(state),
    }


def _ended_clocks(clocks: TicketClocks) -> list[ClockState]:
    return [state for state in clocks.states if not state.running]


def _key(state: ClockState) -> tuple[int, ClockKind, int]:
    return state.episode, state.clock, state.nth
