"""Hints about an answer: they are shown when somebody asks for them, and never keep anybody from sending."""

from datetime import datetime

import pytest
from fastapi.testclient import TestClient

from backend.desk.replies.checklist import SENTENCE_MOST, check_reply
from backend.tickets.lifecycle import Event
from tests.desk.typed_page import TypedPage
from tests.factories import World
from tests.markup import text_of
from tests.signing_in import sign_in

GOOD = "Theo Điều 12 Nghị định 61/2018/NĐ-CP, đường đã vá xong. Cần hỏi thêm, xin gọi 0213 3876 543."


def shown(text: str) -> list[str]:
    return [hint.text % hint.params for hint in check_reply(text)]


def test_an_answer_with_basis_and_contact_in_plain_words_gets_no_hint() -> None:
    assert shown(GOOD) == []


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (GOOD.replace("Theo Điều 12 Nghị định 61/2018/NĐ-CP, đường", "Đường"), "Chưa thấy căn cứ"),
        (GOOD.replace("xin gọi 0213 3876 543", "xin hỏi lại"), "Chưa thấy cách liên hệ"),
        (f"{GOOD} {'dài ' * (SENTENCE_MOST + 1)}", f"Câu dài {SENTENCE_MOST + 1} chữ"),
        (f"{GOOD} Đã TRIỂN KHAI thực hiện.", "“triển khai thực hiện” là từ khó; có thể viết: làm."),
    ],
)
def test_what_is_missing_is_named(text: str, hint: str) -> None:
    [only] = shown(text)
    assert hint in only


def test_hints_stand_at_the_field_on_request_and_everything_typed_stays(
    client: TestClient, world: World, now: datetime
) -> None:
    ticket = world.happen(world.receive(now)[0], Event.ACCEPTED, world.actor(), now)
    sign_in(client, world.user())
    address = f"/hop-thu/{ticket.number}"
    assert "Chưa thấy căn cứ" not in client.get(address).text
    data = {"version": str(ticket.version), "check": "answer", "answer": "Xong rồi.", "question": "Ở đâu?"}
    page = client.post(f"{address}/xem", data=data)
    assert page.status_code == 200 and "Chưa thấy căn cứ" in text_of(page.text)
    texts = TypedPage(page.text).texts
    assert (texts["answer"].strip(), texts["question"].strip()) == ("Xong rồi.", "Ở đâu?")
    assert "Chưa thấy căn cứ" not in client.get(address).text  # asked for once
