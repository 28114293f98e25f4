"""What is typed on a ticket's page stays with its author: by every button, by the page's script, until it is sent,
dropped or old. Nobody else reads it; a colleague learns that somebody is writing."""

import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.desk.drafts import service, tasks
from backend.desk.drafts.models import TypedDraft
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.users.models import Role
from tests.factories import World
from tests.markup import text_of
from tests.signing_in import sign_in


@pytest.fixture
def ticket(world: World, now: datetime) -> Ticket:
    """Accepted by an officer of Phường Đoàn Kết."""
    return world.happen(world.receive(now)[0], Event.ACCEPTED, world.actor(), now)


def save(client: TestClient, ticket: Ticket, revision: int = 0, **fields: str) -> Any:
    """What the page's script sends."""
    data = {"version": str(ticket.version), "revision": str(revision), "quiet": "1", **fields}
    return client.post(f"/hop-thu/{ticket.number}/nhap", data=data)


def press(client: TestClient, ticket: Ticket, path: str, **fields: str) -> int:
    outcome = {"answer_outcome": "done"} if path == "tra-loi" else {}
    data = {"version": str(ticket.version), **outcome, **fields}
    return client.post(f"/hop-thu/{ticket.number}/{path}", data=data).status_code


def drafts(session: Session) -> list[dict[str, str]]:
    return list(session.scalars(select(TypedDraft.fields).order_by(TypedDraft.user_id)))


def page_of(client: TestClient, ticket: Ticket) -> str:
    return client.get(f"/hop-thu/{ticket.number}").text


class TestEveryButton:
    @pytest.mark.parametrize(
        ("path", "more"),
        [
            ("xem", {}),
            ("nhap", {}),
            ("nguoi-gui", {}),
            ("chuyen", {"to_unit": "", "reason": "Đúng việc của Sở."}),
            ("gop", {"into": "", "preview": "1"}),
            ("xin-gia-han", {"more": "3", "extension_reason": "Chờ vật tư."}),
        ],
    )
    def test_each_button_keeps_what_it_does_not_use(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, path: str, more: dict[str, str]
    ) -> None:
        sign_in(client, world.user())
        press(client, ticket, path, answer="Đang soạn dở.", **more)
        (kept,) = drafts(session)
        assert kept["answer"] == "Đang soạn dở." and "extension_reason" not in kept
        page = page_of(client, ticket)
        assert "Đang soạn dở.</textarea>" in page and "Đã lưu nháp lúc 18/11/2026 09:00." in text_of(page)

    def test_it_survives_signing_out_by_the_button_of_the_page(
        self, client: TestClient, world: World, ticket: Ticket
    ) -> None:
        user = world.user()
        sign_in(client, user)
        out = client.post(f"/hop-thu/{ticket.number}/xem", data={"answer": "Đang soạn dở.", "act": "sign-out"})
        assert (out.status_code, out.headers["location"]) == (307, "/dang-xuat")
        assert client.post("/dang-xuat").headers["location"] == "/dang-nhap"
        assert client.get(f"/hop-thu/{ticket.number}").status_code == 303
        sign_in(client, user)
        assert "Đang soạn dở.</textarea>" in page_of(client, ticket)

    def test_what_is_sent_leaves_the_draft_and_the_rest_stays(
        self, client: TestClient, session: Session, world: World, ticket: Ticket
    ) -> None:
        sign_in(client, world.user())
        save(client, ticket, answer="Câu trả lời.", note="Ghi nhớ.", merge_reason="Cùng chỗ.")
        assert press(client, ticket, "tra-loi", answer="Câu trả lời.", note="Ghi nhớ.", merge_reason="Cùng chỗ.") == 303
        assert drafts(session) == [{"note": "Ghi nhớ.", "merge_reason": "Cùng chỗ."}]
        page = page_of(client, ticket)
        assert "Ghi nhớ.</textarea>" in page
        assert "để chép lại" in page and "Cùng chỗ." in page, "merging is no longer possible"

    def test_a_field_that_the_page_no_longer_has_stays(
        self, client: TestClient, session: Session, world: World, ticket: Ticket, now: datetime
    ) -> None:
        sign_in(client, world.user())
        save(client, ticket, answer="Câu trả lời của tôi.")
        world.happen(ticket, Event.ANSWERED, world.actor(), now)
        press(client, ticket, "ghi-chu", note="Người khác đã trả lời.")
        assert drafts(session) == [{"answer": "Câu trả lời của tôi."}]

    def test_dropping_removes_it(self, client: TestClient, session: Session, world: World, ticket: Ticket) -> None:
        sign_in(client, world.user())
        save(client, ticket, answer="Bỏ đi.")
        assert "Bỏ bản nháp" in page_of(client, ticket)
        assert press(client, ticket, "bo-nhap", answer="Bỏ đi.") == 303
        assert drafts(session) == [] and "Bỏ đi." not in page_of(client, ticket)
        assert press(client, ticket, "bo-nhap") == 303


class TestScript:
    def test_it_saves_as_typed_and_says_when(
        self, client: TestClient, session: Session, world: World, ticket: Ticket
    ) -> None:
        sign_in(client, world.user())
        typed = " hai  dấu cách\r\n\r\n\r\n và dòng \u200b trống "
        saved = save(client, ticket, answer=typed, question="")
        assert saved.json() == {"text": "Đã lưu nháp lúc 09:00.", "revision": 1}
        assert drafts(session) == [{"answer": typed}]
        assert save(client, ticket, 1, answer="").json() == {"text": "", "revision": 0}
        assert drafts(session) == []

    def test_characters_that_json_cannot_hold_are_left_out(
        self, client: TestClient, session: Session, world: World, ticket: Ticket
    ) -> None:
        sign_in(client, world.user())
        assert save(client, ticket, answer="a\x00b").status_code == 200
        assert drafts(session) == [{"answer": "ab"}]

    def test_too_much_is_refused_and_the_earlier_draft_stays(
        self, client: TestClient, session: Session, world: World, ticket: Ticket
    ) -> None:
        sign_in(client, world.user())
        save(client, ticket, answer="Ngắn.")
        refused = save(client, ticket, 1, answer="d" * 70_000)
        assert refused.status_code == 422 and "dài quá" in refused.json()["text"]
        assert save(client, ticket, 1, **{f"field{n}": "x" for n in range(90)}).status_code == 422
        assert drafts(session) == [{"answer": "Ngắn."}]
        by_button = client.post(f"/hop-thu/{ticket.number}/nhap", data={"answer": "d" * 70_000})
        assert by_button.status_code == 422 and "d" * 70_000 in by_button.text

    @pytest.mark.parametrize("revision", ["x", "-1", "9" * 30])
    def test_a_revision_that_is_none_counts_as_none(
        self, client: TestClient, world: World, ticket: Ticket, revision: str
    ) -> None:
        sign_in(client, world.user())
        data = {"answer": "Chữ.", "quiet": "1", "revision": revision, "version": "x"}
        assert client.post(f"/hop-thu/{ticket.number}/nhap", data=data).status_code == 200

    def test_two_windows_do_not_overwrite_each_other(
        self, client: TestClient, session: Session, world: World, ticket: Ticket
    ) -> None:
        sign_in(client, world.user())
        save(client, ticket, 0, answer="Cửa sổ một.")
        assert save(client, ticket, 0, answer="", question="Cửa sổ hai.").status_code == 200
        assert drafts(session) == [{"answer": "Cửa sổ một.", "question": "Cửa sổ hai."}]
        clash = save(client, ticket, 0, answer="Một câu khác.")
        assert clash.status_code == 409 and "cửa sổ khác" in clash.json()["text"]
        assert drafts(session)[0]["answer"] == "Cửa sổ một."

    def test_a_late_save_does_not_bring_back_what_was_sent(
        self, client: TestClient, session: Session, world: World, ticket: Ticket
    ) -> None:
        sign_in(client, world.user())
        save(client, ticket, 0, answer="Câu trả lời.")
        press(client, ticket, "tra-loi", answer="Câu trả lời.")
        assert save(client, ticket, 1, answer="Câu trả lời.").status_code == 409
        assert save(client, ticket, 0, answer="Câu trả lời.").json()["revision"] == 0
        assert drafts(session) == []

    def test_whoever_may_not_see_the_ticket_saves_and_reads_nothing(
        self, client: TestClient, session: Session, world: World, ticket: Ticket
    ) -> None:
        sign_in(client, world.user(unit=world.unit("LC-SXD")))
        assert save(client, ticket, answer="x").status_code == 404
        assert client.get(f"/hop-thu/{ticket.number}/dang-soan").status_code == 404
        client.cookies.clear()
        assert save(client, ticket, answer="x").status_code == 401
        assert drafts(session) == []


class TestColleagues:
    def writers(self, client: TestClient, ticket: Ticket) -> str:
        return text_of(client.get(f"/hop-thu/{ticket.number}/dang-soan").text)

    def test_a_colleague_sees_who_is_writing_since_when_and_not_a_word_of_it(
        self, client: TestClient, world: World, ticket: Ticket, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sign_in(client, world.user(name="Tẩn Thị Mẩy"))
        save(client, ticket, answer="Câu chữ riêng.")
        assert "Tẩn Thị Mẩy đang soạn" not in self.writers(client, ticket), "nobody is told of themselves"
        sign_in(client, world.user(Role.LEADER))
        for shown in (self.writers(client, ticket), text_of(page_of(client, ticket))):
            assert "Tẩn Thị Mẩy đang soạn ở phản ánh này, từ 18/11/2026 09:00." in shown
            assert "Câu chữ riêng." not in shown
        monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=11))
        assert "đang soạn" not in self.writers(client, ticket)

    def test_who_may_no_longer_see_the_ticket_is_not_named(
        self, client: TestClient, world: World, ticket: Ticket
    ) -> None:
        writer = world.user(name="Tẩn Thị Mẩy")
        sign_in(client, writer)
        save(client, ticket, answer="Câu chữ.")
        writer.unit_id = world.unit("LC-SXD").id
        world.session.flush()
        sign_in(client, world.user())
        assert "Tẩn Thị Mẩy" not in self.writers(client, ticket)

    def test_an_open_page_hears_that_something_was_recorded(
        self, client: TestClient, world: World, ticket: Ticket, now: datetime
    ) -> None:
        sign_in(client, world.user())
        address = f"/hop-thu/{ticket.number}/dang-soan"
        assert "bước mới" not in client.get(address, params={"version": ticket.version}).text
        seen = ticket.version
        world.happen(ticket, Event.INFO_REQUESTED, world.actor(), now)
        assert "bước mới" in client.get(address, params={"version": seen}).text
        assert client.get(address, params={"version": "x"}).status_code == 422

    def test_the_second_of_two_reads_both_texts_and_may_send_or_drop(
        self, client: TestClient, session: Session, world: World, ticket: Ticket
    ) -> None:
        seen = ticket.version
        sign_in(client, world.user(name="Tẩn Thị Mẩy"))
        press(client, ticket, "hoi-them", question="Đoạn nào?")
        session.refresh(ticket)
        press(client, ticket, "xu-ly-tiep", resume_reason="Đã tự tìm được.")
        session.refresh(ticket)
        sign_in(client, world.user())
        late = client.post(
            f"/hop-thu/{ticket.number}/tra-loi",
            data={"version": str(seen), "answer": "Câu trả lời của tôi.", "answer_outcome": "done"},
        )
        assert late.status_code == 409
        both = late.text[late.text.index('class="both"') :].split("</section>")[0]
        mine, _between, theirs = both.partition("Vừa được ghi")
        assert "Câu trả lời của tôi." in mine and "Đoạn nào?" in theirs and "Đã tự tìm được." in theirs
        assert "Tẩn Thị Mẩy" in theirs and "Cơ quan tiếp nhận xử lý" not in theirs
        assert f'formaction="/hop-thu/{ticket.number}/bo-nhap"' in both
        assert 'class="both"' not in page_of(client, ticket), "both texts have been read"
        assert press(client, ticket, "tra-loi", answer="Câu trả lời của tôi.") == 303

    def test_whoever_comes_back_to_a_draft_reads_what_was_recorded_since(
        self, client: TestClient, world: World, ticket: Ticket, now: datetime
    ) -> None:
        sign_in(client, world.user())
        save(client, ticket, answer="Câu trả lời của tôi.")
        world.happen(ticket, Event.ANSWERED, world.actor(), now, "Câu trả lời của người khác.")
        page = page_of(client, ticket)
        both = page[page.index('class="both"') :].split("</section>")[0]
        assert "Câu trả lời của tôi." in both and "Câu trả lời của người khác." in both


class TestBounds:
    def test_a_person_has_so_many_drafts_and_the_oldest_leave(
        self, session: Session, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "MOST_DRAFTS", 2)
        user = world.user().id
        tickets = [world.receive(now)[0].id for _ in range(3)]
        for minutes, ticket_id in enumerate(tickets):
            at = now + timedelta(minutes=minutes)
            service.keep_draft(session, user, ticket_id, {"answer": "x"}, version=1, now=at)
        assert set(session.scalars(select(TypedDraft.ticket_id))) == set(tickets[1:])

    def test_the_sweep_removes_what_nobody_touched_for_a_month(
        self, client: TestClient, session: Session, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user, old, young = world.user().id, world.receive(now)[0].id, world.receive(now)[0].id
        service.keep_draft(session, user, old, {"answer": "cũ"}, version=1, now=now)
        service.keep_draft(session, user, young, {"answer": "mới"}, version=1, now=now + timedelta(days=2))
        session.commit()
        monkeypatch.setattr(clock, "now", lambda: now + service.KEPT_FOR + timedelta(days=1))
        tasks.forget_drafts()
        tasks.forget_drafts()
        assert drafts(session) == [{"answer": "mới"}]

    def test_the_texts_are_in_no_log_and_not_found_by_search(
        self, client: TestClient, world: World, ticket: Ticket, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        sign_in(client, world.user())
        save(client, ticket, answer="CANARY 0912345678")
        save(client, ticket, 9, answer="CANARY khác")
        assert "CANARY" not in caplog.text
        assert "CANARY" not in client.get("/hop-thu", params={"q": "canary"}).text.replace('value="canary"', "")
