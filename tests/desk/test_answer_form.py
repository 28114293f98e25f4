"""The form of an answer: outcome, points, proof, earlier ticket; refusals at their fields, nothing typed lost."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy.orm import Session

from backend import clock
from backend.tickets.answers.points import propose_points
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketState
from backend.users.models import Role
from tests.factories import World
from tests.markup import field_error, text_of
from tests.signing_in import sign_in

Act = Callable[..., Response]
LIST = "Tôi xin hỏi:\n1. Bao giờ vá đường trước chợ?\n2) Ai chịu trách nhiệm việc này?\n- Có lắp thêm đèn không?"


@pytest.fixture
def ticket(world: World, now: datetime) -> Ticket:
    ticket, _secret = world.receive(now, content=LIST)
    return world.happen(ticket, Event.ACCEPTED, world.actor(), now)


@pytest.fixture
def act(client: TestClient, session: Session, world: World, ticket: Ticket) -> Act:
    """Press a button of the ticket's page as an officer of its unit."""
    sign_in(client, world.user())

    def press(path: str, **fields: str) -> Response:
        session.refresh(ticket)
        return client.post(f"/hop-thu/{ticket.number}/{path}", data={"version": str(ticket.version), **fields})

    return press


def test_no_outcome_is_chosen_beforehand_and_one_is_asked_for_at_its_field(
    client: TestClient, ticket: Ticket, act: Act
) -> None:
    page = client.get(f"/hop-thu/{ticket.number}").text
    radios = re.findall(r'<input type="radio"[^>]*name="answer_outcome"[^>]*>', page)
    assert len(radios) == 6 and not any("checked" in radio for radio in radios)
    refused = act("tra-loi", answer="Đã vá xong.")
    assert refused.status_code == 422 and "Xin chọn kết quả" in field_error(refused.text, "answer_outcome")
    assert re.search(r'<textarea id="answer"[^>]*>\s*Đã vá xong.</textarea>', refused.text)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"answer_outcome": "promised"}, "answer_until"),
        ({"answer_outcome": "promised", "answer_until": "hôm nào đó"}, "answer_until"),
        ({"answer_outcome": "promised", "answer_until": "21/11/2026"}, "answer_until"),  # a Saturday
        ({"answer_outcome": "not_possible"}, "answer_ground"),
        ({"answer_outcome": "not_possible", "answer_ground": "unclear"}, "answer_ground"),
        ({"answer_outcome": "answered_before"}, "answer_earlier"),
        ({"answer_outcome": "answered_before", "answer_earlier": "PAKN.20200101.0001"}, "answer_earlier"),
        ({"answer_outcome": "nothing of the kind"}, "answer_outcome"),
        ({"answer_outcome": "done", "answer_document_on": "18/11/2026"}, "answer_document"),
        ({"answer_outcome": "done", "answer_visited_on": "30/11/2026"}, "answer_visited_on"),
    ],
)
def test_what_is_missing_is_told_at_its_field_and_everything_typed_stays(
    session: Session, ticket: Ticket, act: Act, typed: dict[str, str], field: str
) -> None:
    refused = act("tra-loi", answer="Câu trả lời.", answer_visitor="Lò Văn Kiểm", **typed)
    assert refused.status_code == 422 and field_error(refused.text, field)
    assert "Câu trả lời." in refused.text and 'value="Lò Văn Kiểm"' in refused.text
    session.refresh(ticket)
    assert ticket.state is TicketState.ACCEPTED


def test_points_are_taken_from_the_text_looked_over_stored_and_changed(
    client: TestClient, session: Session, ticket: Ticket, act: Act
) -> None:
    assert "Lấy từ nội dung phản ánh" in client.get(f"/hop-thu/{ticket.number}").text
    proposed = act("xem", propose_points="1", points="Điểm tôi tự ghi", answer="Đang gõ.")
    area = re.search(r'<textarea id="points"[^>]*>\n([^<]*)</textarea>', proposed.text)
    assert area is not None and "Đang gõ." in proposed.text
    assert area[1].splitlines() == ["Điểm tôi tự ghi", *propose_points(LIST)]
    assert act("cac-diem", points="Bao giờ vá?\nAi chịu trách nhiệm?").status_code == 303
    page = client.get(f"/hop-thu/{ticket.number}").text
    assert "Điểm 2: Ai chịu trách nhiệm?" in text_of(page) and "Lấy từ nội dung" not in page
    unchanged = act("hoi-them", question="Đoạn nào?", points="Bao giờ vá?\r\nAi chịu trách nhiệm?")
    assert unchanged.status_code == 303, "what the page filled in is not taken for a typed text"
    assert act("cac-diem", points="\n".join(["một điểm nữa"] * 21)).status_code == 422


def test_an_open_point_is_warned_of_and_leaves_only_with_a_reason(
    client: TestClient, session: Session, ticket: Ticket, act: Act
) -> None:
    act("cac-diem", points="Bao giờ vá?\nAi chịu trách nhiệm?")
    typed = {"answer": "Đã vá.", "answer_outcome": "done", "answer_point_1": "Hôm qua"}
    refused = act("tra-loi", **typed)
    assert refused.status_code == 422 and "Chưa trả lời điểm 2." in field_error(refused.text, "answer_point_2")
    assert 'value="Hôm qua"' in refused.text
    without = act("tra-loi", **typed, answer_send_open="1")
    assert without.status_code == 422 and field_error(without.text, "answer_open_reason")
    reason = {"answer_send_open": "1", "answer_open_reason": "Việc của cơ quan khác."}
    assert act("tra-loi", **typed, **reason).status_code == 303
    page = client.get(f"/hop-thu/{ticket.number}").text
    assert "Việc của cơ quan khác." in page and "chưa trả lời" in page


def test_an_approver_reads_the_draft_returns_it_and_sends_the_next(
    client: TestClient, session: Session, world: World, ticket: Ticket, act: Act
) -> None:
    act("cac-diem", points="Bao giờ vá?")
    draft = {"draft": "Sẽ vá.", "draft_outcome": "partly", "draft_point_1": "Tuần này", "draft_document": "12/KH"}
    assert act("trinh-duyet", **draft).status_code == 303
    sign_in(client, world.user(Role.LEADER))
    page = text_of(client.get(f"/hop-thu/{ticket.number}").text)
    assert "Làm được một phần" in page and "12/KH" in page and "Bao giờ vá? – Tuần này" in page
    assert act("tra-lai", return_reason="Điểm 1 chưa rõ ngày.").status_code == 303
    sign_in(client, world.user())
    assert act("trinh-duyet", **(draft | {"draft_point_1": "Ngày 20/11"})).status_code == 303
    sign_in(client, world.user(Role.LEADER))
    assert act("duyet", approved="").status_code == 303
    session.refresh(ticket)
    assert (ticket.state, ticket.answer_outcome) == (TicketState.ANSWERED, "partly")


def test_a_repeat_is_refused_with_the_earlier_number_and_without_one_not(
    session: Session, world: World, ticket: Ticket, act: Act, now: datetime
) -> None:
    earlier, _secret = world.answered(now - timedelta(days=9), now - timedelta(days=5))
    typed = {"ground": "repeat", "refusal_reason": "Đã trả lời rồi."}
    without = act("tu-choi", **typed)
    assert without.status_code == 422 and field_error(without.text, "refusal_earlier")
    assert "Đã trả lời rồi." in without.text
    assert act("tu-choi", **typed, refusal_earlier=earlier.number.lower()).status_code == 303
    session.refresh(ticket)
    assert ticket.state is TicketState.REFUSED


def test_promised_work_is_reported_or_explained_from_the_page(
    client: TestClient,
    session: Session,
    world: World,
    ticket: Ticket,
    act: Act,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    typed = {"answer": "Sẽ vá.", "answer_outcome": "promised", "answer_until": "25/11/2026"}
    assert act("tra-loi", **typed).status_code == 303
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=8))
    sign_in(client, world.user())
    page = client.get(f"/hop-thu/{ticket.number}").text
    assert "Quá ngày hẹn" in page and "/da-lam-xong" in page and "/hen-lai-viec" in page
    refused = act("hen-lai-viec", promise_reason="Mưa.", promise_reason_until="25/11/2026")
    assert refused.status_code == 422 and field_error(refused.text, "promise_reason_until")
    assert act("hen-lai-viec", promise_reason="Mưa.", promise_reason_until="02/12/2026").status_code == 303
    assert "chỉ được hẹn lại một lần" in act("hen-lai-viec", promise_reason="Mưa.").text
    assert act("da-lam-xong", report="Đã vá xong.").status_code == 303
    session.refresh(ticket)
    assert (ticket.promise_until, ticket.promises_missed) == (None, 1)
    assert "/da-lam-xong" not in client.get(f"/hop-thu/{ticket.number}").text


@pytest.mark.parametrize(
    ("content", "points"),
    [
        (LIST, ["Bao giờ vá đường trước chợ?", "Ai chịu trách nhiệm việc này?", "Có lắp thêm đèn không?"]),
        ("Đường hỏng. Bao giờ thì vá đường? Ai làm việc này?", ["Bao giờ thì vá đường?", "Ai làm việc này?"]),
        ("Đường trước chợ hỏng.\n\nĐèn ở ngã ba tắt.", ["Đường trước chợ hỏng.", "Đèn ở ngã ba tắt."]),
        ("Đoạn đường trước cổng chợ có nhiều ổ gà.", []),
        ("", []),
        ("1. a\n2. b", []),
    ],
)
def test_a_text_is_split_by_its_numbers_its_questions_or_its_paragraphs(content: str, points: list[str]) -> None:
    assert propose_points(content) == points
