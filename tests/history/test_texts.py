"""Texts and ratings that somebody changes behind the application's back are named by what the history keeps."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend import audit
from backend.history import words
from backend.ratings import service as ratings
from backend.ratings.service import RatingScores
from backend.tickets import projection
from backend.tickets.models import Channel, Ticket
from tests.factories import World


@pytest.fixture
def rated(session: Session, world: World, now: datetime) -> Ticket:
    ticket, _secret = world.answered(now - timedelta(days=5), now - timedelta(days=1))
    scores = RatingScores(5, 4, 2, "Cảm ơn, hơi lâu.")
    ratings.store_rating(session, ticket.id, scores, channel=Channel.WEB, now=now - timedelta(hours=1))
    session.flush()
    return ticket


def found(session: Session) -> list[tuple[str, str]]:
    session.flush()
    return [(one.ticket, one.what) for one in words.differences(session)]


def test_untouched_all_holds(session: Session, rated: Ticket) -> None:
    assert found(session) == []
    assert list(projection.check_all(session)) == []


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE tickets SET title = title || '!' WHERE id = :id", "words"),
        ("UPDATE tickets SET content = 'Không có gì.' WHERE id = :id", "words"),
        ("UPDATE ticket_messages SET body = body || '!' WHERE ticket_id = :id", "message"),
        ("UPDATE ticket_messages SET ticket_id = ticket_id + 1 WHERE ticket_id = :id", "message"),
        ("DELETE FROM ticket_messages WHERE ticket_id = :id", "message"),
        ("UPDATE ratings SET timely = 5 WHERE ticket_id = :id", "rating"),
        ("UPDATE ratings SET unit_id = unit_id + 1 WHERE ticket_id = :id", "rating"),
        ("UPDATE ratings SET remark = 'Rất tốt.' WHERE ticket_id = :id", "rating"),
        ("DELETE FROM ratings WHERE ticket_id = :id", "rating"),
    ],
)
def test_text_or_rating_that_was_changed_is_named(session: Session, rated: Ticket, statement: str, what: str) -> None:
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(statement), {"id": rated.id})
    assert [(ticket, kind.partition(":")[0]) for ticket, kind in found(session)] == [(rated.number, what)]


def test_text_and_rating_that_the_history_knows_nothing_of_are_named(
    session: Session, world: World, now: datetime
) -> None:
    ticket, _secret = world.answered(now - timedelta(days=5), now - timedelta(days=1))
    session.execute(
        text("INSERT INTO ticket_messages (ticket_id, kind, body, at) VALUES (:id, 'answer', 'Khác.', :at)"),
        {"id": ticket.id, "at": now},
    )
    session.execute(
        text(
            "INSERT INTO ratings (ticket_id, unit_id, received_on, ease, by_rules, timely, channel, method, at)"
            " VALUES (:id, :unit, :day, 5, 5, 5, 'web', 'sipas-feedback-3', :at)"
        ),
        {"id": ticket.id, "unit": ticket.unit_id, "day": ticket.received_on, "at": now},
    )
    assert [(number, kind.partition(":")[0]) for number, kind in found(session)] == [
        (ticket.number, "message"),
        (ticket.number, "rating"),
    ]


def test_ticket_that_was_deleted_is_named_by_its_chain(session: Session, world: World, now: datetime) -> None:
    ticket, _secret = world.receive(now)
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text("DELETE FROM tickets WHERE id = :id"), {"id": ticket.id})
    session.expunge(ticket)
    assert found(session) == [(audit.ticket_chain(ticket.id), "ticket")]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tickets SET received_on = received_on - 40 WHERE id = :id",
        "UPDATE tickets SET category_code = 'environment' WHERE id = :id",
        "UPDATE tickets SET about_unit_id = about_unit_id + 1 WHERE id = :id",
    ],
)
def test_what_reception_wrote_for_good_is_checked(session: Session, rated: Ticket, statement: str) -> None:
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(statement), {"id": rated.id})
    (difference,) = projection.check_all(session)
    assert difference.what in statement
