"""The load data obeys the rules of real tickets: every row follows from its history, and the history is whole."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from backend import settings
from backend.commands.seed import seed
from backend.devserver.load_data import load
from backend.devserver.load_data.load import LoadRequest, load_tickets
from backend.history import sealing, verification, words
from backend.indicators.rollups import service as rollups
from backend.indicators.rollups.verification import find_differences
from backend.tickets import projection
from backend.tickets.models import Channel, Ticket, TicketMessage, TicketState, is_open
from backend.units.models import Unit
from tests.conftest import NOW

UNTIL = date(2026, 11, 17)
TICKETS = 4_000


@pytest.fixture
def full(committed: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A database that was loaded once for all tests of this module: a thousand courses."""
    monkeypatch.setattr(load, "COPIES", 4)
    with Session(committed) as session:
        if not session.scalar(select(func.count()).select_from(Ticket)):
            assert list(load_tickets(LoadRequest(TICKETS, 6, 7, UNTIL), NOW))[-1] == TICKETS
        yield session


def test_every_ticket_follows_from_its_history(full: Session) -> None:
    assert list(projection.check_all(full)) == []
    assert list(words.differences(full)) == []


def test_the_history_is_whole_and_sealed(committed: Engine, full: Session) -> None:
    sealing.seal_all(NOW)
    with Session(committed) as fresh:
        report = verification.verify_history(fresh)
    assert (report.faults, report.unsealed) == ([], 0)
    assert report.entries >= 5.8 * TICKETS


def test_its_figures_are_counted_when_they_are_read(full: Session) -> None:
    rollups.bring_up_to_date(NOW.date())
    assert list(find_differences(full, NOW.date())) == []
    received = text("SELECT sum(numbers[1]) FROM rollup_cells WHERE kind = 'held' AND unit_id <> 0")
    assert full.scalar(received) == full.scalar(select(func.count()).select_from(Ticket))


def test_it_spreads_over_units_channels_states_and_ten_years(full: Session) -> None:
    receiving = full.scalar(select(func.count()).where(Unit.receives))
    assert full.scalar(select(func.count(Ticket.unit_id.distinct()))) == receiving
    assert set(full.scalars(select(Ticket.channel).distinct())) == set(Channel)
    assert set(full.scalars(select(Ticket.state).distinct())) >= set(TicketState) - {TicketState.CONFIRMED}
    first, last = full.execute(select(func.min(Ticket.received_on), func.max(Ticket.received_on))).one()
    assert timedelta(days=3400) < last - first <= timedelta(days=3650)
    assert last <= UNTIL


def test_six_in_a_hundred_are_open(full: Session) -> None:
    count = full.scalar(select(func.count()).select_from(Ticket).where(is_open()))
    assert count == pytest.approx(0.06 * TICKETS, rel=0.1)


def test_texts_differ_and_leave_no_place_open(full: Session) -> None:
    contents = full.scalars(select(Ticket.content)).all()
    assert len(set(contents)) > 0.9 * TICKETS
    bodies = full.scalars(select(TicketMessage.body)).all()
    assert not [body for body in (*contents, *bodies) if "{" in body]


def test_the_same_seed_gives_the_same_tickets(committed: Engine, full: Session) -> None:
    """The second load gets other ids and numbers; the tickets are the same."""
    list(load_tickets(LoadRequest(800, 6, 5, UNTIL), NOW))
    list(load_tickets(LoadRequest(800, 6, 5, UNTIL), NOW))
    columns = "title, content, unit_id, about_unit_id, state, due_date, verdict, received_at, working_days"
    rows = full.execute(text(f"SELECT {columns} FROM tickets ORDER BY id DESC LIMIT 1600")).all()
    full.rollback()
    assert rows[:800] == rows[800:]


def test_it_is_refused_outside_development(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGNGHE_ENVIRONMENT", "production")
    monkeypatch.setenv("LANGNGHE_SECRET_KEY", "a-secret-of-this-test-alone-0123456789")
    monkeypatch.setenv("LANGNGHE_DATABASE_URL", "postgresql+psycopg://unused")
    monkeypatch.setenv("LANGNGHE_BROKER_URL", "redis://unused")
    settings.get_settings.cache_clear()
    assert CliRunner().invoke(seed, ["load", "--tickets", "1"]).exit_code == 2
    assert session.scalar(select(func.count()).select_from(Ticket)) == 0
