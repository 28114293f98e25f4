"""The demonstration obeys the rules that real tickets obey."""

from dataclasses import replace
from datetime import date
from itertools import groupby, islice

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from backend import audit, settings
from backend.commands.seed import seed
from backend.devserver.demo import load, survey
from backend.devserver.demo.generate import generate_cases
from backend.kpi import timeliness
from backend.surveys.models import Ballot
from backend.surveys.rounds import synthetic
from backend.tickets import projection
from backend.tickets.models import Ticket
from backend.units.models import Unit
from backend.worktime.calendar import local_time
from backend.worktime.duration import Duration
from backend.worktime.shipped import shipped_calendar
from tests.chains import first_break
from tests.conftest import NOW

UNTIL = date(2026, 11, 17)


def test_the_same_seed_gives_the_same_cases_and_fewer_are_the_first_of_more() -> None:
    calendar = shipped_calendar("vn")
    few, more = (list(generate_cases(7, count, ["03388", "03390"], calendar, UNTIL)) for count in (20, 40))
    assert few == more[:20]
    assert few != list(generate_cases(8, 20, ["03388", "03390"], calendar, UNTIL))


def test_an_interrupted_load_goes_on_where_it_stopped(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "BATCH", 30)
    assert list(islice(load.load_cases(7, 90, UNTIL, NOW), 1)) == [30]
    assert list(load.load_cases(7, 90, UNTIL, NOW)) == [60, 90]
    assert session.scalar(select(func.count()).select_from(Ticket)) == 90


def test_its_history_holds_and_agrees_with_the_tickets(session: Session) -> None:
    assert list(load.load_cases(7, 60, UNTIL, NOW)) == [60]
    tickets = {audit.ticket_chain(ticket.id): ticket for ticket in session.scalars(select(Ticket))}
    entries = session.scalars(
        select(audit.AuditEntry)
        .where(audit.AuditEntry.chain.in_(tickets))
        .order_by(audit.AuditEntry.chain, audit.AuditEntry.seq)
    )
    for chain, links in groupby(entries, key=lambda entry: entry.chain):
        course = list(links)
        ticket = tickets[chain]
        assert first_break(course) is None
        assert course[0].at == ticket.received_at
        answers = [entry.at for entry in course if entry.action == "answered"]
        assert answers[:1] == ([ticket.answered_at] if ticket.answered_at else [])
        assert (ticket.answer_outcome is not None) == bool(answers)
        assert all(local_time(entry.at).date() <= UNTIL for entry in course)
    assert all(ticket.demonstration for ticket in tickets.values())
    assert list(projection.check_all(session)) == []


def test_it_is_refused_outside_development(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGNGHE_ENVIRONMENT", "production")
    monkeypatch.setenv("LANGNGHE_SECRET_KEY", "a-secret-of-this-test-alone-0123456789")
    monkeypatch.setenv("LANGNGHE_DATABASE_URL", "postgresql+psycopg://unused")
    monkeypatch.setenv("LANGNGHE_BROKER_URL", "redis://unused")
    settings.get_settings.cache_clear()
    outcome = CliRunner().invoke(seed, ["demo", "--tickets", "1"])
    assert outcome.exit_code == 2
    assert session.scalar(select(func.count()).select_from(Ticket)) == 0


def test_figures_of_a_command_leave_invented_cases_out_unless_asked(session: Session) -> None:
    list(load.load_cases(7, 60, UNTIL, NOW))
    asked = timeliness.TimelinessRequest(
        date(2025, 1, 1), UNTIL, Duration.parse("15 working days"), shipped_calendar("weekdays"), as_of=UNTIL
    )
    assert timeliness.count_timeliness(session, asked).figures.received == 0
    everything = timeliness.count_timeliness(session, replace(asked, invented=True))
    assert (everything.figures.received, everything.demonstration) == (60, 60)


def test_its_survey_round_is_imported_once_and_whole(session: Session) -> None:
    assert survey.load_survey(UNTIL, NOW) == synthetic.N
    assert survey.load_survey(UNTIL, NOW) == 0
    ballots = session.execute(select(Ballot.entered_on, Unit.valid_to).join(Unit, Unit.id == Ballot.unit_id)).all()
    assert len(ballots) == synthetic.N
    assert {row.valid_to for row in ballots} == {None}
    assert all(date(2026, 10, 1) < row.entered_on <= UNTIL for row in ballots)
