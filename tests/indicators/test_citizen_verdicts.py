"""What senders say of closed tickets, beside "on time": counted on small sets made by hand."""

from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from backend.indicators.citizen_verdicts import CITIZEN_INDICATORS, CitizenCounts, count_verdicts
from backend.indicators.counts import KpiScope
from backend.indicators.definitions import definitions
from backend.tickets import service
from backend.tickets.answers.outcomes import AnswerContent, AnswerOutcome
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.service import ActionRequest
from backend.users.policy import SENDER
from tests.factories import World

DAY = datetime.fromisoformat("2026-10-01T08:00+07:00")  # a Thursday
TODAY = date(2026, 11, 18)


def counts(session: Session, world: World, today: date = TODAY) -> CitizenCounts:
    unit_id = world.unit().id
    scope = KpiScope((unit_id,), date(2026, 10, 1), date(2026, 10, 31), None, today)
    return count_verdicts(session, scope)[unit_id]


def says(session: Session, ticket: Ticket, event: Event, days: int = 2) -> None:
    at = DAY + timedelta(days=days)
    if ticket.untold:
        service.apply(session, ticket.id, ActionRequest(Event.NOTIFIED), SENDER, now=at)
    service.apply(session, ticket.id, ActionRequest(event, "Tôi có ý kiến."), SENDER, now=at)


def test_no_word_stays_in_the_denominator_and_is_never_satisfied(session: Session, world: World) -> None:
    closed = [world.answered(DAY, DAY + timedelta(days=1))[0] for _n in range(4)]
    world.receive(DAY)  # open: nobody was asked
    refused = world.happen(world.receive(DAY)[0], Event.REFUSED, world.actor(), DAY)
    says(session, closed[0], Event.CONFIRMED)
    says(session, closed[1], Event.DISPUTED)
    says(session, refused, Event.CONFIRMED)
    figures = counts(session, world)
    assert (figures.closed, figures.confirmed, figures.disputed, figures.no_word) == (5, 2, 1, 2)
    assert (figures.rate.k, figures.rate.n) == (2, 5)


def test_another_answer_does_not_erase_a_disagreement(session: Session, world: World) -> None:
    ticket, _secret = world.answered(DAY, DAY + timedelta(days=1))
    says(session, ticket, Event.DISPUTED)
    world.happen(ticket, Event.ANSWERED, world.actor(), DAY + timedelta(days=3))
    assert counts(session, world).disputed == 1
    says(session, ticket, Event.CONFIRMED, days=4)
    figures = counts(session, world)
    assert (figures.confirmed, figures.disputed) == (1, 0)


def test_a_missed_promise_is_counted_while_it_is_owed_and_after(session: Session, world: World) -> None:
    officer = world.actor()
    tickets = []
    for until in (date(2026, 10, 6), date(2026, 10, 6), date(2026, 12, 1)):
        ticket, _secret = world.receive(DAY)
        world.happen(ticket, Event.ACCEPTED, officer, DAY)
        content = AnswerContent(AnswerOutcome.PROMISED)
        promise = ActionRequest(Event.ANSWERED, "Sẽ làm.", until=until, answer=content)
        service.apply(session, ticket.id, promise, officer, now=DAY + timedelta(days=1))
        tickets.append(ticket)
    world.happen(tickets[0], Event.PROMISE_KEPT, officer, DAY + timedelta(days=4))  # Monday 5 October
    before, after = (counts(session, world, day) for day in (date(2026, 10, 6), date(2026, 10, 7)))
    assert (before.promised, before.missed) == (1, 0)
    assert (after.promised, after.missed) == (2, 1)
    world.happen(tickets[1], Event.PROMISE_KEPT, officer, DAY + timedelta(days=20))
    assert counts(session, world).missed == 1


def test_each_has_its_definition_and_its_own_sentence() -> None:
    assert {indicator.code for indicator in CITIZEN_INDICATORS} <= {definition.code for definition in definitions()}
    assert len({indicator.sentence for indicator in CITIZEN_INDICATORS}) == len(CITIZEN_INDICATORS)
