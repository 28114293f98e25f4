"""Load the demonstration in batches by COPY. Each batch is one transaction, so a load can stop and start again."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import islice

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from backend import db
from backend.devserver.demo.accounts import create_officers
from backend.devserver.demo.generate import DemoCase, generate_cases
from backend.devserver.demo.rows import (
    PROJECTED,
    RESULTS,
    CasePlacement,
    DemoRows,
    DemoRules,
    Row,
    add_case,
    messages_of,
)
from backend.tickets import rulebook
from backend.tickets.models import Category, Ticket, TicketDay
from backend.tickets.search.index import index_tickets
from backend.units.models import Succession, Unit
from backend.worktime import service as worktime
from backend.worktime.calendar import local_time

BATCH = 1000
COLUMNS = {
    "tickets": "id, number, version, channel, category_code, about_unit_id, title, content, language, received_at, "
    f"received_on, acknowledged_at, {', '.join(PROJECTED)}, secret_hash, demonstration",
    "ticket_contacts": "ticket_id, name, email, consent_at",
    "ticket_messages": "id, ticket_id, kind, body, at, user_id",
    "audit": "chain, seq, at, actor, user_id, action, data, prev, hash",
    "ticket_clocks": ", ".join(RESULTS),
    "ratings": "ticket_id, unit_id, received_on, ease, by_rules, timely, remark, channel, method, at",
}


def count_loaded(session: Session) -> int:
    """Return the number of tickets of the demonstration."""
    return session.scalar(select(func.count()).where(Ticket.demonstration)) or 0


def load_cases(seed: int, count: int, until: date, now: datetime) -> Iterator[int]:
    """Load the missing ones of ``count`` tickets, and yield the number of loaded tickets after each batch.

    The tickets are a function of the seed, so a load that was interrupted goes on where it stopped.
    """
    with db.transaction() as session:
        officers = create_officers(session, now)
        units, former = _units(session)
        rules = _rules(session)
        loaded = count_loaded(session)
    communes = sorted(code for code in units if code.isdigit() and len(code) == 5)
    missing = islice(generate_cases(seed, count, communes, rules.calendar, until), loaded, None)
    while batch := list(islice(missing, BATCH)):
        loaded += _store(batch, units, former, officers, rules)
        yield loaded


def _units(session: Session) -> tuple[dict[str, int], dict[int, list[int]]]:
    """Return the ids of receiving units by code, and the former units of each commune.

    Tickets from before the merger are about the former units.
    """
    units = {unit.code: unit.id for unit in session.scalars(select(Unit).where(Unit.receives))}
    former: dict[int, list[int]] = {}
    for row in session.scalars(select(Succession).order_by(Succession.former_id)):
        former.setdefault(row.successor_id, []).append(row.former_id)
    return units, former


def _rules(session: Session) -> DemoRules:
    calendar_id = worktime.active_id(session)
    about = {category.code: rulebook.subject_of(category) for category in session.scalars(select(Category))}
    return DemoRules(calendar_id, worktime.load_calendar(session, calendar_id), rulebook.load_rules(session), about)


def _store(
    cases: Sequence[DemoCase],
    units: dict[str, int],
    former: dict[int, list[int]],
    officers: dict[str, int],
    rules: DemoRules,
) -> int:
    """Store a batch of tickets in one transaction and return their number."""
    ordered = sorted(cases, key=lambda case: case.received)
    rows = DemoRows()
    with db.transaction() as session:
        ids = _draw_numbers(session, "tickets_id_seq", len(ordered))
        message_ids = iter(_draw_numbers(session, "ticket_messages_id_seq", sum(map(messages_of, ordered))))
        bases = _bases(session, ordered, ids)
        merger = session.scalar(select(func.min(Succession.on)))
        for case, ticket_id in zip(ordered, ids, strict=True):
            day = local_time(case.received).date()
            about = units[case.about]
            if merger and day < merger:
                former_units = former.get(about, [about])
                about = former_units[ticket_id % len(former_units)]
            own_ids = list(islice(message_ids, messages_of(case)))
            placement = CasePlacement(
                ticket_id=ticket_id,
                base=bases[day],
                first_message_id=own_ids[0] if own_ids else 0,
                units=units,
                officers=officers,
                about_id=about,
            )
            add_case(rows, case, placement, rules)
        _copy(session, rows)
        index_tickets(session, ids)
    return len(ordered)


def _draw_numbers(session: Session, sequence: str, count: int) -> list[int]:
    """Return the next ``count`` numbers of a sequence. Other sessions may take numbers between them."""
    statement = text("SELECT nextval(CAST(:sequence AS regclass)) FROM generate_series(1, :count)")
    return list(session.scalars(statement, {"sequence": sequence, "count": count}))


def _bases(session: Session, ordered: Sequence[DemoCase], ids: Sequence[int]) -> dict[date, int]:
    """Return the base of each day's public numbers. The base of a new day is the id before its first ticket."""
    bases = {row.day: row.base for row in session.scalars(select(TicketDay))}
    for case, ticket_id in zip(ordered, ids, strict=True):
        day = local_time(case.received).date()
        if day not in bases:
            bases[day] = ticket_id - 1
            session.add(TicketDay(day=day, base=ticket_id - 1))
    session.flush()
    return bases


def _copy(session: Session, rows: DemoRows) -> None:
    by_table: dict[str, list[Row]] = {
        "tickets": rows.tickets,
        "ticket_contacts": rows.contacts,
        "ticket_messages": rows.messages,
        "audit": rows.audit,
        "ratings": rows.ratings,
        "ticket_clocks": rows.results,
    }
    for table, content in by_table.items():
        db.copy_rows(session, f"COPY {table} ({COLUMNS[table]}) FROM STDIN", content)
