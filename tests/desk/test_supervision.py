"""The desks of the coordinator and of the leader: what stands in each list, what is decided there, what is refused."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from backend import clock
from backend.tickets import service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketState
from backend.tickets.second_looks import service as looks
from backend.tickets.service import ActionRequest
from backend.users.models import Role, User
from tests.factories import SENDER, World
from tests.markup import field_error, text_of
from tests.signing_in import come_with, sign_in, signed_in

COORDINATOR, LEADER = "/ban-dieu-phoi", "/ban-lanh-dao"


def titles(html: str) -> list[str]:
    return re.findall(r'<h2[^>]*>(?:<a href="/hop-thu/[^"]+">)?([^<]+?)(?:</a>)?</h2>', html)


def counts(html: str) -> list[int]:
    """The counts of the tabs, in their order."""
    return [int(count) for count in re.findall(r'<span class="num">\((\d+)\)</span>', html)]


@pytest.fixture
def coordinator(client: TestClient, world: World) -> User:
    user = world.user(Role.COORDINATOR)
    sign_in(client, user)
    return user


@pytest.fixture
def leader(client: TestClient, world: World) -> User:
    user = world.user(Role.LEADER)
    sign_in(client, user)
    return user


def pause_disputed(world: World, now: datetime, title: str) -> Ticket:
    ticket, _secret = world.receive(now, title=title)
    world.happen(ticket, Event.INFO_REQUESTED, world.actor(), now)
    dispute = ActionRequest(Event.PAUSE_DISPUTED, "Tôi đã ghi rõ rồi.", pause=1)
    return service.apply(world.session, ticket.id, dispute, SENDER, now=now)


class TestCoordinator:
    def test_what_nobody_has_taken_stands_soonest_due_first_with_how_often_it_was_forwarded(
        self, client: TestClient, world: World, now: datetime, coordinator: User
    ) -> None:
        for days in (1, 20):
            world.receive(now - timedelta(days=days), title=f"Gửi {days} ngày trước")
        taken, _secret = world.receive(now, title="Đã có người nhận")
        world.happen(taken, Event.ACCEPTED, world.actor(), now)
        lost, _secret = world.receive(now - timedelta(days=30), title="Chuyển đi")
        away = ActionRequest(Event.FORWARDED, "Việc của Sở.", to_unit_id=world.unit("LC-SXD").id)
        service.apply(world.session, lost.id, away, world.actor(), now=now)
        page = client.get(COORDINATOR).text
        assert titles(page) == ["Chuyển đi", "Gửi 20 ngày trước", "Gửi 1 ngày trước"]
        assert "đã chuyển 1 lần" in page and counts(page) == [3, 0, 0, 0, 0, 1]

    def test_a_disputed_pause_waits_until_it_is_judged(
        self, client: TestClient, world: World, now: datetime, coordinator: User
    ) -> None:
        ticket = pause_disputed(world, now, "Tạm dừng sai")
        page = client.get(f"{COORDINATOR}/tam-dung").text
        assert titles(page) == ["Tạm dừng sai"] and "Tôi đã ghi rõ rồi." in page
        judgement = ActionRequest(Event.PAUSE_JUDGED, "Đã đủ thông tin.", pause=1, stands=False)
        service.apply(world.session, ticket.id, judgement, world.actor(Role.COORDINATOR), now=now)
        assert titles(client.get(f"{COORDINATOR}/tam-dung").text) == []

    def test_complaints_about_conduct_have_a_list_that_somebody_of_the_unit_does_not_see(
        self, client: TestClient, session: Session, world: World, now: datetime, coordinator: User
    ) -> None:
        world.receive(now, title="Thái độ ở một cửa", category_code="attitude")
        world.receive(now, title="Đường hỏng")
        assert titles(client.get(f"{COORDINATOR}/hanh-vi").text) == ["Thái độ ở một cửa"]
        of_unit = world.user(Role.COORDINATOR, world.unit())
        come_with(client, signed_in(session, of_unit, now))
        page = client.get(f"{COORDINATOR}/hanh-vi").text
        assert titles(page) == [] and counts(page)[2] == 0

    def test_answers_are_published_from_the_list_after_both_texts_were_read(
        self, client: TestClient, session: Session, world: World, now: datetime, coordinator: User
    ) -> None:
        content = "Ổ gà trước nhà, gọi tôi số 0912 345 678."
        ticket, _secret = world.answered(now, now, title="Đã vá", content=content)
        world.answered(now, now, title="Thái độ", category_code="attitude")
        page = client.get(f"{COORDINATOR}/cong-khai").text
        assert titles(page) == ["Đã vá"] and content in page and "Đã vá xong đoạn đường." in page
        assert "xin đọc kỹ: 0912 345 678" in text_of(page) and "Lò Văn Thử" not in page
        address = f"{COORDINATOR}/cong-khai/{ticket.number}"
        old = client.post(address, data={"version": "1"})
        assert old.status_code == 409 and titles(old.text) == ["Đã vá"]
        assert client.post(address, data={"version": str(ticket.version)}).status_code == 303
        session.refresh(ticket)
        assert ticket.state is TicketState.PUBLISHED
        assert titles(client.get(f"{COORDINATOR}/cong-khai").text) == []

    def test_an_answer_that_the_level_above_looks_at_is_not_offered_for_publication(
        self, client: TestClient, world: World, now: datetime, coordinator: User
    ) -> None:
        ticket, _secret = world.answered(now, now, title="Đang xem lại")
        world.happen(ticket, Event.NOTIFIED, SENDER, now)
        looks.ask_second_look(world.session, ticket.id, "Chưa xong.", now=now)
        page = client.get(f"{COORDINATOR}/cong-khai").text
        assert titles(page) == [] and counts(page)[3] == 1
        assert titles(client.get("/xem-lai").text) == [] and "Đang xem lại" in client.get("/xem-lai").text

    def test_units_that_are_late_stand_with_their_tickets(
        self, client: TestClient, world: World, now: datetime, coordinator: User
    ) -> None:
        for days, unit in ((40, world.unit()), (50, world.unit()), (60, world.unit("LC-SXD"))):
            world.receive(now - timedelta(days=days), title=f"Trễ {days}", unit_id=unit.id)
        page = client.get(f"{COORDINATOR}/qua-han").text
        assert titles(page)[1:] == ["Trễ 60", "Trễ 50", "Trễ 40"]
        assert text_of(page).index("Phường Đoàn Kết") < text_of(page).index("Sở Xây dựng")  # two before one
        one_unit = client.get(f"{COORDINATOR}/qua-han?don-vi=LC-SXD").text
        assert titles(one_unit)[1:] == ["Trễ 60"]
        assert client.get(f"{COORDINATOR}/qua-han?don-vi=LC-SYT").status_code == 404

    def test_a_long_list_has_pages_and_each_ticket_stands_on_one(
        self, client: TestClient, world: World, now: datetime, coordinator: User
    ) -> None:
        for number in range(60):
            world.receive(now - timedelta(days=number % 3), title=f"Số {number}")
        shown, address = [], COORDINATOR
        while address:
            page = client.get(address).text
            shown += titles(page)
            following = re.search(r'<a href="([^"]+)" rel="next">', page)
            address = following[1].replace("&amp;", "&") if following else ""
        assert sorted(shown) == sorted(f"Số {number}" for number in range(60))

    @pytest.mark.parametrize("after", ["x", "2026-11-18", "2026-11-18,x", "2026-13-01,1", "2026-11-18,99999999999"])
    @pytest.mark.parametrize("path", ["", "/tam-dung", "/cong-khai", "/qua-han"])
    def test_an_address_that_names_no_page_is_told(
        self, client: TestClient, coordinator: User, path: str, after: str
    ) -> None:
        assert client.get(f"{COORDINATOR}{path}", params={"sau": after}).status_code == 422

    def test_a_page_costs_as_many_statements_with_many_tickets_as_with_few(
        self, client: TestClient, session: Session, world: World, now: datetime, coordinator: User
    ) -> None:
        def statements(path: str) -> int:
            seen: list[str] = []
            engine = session.get_bind()
            listen: Callable[..., None] = lambda _c, _cur, statement, *_rest: seen.append(statement)  # noqa: E731
            event.listen(engine, "before_cursor_execute", listen)
            assert client.get(path).status_code == 200
            event.remove(engine, "before_cursor_execute", listen)
            return len(seen)

        paths = [COORDINATOR, f"{COORDINATOR}/tam-dung", f"{COORDINATOR}/cong-khai", "/xem-lai"]
        costs = []
        client.get(COORDINATOR)  # what is read once in the life of a process is read
        for number in (1, 6):
            for _n in range(number):
                world.receive(now)
                pause_disputed(world, now, "Tạm dừng")
                answered, _secret = world.answered(now, now)
                world.happen(answered, Event.NOTIFIED, SENDER, now)
                world.answered(now, now)
                looks.ask_second_look(session, answered.id, "Chưa xong.", now=now)
            session.expire_all()
            costs.append([statements(path) for path in paths])
        assert costs[0] == costs[1] and max(costs[1]) < 20


class TestLeader:
    def submitted(self, world: World, now: datetime, title: str = "Chờ duyệt trả lời") -> Ticket:
        ticket, _secret = world.receive(now, title=title)
        officer = world.actor()
        world.happen(ticket, Event.ACCEPTED, officer, now)
        return world.happen(ticket, Event.SUBMITTED_FOR_APPROVAL, officer, now, "Dự thảo: đã vá xong.")

    def extension(self, world: World, now: datetime) -> Ticket:
        ticket, _secret = world.receive(now, title="Xin thêm ngày")
        officer = world.actor()
        world.happen(ticket, Event.ACCEPTED, officer, now)
        wanted = ActionRequest(Event.EXTENSION_REQUESTED, "Chờ vật tư.", more="5 working days")
        return service.apply(world.session, ticket.id, wanted, officer, now=now)

    def test_all_approvals_stand_in_one_list_and_are_decided_there(
        self, client: TestClient, session: Session, world: World, now: datetime, leader: User
    ) -> None:
        answer, extension = self.submitted(world, now - timedelta(days=2)), self.extension(world, now)
        page = client.get(LEADER).text
        assert titles(page) == ["Chờ duyệt trả lời", "Xin thêm ngày"] and counts(page)[0] == 2
        assert "Dự thảo: đã vá xong." in page and "Chờ vật tư." in page
        assert "Xin thêm 5 ngày làm việc." in text_of(page)
        form = {f"version-{answer.number}": str(answer.version), f"approved-{answer.number}": "Đã vá xong."}
        assert client.post(f"{LEADER}/{answer.number}/duyet", data=form).status_code == 303
        form = {f"version-{extension.number}": str(extension.version)}
        assert client.post(f"{LEADER}/{extension.number}/duyet-gia-han", data=form).status_code == 303
        session.expire_all()
        assert answer.state is TicketState.ANSWERED and extension.due_date.isoformat() == "2026-12-17"
        assert titles(client.get(LEADER).text) == []

    def test_a_return_needs_a_reason_at_its_field_and_keeps_what_was_typed_elsewhere(
        self, client: TestClient, session: Session, world: World, now: datetime, leader: User
    ) -> None:
        first, second = self.submitted(world, now), self.submitted(world, now, "Việc khác")
        form = {
            f"version-{first.number}": str(first.version),
            f"version-{second.number}": str(second.version),
            f"return_reason-{second.number}": "Nêu rõ ngày vá.",
        }
        refused = client.post(f"{LEADER}/{first.number}/tra-lai", data=form)
        field = f"return_reason-{first.number}"
        assert refused.status_code == 422 and field_error(refused.text, field) == "Lỗi: Xin ghi nội dung."
        assert "Nêu rõ ngày vá." in refused.text
        returned = client.post(f"{LEADER}/{first.number}/tra-lai", data=form | {field: "Thiếu ảnh."})
        assert returned.status_code == 200 and "Nêu rõ ngày vá." in returned.text
        assert "Đã trả lại cho người soạn." in returned.text
        session.expire_all()
        assert first.state is TicketState.IN_PROGRESS

    def test_an_old_page_and_the_own_draft_are_refused(
        self, client: TestClient, session: Session, world: World, now: datetime, leader: User
    ) -> None:
        ticket = self.submitted(world, now)
        form = {f"version-{ticket.number}": "1", f"approved-{ticket.number}": "Sửa lại câu này."}
        old = client.post(f"{LEADER}/{ticket.number}/duyet", data=form)
        assert old.status_code == 409 and "Sửa lại câu này." in old.text
        assert client.post(f"{LEADER}/{ticket.number}/duyet", data={}).status_code == 409

    def test_objections_load_and_late_tickets_are_those_of_the_own_unit(
        self, client: TestClient, world: World, now: datetime, leader: User
    ) -> None:
        pause_disputed(world, now, "Tạm dừng sai")
        again, _secret = world.answered(now, now, title="Chưa xong")
        world.happen(again, Event.NOTIFIED, SENDER, now)
        world.happen(again, Event.DISPUTED, SENDER, now, "Mới vá một nửa.")
        world.receive(now - timedelta(days=60), title="Của nơi khác", unit_id=world.unit("LC-SXD").id)
        late, _secret = world.receive(now - timedelta(days=60), title="Trễ")
        officer = world.user(Role.OFFICER, name="Vàng Thị Bận")
        assign = ActionRequest(Event.ASSIGNED, to_user_id=officer.id)
        service.apply(world.session, late.id, assign, world.actor(Role.LEADER), now=now)
        page = client.get(f"{LEADER}/khong-dong-y").text
        assert sorted(titles(page)) == ["Chưa xong", "Tạm dừng sai"] and "Mới vá một nửa." in page
        assert titles(client.get(f"{LEADER}/qua-han").text) == ["Trễ"]
        load = client.get(f"{LEADER}/can-bo").text
        assert re.search(r"Chưa giao ai 2 0 .* Vàng Thị Bận 1 1", text_of(load))
        assert titles(client.get(f"{LEADER}/can-bo?can-bo={officer.id}").text)[-1] == "Trễ"
        assert titles(client.get(f"{LEADER}/can-bo?can-bo=chua-giao").text)[-2:] == ["Tạm dừng sai", "Chưa xong"]
        for unknown in ("999999", "x", "-1"):
            assert client.get(f"{LEADER}/can-bo?can-bo={unknown}").status_code == 404

    def test_the_language_changes_with_everything_typed(
        self, client: TestClient, world: World, now: datetime, leader: User
    ) -> None:
        ticket = self.submitted(world, now)
        typed = {"lang": "en", f"return_reason-{ticket.number}": "Thiếu ảnh."}
        page = client.post(f"{LEADER}/xem", data=typed).text
        assert "Leader&#39;s desk" in page and "Thiếu ảnh." in page


def test_a_desk_in_the_evening_counts_by_the_day_of_the_clock(
    client: TestClient, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.receive(now)
    later = datetime(2026, 12, 11, 8, 0, tzinfo=now.tzinfo)
    monkeypatch.setattr(clock, "now", lambda: later)
    sign_in(client, world.user(Role.COORDINATOR))
    assert counts(client.get(COORDINATOR).text)[-1] == 1
