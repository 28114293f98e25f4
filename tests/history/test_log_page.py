"""The auditor's page of the log: what is found by day, person, action and ticket, and what is never shown."""

from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from backend.history import log_queries, log_texts
from backend.tickets.lifecycle import Event
from backend.tickets.second_looks import service as looks
from backend.users.models import Role
from tests.factories import SENDER, World
from tests.markup import field_error, text_of
from tests.signing_in import sign_in

LOG = "/nhat-ky"


@pytest.fixture
def auditor(client: TestClient, world: World) -> None:
    sign_in(client, world.user(Role.AUDITOR, name="Hoàng Văn Lâm"))


@pytest.mark.usefixtures("auditor")
class TestLog:
    def test_it_shows_who_did_what_and_no_text(self, client: TestClient, world: World, now: datetime) -> None:
        ticket, _secret = world.answered(now, now)
        page = text_of(client.get(LOG).text)
        assert ticket.number in page and "Lò Thị Thử" in page and "Người gửi" in page
        assert "Hoàng Văn Lâm" in page and "Đăng nhập" in page
        for text in (ticket.title, ticket.content, "Đã vá xong", "nguoigui@example.vn", "Lò Văn Thử"):
            assert text not in page

    def test_a_number_shows_everything_about_one_ticket_whatever_the_day(
        self, client: TestClient, world: World, now: datetime
    ) -> None:
        ticket, _secret = world.answered(now - timedelta(days=300), now - timedelta(days=290))
        world.receive(now)
        page = text_of(client.get(f"{LOG}?so={ticket.number}").text)
        assert page.count(ticket.number) >= 3 and "Trả lời" in page and "Đăng nhập" not in page.split("Lúc")[-1]

    def test_days_actions_and_people_narrow_it(self, client: TestClient, world: World, now: datetime) -> None:
        officer = world.user()
        ticket, _secret = world.receive(now - timedelta(days=20))
        other, _secret = world.receive(now)
        world.happen(other, Event.ACCEPTED, world.actor(), now)
        assert ticket.number not in client.get(LOG).text
        assert ticket.number in client.get(f"{LOG}?tu=20/10/2026&den=30/10/2026").text
        accepted = client.get(f"{LOG}?viec=accepted").text
        assert other.number in accepted and "Đã nhận phản ánh" not in accepted.split("</form>")[-1]
        assert other.number in client.get(f"{LOG}?ai=sender").text
        assert other.number not in client.get(f"{LOG}?ai={officer.email}").text

    def test_a_second_look_stands_in_the_log(self, client: TestClient, world: World, now: datetime) -> None:
        ticket, _secret = world.answered(now, now)
        world.happen(ticket, Event.NOTIFIED, SENDER, now)
        looks.ask_second_look(world.session, ticket.id, "Mới vá một nửa.", now=now)
        page = text_of(client.get(f"{LOG}?viec=second_look_asked").text)
        assert ticket.number in page and "Mới vá một nửa." not in page

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("tu=hom-qua", "tu"),
            ("den=31/02/2026", "den"),
            ("tu=20/11/2026&den=10/11/2026", "tu"),
            ("tu=01/01/2020&den=01/11/2026", "tu"),
            ("ai=khong@example.vn", "ai"),
            ("viec=bay-len", "viec"),
            ("so=PAKN.20200101.0001", "so"),
        ],
    )
    def test_what_does_not_exist_is_told_at_its_field(self, client: TestClient, query: str, field: str) -> None:
        page = client.get(f"{LOG}?{query}")
        assert page.status_code == 422 and field_error(page.text, field)

    @pytest.mark.parametrize("after", ["x", "2026-11-18,1", "2026-11-18T00:00:00+07:00,x"])
    def test_a_page_that_does_not_exist_is_told(self, client: TestClient, after: str) -> None:
        assert client.get(LOG, params={"sau": after}).status_code == 422

    def test_the_auditor_sees_figures_and_no_ticket(self, client: TestClient, world: World, now: datetime) -> None:
        ticket, _secret = world.receive(now)
        assert client.get("/chi-so").status_code == 200
        for path in (
            "/hop-thu",
            f"/hop-thu/{ticket.number}",
            "/tai-khoan",
            "/ban-dieu-phoi",
            "/xem-lai",
            "/chi-so/phan-anh",
        ):
            assert client.get(path).status_code == 403


def test_pages_of_the_log_follow_one_another_without_a_gap(session: Session, world: World, now: datetime) -> None:
    for _n in range(7):
        world.answered(now, now)
    wanted = log_queries.LogFilter(now.date(), now.date())
    whole = list(log_queries.list_log(session, wanted, limit=1000).entries)
    after: log_queries.LogKey | None = None
    pieces: list[log_queries.LogEntry] = []
    while True:
        page = log_queries.list_log(session, wanted, after, limit=4)
        pieces += page.entries
        after = page.after
        if after is None:
            break
    assert pieces == whole and len(whole) >= 21


def test_every_event_has_a_name_and_a_refused_attempt_is_told_apart() -> None:
    assert {event.value for event in Event} <= set(log_texts.ACTION_NAMES)
    assert log_texts.split_action("refused:answered") == ("Trả lời", True)
    assert log_texts.split_action("something_else") == ("something_else", False)
