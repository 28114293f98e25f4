"""Reads of the history for the auditor: who did what and when. Texts and personal data are not in the history.

Entries of one ticket or account are found by their chain; all others within a span of days, by the index on ``at``. So
the cost does not grow with the history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from backend import audit
from backend.audit import AuditEntry
from backend.tickets.models import Ticket
from backend.users.models import User
from backend.worktime.calendar import ZONE

PAGE = 50
DAYS_MOST = 92  # the longest span that is searched
DAYS_USUAL = 7

LogKey = tuple[datetime, int]


@dataclass(frozen=True)
class LogFilter:
    """What is looked for. ``actor``: an account, ``sender`` or ``system``; ``chain``: everything about one ticket."""

    first: date
    last: date
    actor: str = ""
    action: str = ""
    chain: str = ""


@dataclass(frozen=True)
class LogEntry:
    """One entry as the page shows it. ``number``: the ticket that it is about; ``who``: the name of the account."""

    at: datetime
    action: str
    actor: str
    who: str
    chain: str
    number: str


@dataclass(frozen=True)
class LogPage:
    """A page of the log, latest first. ``after`` is the key of its last entry; None on the last page."""

    entries: Sequence[LogEntry]
    after: LogKey | None


def list_log(session: Session, log_filter: LogFilter, after: LogKey | None = None, limit: int = PAGE) -> LogPage:
    """Return a page of the entries that fit the filter, latest first, in three statements."""
    statement = _filtered(log_filter)
    if after is not None:
        statement = statement.where(tuple_(AuditEntry.at, AuditEntry.id) < after)
    rows = session.scalars(statement.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(limit + 1)).all()
    shown = rows[:limit]
    numbers, names = _numbers(session, shown), _names(session, shown)
    entries = [
        LogEntry(
            entry.at,
            entry.action,
            entry.actor,
            names.get(audit.user_id_in(entry.actor) or 0, ""),
            entry.chain,
            numbers.get(ticket_of(entry) or 0, ""),
        )
        for entry in shown
    ]
    last = shown[-1] if len(rows) > limit else None
    return LogPage(entries, (last.at, last.id) if last is not None else None)


def _filtered(log_filter: LogFilter) -> Select[AuditEntry]:
    statement = select(AuditEntry)
    if log_filter.chain:
        statement = statement.where(AuditEntry.chain == log_filter.chain)
    else:
        start, end = _start_of(log_filter.first), _start_of(log_filter.last + timedelta(days=1))
        statement = statement.where(AuditEntry.at >= start, AuditEntry.at < end)
    if log_filter.actor:
        statement = statement.where(AuditEntry.actor == log_filter.actor)
    if log_filter.action:
        statement = statement.where(AuditEntry.action == log_filter.action)
    return statement


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(tzinfo=ZONE))


def ticket_of(entry: AuditEntry) -> int | None:
    """Return the ticket that an entry is about: of its chain, or named in its notes."""
    ticket_id = audit.ticket_id_of(entry.chain)
    named = entry.data.get("ticket") if isinstance(entry.data, Mapping) else None
    return ticket_id if ticket_id is not None else named if isinstance(named, int) else None


def _numbers(session: Session, entries: Sequence[AuditEntry]) -> dict[int, str]:
    ids = {ticket_id for entry in entries if (ticket_id := ticket_of(entry)) is not None}
    rows = session.execute(select(Ticket.id, Ticket.number).where(Ticket.id.in_(ids))) if ids else ()
    return {row.id: row.number for row in rows}


def _names(session: Session, entries: Sequence[AuditEntry]) -> dict[int, str]:
    ids = {user_id for entry in entries if (user_id := audit.user_id_in(entry.actor)) is not None}
    rows = session.execute(select(User.id, User.name).where(User.id.in_(ids))) if ids else ()
    return {row.id: row.name for row in rows}
