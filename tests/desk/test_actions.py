"""Every action of the ticket's page over HTTP: what it says beforehand, what it does, what it refuses."""

import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from docx import Document
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import audit, clock
from backend.tickets import service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketMessage, TicketState, Verdict
from backend.users.models import Role
from backend.users.policy import SENDER
from tests.desk.action_cards import card
from tests.factories import World
from tests.signing_in import sign_in

Act = Callable[..., Response]


@pytest.fixture
def ticket(world: World, now: datetime) -> Ticket:
    """Accepted by an officer of Phường Đoàn Kết; due on 10/12/2026."""
    ticket, _secret = world.receive(now)
    return world.happen(ticket, Event.ACCEPTED, world.actor(), now)


@pytest.fixture
def act(client: TestClient, session: Session, ticket: Ticket) -> Act:
    """Press a button of the ticket's page, with the version that the page shows now unless told."""

    def press(path: str, of: Ticket | None = None, **fields: str) -> Response:
        target = of or ticket
        session.refresh(target)
        return client.post(f"/hop-thu/{target.number}/{path}", data={"version": str(target.version), **fields})

    return press


def page_of(client: TestClient, ticket: Ticket) -> str:
    return client.get(f"/hop-thu/{ticket.number}").text


def course(session: Session, ticket: Ticket) -> list[str]:
    return [entry.action for entry in audit.list_entries(session, audit.ticket_chain(ticket.id))]


class TestExtension:
    def test_officer_asks_leader_grants_and_the_date_moves(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act
    ) -> None:
        sign_in(client, world.user())
        assert "Hạn chuyển từ 10/12/2026 sang 17/12/2026." in card(page_of(client, ticket), "xin-gia-han")
        assert act("xin-gia-han", more="3", extension_reason="Chờ vật tư.").status_code == 303
        session.refresh(ticket)
        assert ticket.due_date.isoformat() == "2026-12-10"
        sign_in(client, world.user(Role.LEADER))
        shown = card(page_of(client, ticket), "duyet-gia-han")
        assert "Chờ vật tư." in shown and "Hạn chuyển từ 10/12/2026 sang 15/12/2026." in shown
        assert act("duyet-gia-han").status_code == 303
        session.refresh(ticket)
        assert ticket.due_date.isoformat() == "2026-12-15"
        assert "Đã gia hạn một lần, thêm 3 ngày làm việc." in page_of(client, ticket)
        assert act("xin-gia-han", more="3", extension_reason="Lần nữa.").status_code == 409

    def test_its_author_does_not_grant_it(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act
    ) -> None:
        sign_in(client, world.user(Role.LEADER))
        act("xin-gia-han", more="3", extension_reason="Chờ vật tư.")
        assert "Người đề nghị không tự duyệt" in page_of(client, ticket)
        refused = act("duyet-gia-han")
        assert refused.status_code == 403 and "Người đề nghị không tự duyệt" in refused.text
        assert "extended" not in course(session, ticket)

    def test_a_leader_denies_it_with_a_reason(self, client: TestClient, world: World, ticket: Ticket, act: Act) -> None:
        sign_in(client, world.user())
        act("xin-gia-han", until="31/12/2026", extension_reason="Chờ vật tư.")
        sign_in(client, world.user(Role.LEADER))
        assert act("khong-gia-han", deny_reason="").status_code == 422
        assert act("khong-gia-han", deny_reason="Vật tư đã về.").status_code == 303
        assert "Vật tư đã về." in page_of(client, ticket) and "duyet-gia-han" not in page_of(client, ticket)

    @pytest.mark.parametrize(
        ("typed", "field"),
        [
            ({"more": "0"}, "more"),
            ({"more": "61"}, "more"),
            ({"more": "ba"}, "more"),
            ({}, "until"),
            ({"more": "3", "until": "31/12/2026"}, "until"),
            ({"until": "01/12/2026"}, "until"),
            ({"until": "31/02/2027"}, "until"),
        ],
    )
    def test_a_term_that_cannot_be_is_refused_at_its_field(
        self,
        client: TestClient,
        session: Session,
        world: World,
        ticket: Ticket,
        act: Act,
        typed: dict[str, str],
        field: str,
    ) -> None:
        sign_in(client, world.user())
        refused = act("xin-gia-han", extension_reason="Chờ vật tư từ tỉnh khác.", **typed)
        assert refused.status_code == 422 and f'id="{field}-error"' in refused.text
        assert "Chờ vật tư từ tỉnh khác.</textarea>" in refused.text
        assert course(session, ticket) == ["received", "accepted"]

    def test_after_the_due_date_it_is_not_offered_and_refused(
        self, client: TestClient, world: World, ticket: Ticket, act: Act, monkeypatch: pytest.MonkeyPatch, now: datetime
    ) -> None:
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=30))
        sign_in(client, world.user())
        page = page_of(client, ticket)
        assert "/xin-gia-han" not in page and "Đã quá hạn nên không gia hạn được nữa." in page
        refused = act("xin-gia-han", more="3", extension_reason="Muộn rồi.")
        assert refused.status_code == 409 and "Muộn rồi." in refused.text


class TestApproval:
    def test_what_was_submitted_is_approved_by_another_and_sent_as_it_stands(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act
    ) -> None:
        sign_in(client, world.user())
        assert act("trinh-duyet", draft_outcome="done", draft="Đã vá xong đoạn đường.").status_code == 303
        assert act("duyet").status_code == 403
        sign_in(client, world.user(Role.LEADER))
        shown = page_of(client, ticket)
        assert re.search(r'<textarea id="approved"[^>]*>\s*Đã vá xong đoạn đường.</textarea>', shown)
        assert "Trả lời bây giờ là đúng hạn." in card(shown, "duyet")
        assert act("duyet", approved="").status_code == 303
        session.refresh(ticket)
        assert (ticket.state, ticket.verdict) == (TicketState.ANSWERED, Verdict.ON_TIME)

    def test_a_leader_sends_it_back_with_what_is_to_be_changed(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act
    ) -> None:
        sign_in(client, world.user())
        act("trinh-duyet", draft_outcome="done", draft="Đã xong.")
        sign_in(client, world.user(Role.LEADER))
        assert act("tra-lai", return_reason="Nêu rõ ngày vá.").status_code == 303
        session.refresh(ticket)
        assert ticket.state is TicketState.IN_PROGRESS and "Nêu rõ ngày vá." in page_of(client, ticket)

    def test_nobody_approves_their_own_draft(self, client: TestClient, world: World, ticket: Ticket, act: Act) -> None:
        sign_in(client, world.user(Role.LEADER))
        act("trinh-duyet", draft_outcome="done", draft="Đã xong.")
        refused = act("duyet", approved="Đã xong, bản cuối.")
        assert refused.status_code == 403 and "Người soạn không tự duyệt" in refused.text
        assert "Đã xong, bản cuối." in refused.text

    def test_a_leader_gives_it_to_an_officer_of_the_unit_and_to_no_other(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act
    ) -> None:
        officer, stranger = world.user(name="Tẩn Thị Mẩy"), world.user(unit=world.unit("LC-SXD"))
        sign_in(client, world.user(Role.LEADER))
        assert act("giao-viec", to_user=str(stranger.id)).status_code == 422
        assert act("giao-viec", to_user=str(officer.id)).status_code == 303
        session.refresh(ticket)
        assert (ticket.state, ticket.assignee_id) == (TicketState.IN_PROGRESS, officer.id)

    def test_the_coordinator_publishes_an_answer_once(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act, now: datetime
    ) -> None:
        world.happen(ticket, Event.ANSWERED, world.actor(), now)
        sign_in(client, world.user(Role.COORDINATOR))
        assert act("cong-khai").status_code == 303
        session.refresh(ticket)
        assert ticket.state is TicketState.PUBLISHED and act("cong-khai").status_code == 409


class TestPause:
    def test_the_page_says_how_far_a_question_can_move_the_date(
        self, client: TestClient, world: World, ticket: Ticket
    ) -> None:
        sign_in(client, world.user())
        shown = card(page_of(client, ticket), "hoi-them")
        assert "Nếu người gửi không trả lời" in shown and "Từ lúc này thời gian không tính cho cơ quan nào." in shown

    def test_the_unit_goes_on_without_a_reply(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act
    ) -> None:
        sign_in(client, world.user())
        act("hoi-them", question="Đoạn nào?")
        assert act("xu-ly-tiep", resume_reason="Đã tự tìm được.").status_code == 303
        session.refresh(ticket)
        assert ticket.state is TicketState.ACCEPTED

    def test_the_province_strikes_out_a_disputed_pause_and_the_date_moves_back(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act, now: datetime
    ) -> None:
        officer, later = world.actor(), now + timedelta(days=2)
        world.happen(ticket, Event.INFO_REQUESTED, officer, now - timedelta(minutes=1), "Hỏi cho có.")
        world.happen(ticket, Event.PAUSE_DISPUTED, SENDER, now, "Tôi đã ghi trong phản ánh.")
        sign_in(client, world.user())
        assert act("xet-tam-dung", stands="no", judge_reason="Tự xét.").status_code == 403
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "now", lambda: later)
            sign_in(client, world.user(Role.COORDINATOR))
            shown = card(page_of(client, ticket), "xet-tam-dung")
            assert "Tôi đã ghi trong phản ánh." in shown and "Nếu bỏ lần tạm dừng này:" in shown
            assert "Hạn chuyển từ 11/12/2026 sang 10/12/2026." in shown
            assert act("xet-tam-dung", pause="1", judge_reason="Đã rõ.").status_code == 422
            assert act("xet-tam-dung", pause="1", stands="no", judge_reason="Đã rõ từ đầu.").status_code == 303
            assert "đã bỏ sau ý kiến không đồng ý" in page_of(client, ticket)


class TestLeaving:
    def test_refusing_needs_a_reason_and_is_no_case_on_time(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act
    ) -> None:
        sign_in(client, world.user())
        assert "Không được tính là trường hợp đúng hạn." in card(page_of(client, ticket), "tu-choi")
        assert act("tu-choi", refusal_reason=" ", ground="repeat").status_code == 422
        assert act("tu-choi", refusal_reason="Không rõ ở đâu.", ground="unclear").status_code == 303
        session.refresh(ticket)
        assert (ticket.state, ticket.verdict) == (TicketState.REFUSED, None)

    @pytest.mark.parametrize("ground", ["", "not_ours", "withdrawn"])
    def test_a_ground_that_is_not_on_the_list_is_refused_and_the_words_are_kept(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act, ground: str
    ) -> None:
        sign_in(client, world.user())
        refused = act("tu-choi", refusal_reason="Trùng phản ánh đã trả lời.", ground=ground)
        assert refused.status_code == 422 and 'id="ground-error"' in refused.text
        assert "Trùng phản ánh đã trả lời.</textarea>" in refused.text
        assert course(session, ticket) == ["received", "accepted"]

    def test_the_list_names_the_basis_of_each_ground_and_the_sender_reads_it(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act
    ) -> None:
        sign_in(client, world.user())
        shown = page_of(client, ticket)
        assert "Nội dung đã được trả lời bằng văn bản và không có tình tiết mới" in shown
        assert "Căn cứ: NĐ 154/2026/NĐ-CP, Điều 4, điểm h" in shown
        act("tu-choi", refusal_reason="Xin ghi rõ ở đâu.", ground="unclear")
        message = session.scalars(select(TicketMessage).where(TicketMessage.ticket_id == ticket.id)).one()
        assert message.body == (
            "Nội dung không rõ, không đủ để xem xét "
            "(căn cứ: NĐ 92/2017/NĐ-CP, yêu cầu đối với phản ánh, kiến nghị).\n\nXin ghi rõ ở đâu."
        )

    @pytest.mark.parametrize(("procedure", "law"), [("complaint", "Luật Khiếu nại"), ("denunciation", "Luật Tố cáo")])
    def test_redirecting_gives_a_letter_as_page_and_document(
        self, client: TestClient, world: World, ticket: Ticket, act: Act, procedure: str, law: str
    ) -> None:
        sign_in(client, world.user())
        address = f"/hop-thu/{ticket.number}/phieu-huong-dan"
        assert client.get(address).status_code == 409
        assert act("huong-dan", guidance="Gửi đơn đến Ban Tiếp công dân.", procedure="").status_code == 422
        sent = act("huong-dan", guidance="Gửi đơn đến\nBan Tiếp công dân.", procedure=procedure)
        assert sent.status_code == 303
        assert address in page_of(client, ticket)
        assert law in client.get(address).text
        assert "thụ lý trong 7 ngày làm việc" in client.get(address).text
        document = client.get(f"{address}.docx")
        assert f'filename="phieu-huong-dan-{ticket.number}.docx"' in document.headers["content-disposition"]
        paper = Document(io.BytesIO(document.content))
        body = [line.text for line in paper.paragraphs]
        assert "PHIẾU HƯỚNG DẪN" in body and "Ban Tiếp công dân." in body
        assert [text for text in body if text][-1].endswith("./.")
        head = "\n".join(cell.text for cell in paper.tables[0].rows[0].cells)
        assert head.startswith("ỦY BAN NHÂN DÂN\nPHƯỜNG ĐOÀN KẾT\n")
        assert "Đoàn Kết, ngày 18 tháng 11 năm 2026" in head
        foot = paper.tables[1].rows[0].cells
        assert foot[0].text.startswith("Nơi nhận:\n- Như trên;") and foot[1].text.startswith("TM. ỦY BAN NHÂN DÂN")
        whole = "\n".join(body) + head
        assert "Lò Văn Thử" not in whole and "nguoigui@example.vn" not in whole

    def test_over_a_departments_letter_stands_the_province(
        self, client: TestClient, world: World, now: datetime, act: Act
    ) -> None:
        unit = world.unit("LC-SXD")
        ticket = world.receive(now, unit_id=unit.id)[0]
        sign_in(client, world.user(unit=unit))
        assert act("huong-dan", of=ticket, guidance="Gửi đơn.", procedure="complaint").status_code == 303
        document = client.get(f"/hop-thu/{ticket.number}/phieu-huong-dan.docx")
        head = Document(io.BytesIO(document.content)).tables[0].rows[0].cells[0]
        assert head.text.startswith("UBND TỈNH LAI CHÂU\nSỞ XÂY DỰNG\n")
        assert [line.runs[0].bold for line in head.paragraphs[:2]] == [False, True]

    def test_forwarding_charges_each_unit_its_own_time(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act, now: datetime
    ) -> None:
        there, back = world.unit("LC-SXD"), world.unit()
        later = [now + timedelta(hours=hours) for hours in (1, 2, 3)]
        for at, by, to in ((later[0], back, there), (later[1], there, back)):
            change = service.ActionRequest(Event.FORWARDED, "Không phải việc của chúng tôi.", to_unit_id=to.id)
            service.apply(session, ticket.id, change, world.actor(unit=by), now=at)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "now", lambda: later[2])
            sign_in(client, world.user())
            page = page_of(client, ticket)
        assert "Số lần chuyển trả lại: 1" in page
        rows = re.findall(
            r"<th scope=\"row\">([^<]+)</th>\s*<td class=\"num\">1</td>\s*<td class=\"num\">([^<]+)</td>", page
        )
        # 9:00-11:30 are working hours, 11:30-12:00 are not.
        assert rows == [
            ("Phường Đoàn Kết", "1 giờ 30 phút"),
            (there.name, "1 giờ 0 phút"),
            ("Cộng lần xử lý 1", "2 giờ 30 phút"),
        ]


class TestMerge:
    @pytest.fixture
    def other(self, world: World, now: datetime) -> Ticket:
        return world.receive(now)[0]

    def test_it_goes_by_number_and_comes_back(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, other: Ticket, act: Act
    ) -> None:
        sign_in(client, world.user())
        bare = other.number.removeprefix("PAKN.")
        assert act("gop", into=f" {bare} ", merge_reason="Cùng một chỗ.").status_code == 303
        session.refresh(ticket)
        assert (ticket.state, ticket.merged_into_id, ticket.verdict) == (TicketState.MERGED, other.id, None)
        assert f'href="/hop-thu/{ticket.number}"' in page_of(client, other)
        assert act("tach", unmerge_reason="Khác đoạn đường.").status_code == 303
        session.refresh(ticket)
        assert (ticket.state, ticket.merged_into_id) == (TicketState.ACCEPTED, None)
        assert course(session, ticket) == ["received", "accepted", "merged", "unmerged"]

    def test_looking_first_writes_nothing(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, other: Ticket, act: Act
    ) -> None:
        sign_in(client, world.user())
        looked = act("gop", into=other.number, merge_reason="", preview="1")
        assert looked.status_code == 200 and "Với những gì bạn đã ghi:" in looked.text
        assert "không được tính là trường hợp đúng hạn." in card(looked.text, "gop")
        assert f'value="{other.number}"' in looked.text and course(session, ticket) == ["received", "accepted"]

    @pytest.mark.parametrize(
        ("into", "status"), [("", 422), ("PAKN.20200101.0001", 404), ("itself", 422), ("hidden", 404), ("chain", 409)]
    )
    def test_what_must_not_be_merged_is_refused_with_the_text_kept(
        self,
        client: TestClient,
        session: Session,
        world: World,
        ticket: Ticket,
        other: Ticket,
        act: Act,
        now: datetime,
        into: str,
        status: int,
    ) -> None:
        """Into nothing, an unknown one, itself, one of another unit that this officer may not see, a merged one."""
        if into == "itself":
            into = ticket.number
        elif into == "hidden":
            into = world.receive(now, unit_id=world.unit("LC-SXD").id)[0].number
        elif into == "chain":
            third, into = world.receive(now)[0], other.number
            change = service.ActionRequest(Event.MERGED, "Giống nhau.", into_id=third.id)
            service.apply(session, other.id, change, world.actor(), now=now)
        sign_in(client, world.user())
        before = session.scalar(select(func.count()).select_from(TicketMessage))
        refused = act("gop", into=into, merge_reason="Cùng một chỗ, cùng một việc.")
        assert refused.status_code == status and "Cùng một chỗ, cùng một việc.</textarea>" in refused.text
        assert course(session, ticket) == ["received", "accepted"]
        assert session.scalar(select(func.count()).select_from(TicketMessage)) == before


class TestRefusals:
    @pytest.mark.parametrize("path", ["xin-gia-han", "trinh-duyet", "tu-choi", "huong-dan", "gop"])
    def test_another_units_officer_finds_nothing(self, client: TestClient, world: World, act: Act, path: str) -> None:
        sign_in(client, world.user(unit=world.unit("LC-SXD")))
        assert act(path).status_code == 404

    @pytest.mark.parametrize("path", ["trinh-duyet", "tu-choi"])
    def test_a_stale_page_keeps_what_was_typed(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, act: Act, path: str
    ) -> None:
        sign_in(client, world.user())
        stale = act(path, version="1", draft="Dự thảo dài của tôi.", refusal_reason="Lý do dài của tôi.")
        assert stale.status_code == 409 and "Người khác vừa xử lý phản ánh này." in stale.text
        assert "của tôi.</textarea>" in stale.text and course(session, ticket) == ["received", "accepted"]
