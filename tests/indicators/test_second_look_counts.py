"""Second looks in figures: by the unit that answered and the day of the request; a unit sees decided ones alone."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from backend.indicators.filters import DashboardFilters
from backend.indicators.second_look_counts import LookFigures, count_second_looks
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel
from backend.tickets.second_looks import service as looks
from backend.tickets.second_looks.models import LookResult
from backend.tickets.second_looks.service import LookDecision
from backend.users.models import Role
from backend.users.policy import Actor
from tests.factories import SENDER, World
from tests.markup import text_of
from tests.signing_in import sign_in

NOVEMBER = DashboardFilters(None, date(2026, 11, 1), date(2026, 11, 30), None, chosen=True)


@pytest.fixture
def looked_at(world: World, now: datetime) -> None:
    """Two units: one of each result and an open one; an open one alone."""
    results: list[LookResult | None] = [*LookResult, LookResult.UPHELD, None]
    for result in results:
        ask(world, now, result)
    ask(world, now, None, unit_id=world.unit("LC-SXD").id)


def ask(world: World, now: datetime, result: LookResult | None, **more: int) -> None:
    ticket, _secret = world.answered(now, now, **more)
    world.happen(ticket, Event.NOTIFIED, SENDER, now)
    look = looks.ask_second_look(world.session, ticket.id, "Chưa xong.", now=now)
    if result is not None:
        actor = world.actor(Role.COORDINATOR)
        looks.take_look(world.session, look.id, actor, now=now)
        decision = LookDecision(result, "Đã xem lại.")
        looks.decide_look(world.session, look.id, actor, decision, now=now + timedelta(days=40))


def numbers(figures: LookFigures) -> dict[str, tuple[int, ...]]:
    return {
        row.unit.code: (row.asked, row.upheld, row.corrected, row.sent_back, row.late, row.decided)
        for row in figures.rows
    }


@pytest.mark.usefixtures("looked_at")
class TestCounts:
    def test_the_province_sees_every_request_by_the_unit_that_answered(self, session: Session, world: World) -> None:
        figures = count_second_looks(session, NOVEMBER, Actor(Role.MANAGER))
        assert numbers(figures) == {"03388": (5, 2, 1, 1, 4, 4), "LC-SXD": (1, 0, 0, 0, 0, 0)}
        assert (figures.asked, figures.decided, figures.only_decided) == (6, 4, False)

    def test_a_unit_sees_decided_ones_alone(self, session: Session, world: World) -> None:
        leader = world.actor(Role.LEADER)
        figures = count_second_looks(session, replace(NOVEMBER, unit=world.unit()), leader)
        assert numbers(figures) == {"03388": (4, 2, 1, 1, 4, 4)} and figures.only_decided
        other = world.actor(Role.LEADER, world.unit("LC-SXD"))
        filters = replace(NOVEMBER, unit=world.unit("LC-SXD"))
        assert count_second_looks(session, filters, other).rows == []

    def test_the_period_is_that_of_the_request_and_the_channel_that_of_the_ticket(self, session: Session) -> None:
        manager = Actor(Role.MANAGER)
        october = replace(NOVEMBER, first=date(2026, 10, 1), last=date(2026, 10, 31))
        assert count_second_looks(session, october, manager).rows == []
        assert count_second_looks(session, replace(NOVEMBER, channel=Channel.TELEGRAM), manager).rows == []
        assert count_second_looks(session, replace(NOVEMBER, channel=Channel.WEB), manager).asked == 6

    def test_the_manager_s_page_shows_them_with_n_and_period(self, client: TestClient, world: World) -> None:
        sign_in(client, world.user(Role.MANAGER))
        page = text_of(client.get("/chi-so?tu=01/11/2026&den=30/11/2026").text)
        assert "Cấp trên xem lại: 4 đã có kết quả (n = 6 yêu cầu)" in page
        assert "Phường Đoàn Kết 5 2 1 1 4" in page and "01/11/2026 – 30/11/2026" in page
        assert client.get("/chi-so/dinh-nghia").text.count('id="second_looks"') == 1
