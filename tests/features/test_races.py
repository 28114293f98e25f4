"""Several people at once, with real commits on connections of their own."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine, func, select

from backend import audit, db
from backend.errors import Conflict, DomainError
from backend.tickets import receipts, reception, service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.users.models import Role
from tests.conftest import NOW
from tests.factories import World

pytestmark = pytest.mark.usefixtures("committed")


def at_once(people: int, act: Callable[[int], object]) -> list[object]:
    """Let ``people`` threads act at the same moment; what each came to, a refusal included."""
    barrier = Barrier(people)

    def one(i: int) -> object:
        barrier.wait()
        try:
            return act(i)
        except DomainError as refusal:
            return refusal

    with ThreadPoolExecutor(people) as pool:
        return list(pool.map(one, range(people)))


def test_senders_at_once_get_numbers_of_their_own() -> None:
    with db.transaction() as session:
        drafts = [World(session).draft() for _ in range(24)]

    def send(i: int) -> object:
        with db.transaction() as session:
            return service.open_ticket(session, drafts[i], now=NOW)

    given = at_once(24, send)
    assert all(isinstance(receipt, reception.Receipt) for receipt in given)
    numbers = {receipt.number for receipt in given if isinstance(receipt, reception.Receipt)}
    assert len(numbers) == 24
    assert all(int(number.rsplit(".", 1)[1]) > 0 for number in numbers)


def test_a_form_sent_eight_times_at_once_is_one_ticket_with_one_receipt() -> None:
    with db.transaction() as session:
        draft = World(session).draft()

    def send(_i: int) -> object:
        with db.transaction() as session:
            receipt = service.open_ticket(session, draft, now=NOW)
            return receipt.number, receipt.secret

    assert len(set(at_once(8, send))) == 1
    with db.transaction() as session:
        assert session.scalar(select(func.count()).where(Ticket.idempotency_hash == receipts.key_hash(draft.key))) == 1


def test_six_officers_on_one_ticket_one_succeeds_and_five_are_told(committed: Engine) -> None:
    with db.transaction() as session:
        world = World(session)
        ticket, _secret = world.receive(NOW)
        officers = [world.actor(Role.OFFICER) for _ in range(6)]

    def accept(i: int) -> object:
        with db.transaction() as session:
            change = service.Change(Event.ACCEPTED)
            return service.apply(session, ticket.id, change, officers[i], now=NOW, version=ticket.version).version

    outcome = Counter(type(result).__name__ for result in at_once(6, accept))
    assert outcome == {"int": 1, Conflict.__name__: 5}
    with db.transaction() as session:
        chain = audit.entries(session, f"ticket:{ticket.id}")
        assert [entry.action for entry in chain] == ["received", "accepted"]
        assert audit.first_break(chain) is None
