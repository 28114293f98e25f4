"""Figures are read from roll-ups: no statement of a page reads the table of tickets, however many tickets there are."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select, text
from sqlalchemy.orm import Session

from backend import db
from backend.devserver.load_data import load
from backend.devserver.load_data.load import LoadRequest, load_tickets
from backend.indicators.filters import DashboardFilters
from backend.indicators.rollups import service as rollups
from backend.indices import two_sides
from backend.kpi import dashboard
from backend.tickets.models import Ticket
from backend.users.models import Role
from backend.users.policy import Actor
from tests.conftest import NOW

TODAY = NOW.date()
MANAGER = Actor(Role.MANAGER)
READ_SO_FAR = text("SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'tickets'")
YEAR = DashboardFilters(None, date(2025, 11, 1), date(2026, 10, 31), None, chosen=True)
TEN_YEARS = DashboardFilters(None, date(2016, 12, 1), TODAY, None, chosen=True)


@pytest.fixture
def full(committed: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Forty thousand tickets of ten years, counted and with statistics."""
    monkeypatch.setattr(load, "COPIES", 40)
    with Session(committed) as session:
        if not session.scalar(select(func.count()).select_from(Ticket)):
            list(load_tickets(LoadRequest(40_000, 6, 7, TODAY - timedelta(days=1)), NOW))
            rollups.bring_up_to_date(TODAY)
        session.connection().exec_driver_sql("ANALYZE rollup_cells, rollup_months, rollup_changes, tickets")
        session.commit()
        yield session


def scans(session: Session, act: Any) -> list[dict[str, Any]]:
    """Each scan of a table in the plans of the statements that ``act`` asks, as they were carried out."""
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            asked.append((statement, parameters))

    event.listen(session.get_bind(), "before_cursor_execute", note)
    act()
    event.remove(session.get_bind(), "before_cursor_execute", note)
    found: list[dict[str, Any]] = []
    for statement, parameters in asked:
        plan = session.connection().exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
        found += [node for entry in plan.scalar_one() for node in nodes(entry["Plan"])]
    return [node for node in found if "Relation Name" in node]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


@pytest.mark.parametrize("filters", [YEAR, TEN_YEARS], ids=["12 months", "ten years"])
def test_the_managers_page_reads_no_ticket(
    full: Session, filters: DashboardFilters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the senders' verdicts: these are not in the roll-ups and read the tickets of the period."""
    monkeypatch.setattr(dashboard, "count_verdicts", lambda *_asked: {})
    dashboard._COUNTED._answers.clear()
    found = scans(full, lambda: dashboard.build_dashboard(full, filters, MANAGER, TODAY))
    assert "rollup_cells" in {node["Relation Name"] for node in found}
    assert rows_of(found, "tickets") <= 4, "the first and last day of a month, found by the index"


@pytest.mark.parametrize("filters", [YEAR, TEN_YEARS], ids=["12 months", "ten years"])
def test_the_two_sides_read_no_ticket(full: Session, filters: DashboardFilters) -> None:
    two_sides._COMPARED._answers.clear()
    found = scans(full, lambda: two_sides.compare_units(full, filters, MANAGER, TODAY))
    assert "rollup_cells" in {node["Relation Name"] for node in found}
    assert rows_of(found, "tickets") <= 4 and not rows_of(found, "ratings")


def test_what_is_unchanged_is_answered_from_memory(full: Session) -> None:
    dashboard.build_dashboard(full, YEAR, MANAGER, TODAY)
    found = scans(full, lambda: dashboard.build_dashboard(full, YEAR, MANAGER, TODAY))
    assert not rows_of(found, "rollup_cells")


def test_one_change_counts_one_month_of_one_unit_again(full: Session) -> None:
    ticket = full.scalars(select(Ticket).order_by(Ticket.id.desc()).limit(1)).one()
    with db.transaction() as session:
        session.get_one(Ticket, ticket.id).version += 1
    within = [Ticket.unit_id == ticket.unit_id, Ticket.received_on >= ticket.received_on.replace(day=1)]
    month = full.scalar(select(func.count()).select_from(Ticket).where(*within)) or 0
    with db.transaction() as session:
        assert rollups.count_changes(session, TODAY) == 1
        scanned, fetched = session.execute(READ_SO_FAR).one()
    assert (scanned, fetched <= month + 10) == (0, True)


def rows_of(found: list[dict[str, Any]], table: str) -> float:
    """How many rows of a table were read, kept or not."""
    scanned = [node for node in found if node["Relation Name"] == table]
    return sum((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in scanned)
