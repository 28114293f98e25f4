"""The life of a second look, once with each result, told with its letters: what the sender does on the page, what the
level above does at its desk, and what each of them and the unit are told. Run with -s to read it."""

import re
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend import clock
from backend.notify import service as delivery
from backend.outbox.models import OutboxMessage
from backend.tickets import projection
from backend.tickets.models import Ticket, TicketState
from backend.tickets.second_looks import verification
from backend.tickets.second_looks.models import LookStage, SecondLook
from backend.users.models import Role, User, UserSession
from tests.factories import World
from tests.following import TICKET, follow
from tests.markup import text_of
from tests.signing_in import come_with, signed_in
from tests.spy_channel import Spy

REASON = "Mới vá được một nửa, phần trước cổng trường vẫn còn ổ gà."
LETTERS = {
    "upheld": "Chúng tôi đã đo lại: cả 40 m đã được vá ngày 16/11. Phần trước cổng trường thuộc dự án khác.",
    "corrected": "Câu trả lời trước thiếu phần trước cổng trường. Phần đó được vá xong ngày 20/11, có ảnh kèm theo.",
    "sent_back": "Cơ quan mới kiểm tra một nửa đoạn đường. Cần kiểm tra và vá cả phần trước cổng trường.",
}


@dataclass
class Story:
    """A browser that several people use, and the clock that they share."""

    client: TestClient
    session: Session
    world: World
    patch: pytest.MonkeyPatch
    at: datetime
    ticket: Ticket
    secret: str
    officer: User
    reviewer: User

    def pass_days(self, days: int) -> None:
        self.at += timedelta(days=days)
        self.patch.setattr(clock, "now", lambda: self.at)

    def sender(self) -> str:
        """The sender opens the page of the ticket, reads the answer, and sees the page."""
        self.client.cookies.clear()
        follow(self.client, self.ticket, self.secret)
        self.client.post(f"{TICKET}/doc")
        return self.client.get(TICKET).text

    def staff(self, user: User) -> None:
        """Somebody of the staff comes to the browser, with a new session."""
        self.session.execute(delete(UserSession).where(UserSession.user_id == user.id))
        come_with(self.client, signed_in(self.session, user, self.at))

    def letters(self) -> list[str]:
        """What leaves for the sender by e-mail since the last look; each is printed."""
        waiting = select(OutboxMessage).where(
            OutboxMessage.ticket_id == self.ticket.id, OutboxMessage.sent_at.is_(None)
        )
        bodies = []
        for row in self.session.scalars(waiting.order_by(OutboxMessage.id)):
            spy = Spy()
            delivery.deliver_message(row.id, 0, self.at, spy)
            bodies += [f"{message.subject}\n\n{message.body}" for message in spy.messages]
            self.session.refresh(row)
        for body in bodies:
            tell(f"letter to the sender, {self.at:%d/%m/%Y}", body)
        return bodies


def tell(what: str, text: str) -> None:
    sys.stdout.write(f"\n--- {what} ---\n{text}\n")


@pytest.fixture
def story(client: TestClient, session: Session, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Story:
    """An answered ticket of Phường Đoàn Kết. The reviewer is an officer's leader at the desk above."""
    ticket, secret = world.answered(now, now)
    return Story(
        client=client,
        session=session,
        world=world,
        patch=monkeypatch,
        at=now,
        ticket=ticket,
        secret=secret,
        officer=world.user(Role.LEADER),
        reviewer=world.user(Role.LEADER, world.unit("LC-VP"), name="Lường Thị Xem"),
    )


def ask(story: Story) -> SecondLook:
    """The sender reads the answer and asks for a second look."""
    page = text_of(story.sender())
    assert "Yêu cầu cấp trên xem lại" in page and "chậm nhất ngày 17/12/2026" in page
    assert "Bạn chọn một trong hai" in page  # the same unit again, or the level above
    story.letters()
    assert story.client.post(f"{TICKET}/cap-tren-xem-lai", data={"look_reason": ""}).status_code == 422
    assert story.client.post(f"{TICKET}/cap-tren-xem-lai", data={"look_reason": REASON}).status_code == 303
    again = story.client.post(f"{TICKET}/cap-tren-xem-lai", data={"look_reason": "Lần nữa."})
    assert again.status_code == 409 and "Lần nữa." in again.text
    page = text_of(story.client.get(TICKET).text)
    assert "Chờ người xem lại" in page and "chậm nhất ngày 17/12/2026" in page and REASON in page
    assert "Ngày yêu cầu và ngày nghỉ không tính." in page and "ngày thứ 20" in page and "(LGSCO)" in page
    assert "Chưa xong, yêu cầu giải quyết lại" not in page
    (letter,) = story.letters()
    assert "cấp trên sẽ xem lại kết quả" in letter and "chậm nhất ngày 17/12/2026" in letter and REASON not in letter
    return story.session.scalars(select(SecondLook).where(SecondLook.ticket_id == story.ticket.id)).one()


def decide(story: Story, look: SecondLook, result: str) -> None:
    """Somebody of the desk above takes it, is refused an empty letter, and decides."""
    story.staff(story.reviewer)
    assert story.ticket.title in story.client.get("/xem-lai").text
    address = f"/xem-lai/{look.id}"
    page = text_of(story.client.get(address).text)
    assert REASON in page and "Đã vá xong đoạn đường." in page and "Nhận xem lại" in page
    assert story.client.post(f"{address}/ket-qua", data={"result": result, "letter": "Sớm quá."}).status_code == 409
    assert story.client.post(f"{address}/nhan").status_code == 303
    story.pass_days(6)
    story.staff(story.reviewer)
    empty = story.client.post(f"{address}/ket-qua", data={"result": "", "letter": LETTERS[result]})
    assert empty.status_code == 422 and LETTERS[result] in empty.text and "Xin chọn kết quả xem lại." in empty.text
    empty = story.client.post(f"{address}/ket-qua", data={"result": result, "letter": " "})
    assert empty.status_code == 422 and re.search(rf'value="{result}"[^>]*checked', empty.text)
    answer = story.client.post(f"{address}/ket-qua", data={"result": result, "letter": LETTERS[result]})
    assert answer.status_code == 303
    page = text_of(story.client.get(address).text)
    assert LETTERS[result] in page and "Ghi kết quả và gửi thư" not in page


def check(story: Story, look: SecondLook) -> None:
    story.session.expire_all()
    assert look.stage is LookStage.DECIDED
    assert list(verification.check_looks(story.session)) == []
    assert list(projection.check_all(story.session)) == []


def read_by_unit(story: Story) -> str:
    """The page of the ticket as the leader of the unit sees it."""
    story.staff(story.officer)
    return text_of(story.client.get(f"/hop-thu/{story.ticket.number}").text)


def test_upheld_the_letter_says_why_and_where_else_to_turn(story: Story) -> None:
    look = ask(story)
    decide(story, look, "upheld")
    (letter,) = story.letters()
    assert LETTERS["upheld"] in letter and "Luật Khiếu nại" in letter and "Tòa án nhân dân" in letter
    page = text_of(story.sender())
    assert "Cấp trên giữ nguyên kết quả." in page and LETTERS["upheld"] in page and "Nơi tiếp công dân" in page
    assert "Đã vá xong đoạn đường." in page and "Đúng hạn" in page
    assert story.client.post(f"{TICKET}/chua-xong", data={"reason": "Vẫn không."}).status_code == 409
    unit_page = read_by_unit(story)
    assert "Cấp trên xem lại: giữ nguyên kết quả" in unit_page and LETTERS["upheld"] in unit_page
    assert "Lường Thị Xem" not in unit_page and REASON not in unit_page
    check(story, look)


def test_corrected_the_level_above_answers_in_place_of_the_unit(story: Story) -> None:
    look = ask(story)
    decide(story, look, "corrected")
    (letter,) = story.letters()
    assert "cấp trên trả lời thay" in letter and LETTERS["corrected"] in letter and "Luật Tố cáo" in letter
    page = text_of(story.sender())
    assert page.index(LETTERS["corrected"]) < page.index("Đã vá xong đoạn đường.")  # both, the new one first
    assert "Cấp trên xem lại: trả lời thay" in read_by_unit(story)
    check(story, look)


def test_sent_back_the_unit_answers_again_with_a_new_due_date(story: Story) -> None:
    look = ask(story)
    decide(story, look, "sent_back")
    story.session.expire_all()
    assert (story.ticket.state, story.ticket.episode) == (TicketState.IN_PROGRESS, 2)
    (letter,) = story.letters()
    assert LETTERS["sent_back"] in letter and f"{story.ticket.due_date:%d/%m/%Y}" in letter
    assert "Luật Khiếu nại" not in letter
    assert LETTERS["sent_back"] in read_by_unit(story)
    sent = {
        "version": str(story.ticket.version),
        "answer": "Đã vá cả phần trước cổng trường.",
        "answer_outcome": "done",
    }
    story.staff(story.world.user(Role.OFFICER))
    assert story.client.post(f"/hop-thu/{story.ticket.number}/tra-loi", data=sent).status_code == 303
    story.letters()
    page = text_of(story.sender())
    assert "Đã vá cả phần trước cổng trường." in page and "Yêu cầu cấp trên xem lại" not in page
    assert "Chưa xong, yêu cầu giải quyết lại" in page  # the new answer may be disputed, the second look is used up
    check(story, look)
