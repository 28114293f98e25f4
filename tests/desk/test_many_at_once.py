"""Many tickets at once over HTTP and without JavaScript: ticking, the page between, results by row, the way back."""

import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.desk.bulk.models import BulkStep
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketMessage, TicketState
from backend.users.models import Role, User
from tests.factories import World
from tests.signing_in import sign_in

MANY = "/hop-thu/nhieu"


@pytest.fixture
def three(world: World, now: datetime) -> list[Ticket]:
    """Two new tickets, and one that an officer accepted."""
    tickets = [world.receive(now - timedelta(days=n), title=f"Ổ gà trước cổng chợ {n}")[0] for n in range(3)]
    world.happen(tickets[2], Event.ACCEPTED, world.actor(), now)
    return tickets


@pytest.fixture
def elsewhere(world: World, now: datetime) -> Ticket:
    return world.receive(now, unit_id=world.unit("LC-SXD").id, title="Việc của nơi khác")[0]


@pytest.fixture
def complaint(session: Session, world: World, now: datetime) -> Ticket:
    """A complaint about the conduct of the unit that came to the unit itself by mistake."""
    ticket = world.receive(now, category_code="attitude", title="Cán bộ nói năng thô lỗ")[0]
    ticket.unit_id = world.unit().id
    session.flush()
    return ticket


def values(session: Session, *picked: Ticket) -> list[str]:
    for ticket in picked:
        session.refresh(ticket)
    return [f"{ticket.number}@{ticket.version}" for ticket in picked]


def submit(client: TestClient, act: str, picked: list[str], **fields: str) -> Response:
    return client.post(MANY, data={"act": act, "step": "do", "key": "k" * 32, "pick": picked, **fields})


def words(page: str) -> str:
    """What a page says, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def states(session: Session, tickets: list[Ticket]) -> list[TicketState]:
    for ticket in tickets:
        session.refresh(ticket)
    return [ticket.state for ticket in tickets]


class TestTicking:
    def test_the_inbox_has_a_labelled_box_for_each_row_and_what_the_role_may_do(
        self, client: TestClient, session: Session, world: World, three: list[Ticket]
    ) -> None:
        sign_in(client, world.user(Role.LEADER))
        page = client.get("/hop-thu").text
        assert page.count('name="pick"') == 3 and f"Chọn {three[0].number}" in words(page)
        acts = re.findall(r'name="act" value="([^"]+)"', page)
        assert acts[:4] == ["chap-nhan", "giao-viec", "chuyen", "ghi-chu"]
        assert values(session, three[0])[0] in page

    def test_all_of_the_page_is_ticked_by_a_link(self, client: TestClient, world: World, three: list[Ticket]) -> None:
        sign_in(client, world.user())
        link = re.search(r'data-tick-all[^>]*href="([^"]+)"', client.get("/hop-thu").text, re.DOTALL)
        assert link
        assert client.get(unescape(link[1])).text.count(" checked>") == 3

    def test_nothing_ticked_leads_back_to_the_same_list_with_the_reason(
        self, client: TestClient, world: World, three: list[Ticket]
    ) -> None:
        sign_in(client, world.user())
        answer = client.get(MANY, params={"act": "chap-nhan", "from": "state=open&waits=new"})
        assert answer.headers["location"] == "/hop-thu?state=open&waits=new"
        assert "Xin chọn ít nhất một phản ánh." in client.get(answer.headers["location"]).text

    def test_an_officer_who_may_not_assign_is_refused(
        self, client: TestClient, session: Session, world: World, three: list[Ticket]
    ) -> None:
        sign_in(client, world.user())
        pick = values(session, *three)
        assert client.get(MANY, params={"act": "giao-viec", "pick": pick}).status_code == 403
        assert submit(client, "giao-viec", pick, to_user="1").status_code == 403

    def test_fifty_one_rows_are_too_many(self, client: TestClient, world: World) -> None:
        sign_in(client, world.user())
        many = [f"PAKN.20261118.{n:04}@1" for n in range(51)]
        answer = client.get(MANY, params={"act": "chap-nhan", "pick": many})
        assert answer.status_code == 303
        assert "Chọn nhiều nhất 50 phản ánh một lần." in client.get("/hop-thu").text


class TestPageBetween:
    def test_it_shows_the_effect_on_each_due_date_and_writes_nothing(
        self, client: TestClient, session: Session, world: World, three: list[Ticket]
    ) -> None:
        sign_in(client, world.user())
        page = client.get(MANY, params={"act": "chuyen", "pick": values(session, *three)})
        assert page.status_code == 200
        assert words(page.text).count("không thay đổi.") == 3
        assert words(page.text).count("từ lúc này tính cho cơ quan nhận.") == 3
        assert states(session, three) == [TicketState.NEW, TicketState.NEW, TicketState.ACCEPTED]

    def test_what_is_not_possible_is_told_and_not_ticked(
        self, client: TestClient, session: Session, world: World, three: list[Ticket]
    ) -> None:
        sign_in(client, world.user())
        page = client.get(MANY, params={"act": "chap-nhan", "pick": values(session, *three)}).text
        assert page.count(" checked>") == 2 and words(page).count("Không làm được:") == 1

    def test_a_row_that_changed_since_it_was_ticked_says_so(
        self, client: TestClient, session: Session, world: World, three: list[Ticket], now: datetime
    ) -> None:
        sign_in(client, world.user())
        old = values(session, *three[:2])
        world.happen(three[0], Event.ACCEPTED, world.actor(), now)
        page = words(client.get(MANY, params={"act": "chuyen", "pick": old}).text)
        assert page.count("Người khác vừa xử lý phản ánh này.") == 1


class TestCarryingOut:
    def test_rows_are_accepted_and_the_result_is_told_by_row(
        self, client: TestClient, session: Session, world: World, three: list[Ticket]
    ) -> None:
        sign_in(client, world.user())
        answer = submit(client, "chap-nhan", values(session, *three))
        assert answer.status_code == 303
        page = words(client.get(answer.headers["location"]).text)
        assert "2 xong" in page and "1 chưa làm được" in page and "đang ở bước khác" in page
        assert states(session, three) == [TicketState.ACCEPTED] * 3

    def test_numbers_of_another_unit_and_a_hidden_complaint_are_not_there(
        self, client: TestClient, session: Session, world: World, three: list[Ticket], elsewhere: Ticket,
        complaint: Ticket,
    ) -> None:  # fmt: skip
        sign_in(client, world.user())
        pick = [*values(session, three[0], elsewhere, complaint), "PAKN.20200101.0001@1"]
        between = client.get(MANY, params={"act": "chap-nhan", "pick": pick})
        answer = submit(client, "chap-nhan", pick)
        after = client.get(answer.headers["location"])
        for page in (between.text, after.text):
            assert elsewhere.title not in page and complaint.title not in page
            assert words(page).count("Không tìm thấy nội dung này.") == 3
        assert "1 xong" in words(after.text) and "3 chưa làm được" in words(after.text)
        assert states(session, [elsewhere, complaint]) == [TicketState.NEW, TicketState.NEW]

    def test_a_stale_version_is_told_and_the_rest_is_done(
        self, client: TestClient, session: Session, world: World, three: list[Ticket], now: datetime
    ) -> None:
        sign_in(client, world.user())
        old = values(session, *three)
        world.happen(three[2], Event.NOTED, world.actor(), now)  # a note makes nobody's page old
        world.happen(three[0], Event.ACCEPTED, world.actor(), now)
        unit = str(world.unit("LC-SXD").id)
        answer = submit(client, "chuyen", old, to_unit=unit, reason="Đúng việc của sở.")
        page = words(client.get(answer.headers["location"]).text)
        assert "2 xong" in page and "Người khác vừa xử lý phản ánh này." in page
        session.refresh(three[0])
        assert three[0].unit_id == world.unit().id
        assert three[1].title not in page and three[0].title in page  # the forwarded ones are out of sight

    def test_the_refused_rows_are_tried_again_with_what_was_typed(
        self, client: TestClient, session: Session, world: World, three: list[Ticket], now: datetime
    ) -> None:
        sign_in(client, world.user())
        old = values(session, *three)
        world.happen(three[0], Event.ACCEPTED, world.actor(), now)
        unit = str(world.unit("LC-SXD").id)
        answer = submit(client, "chuyen", old, to_unit=unit, reason="Đúng việc của sở.")
        page = client.get(answer.headers["location"]).text
        form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        again = client.post(MANY, data=form | {"step": "look"})
        assert again.status_code == 200 and "Đúng việc của sở." in again.text and three[0].title in again.text
        assert f'<option value="{unit}" selected>' in again.text

    def test_where_every_row_refuses_nothing_is_written_and_the_text_stays(
        self, client: TestClient, session: Session, world: World, three: list[Ticket], now: datetime
    ) -> None:
        sign_in(client, world.user())
        old = values(session, three[0])
        world.happen(three[0], Event.ACCEPTED, world.actor(), now)
        unit = str(world.unit("LC-SXD").id)
        page = submit(client, "chuyen", old, to_unit=unit, reason="Đúng việc của sở.")
        assert page.status_code == 409 and "Đúng việc của sở." in page.text
        assert "Người khác vừa xử lý phản ánh này." in words(page.text)
        assert session.scalars(select(BulkStep)).all() == []

    def test_a_missing_reason_and_unit_are_told_at_their_fields(
        self, client: TestClient, session: Session, world: World, three: list[Ticket]
    ) -> None:
        sign_in(client, world.user())
        pick = values(session, *three)
        page = submit(client, "chuyen", pick[:2], to_unit="", reason="  ", shown=pick)  # type: ignore[arg-type]
        assert page.status_code == 422
        assert 'id="to_unit-error"' in page.text and 'id="reason-error"' in page.text
        assert page.text.count(" checked>") == 2 and three[2].title in page.text

    def test_a_form_sent_twice_writes_one_note(
        self, client: TestClient, session: Session, world: World, three: list[Ticket]
    ) -> None:
        sign_in(client, world.user())
        pick = values(session, *three)
        first = submit(client, "ghi-chu", pick, note="Cùng một chỗ.")
        again = submit(client, "ghi-chu", pick, note="Cùng một chỗ.")
        assert first.headers["location"] == again.headers["location"]
        bodies = session.scalars(select(TicketMessage.body).where(TicketMessage.ticket_id == three[0].id)).all()
        assert bodies == ["Cùng một chỗ."]

    def test_an_unknown_action_is_told(self, client: TestClient, world: World) -> None:
        sign_in(client, world.user())
        assert submit(client, "xoa-het", ["PAKN.20200101.0001@1"]).status_code == 422


class TestUndo:
    @pytest.fixture
    def people(self, client: TestClient, world: World) -> tuple[User, User]:
        sign_in(client, world.user(Role.LEADER))
        return world.user(name="Lò Văn Một"), world.user(name="Lò Văn Hai")

    @pytest.fixture
    def reassigned(
        self, client: TestClient, session: Session, three: list[Ticket], people: tuple[User, User]
    ) -> str:  # fmt: skip
        """The address of the step that gave the tickets of the first person to the second."""
        submit(client, "giao-viec", values(session, *three), to_user=str(people[0].id))
        again = {"to_user": str(people[1].id), "key": "another"}
        return submit(client, "giao-viec", values(session, *three), **again).headers["location"]

    def test_tickets_go_back_to_whoever_had_them(
        self, client: TestClient, session: Session, three: list[Ticket], people: tuple[User, User], reassigned: str
    ) -> None:
        assert "Hoàn tác: giao lại cho người giữ trước đó (3)" in words(client.get(reassigned).text)
        assert client.post(f"{reassigned}/hoan-tac").status_code == 303
        states(session, three)
        assert {ticket.assignee_id for ticket in three} == {people[0].id}
        assert "Đã hoàn tác" in words(client.get(reassigned).text)
        assert client.post(f"{reassigned}/hoan-tac").status_code == 409

    def test_a_ticket_that_moved_on_since_stays_as_it_is(
        self, client: TestClient, session: Session, world: World, three: list[Ticket], people: tuple[User, User],
        reassigned: str, now: datetime,
    ) -> None:  # fmt: skip
        world.happen(three[0], Event.INFO_REQUESTED, world.actor(), now)
        page = client.post(f"{reassigned}/hoan-tac")
        shown = words(client.get(page.headers["location"]).text)
        assert "2 xong" in shown and "1 chưa làm được" in shown
        states(session, three)
        assert [ticket.assignee_id for ticket in three] == [people[1].id, people[0].id, people[0].id]

    def test_nobody_reads_or_undoes_the_step_of_somebody_else(
        self, client: TestClient, world: World, reassigned: str
    ) -> None:
        sign_in(client, world.user(Role.LEADER))
        assert client.get(reassigned).headers["location"] == "/hop-thu"
        assert client.post(f"{reassigned}/hoan-tac").headers["location"] == "/hop-thu"


class TestExportOfTheTicked:
    def test_a_file_holds_the_ticked_rows_that_the_person_sees(
        self, client: TestClient, session: Session, world: World, three: list[Ticket], elsewhere: Ticket
    ) -> None:
        sign_in(client, world.user())
        pick = values(session, three[1], elsewhere)
        answer = client.post("/xuat", data={"format": "csv", "pick": pick})
        file = client.get(answer.headers["location"])
        assert three[1].number in file.text and elsewhere.number not in file.text and three[0].number not in file.text

    def test_nothing_ticked_is_told(self, client: TestClient, world: World) -> None:
        sign_in(client, world.user())
        assert client.post("/xuat", data={"format": "csv"}).status_code == 422


class TestChanges:
    def test_a_list_says_how_many_of_its_tickets_changed_since_it_was_built(
        self, client: TestClient, world: World, three: list[Ticket], elsewhere: Ticket, now: datetime
    ) -> None:
        sign_in(client, world.user())
        since = {"state": "open", "since": f"{int((now - timedelta(days=1)).timestamp() * 1_000_000)},0"}
        part = client.get("/hop-thu/thay-doi", params=since)
        assert part.status_code == 200 and "Có 2 thay đổi, tải lại" in part.text and "<html" not in part.text
        assert 'href="/hop-thu?' in part.text
        assert client.get("/hop-thu/thay-doi", params=since | {"n": "2"}).status_code == 204

    @pytest.mark.parametrize("typed", [{}, {"since": "x"}, {"since": "1,0", "waits": "khong-co"}, {"since": "9" * 30}])
    def test_an_address_that_asks_for_nothing_gets_an_empty_answer(
        self, client: TestClient, world: World, typed: dict[str, str]
    ) -> None:
        sign_in(client, world.user())
        assert client.get("/hop-thu/thay-doi", params=typed).status_code == 204

    def test_the_page_of_open_tickets_asks_by_itself(
        self, client: TestClient, world: World, three: list[Ticket]
    ) -> None:  # fmt: skip
        sign_in(client, world.user(Role.LEADER))
        page = client.get("/hop-thu").text
        address = re.search(r'hx-get="(/hop-thu/thay-doi[^"]+)"', page)
        assert address and client.get(unescape(address[1])).status_code == 204
        assert 'href="/ban-lanh-dao/can-bo"' in page
        assert "/hop-thu/thay-doi" not in client.get("/hop-thu?state=ended").text
