"""Several people at once, with real commits on connections of their own."""

from collections import Counter

import pytest
from sqlalchemy import Engine, func, select

from backend import audit, db
from backend.errors import Conflict, NotFound
from backend.tickets import projection, service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.reception import opening, receipts
from backend.tickets.service import ActionRequest
from backend.users.models import Role
from backend.users.policy import SENDER
from tests.chains import first_break
from tests.conftest import NOW
from tests.factories import World, usual_notes
from tests.threads import at_once

pytestmark = pytest.mark.usefixtures("committed")


def test_senders_at_once_get_numbers_of_their_own() -> None:
    with db.transaction() as session:
        drafts = [World(session).draft() for _ in range(24)]

    def send(i: int) -> object:
        with db.transaction() as session:
            return service.open_ticket(session, drafts[i], now=NOW)

    given = at_once(24, send)
    assert all(isinstance(receipt, opening.Receipt) for receipt in given)
    numbers = {receipt.number for receipt in given if isinstance(receipt, opening.Receipt)}
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
            change = service.ActionRequest(Event.ACCEPTED)
            return service.apply(session, ticket.id, change, officers[i], now=NOW, version=ticket.version).version

    outcome = Counter(type(result).__name__ for result in at_once(6, accept))
    assert outcome == {"int": 1, Conflict.__name__: 5}
    with db.transaction() as session:
        chain = audit.list_entries(session, audit.ticket_chain(ticket.id))
        assert [entry.action for entry in chain] == ["received", "accepted"]
        assert first_break(chain) is None


def test_six_people_with_one_page_open_and_six_different_deeds() -> None:
    """Of those who looked at the same version one is first; the sender, who looks at none, may come before or after.
    What is written down is what was done, no more and no less."""
    with db.transaction() as session:
        world = World(session)
        ticket, _secret = world.receive(NOW)
        officer, leader, coordinator = (world.actor(role) for role in (Role.OFFICER, Role.LEADER, Role.COORDINATOR))
        world.happen(ticket, Event.ACCEPTED, officer, NOW)
        other, elsewhere = world.receive(NOW)[0], world.unit("LC-SXD").id
    deeds = [
        (ActionRequest(Event.ANSWERED, "Đã vá xong.", **usual_notes(Event.ANSWERED)), officer),
        (ActionRequest(Event.INFO_REQUESTED, "Đoạn nào?"), officer),
        (ActionRequest(Event.ASSIGNED, to_user_id=officer.user_id), leader),
        (ActionRequest(Event.FORWARDED, "Việc của Sở.", to_unit_id=elsewhere), coordinator),
        (ActionRequest(Event.MERGED, "Cùng một chỗ.", into_id=other.id), coordinator),
        (ActionRequest(Event.WITHDRAWN), SENDER),
    ]

    def do(i: int) -> object:
        change, actor = deeds[i]
        with db.transaction() as session:
            version = None if actor is SENDER else ticket.version
            return service.apply(session, ticket.id, change, actor, now=NOW, version=version).version

    outcome = at_once(6, do)
    done = [deeds[i][0].event for i, result in enumerate(outcome) if isinstance(result, int)]
    assert all(isinstance(result, int | Conflict | NotFound) for result in outcome)
    assert 1 <= len(done) <= 2 and len(set(done) - {Event.WITHDRAWN}) <= 1
    with db.transaction() as session:
        chain = audit.list_entries(session, audit.ticket_chain(ticket.id))
        assert sorted(entry.action for entry in chain) == sorted(["received", "accepted", *done])
        assert first_break(chain) is None and list(projection.check_all(session)) == []
        refused = session.scalars(select(audit.AuditEntry).where(audit.AuditEntry.action.startswith("refused:"))).all()
        assert len([entry for entry in refused if entry.data["ticket"] == ticket.id]) == 6 - len(done)
