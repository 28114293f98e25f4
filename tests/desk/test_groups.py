"""Similar tickets beside a ticket, picking, and groups, over HTTP and without JavaScript."""

import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from backend.tickets import service as tickets
from backend.tickets.groups.models import MatterGroup
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketState
from backend.tickets.similar import service as similar
from backend.users.models import Role
from backend.users.policy import SENDER
from tests.factories import World
from tests.signing_in import sign_in

GROUPS = "/nhom-phan-anh"


@pytest.fixture
def three(world: World, now: datetime) -> list[Ticket]:
    """A new ticket, one that an officer accepted, and one that is late since days."""
    began = (now, now - timedelta(days=2), now - timedelta(days=40))
    first, second, late = (world.receive(at, title=f"Ổ gà trước cổng chợ {n}")[0] for n, at in enumerate(began))
    world.happen(second, Event.ACCEPTED, world.actor(), now)
    return [first, second, late]


@pytest.fixture
def grouped(client: TestClient, session: Session, world: World, three: list[Ticket]) -> MatterGroup:
    sign_in(client, world.user())
    assert form_group(client, session, three).status_code == 303
    return session.scalars(select(MatterGroup)).one()


def values(session: Session, *picked: Ticket) -> list[str]:
    for ticket in picked:
        session.refresh(ticket)
    return [f"{ticket.number}@{ticket.version}" for ticket in picked]


def form_group(client: TestClient, session: Session, picked: list[Ticket], **fields: str) -> Response:
    first, *others = values(session, *picked)
    return client.post(f"{GROUPS}/lap", data={"first": first, "pick": others, **fields})


def press(
    client: TestClient, session: Session, group: MatterGroup, path: str, *picked: Ticket, **fields: str
) -> Response:
    outcome = {"answer_outcome": "done"} if path in ("tra-loi", "trinh-duyet") else {}
    return client.post(f"{GROUPS}/{group.id}/{path}", data={"pick": values(session, *picked), **outcome, **fields})


def words(page: str) -> str:
    """What a page says, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


class TestSimilar:
    def test_an_officer_sees_them_beside_the_ticket_with_the_score_in_words(
        self, client: TestClient, session: Session, world: World, three: list[Ticket], now: datetime
    ) -> None:
        similar.list_new_texts(now, everything=True)
        sign_in(client, world.user())
        page = client.get(f"/hop-thu/{three[0].number}").text
        assert f'hx-get="/hop-thu/{three[0].number}/tuong-tu"' in page
        shown = words(client.get(f"/hop-thu/{three[0].number}/tuong-tu").text)
        assert "99 điểm trên 100: cùng cơ quan, cùng loại, 8 cặp từ giống nhau: ổ gà, gà trước," in shown
        assert "cách 2 ngày." in shown and three[2].number in shown

    def test_htmx_gets_the_part_alone(self, client: TestClient, world: World, three: list[Ticket]) -> None:
        sign_in(client, world.user())
        part = client.get(f"/hop-thu/{three[0].number}/tuong-tu", headers={"HX-Request": "true"}).text
        assert "<html" not in part and 'action="/nhom-phan-anh/chon"' in part

    def test_a_stranger_finds_nothing(self, client: TestClient, world: World, three: list[Ticket]) -> None:
        sign_in(client, world.user(Role.OFFICER, world.unit("LC-SXD")))
        assert client.get(f"/hop-thu/{three[0].number}/tuong-tu").status_code == 404


class TestPicking:
    def test_titles_texts_and_effects_stand_side_by_side_before_anything_is_done(
        self, client: TestClient, session: Session, world: World, three: list[Ticket]
    ) -> None:
        sign_in(client, world.user())
        numbers = [ticket.number for ticket in three]
        page = client.get(f"{GROUPS}/chon", params={"pick": numbers[:2], "numbers": numbers[2].removeprefix("PAKN.")})
        shown = words(page.text)
        assert page.status_code == 200 and all(ticket.title in shown for ticket in three)
        assert shown.count("Đoạn đường trước cổng chợ có nhiều ổ gà") == 3
        assert shown.count("giữ nguyên, đồng hồ của phản ánh này chạy tiếp") == 2
        assert "Kết quả được ghi nhận quá hạn." in shown  # what a merge of the late one does
        for ticket in three:
            session.refresh(ticket)
        assert {ticket.group_id for ticket in three} == {ticket.merged_into_id for ticket in three} == {None}

    @pytest.mark.parametrize("typed", ["PAKN.20200101.0001", "linh tinh", "' OR 1=1", "x" * 4_000])
    def test_a_number_that_leads_nowhere_is_told_at_its_field_and_stays(
        self, client: TestClient, world: World, three: list[Ticket], typed: str
    ) -> None:
        sign_in(client, world.user())
        page = client.get(f"{GROUPS}/chon", params={"pick": three[0].number, "numbers": typed})
        assert page.status_code == 422 and "Không tìm thấy phản ánh có mã số" in words(page.text)
        assert 'aria-invalid="true"' in page.text

    def test_a_ticket_of_another_unit_is_not_there(
        self, client: TestClient, world: World, three: list[Ticket], now: datetime
    ) -> None:
        elsewhere = world.receive(now, unit_id=world.unit("LC-SXD").id, title="Việc của nơi khác")[0]
        sign_in(client, world.user())
        page = client.get(f"{GROUPS}/chon", params={"pick": [three[0].number, elsewhere.number]})
        assert page.status_code == 422 and elsewhere.title not in page.text

    def test_merging_needs_a_reason_and_keeps_what_is_ticked(
        self, client: TestClient, session: Session, world: World, three: list[Ticket]
    ) -> None:
        sign_in(client, world.user())
        first, second, _third = values(session, *three)
        data = {"first": first, "pick": [second], "shown": [t.number for t in three[1:]], "title": "Tên đang gõ"}
        page = client.post(f"{GROUPS}/gop", data=data)
        assert page.status_code == 422 and "Xin ghi nội dung." in page.text and "Tên đang gõ" in page.text
        assert re.search(rf'value="{second}" checked', page.text) and three[2].title in page.text
        answer = client.post(f"{GROUPS}/gop", data=data | {"reason": "Cùng một chỗ."})
        assert answer.headers["location"] == f"/hop-thu/{three[0].number}"
        session.refresh(three[1])
        assert three[1].merged_into_id == three[0].id

    def test_a_page_that_became_old_merges_nothing_and_says_which(
        self, client: TestClient, session: Session, world: World, three: list[Ticket], now: datetime
    ) -> None:
        sign_in(client, world.user())
        first, *others = values(session, *three)
        world.happen(three[2], Event.ACCEPTED, world.actor(), now)
        data = {"first": first, "pick": others, "reason": "Cùng chỗ."}
        page = client.post(f"{GROUPS}/gop", data=data)
        assert page.status_code == 409 and "Người khác vừa xử lý phản ánh này." in page.text
        session.expire_all()
        assert [ticket.merged_into_id for ticket in three] == [None] * 3

    def test_a_new_group_is_named_after_its_first_ticket_and_grows(
        self, client: TestClient, session: Session, world: World, three: list[Ticket], now: datetime
    ) -> None:
        sign_in(client, world.user())
        answer = form_group(client, session, three[:2])
        group = session.scalars(select(MatterGroup)).one()
        assert answer.headers["location"] == f"{GROUPS}/{group.id}" and group.title == three[0].title
        page = client.get(f"{GROUPS}/chon", params={"pick": [three[0].number, three[2].number]}).text
        assert "Thêm vào nhóm" in page
        assert form_group(client, session, [three[0], three[2]]).status_code == 303
        session.expire_all()
        assert {ticket.group_id for ticket in three} == {group.id}

    def test_more_than_a_group_holds_and_picks_of_another_shape_are_told(
        self, client: TestClient, world: World, three: list[Ticket]
    ) -> None:
        sign_in(client, world.user())
        many = " ".join(f"20200101.{number:04d}" for number in range(1, 60))
        page = client.get(f"{GROUPS}/chon", params={"pick": three[0].number, "numbers": many})
        assert page.status_code == 422 and "Chọn nhiều nhất 50 phản ánh một lần." in page.text
        for first in ("", "x", f"{three[0].number}@x", f"{three[0].number}@999999999999"):
            for path in ("gop", "lap"):
                page = client.post(f"{GROUPS}/{path}", data={"first": first, "pick": ["@", "a@b@1"], "reason": "x"})
                assert page.status_code == 422


class TestGroup:
    def test_the_page_tells_each_members_verdict_before_the_answer(
        self, client: TestClient, grouped: MatterGroup, three: list[Ticket]
    ) -> None:
        shown = words(client.get(f"{GROUPS}/{grouped.id}").text)
        assert shown.count("Nếu trả lời bây giờ: đúng hạn") == 2
        assert shown.count("Nếu trả lời bây giờ: quá hạn") == 1

    def test_badges_lead_from_ticket_and_inbox_to_the_group(
        self, client: TestClient, grouped: MatterGroup, three: list[Ticket]
    ) -> None:
        link = f'href="{GROUPS}/{grouped.id}"'
        assert link in client.get(f"/hop-thu/{three[0].number}").text
        assert client.get("/hop-thu").text.count(link) == 3
        assert link in client.get(GROUPS).text

    def test_the_letter_is_shown_before_it_leaves(
        self, client: TestClient, session: Session, grouped: MatterGroup
    ) -> None:
        page = client.post(f"{GROUPS}/{grouped.id}/xem", data={"answer": "Đã vá.", "mention": "1", "preview": "1"})
        assert "Chúng tôi cũng nhận được phản ánh khác về cùng việc này." in page.text
        assert session.scalars(select(Ticket.id).where(Ticket.state == TicketState.ANSWERED)).all() == []

    def test_one_answer_reaches_all_and_what_did_not_work_is_told_by_row(
        self,
        client: TestClient,
        session: Session,
        world: World,
        grouped: MatterGroup,
        three: list[Ticket],
        now: datetime,
    ) -> None:
        world.happen(three[1], Event.INFO_REQUESTED, world.actor(), now)
        answer = press(client, session, grouped, "tra-loi", *three, answer="Đã vá xong.", mention="1")
        assert answer.status_code == 303
        shown = words(client.get(answer.headers["location"]).text)
        assert "Đã trả lời 2 phản ánh, mỗi người gửi dưới mã số của mình." in shown
        assert f"{three[1].number} : chưa Phản ánh này đang ở bước khác" in shown
        for ticket in three:
            session.refresh(ticket)
        assert [ticket.state.value for ticket in three] == ["answered", "awaiting_sender", "answered"]
        assert [ticket.verdict for ticket in three] == ["on_time", None, "late"]

    def test_an_empty_answer_is_refused_at_its_field_with_everything_that_was_typed(
        self, client: TestClient, session: Session, grouped: MatterGroup, three: list[Ticket]
    ) -> None:
        page = press(client, session, grouped, "tra-loi", three[0], answer=" ", question="Chỗ nào?")
        assert page.status_code == 422 and "Chỗ nào?" in page.text and 'href="#answer"' in page.text
        assert page.text.count(" checked") == 2, "the ticked ticket and the outcome"

    def test_nothing_ticked_is_told(self, client: TestClient, session: Session, grouped: MatterGroup) -> None:
        page = press(client, session, grouped, "tra-loi", answer="Đã vá xong.")
        assert page.status_code == 422 and "Xin chọn ít nhất một phản ánh." in page.text and "Đã vá xong." in page.text

    def test_what_was_typed_for_another_action_stays_after_one_is_done(
        self, client: TestClient, session: Session, grouped: MatterGroup, three: list[Ticket]
    ) -> None:
        page = press(client, session, grouped, "bo-ra", three[0], leave_reason="Khác chỗ.", answer="Đang gõ dở.")
        assert page.status_code == 200 and "Đang gõ dở." in page.text and "Khác chỗ." not in page.text
        assert "Đã đưa 1 phản ánh ra khỏi nhóm." in page.text

    def test_the_leader_reads_the_draft_once_and_sends_it_to_all(
        self, client: TestClient, session: Session, world: World, grouped: MatterGroup, three: list[Ticket]
    ) -> None:
        press(client, session, grouped, "trinh-duyet", *three, answer="Dự thảo chung.")
        sign_in(client, world.user(Role.LEADER))
        page = client.get(f"{GROUPS}/{grouped.id}").text
        assert "Dự thảo chung." in page and "Duyệt và gửi" in page
        assert press(client, session, grouped, "duyet", *three, answer="Dự thảo chung.").status_code == 303
        session.expire_all()
        assert {ticket.state for ticket in three} == {TicketState.ANSWERED}

    def test_news_of_senders_stand_on_the_page_until_they_are_read(
        self,
        client: TestClient,
        session: Session,
        world: World,
        grouped: MatterGroup,
        three: list[Ticket],
        now: datetime,
    ) -> None:
        tickets.apply(session, three[0].id, tickets.ActionRequest(Event.WITHDRAWN), SENDER, now=now)
        page = client.get(f"{GROUPS}/{grouped.id}").text
        assert f"{three[0].number} : Người gửi rút phản ánh" in words(page)
        assert "1 tin mới từ người gửi" in client.get(GROUPS).text
        upto = re.search(r'name="upto" value="(\d+)"', page)
        assert upto and client.post(f"{GROUPS}/{grouped.id}/da-doc", data={"upto": upto[1]}).status_code == 303
        assert "tin mới" not in client.get(GROUPS).text

    def test_a_whole_group_is_undone(
        self, client: TestClient, session: Session, grouped: MatterGroup, three: list[Ticket]
    ) -> None:
        assert press(client, session, grouped, "bo-nhom").status_code == 422
        assert press(client, session, grouped, "bo-nhom", undo_reason="Không cùng việc.").status_code == 303
        session.expire_all()
        assert {ticket.group_id for ticket in three} == {None}
        assert "đã bỏ nhóm" in client.get(f"{GROUPS}/{grouped.id}").text
        assert press(client, session, grouped, "phu-trach").status_code == 409

    def test_a_stranger_and_the_unit_complained_about_see_no_group(
        self, client: TestClient, session: Session, world: World, now: datetime
    ) -> None:
        complaints = [world.receive(now, category_code="attitude")[0] for _ in range(2)]
        desk = world.user(Role.OFFICER, world.unit("LC-VP"))
        sign_in(client, desk)
        assert form_group(client, session, complaints).status_code == 303
        group = session.scalars(select(MatterGroup)).one()
        assert group.title in client.get(GROUPS).text
        for user in (world.user(), world.user(Role.COORDINATOR, world.unit()), world.user(Role.LEADER)):
            sign_in(client, user)
            assert group.title not in client.get(GROUPS).text
            assert client.get(f"{GROUPS}/{group.id}").status_code == 404

    @pytest.mark.parametrize("address", ["/0", "/2147483648", "/99999999999999999999", "/abc"])
    def test_a_group_that_does_not_exist_is_told(self, client: TestClient, world: World, address: str) -> None:
        sign_in(client, world.user())
        assert 400 <= client.get(GROUPS + address).status_code < 500

    @pytest.mark.parametrize("before", ["0", "x", "-1", "99999999999", "2147483648", "5 OR 1=1"])
    def test_a_strange_start_of_the_list_is_no_fault(self, client: TestClient, world: World, before: str) -> None:
        sign_in(client, world.user())
        assert client.get(GROUPS, params={"before": before}).status_code < 500

    def test_the_page_reads_all_members_together(
        self, client: TestClient, session: Session, world: World, grouped: MatterGroup, now: datetime
    ) -> None:
        asked: list[str] = []
        event.listen(session.get_bind(), "before_cursor_execute", lambda *args: asked.append(args[2]))

        def count() -> int:
            client.get(f"{GROUPS}/{grouped.id}")
            session.expunge_all()
            asked.clear()
            client.get(f"{GROUPS}/{grouped.id}")
            return len([sql for sql in asked if "SAVEPOINT" not in sql])

        short = count()
        members = session.scalars(select(Ticket).where(Ticket.group_id == grouped.id)).all()
        more = [world.receive(now)[0] for _ in range(12)]
        assert form_group(client, session, [members[0], *more]).status_code == 303
        assert count() == short <= 14
