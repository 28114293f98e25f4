"""Similar tickets are found by their words, for those who may see them."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.tickets import service as tickets
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.similar import service
from backend.tickets.similar.models import SimilarPair, SimilarText
from backend.tickets.similar.queries import SIMILAR_MOST, SimilarTicket, list_similar
from backend.tickets.similar.scoring import PlaceLikeness
from backend.tickets.similar.tasks import list_texts, tidy_texts
from backend.units.neighbours import find_neighbours, list_neighbours
from backend.users.models import Role
from backend.users.policy import Actor
from tests.factories import World


@pytest.fixture
def officer(world: World) -> Actor:
    return world.actor()


@pytest.fixture
def ticket(world: World, now: datetime) -> Ticket:
    return world.receive(now)[0]


def similar(session: Session, ticket: Ticket, actor: Actor, now: datetime) -> list[SimilarTicket]:
    session.flush()
    service.list_new_texts(now, everything=True)
    return list_similar(session, ticket, actor, now.date())


def test_the_same_matter_in_other_words_is_found_and_another_matter_is_not(
    session: Session, world: World, ticket: Ticket, officer: Actor, now: datetime
) -> None:
    other = world.receive(
        now - timedelta(days=3), title="Cổng chợ có ổ gà", content="Xe máy hay ngã ở đoạn đường này."
    )[0]
    world.receive(now, title="Đèn đường không sáng", content="Ba bóng đèn trước trường học bị hỏng.")
    (found,) = similar(session, ticket, officer, now)
    assert found.ticket.id == other.id
    assert found.score.pairs == ("ổ gà", "cổng chợ", "đoạn đường")
    assert (found.score.place, found.score.same_category, found.score.days) == (PlaceLikeness.SAME, True, 3)


def test_a_text_without_tone_marks_is_found_too(
    session: Session, world: World, ticket: Ticket, officer: Actor, now: datetime
) -> None:
    other = world.receive(now, title="o ga truoc cong cho", content="duong hong, xe di lai kho")[0]
    assert [row.ticket.id for row in similar(session, ticket, officer, now)] == [other.id]


def test_what_the_officer_must_not_see_is_not_found(
    session: Session, world: World, ticket: Ticket, officer: Actor, now: datetime
) -> None:
    elsewhere = world.receive(now, unit_id=world.unit("LC-SXD").id)[0]
    conduct = world.receive(now, category_code="attitude")[0]
    conduct.unit_id = ticket.unit_id  # a complaint about the officer's own unit that lies there by mistake
    assert similar(session, ticket, officer, now) == []
    coordinator = world.actor(Role.COORDINATOR)
    seen = {row.ticket.id for row in similar(session, ticket, coordinator, now)}
    assert conduct.id in seen and elsewhere.id not in seen  # the whole province is not the neighbourhood


def test_the_coordinator_finds_those_of_the_next_commune(
    session: Session, world: World, ticket: Ticket, now: datetime
) -> None:
    near = next(iter(list_neighbours(session, ticket.about_unit_id)))
    other = world.receive(now, unit_id=near)[0]
    (found,) = similar(session, ticket, world.actor(Role.COORDINATOR), now)
    assert (found.ticket.id, found.score.place) == (other.id, PlaceLikeness.NEIGHBOUR)


def test_a_forwarded_ticket_is_found_where_it_lies_now(
    session: Session, world: World, ticket: Ticket, officer: Actor, now: datetime
) -> None:
    other = world.receive(now)[0]
    assert len(similar(session, ticket, officer, now)) == 1
    unit = world.unit("LC-SXD")
    request = tickets.ActionRequest(Event.FORWARDED, "Việc của Sở.", to_unit_id=unit.id)
    tickets.apply(session, other.id, request, officer, now=now)
    assert similar(session, ticket, officer, now) == []
    there = world.receive(now, unit_id=unit.id)[0]
    found = similar(session, there, world.actor(Role.OFFICER, unit), now)
    assert [row.ticket.id for row in found] == [other.id]


def test_what_came_in_more_than_90_days_ago_is_forgotten(
    session: Session, world: World, ticket: Ticket, officer: Actor, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.receive(now - timedelta(days=89))
    session.flush()
    list_texts()  # yesterday and today
    assert session.scalar(select(func.count()).select_from(SimilarText)) == 1
    tidy_texts()
    assert len(list_similar(session, ticket, officer, now.date())) == 1
    service.remove_old_texts(now + timedelta(days=2))
    assert session.scalars(select(SimilarText.ticket_id)).all() == [ticket.id]
    assert set(session.scalars(select(SimilarPair.ticket_id))) == {ticket.id}


def test_running_twice_stores_nothing_twice(session: Session, ticket: Ticket, now: datetime) -> None:
    session.flush()
    assert service.list_new_texts(now) == 1
    assert service.list_new_texts(now) == 0
    service.store_pairs(session, [ticket])
    pairs = session.scalars(select(SimilarPair.pair)).all()
    assert sorted(pairs) == sorted(session.get_one(SimilarText, ticket.id).pairs)


def test_a_page_shows_a_few_and_the_cost_is_bounded(
    session: Session, world: World, ticket: Ticket, officer: Actor, now: datetime
) -> None:
    for _ in range(SIMILAR_MOST + 3):
        world.receive(now)
    assert len(similar(session, ticket, officer, now)) == SIMILAR_MOST


def test_a_text_of_common_words_alone_is_similar_to_nothing(
    session: Session, world: World, officer: Actor, now: datetime
) -> None:
    empty, other = (world.receive(now, title="Kính gửi", content="Đề nghị cơ quan giải quyết.")[0] for _ in range(2))
    assert similar(session, empty, officer, now) == [] and similar(session, other, officer, now) == []


def test_units_are_neighbours_where_their_borders_run_together() -> None:
    def square(x: int, y: int) -> dict[str, object]:
        return {"type": "Polygon", "coordinates": [[[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1], [x, y]]]}

    assert find_neighbours({1: square(0, 0), 2: square(1, 0), 3: square(1, 1), 4: square(5, 5)}) == {
        1: frozenset({2}),
        2: frozenset({1, 3}),
        3: frozenset({2}),
    }
