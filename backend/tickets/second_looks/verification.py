"""The check that stored second looks agree with their own history and with the history of their tickets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from backend import audit
from backend.db import table_of
from backend.tickets.models import Ticket, TicketMessage
from backend.tickets.projection import ReplayDifference
from backend.tickets.second_looks.look_events import replay_look
from backend.tickets.second_looks.models import LookResult, SecondLook, text_digest
from backend.tickets.second_looks.service import RESULT_EVENTS

BATCH: Final = 500
_RESULTS: Final = {result.value: event.value for result, event in RESULT_EVENTS.items()}
_EVENTS: Final = frozenset(_RESULTS.values())
_COMPARED: Final = (
    *("ticket_id", "unit_id", "hidden_unit_id", "stage", "asked_at", "term", "rule_id", "calendar_id", "due_date"),
    *("reviewer_id", "taken_at", "result", "decided_at", "message_id", "verdict", "late_days"),
)


def check_looks(session: Session) -> Iterator[ReplayDifference]:
    """Yield every difference of every second look. They are read in batches."""
    table, after = table_of(SecondLook), 0
    columns = (*table.c, Ticket.number, TicketMessage.body)
    statement = select(*columns).join(Ticket, Ticket.id == table.c.ticket_id)
    statement = statement.outerjoin(TicketMessage, TicketMessage.id == table.c.message_id)
    while rows := session.execute(statement.where(table.c.id > after).order_by(table.c.id).limit(BATCH)).all():
        after = rows[-1].id
        chains = _entries(session, rows)
        for row in rows:
            own = chains.get(audit.look_chain(row.id), ())
            yield from _compare(row, own, chains.get(audit.ticket_chain(row.ticket_id), ()))


def _compare(row: Row[Any], entries: Sequence[Any], of_ticket: Sequence[Any]) -> Iterator[ReplayDifference]:
    """Compare a row with its chain, its texts with their hashes, and its result with the events of the ticket."""
    try:
        course = asdict(replay_look(entries))
    except (KeyError, ValueError) as error:
        yield ReplayDifference(row.number, "second_look:history", "", type(error).__name__)
        return
    yield from _compare_columns(row, course)
    yield from _compare_texts(row, course)
    results = [entry.action for entry in of_ticket if entry.action in _EVENTS and entry.data.get("look") == row.id]
    expected = [_RESULTS[LookResult(row.result).value]] if row.result else []
    if results != expected:
        yield ReplayDifference(row.number, "second_look:event", ", ".join(expected), ", ".join(results))


def _compare_columns(row: Row[Any], course: Mapping[str, Any]) -> Iterator[ReplayDifference]:
    for name in _COMPARED:
        stored, replayed = _plain(getattr(row, name)), _plain(course[name])
        if stored != replayed:
            yield ReplayDifference(row.number, f"second_look:{name}", stored, replayed)


def _compare_texts(row: Row[Any], course: Mapping[str, Any]) -> Iterator[ReplayDifference]:
    """Compare the texts with the hashes that the chain has of them."""
    for name, body in (("reason", row.reason), ("letter", row.body)):
        digest = text_digest(body) if body else ""
        if digest != course[name]:
            yield ReplayDifference(row.number, f"second_look:{name}", digest, course[name])


def _plain(value: Any) -> str:
    return str(value.value if hasattr(value, "value") else value) if value is not None else ""


def _entries(session: Session, rows: Sequence[Row[Any]]) -> Mapping[str, Sequence[Any]]:
    """Return the entries of the second looks and of their tickets, by chain."""
    table = table_of(audit.AuditEntry)
    chains = [audit.look_chain(row.id) for row in rows] + [audit.ticket_chain(row.ticket_id) for row in rows]
    columns = (table.c.chain, table.c.at, table.c.actor, table.c.action, table.c.data)
    entries = session.execute(select(*columns).where(table.c.chain.in_(chains)).order_by(table.c.chain, table.c.seq))
    return {chain: list(links) for chain, links in groupby(entries, key=lambda entry: str(entry.chain))}
