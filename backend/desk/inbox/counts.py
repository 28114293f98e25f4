"""How many tickets stand behind each tab and each saved view: exact, and cheap however many tickets there are.

The province reads its totals from ``open_ticket_counts``, a few hundred rows that a trigger keeps in the transaction of
each change. A unit has few open tickets and counts them in its index. Decision 0024 has the measurements.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, func, not_, select, text
from sqlalchemy.orm import Session

from backend.desk.inbox.conditions import InboxReader, list_conditions
from backend.desk.inbox.filters import NOBODY, WAIT_CHOICES, DueChoice, InboxFilter
from backend.desk.inbox.models import OpenTicketCount, TicketLook
from backend.tickets.due_status import overdue_on
from backend.tickets.models import Ticket, WaitsFor, is_open
from backend.tickets.projection import ReplayDifference
from backend.tickets.queries import hidden_from, visible
from backend.users.policy import Permission

CHANGES_MOST: Final = 100  # changes of a list that are counted
FOLD_FROM: Final = 500  # rows that a fold would remove; fewer are not worth it
# One statement: a reader sees the rows before or the sums after, never a part of them.
FOLD: Final = text("""
    WITH kinds AS (
        SELECT waits_for, due_date, paused_in_time FROM open_ticket_counts
        GROUP BY waits_for, due_date, paused_in_time HAVING count(*) > 1 OR sum(tickets) = 0
    ), folded AS (
        DELETE FROM open_ticket_counts AS changes USING kinds
        WHERE (changes.waits_for, changes.due_date, changes.paused_in_time)
            = (kinds.waits_for, kinds.due_date, kinds.paused_in_time)
        RETURNING changes.waits_for, changes.due_date, changes.paused_in_time, changes.tickets
    )
    INSERT INTO open_ticket_counts (waits_for, due_date, paused_in_time, tickets)
    SELECT waits_for, due_date, paused_in_time, sum(tickets) FROM folded
    GROUP BY waits_for, due_date, paused_in_time HAVING sum(tickets) <> 0
""")
SURPLUS: Final = text("""
    SELECT count(*) - count(DISTINCT (waits_for, due_date, paused_in_time)) FROM open_ticket_counts
""")
COMPARE: Final = text("""
    SELECT waits_for, due_date, paused_in_time, sum(stored) AS stored, sum(counted) AS counted FROM (
        SELECT waits_for, due_date, paused_in_time, tickets AS stored, 0 AS counted FROM open_ticket_counts
        UNION ALL
        SELECT waits_for, due_date, coalesce(paused_on <= due_date, false), 0, 1 FROM tickets
        WHERE waits_for <> 'nothing'
    ) AS both_sides GROUP BY waits_for, due_date, paused_in_time HAVING sum(stored) <> sum(counted)
""")


@dataclass(frozen=True)
class InboxCounts:
    """The open tickets of an inbox by what they wait for, and how many of them are overdue, the reader's own, or not
    read since their last change. ``views``: the tickets of each saved view; a view that is not counted is missing."""

    waits: Mapping[WaitsFor, int]
    overdue: int = 0
    mine: int = 0
    unread: int = 0
    views: Mapping[int, int] = field(default_factory=dict)

    @property
    def open(self) -> int:
        return sum(self.waits.values())

    def waiting(self, choice: str) -> int:
        """Return how many wait for what can be chosen in the filter."""
        return sum(self.waits.get(waits_for, 0) for waits_for in WAIT_CHOICES[choice])


def count_inbox(
    session: Session, reader: InboxReader, unit_id: int | None, views: Mapping[int, InboxFilter]
) -> InboxCounts:
    """Count the inbox of a unit, or of the whole province, and the saved views."""
    shown = [*visible(reader.actor, Permission.VIEW_INBOX, unit_id), is_open()]
    countable = {view_id: inbox_filter for view_id, inbox_filter in views.items() if _is_countable(inbox_filter)}
    alone = {view_id: _count_alone(inbox_filter, reader) for view_id, inbox_filter in countable.items()}
    indexed = {view_id: statement for view_id, statement in alone.items() if statement is not None}
    scanned = {view_id: countable[view_id] for view_id in countable.keys() - indexed.keys()}
    single_counts = [_count_mine(shown, reader), _count_read(shown, reader), *indexed.values()]
    waits, overdue, numbers = _count_kinds(session, reader, unit_id, shown, single_counts)
    counted = dict(zip(indexed, numbers[2:], strict=True)) | _count_together(session, scanned, reader)
    return InboxCounts(waits, overdue, mine=numbers[0], unread=sum(waits.values()) - numbers[1], views=counted)


def count_changes(session: Session, inbox_filter: InboxFilter, reader: InboxReader, since: datetime) -> int:
    """Return how many tickets of a list of open tickets are new or changed since a moment; ``CHANGES_MOST`` at most."""
    changed = select(Ticket.id).where(*list_conditions(inbox_filter, reader), Ticket.changed_at > since)
    return session.scalar(select(func.count()).select_from(changed.limit(CHANGES_MOST).subquery())) or 0


def fold_counts(session: Session, *, least: int = FOLD_FROM) -> bool:
    """Fold the changes of each kind into one row, where this removes at least ``least`` rows."""
    if (session.scalar(SURPLUS) or 0) < least:
        return False
    session.execute(FOLD)
    return True


def compare_counts(session: Session) -> list[ReplayDifference]:
    """Return the kinds of open tickets whose stored count is not the number of its tickets."""
    return [
        ReplayDifference(f"{row.waits_for} {row.due_date}", "open_tickets", str(row.stored), str(row.counted))
        for row in session.execute(COMPARE)
    ]


def _count_kinds(
    session: Session,
    reader: InboxReader,
    unit_id: int | None,
    shown: Sequence[ColumnElement[bool]],
    single_counts: Sequence[Select[int]],
) -> tuple[dict[WaitsFor, int], int, list[int]]:
    """Return the tickets of each wait, how many of all are overdue, and the single counts."""
    if unit_id is not None or not reader.everywhere:
        return _read_kinds(session, _listed_kinds(shown, reader.today), single_counts)
    waits, overdue, numbers = _read_kinds(session, _province_kinds(reader.today), single_counts)
    if reader.actor.unit_id is not None:
        waits, overdue = _without_hidden(session, reader, waits, overdue)
    return waits, overdue, numbers


def _listed_kinds(shown: Sequence[ColumnElement[bool]], today: date) -> Select[WaitsFor, int, int]:
    """Return for each wait how many tickets there are, and how many of them are overdue, from the tickets."""
    overdue = func.count().filter(overdue_on(today))
    return select(Ticket.waits_for, func.count(), overdue).where(*shown).group_by(Ticket.waits_for)


def _province_kinds(today: date) -> Select[WaitsFor, int, int]:
    """Return the same for the whole province, from the stored counts."""
    total = func.sum(OpenTicketCount.tickets)
    overdue = func.coalesce(total.filter(_stored_overdue(today)), 0)
    return select(OpenTicketCount.waits_for, total, overdue).group_by(OpenTicketCount.waits_for)


def _read_kinds(
    session: Session, kinds: Select[WaitsFor, int, int], single_counts: Sequence[Select[int]] = ()
) -> tuple[dict[WaitsFor, int], int, list[int]]:
    """Return the tickets of each wait, how many of all are overdue, and the single counts, in one statement.

    Where there is no open ticket at all, the single counts are 0 as well.
    """
    rows = session.execute(kinds.add_columns(*(statement.scalar_subquery() for statement in single_counts))).all()
    waits = {row[0]: int(row[1]) for row in rows}
    numbers = [int(number) for number in rows[0][3:]] if rows else [0] * len(single_counts)
    return waits, sum(int(row[2]) for row in rows), numbers


def _without_hidden(
    session: Session, reader: InboxReader, waits: Mapping[WaitsFor, int], overdue: int
) -> tuple[dict[WaitsFor, int], int]:
    """Take off the complaints about the conduct of the reader's own unit."""
    hidden_kinds = _listed_kinds([hidden_from(reader.actor.unit_id or 0), is_open()], reader.today)
    hidden, hidden_overdue, _none = _read_kinds(session, hidden_kinds)
    return {kind: tickets - hidden.get(kind, 0) for kind, tickets in waits.items()}, overdue - hidden_overdue


def _stored_overdue(today: date) -> ColumnElement[bool]:
    """Return the rule of ``due_status.past_due`` for the stored counts."""
    return and_(OpenTicketCount.due_date < today, not_(OpenTicketCount.paused_in_time))


def _count_mine(shown: Sequence[ColumnElement[bool]], reader: InboxReader) -> Select[int]:
    return select(func.count()).select_from(Ticket).where(*shown, Ticket.assignee_id == reader.actor.user_id)


def _count_read(shown: Sequence[ColumnElement[bool]], reader: InboxReader) -> Select[int]:
    """Count the open tickets that the reader has opened since their last change: few, unlike the unread ones."""
    seen = and_(TicketLook.ticket_id == Ticket.id, TicketLook.user_id == reader.actor.user_id)
    read = select(func.count()).select_from(TicketLook).join(Ticket, seen)
    return read.where(*shown, TicketLook.at >= Ticket.changed_at)


def _is_countable(inbox_filter: InboxFilter) -> bool:
    """Return whether a view is counted: one over ended tickets, or over words, would read all that ever ended."""
    return inbox_filter.open_only and not inbox_filter.words


def _count_alone(inbox_filter: InboxFilter, reader: InboxReader) -> Select[int] | None:
    """Return the count of a view of the province that needs no look at each open ticket; None where there is none."""
    if not reader.everywhere:
        return None
    if inbox_filter.unit is not None or inbox_filter.who not in ("", NOBODY):
        return select(func.count()).select_from(Ticket).where(*list_conditions(inbox_filter, reader))
    if _is_stored(inbox_filter) and reader.actor.unit_id is None:
        total = select(func.coalesce(func.sum(OpenTicketCount.tickets), 0))
        return total.where(*_stored_conditions(inbox_filter, reader.today))
    return None


def _is_stored(inbox_filter: InboxFilter) -> bool:
    """Return whether the stored counts know everything that a view filters by."""
    rest = replace(inbox_filter, waits="", due_from=None, due_to=None, sort=None)
    return rest in (InboxFilter(), InboxFilter(due=DueChoice.OVERDUE))


def _stored_conditions(inbox_filter: InboxFilter, today: date) -> Iterator[ColumnElement[bool]]:
    if inbox_filter.due is DueChoice.OVERDUE:
        yield _stored_overdue(today)
    if inbox_filter.waits:
        yield OpenTicketCount.waits_for.in_(sorted(WAIT_CHOICES[inbox_filter.waits]))
    if inbox_filter.due_from is not None:
        yield OpenTicketCount.due_date >= inbox_filter.due_from
    if inbox_filter.due_to is not None:
        yield OpenTicketCount.due_date <= inbox_filter.due_to


def _count_together(session: Session, views: Mapping[int, InboxFilter], reader: InboxReader) -> dict[int, int]:
    """Count views in one look at each open ticket that the reader may see."""
    if not views:
        return {}
    filters = [func.count().filter(*list_conditions(inbox_filter, reader)) for inbox_filter in views.values()]
    shown = [*visible(reader.actor, Permission.VIEW_INBOX), is_open()]
    row = session.execute(select(*filters).select_from(Ticket).where(*shown)).one()
    return dict(zip(views, row, strict=True))
