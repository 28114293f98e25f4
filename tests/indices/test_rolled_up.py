"""The page of two sides counts from roll-ups what an index run counts from tickets: every value is the same."""

from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from backend.ratings import service as ratings
from backend.ratings.service import RatingScores
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel
from backend.users.policy import SYSTEM
from tests.factories import World
from tests.indices.values import assert_same_values

THURSDAY = datetime.fromisoformat("2026-09-10T08:00+07:00")
TODAY = date(2026, 11, 18)
UNITS = ("03388", "03390", "03394", "03405", "03408", "03430", "03433", "03434", "03460", "03463", "03466", "03472")


def test_values_are_the_same_from_tickets_and_from_rollups(session: Session, world: World) -> None:
    """With quarters, units that are compared, and enough ratings for an association."""
    for n in range(144):
        received = THURSDAY + timedelta(days=n % 40)
        answered = received + timedelta(days=3 + n * 7 % 29)
        unit = world.unit(UNITS[n % 12]) if n % 12 < 12 else world.unit()
        ticket, _secret = world.answered(received, answered, unit_id=unit.id)
        told = answered + timedelta(hours=1 + n * 5 % 90)
        world.happen(ticket, Event.NOTIFIED, SYSTEM, told)
        scores = RatingScores(1 + n * 3 % 5, 1 + n * 2 % 5, 1 + n % 5)
        channel = Channel.COUNTER if n % 9 == 0 else Channel.WEB
        ratings.store_rating(session, ticket.id, scores, channel=channel, now=told + timedelta(hours=1))
    codes = {value.code for value in assert_same_values(session, None, date(2026, 9, 1), date(2026, 11, 18), TODAY)}
    assert {"association", "rank_interval", "unit_gap", "ratings_drawn", "change", "told_hours"} <= codes
    assert_same_values(session, None, date(2026, 9, 20), date(2026, 10, 9), TODAY)
    assert_same_values(session, world.unit(), date(2026, 9, 1), date(2026, 11, 18), TODAY)
