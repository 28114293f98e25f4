"""What the lists and counts of the inbox read, as the database carries them out: never the whole table of tickets, and
no more when many more tickets have ended."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from backend.desk.inbox import counts, rows
from backend.desk.inbox.choices import read_reader
from backend.desk.inbox.conditions import InboxReader
from backend.desk.inbox.filters import DueChoice, InboxFilter, InboxSort, ListScope, VerdictChoice
from backend.tickets.models import Ticket, TicketState
from backend.users.models import Role
from tests.factories import World

OPEN, FEW, MORE = 1_500, 15_000, 45_000
DAY = timedelta(days=1)
Plans = Callable[[Callable[[], object]], list[dict[str, Any]]]

LISTS = {
    "all open": InboxFilter(),
    **{f"by {sort.value}": InboxFilter(sort=sort) for sort in InboxSort},
    "overdue": InboxFilter(due=DueChoice.OVERDUE),
    "of one wait": InboxFilter(waits="approval"),
    "a rare category": InboxFilter(category="delay"),
    "not assigned": InboxFilter(who="nobody"),
    "my own": InboxFilter(who="me"),
    "unread": InboxFilter(unread=True),
    "answered": InboxFilter(state=TicketState.ANSWERED),
    "ended": InboxFilter(state=ListScope.ENDED),
    "ended late": InboxFilter(state=ListScope.ENDED, verdict=VerdictChoice.LATE),
}


@pytest.fixture
def session(committed: Engine) -> Iterator[Session]:
    """A session of a database of its own: only what is committed can be vacuumed, and plans depend on it."""
    with Session(committed) as session:
        yield session


class Crowd:
    """Copies one open and one ended ticket many times over 50 units and 500 days."""

    def __init__(self, engine: Engine, session: Session, now: datetime) -> None:
        self.engine, self.session = engine, session
        world = World(session)
        world.answered(now - 5 * DAY, now - DAY)
        world.receive(now)
        session.commit()

    def grow(self, waits_for: str, count: int) -> None:
        columns = [column.name for column in Ticket.__table__.columns if column.computed is None]
        receiving = "(SELECT array_agg(u.id ORDER BY u.code <> '03388', u.id) FROM units u WHERE u.receives)"
        own = {
            "id": "nextval('tickets_id_seq')",
            "number": "'N' || waits_for || n || '-' || currval('tickets_id_seq')",
            "unit_id": f"{receiving}[1 + n % 50]",
            "idempotency_hash": "NULL",
            **{name: f"{name} - (n / 50) % 500" for name in ("due_date", "received_on", "answered_on")},
            **{name: f"{name} - (n / 50) % 500 * interval '1 day'" for name in ("received_at", "waits_since")},
        }
        chosen = ", ".join(own.get(name, name) for name in columns)
        source = "(SELECT * FROM tickets WHERE waits_for = :kind ORDER BY id LIMIT 1) AS first"
        statement = f"INSERT INTO tickets ({', '.join(columns)}) SELECT {chosen} FROM {source}, "
        self.session.execute(text(statement + "generate_series(1, :count) n"), {"kind": waits_for, "count": count})
        self.session.commit()
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE tickets"))


@pytest.fixture
def plans(session: Session) -> Plans:
    """Returns each node of the plans of what a function asks, as it was carried out."""

    def explain(ask: Callable[[], object]) -> list[dict[str, Any]]:
        statements: list[tuple[str, Any]] = []

        def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
            statements.append((statement, parameters))

        event.listen(session.get_bind(), "before_cursor_execute", note)
        ask()
        event.remove(session.get_bind(), "before_cursor_execute", note)
        connection, found = session.connection(), []
        for statement, parameters in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
            found += nodes([entry["Plan"] for entry in plan])
        return found

    return explain


def nodes(plan: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [inner for node in plan for inner in (node, *nodes(node.get("Plans", [])))]


def tickets_read(found: Sequence[dict[str, Any]]) -> float:
    """How many rows of tickets were read, kept or not. No plan may read the table from end to end."""
    scans = [node for node in found if node.get("Relation Name") == "tickets"]
    assert not [node for node in scans if node["Node Type"] == "Seq Scan"]
    return sum((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in scans)


def test_lists_and_counts_read_no_more_when_four_times_as_many_have_ended(
    committed: Engine, session: Session, now: datetime, plans: Plans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "LOOK_BACK", 100)  # as small beside these few tickets as it is in life
    crowd, world = Crowd(committed, session, now), World(session)
    readers = {role: read_reader(session, world.actor(role), now) for role in (Role.OFFICER, Role.COORDINATOR)}
    crowd.grow("new", OPEN)
    crowd.grow("nothing", FEW)
    before = measure(session, plans, readers)
    crowd.grow("nothing", MORE)
    after = measure(session, plans, readers)
    assert {name: (read, after[name]) for name, read in before.items() if after[name] > 1.5 * read + rows.PAGE} == {}
    plain = ("all open", "by -changed", "answered", "ended", "unread")
    assert {
        name: after[f"coordinator: {name}"] for name in plain if after[f"coordinator: {name}"] > 4 * rows.PAGE
    } == {}
    assert after["coordinator: counts"] == 0, "the province's totals read no ticket"


def measure(session: Session, plans: Plans, readers: dict[Role, InboxReader]) -> dict[str, float]:
    """Return how many tickets each list and the counts of each reader read."""
    read: dict[str, float] = {}
    for role, reader in readers.items():
        for name, chosen in LISTS.items():
            read[f"{role.value}: {name}"] = tickets_read(plans(partial(rows.list_rows, session, chosen, reader)))
        counting = partial(counts.count_inbox, session, reader, None, {})
        read[f"{role.value}: counts"] = tickets_read(plans(counting))
    return read
