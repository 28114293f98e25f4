"""What the pages of a ticket say so that it is understood: of a pause that lasts, of what a step would do, of somebody
who was first, of a second time."""

import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from backend import clock
from backend.deadlines.rules import shipped_rules
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.texts import OF_DATA
from backend.users.models import Role
from backend.users.policy import SENDER
from backend.web import language
from backend.worktime.shipped import shipped_calendar
from tests.desk.action_cards import card
from tests.following import TICKET, follow
from tests.life import Life
from tests.markup import text_of
from tests.signing_in import sign_in


@pytest.fixture
def life(life: Life, monkeypatch: pytest.MonkeyPatch) -> Life:
    """Received on Monday 2 November, accepted at once; the clock of the application goes with it."""
    monkeypatch.setattr(clock, "now", lambda: life.at)
    life.act(Event.ACCEPTED)
    return life


def page_of(client: TestClient, life: Life, role: Role = Role.OFFICER) -> str:
    sign_in(client, life.world.user(role))
    return client.get(f"/hop-thu/{life.ticket.number}").text


def test_a_pause_that_lasts_shows_the_due_date_of_a_reply_today_and_one_line_for_its_days(
    client: TestClient, life: Life
) -> None:
    life.act(Event.INFO_REQUESTED, days=1)
    life.at += timedelta(days=7)  # Tuesday to Tuesday: five closes
    page = page_of(client, life)
    assert "Hạn xử lý: 01/12/2026" in text_of(page)
    assert "trả lời ngay hôm nay" in page
    assert "03/11/2026 – 09/11/2026: chờ người gửi bổ sung, không tính (5 ngày)" in text_of(page)


def test_two_pauses_are_two_lines_for_the_days_between_counted(client: TestClient, life: Life) -> None:
    for _again in range(2):
        life.act(Event.INFO_REQUESTED, days=1)
        life.act(Event.INFO_RECEIVED, SENDER, days=1)
        life.at += timedelta(days=1)
    assert len(re.findall(r"chờ người gửi bổ sung, không tính\s*</li>", page_of(client, life))) == 2


def test_a_sender_who_owes_an_answer_reads_what_waiting_costs(client: TestClient, session: Session, life: Life) -> None:
    ticket, secret = life.world.receive(life.at)
    session.expunge(ticket)
    life.ticket = session.get_one(Ticket, ticket.id)
    life.act(Event.INFO_REQUESTED, days=1)
    life.at += timedelta(days=7)
    follow(client, life.ticket, secret)
    page = client.get(TICKET).text
    assert "Hạn trả lời 01/12/2026" in text_of(page) and "hạn lùi thêm một ngày" in page
    sent = {"pause": "1", "objection": "Tôi đã ghi rõ."}
    assert client.post(f"{TICKET}/khong-tam-dung", data=sent).status_code == 303
    assert "bạn không đồng ý, cấp tỉnh đang xét" in client.get(TICKET).text
    life.act(Event.PAUSE_JUDGED, life.coordinator, stands=True)
    assert "bạn không đồng ý, đã xét và giữ nguyên" in client.get(TICKET).text


def test_before_it_is_refused_the_page_says_that_the_term_ends_there(client: TestClient, life: Life) -> None:
    shown = card(page_of(client, life), "tu-choi")
    assert "Thời hạn dừng tại đây, khi hạn đang là 23/11/2026. Không được tính" in " ".join(shown.split())
    assert "không thay đổi" not in shown


def test_a_question_after_the_due_date_moves_nothing_and_the_page_says_so(client: TestClient, life: Life) -> None:
    life.at += timedelta(days=30)
    shown = card(page_of(client, life), "hoi-them")
    assert "Đã quá hạn nên việc chờ người gửi không làm hạn lùi lại." in shown
    assert "Việc hỏi thêm được ghi nhận quá hạn" in shown


def test_who_comes_second_reads_what_the_first_did_keeps_the_text_and_gets_a_link(
    client: TestClient, life: Life
) -> None:
    seen = life.ticket.version
    first = life.world.user(name="Tẩn Thị Mẩy")
    sign_in(client, first)
    address = f"/hop-thu/{life.ticket.number}"
    asked = client.post(f"{address}/hoi-them", data={"version": str(seen), "question": "Đoạn nào?"})
    assert asked.status_code == 303
    sign_in(client, life.world.user())
    late = client.post(f"{address}/tra-loi", data={"version": str(seen), "answer": "Đã vá xong đoạn đường."})
    assert late.status_code == 409 and "Đã vá xong đoạn đường." in late.text
    summary = late.text[late.text.index('class="error-summary"') :].split("</section>")[0]
    assert "Đề nghị người gửi bổ sung" in summary and "Tẩn Thị Mẩy" in summary and f'href="{address}"' in summary


def test_a_refused_sender_is_asked_why_it_should_be_taken_up(client: TestClient, life: Life) -> None:
    ticket, secret = life.world.receive(life.at)
    follow(client, ticket, secret)
    life.world.happen(ticket, Event.REFUSED, life.officer, life.at)
    client.post(f"{TICKET}/doc")
    page = client.get(TICKET).text
    assert "Yêu cầu xem lại việc không tiếp nhận" in page and "Việc đã được giải quyết chưa?" not in page


def test_the_second_time_is_told_apart_from_the_first(client: TestClient, life: Life) -> None:
    ticket, secret = life.world.answered(life.at, life.at)
    follow(client, ticket, secret)
    client.post(f"{TICKET}/doc")
    assert client.post(f"{TICKET}/chua-xong", data={"reason": "Mới vá một nửa."}).status_code == 303
    page = client.get(TICKET).text
    assert "Đây là lần giải quyết thứ 2" in page and "<dt>Trả lời lần đầu ngày</dt>" in page


def test_what_shipped_data_says_on_a_page_is_there_to_be_translated() -> None:
    calendar = shipped_calendar("vn")
    holidays = {day.name for day in calendar.exceptions if not re.search(r"\d/\d|\d{4}", day.name)}
    bases = {rule.basis for rule in shipped_rules() if rule.code in ("resolve", "second_look")}
    assert holidays | bases | {calendar.basis} == set(OF_DATA)


def test_a_holiday_and_a_basis_are_read_in_the_readers_language(
    client: TestClient, life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    basis = "Theo cách làm chung của cơ quan nhà nước; pháp luật chưa quy định thời hạn này"
    english = {"Ngày Văn hóa Việt Nam": "Vietnam Culture Day", basis: "As others do"}
    known = language.catalogue
    monkeypatch.setattr(language, "catalogue", lambda code: {**known(code), **(english if code == "en" else {})})
    life.at += timedelta(days=7)
    life.ticket, secret = life.world.receive(life.at)
    client.cookies.set("lang", "en")
    follow(client, life.ticket, secret)
    for page in (page_of(client, life), client.get(TICKET).text):
        assert "Vietnam Culture Day" in page and "As others do" in page and "Ngày Văn hóa" not in page
