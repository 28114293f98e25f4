"""How PostgreSQL runs a search: by the indexes, and no further than the hits that are wanted."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from backend.tickets.models import Ticket
from backend.tickets.search.find import RANKED_MOST, find_tickets
from backend.tickets.search.index import index_tickets
from backend.tickets.search.search_request import TicketSearchRequest
from backend.tickets.search.time_limit import SET, SETTINGS, TIMEOUT
from backend.tickets.search.typed_query import read_query
from backend.tickets.search.typed_sender import read_sender
from backend.users.models import Role
from backend.users.policy import Actor
from tests.factories import World

MANY = 8_000
COPY = """
    INSERT INTO tickets (id, number, state, version, channel, category_code, about_unit_id, unit_id, title, content,
        language, received_at, received_on, acknowledged_at, rule, term, calendar_id, due_date, due_estimated,
        waits_for, waits_since, changed_at, secret_hash, demonstration)
    SELECT nextval('tickets_id_seq'), 'PLAN.20260101.' || lpad(n::text, 5, '0'), state, 1, channel, category_code,
        about_unit_id, CASE WHEN n % 20 = 0 THEN unit_id ELSE :other END,
        CASE WHEN n % 2000 = 0 THEN 'Cầu treo gãy' ELSE 'Đường hỏng' END, content, language, received_at, received_on,
        acknowledged_at, rule, term, calendar_id, due_date, due_estimated,
        waits_for, waits_since, changed_at, secret_hash, demonstration
    FROM tickets, generate_series(1, :count) AS n WHERE tickets.id = :id
    RETURNING id
"""
SENDERS = """
    INSERT INTO ticket_contacts (ticket_id, name, phone, consent_at)
    SELECT id, CASE WHEN id % 1000 = 0 THEN 'Tẩn Mẩy' ELSE 'Lò Văn Hoa' END, '0912345678', received_at
    FROM tickets WHERE id <> :id AND number LIKE 'PLAN.%'
"""


@pytest.fixture
def many(session: Session, world: World, now: datetime) -> Ticket:
    """Thousands of tickets with nearly the same words; one in twenty is of the unit of the first."""
    ticket, _secret = world.receive(now, content="Nội dung giống như tiêu đề, không có gì thêm.", title="Đường hỏng")
    session.flush()
    values = {"other": world.unit("LC-SYT").id, "count": MANY, "id": ticket.id}
    ids = list(session.scalars(text(COPY), values))
    session.execute(text(SENDERS), {"id": ticket.id})
    index_tickets(session, ids)
    for table in ("tickets", "ticket_search", "ticket_contacts"):
        session.execute(text(f"ANALYZE {table}"))
    return ticket


def nodes_run(session: Session, request: TicketSearchRequest) -> list[dict[str, Any]]:
    """Each node of the plan of a search that was run at all, with how many rows it gave."""
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "UNION ALL" in statement:
            asked.append((statement, parameters))

    event.listen(session.get_bind(), "before_cursor_execute", note)
    assert find_tickets(session, request).ticket_ids
    event.remove(session.get_bind(), "before_cursor_execute", note)
    ((statement, parameters),) = asked
    session.execute(SET, {TIMEOUT: "0", **SETTINGS})
    # Of a few thousand rows the planner may read all, as its sample says; of a million it does not.
    session.execute(text("SET LOCAL enable_seqscan = off"))
    explained = session.connection().exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
    return [node for node in _nodes([plan["Plan"] for plan in explained.scalar_one()]) if node["Actual Loops"]]


def _nodes(plans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [node for plan in plans for node in (plan, *_nodes(plan.get("Plans", [])))]


def rows_of(nodes: list[dict[str, Any]], table: str) -> int:
    """How many rows of a table were read, kept or not."""
    of_table = [node for node in nodes if node.get("Relation Name") == table]
    removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    return sum(
        round((node["Actual Rows"] + sum(node.get(name, 0) for name in removed)) * node["Actual Loops"])
        for node in of_table
    )


def indexes(nodes: list[dict[str, Any]]) -> set[str]:
    return {node["Index Name"] for node in nodes if "Index Name" in node}


def read_whole(nodes: list[dict[str, Any]]) -> list[str]:
    """Tables of many rows that were read from end to end."""
    tables = {"tickets", "ticket_search", "ticket_contacts"}
    return [
        node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan" and node["Relation Name"] in tables
    ]


def test_a_common_word_is_found_among_the_latest_tickets(session: Session, world: World, many: Ticket) -> None:
    nodes = nodes_run(session, TicketSearchRequest(world.actor(Role.COORDINATOR), read_query("đường hỏng")))
    assert read_whole(nodes) == [] and "ix_ticket_search_words" not in indexes(nodes)
    assert rows_of(nodes, "ticket_search") <= 1_000


def test_a_rare_word_is_found_by_the_index_of_words(session: Session, world: World, many: Ticket) -> None:
    nodes = nodes_run(session, TicketSearchRequest(world.actor(Role.COORDINATOR), read_query("cầu treo")))
    assert read_whole(nodes) == [] and "ix_ticket_search_words" in indexes(nodes)
    assert rows_of(nodes, "ticket_search") <= 2 * 1_000 + 100, "the latest thousand in each tier, then the hits"


def test_a_unit_reads_its_own_tickets_alone(session: Session, world: World, many: Ticket) -> None:
    officer: Actor = world.actor()
    nodes = nodes_run(session, TicketSearchRequest(officer, read_query("đường hỏng")))
    assert read_whole(nodes) == [] and "ix_ticket_search_words" in indexes(nodes)
    assert RANKED_MOST < rows_of(nodes, "ticket_search") <= MANY / 20 + 2


def test_a_rare_sender_is_found_by_the_index_of_senders(session: Session, world: World, many: Ticket) -> None:
    request = TicketSearchRequest(world.actor(Role.COORDINATOR), None, read_sender("tẩn mẩy"))
    nodes = nodes_run(session, request)
    assert read_whole(nodes) == [] and "ix_ticket_contacts_sender_words" in indexes(nodes)
    assert rows_of(nodes, "ticket_contacts") <= 1_000 + 100
