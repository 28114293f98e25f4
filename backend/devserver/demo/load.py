"""Load the demonstration: batches by COPY, each its own transaction, so that it can be interrupted and repeated."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

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
    """How many tickets of the demonstration there are."""
    return session.scalar(select(func.count()).where(Ticket.demonstration)) or 0


def load_cases(seed: int, count: int, until: date, now: datetime) -> Iterator[int]:
    """Load what is missing of ``count`` cases; yields how many are there after each batch.

    The cases are a function of the seed, so that a run that was interrupted goes on where it stopped.
    """
    with db.transaction() as session:
        by_unit = create_officers(session, now)
        units, former = _units(session)
        terms = _terms(session)
        done = count_loaded(session)
    communes = sorted(code for code in units if code.isdigit() and len(code) == 5)
    made: list[DemoCase] = []
    for i, case in enumerate(generate_cases(seed, count, communes, terms.calendar, until)):
        if i < done:
            continue
        made.append(case)
        if len(made) == BATCH:
            done += _store(made, units, former, by_unit, terms)
            made = []
            yield done
    if made:
        yield done + _store(made, units, former, by_unit, terms)


def _units(session: Session) -> tuple[dict[str, int], dict[int, list[int]]]:
    """Ids of receiving units by code; and of a commune's former units, which cases from before the merger were about."""
    units = {unit.code: unit.id for unit in session.scalars(select(Unit).where(Unit.receives))}
    former: dict[int, list[int]] = {}
    for row in session.scalars(select(Succession).order_by(Succession.former_id)):
        former.setdefault(row.successor_id, []).append(row.former_id)
    return units, former


def _terms(session: Session) -> DemoRules:
    calendar_id = worktime.active_id(session)
    about = {category.code: rulebook.subject_of(category) for category in session.scalars(select(Category))}
    return DemoRules(calendar_id, worktime.load_calendar(session, calendar_id), rulebook.load_rules(session), about)


def _store(
    made: Sequence[DemoCase],
    units: dict[str, int],
    former: dict[int, list[int]],
    by_unit: dict[str, int],
    terms: DemoRules,
) -> int:
    ordered = sorted(made, key=lambda case: case.received)
    rows = DemoRows()
    with db.transaction() as session:
        ids = _draw_numbers(session, "tickets_id_seq", len(ordered))
        texts = iter(_draw_numbers(session, "ticket_messages_id_seq", sum(map(messages_of, ordered))))
        bases = _bases(session, ordered, ids)
        merger = session.scalar(select(func.min(Succession.on)))
        for case, ticket_id in zip(ordered, ids, strict=True):
            day = local_time(case.received).date()
            about = units[case.about]
            if merger and day < merger:
                choice = former.get(about, [about])
                about = choice[ticket_id % len(choice)]
            first = [next(texts) for _ in range(messages_of(case))]
            add_case(
                rows, case, CasePlacement(ticket_id, bases[day], first[0] if first else 0, units, by_unit, about), terms
            )
        _copy(session, rows)
    return len(ordered)


def _draw_numbers(session: Session, sequence: str, count: int) -> list[int]:
    """The next ``count`` numbers; each call of nextval is its own, so the ids of one case may not be neighbours."""
    drawn = text("SELECT nextval(CAST(:sequence AS regclass)) FROM generate_series(1, :count)")
    return list(session.scalars(drawn, {"sequence": sequence, "count": count}))


def _bases(session: Session, ordered: Sequence[DemoCase], ids: Sequence[int]) -> dict[date, int]:
    """Where each day's public numbers start; a day met for the first time starts just before its first case."""
    known = {row.day: row.base for row in session.scalars(select(TicketDay))}
    for case, ticket_id in zip(ordered, ids, strict=True):
        day = local_time(case.received).date()
        if day not in known:
            known[day] = ticket_id - 1
            session.add(TicketDay(day=day, base=ticket_id - 1))
    session.flush()
    return known


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
