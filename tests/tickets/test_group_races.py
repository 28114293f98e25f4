"""Two officers and their senders on one group at the same moment, with real commits on connections of their own."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select

from backend import audit, db
from backend.errors import Conflict, DomainError
from backend.tickets import projection, service
from backend.tickets.answers.outcomes import AnswerContent, AnswerOutcome
from backend.tickets.groups import service as groups
from backend.tickets.groups.models import GroupNews
from backend.tickets.groups.picks import PicksRefused, TicketPick
from backend.tickets.groups.service import GroupAction
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketState
from backend.tickets.service import ActionRequest
from backend.users.models import Role
from backend.users.policy import SENDER, Actor
from tests.chains import first_break
from tests.conftest import NOW
from tests.factories import World
from tests.threads import at_once

DONE = AnswerContent(AnswerOutcome.DONE)

pytestmark = pytest.mark.usefixtures("committed")
LATER = NOW + timedelta(hours=1)
ANSWER = GroupAction(Event.ANSWERED, "Đã vá xong.", mention=True, answer=DONE)


@dataclass(frozen=True)
class Scene:
    """Tickets, their picks as a page showed them, and two officers of their unit."""

    ids: list[int]
    officers: list[Actor]

    def picks(self) -> list[TicketPick]:
        with db.transaction() as session:
            rows = session.execute(select(Ticket.id, Ticket.version).where(Ticket.id.in_(self.ids)).order_by(Ticket.id))
            return [TicketPick(row.id, row.version) for row in rows]

    def form(self, picks: list[TicketPick], officer: int = 0) -> int:
        with db.transaction() as session:
            return groups.form_group(session, picks, "", self.officers[officer], now=NOW).id

    def answer(self, group_id: int, picks: list[TicketPick], officer: int) -> list[bool]:
        with db.transaction() as session:
            results = groups.act_on_members(session, group_id, picks, ANSWER, self.officers[officer], now=LATER)
            return [result.refusal is None for result in results]

    def check(self) -> list[Ticket]:
        """Whole chains, rows that follow from them, and the tickets as they are now."""
        with db.transaction() as session:
            for ticket_id in self.ids:
                assert first_break(audit.list_entries(session, audit.ticket_chain(ticket_id))) is None
            assert list(projection.check_all(session)) == []
            return list(session.scalars(select(Ticket).where(Ticket.id.in_(self.ids)).order_by(Ticket.id)))


@pytest.fixture
def scene() -> Scene:
    with db.transaction() as session:
        world = World(session)
        ids = [world.receive(NOW)[0].id for _ in range(4)]
        return Scene(ids, [world.actor(Role.OFFICER) for _ in range(2)])


def test_two_officers_group_the_same_tickets_and_one_of_them_is_told(scene: Scene) -> None:
    picks = scene.picks()
    came_to = at_once(2, lambda officer: scene.form(picks[officer : officer + 3], officer))
    assert sorted(type(result).__name__ for result in came_to) == [PicksRefused.__name__, "int"]
    tickets = scene.check()
    assert sorted(ticket.group_id is None for ticket in tickets) == [False, False, False, True]


def test_two_officers_answer_the_same_group_and_each_sender_gets_one_answer(scene: Scene) -> None:
    group_id = scene.form(scene.picks())
    seen = scene.picks()
    came_to = at_once(2, lambda officer: scene.answer(group_id, seen, officer))
    assert sum(result == [True] * 4 for result in came_to) == 1
    assert sum(isinstance(result, Conflict) for result in came_to) == 1
    assert {ticket.state for ticket in scene.check()} == {TicketState.ANSWERED}
    with db.transaction() as session:
        for ticket_id in scene.ids:
            entries = audit.list_entries(session, audit.ticket_chain(ticket_id))
            assert [entry.action for entry in entries].count("answered") == 1


def test_a_ticket_added_while_the_group_is_answered_is_not_answered_unread(scene: Scene) -> None:
    group_id = scene.form(scene.picks()[:3])
    seen, fresh = scene.picks()[:3], scene.picks()[3:]

    def act(officer: int) -> object:
        if officer == 0:
            return scene.answer(group_id, seen, 0)
        with db.transaction() as session:
            return groups.add_members(session, group_id, fresh, scene.officers[1], now=LATER).id

    assert at_once(2, act) == [[True] * 3, group_id]
    tickets = scene.check()
    assert [ticket.state for ticket in tickets] == [TicketState.ANSWERED] * 3 + [TicketState.NEW]
    assert {ticket.group_id for ticket in tickets} == {group_id}


def test_undoing_and_answering_at_once_leaves_no_ticket_half_way(scene: Scene) -> None:
    group_id = scene.form(scene.picks())
    seen = scene.picks()

    def act(officer: int) -> object:
        if officer == 0:
            return scene.answer(group_id, seen, 0)
        with db.transaction() as session:
            return groups.undo_group(session, group_id, "Khác việc.", scene.officers[1], now=LATER).id

    answered, _undone = at_once(2, act)
    tickets = scene.check()
    assert {ticket.group_id for ticket in tickets} == {None}
    expected = TicketState.ANSWERED if isinstance(answered, list) else TicketState.NEW
    assert {ticket.state for ticket in tickets} == {expected}


def test_senders_who_write_while_the_group_is_answered_wait_for_nobody_for_ever(scene: Scene) -> None:
    group_id = scene.form(scene.picks())
    seen = scene.picks()

    def act(person: int) -> object:
        if person == 0:
            return scene.answer(group_id, seen, 0)
        with db.transaction() as session:
            request = ActionRequest(Event.WITHDRAWN)
            return service.apply(session, scene.ids[person - 1], request, SENDER, now=LATER).state

    came_to = at_once(5, act)
    assert all(isinstance(result, list | TicketState | DomainError) for result in came_to)
    tickets = scene.check()
    assert {ticket.state for ticket in tickets} <= {TicketState.ANSWERED, TicketState.WITHDRAWN}
    withdrawn = {ticket.id for ticket in tickets if ticket.state is TicketState.WITHDRAWN}
    with db.transaction() as session:
        assert set(session.scalars(select(GroupNews.ticket_id).where(GroupNews.group_id == group_id))) == withdrawn


def test_a_merge_within_the_group_and_an_answer_to_it_do_not_block_each_other(scene: Scene) -> None:
    group_id = scene.form(scene.picks())
    seen = scene.picks()

    def act(officer: int) -> object:
        if officer == 0:
            return scene.answer(group_id, seen, 0)
        request = ActionRequest(Event.MERGED, "Cùng một chỗ.", into_id=scene.ids[3])
        with db.transaction() as session:
            return service.apply(session, scene.ids[0], request, scene.officers[1], now=LATER).state

    came_to = at_once(2, act)
    assert all(isinstance(result, list | TicketState | DomainError) for result in came_to)
    assert scene.check()[3].state is TicketState.ANSWERED
