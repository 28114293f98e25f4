"""The page of the search: what it shows, what it records, and what stays out of addresses, logs and answers."""

import logging
import re
from datetime import datetime

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from backend.audit import AuditEntry
from backend.tickets.models import MessageKind, TicketMessage
from backend.tickets.search import find
from backend.users.models import Role
from tests.factories import World
from tests.signing_in import sign_in

SEARCH = "/hop-thu/tim"


def titles(html: str) -> list[str]:
    """Titles of the hits, without their marks."""
    headings = re.findall(r"<h3>\s*<a [^>]*>(.*?)</a>", html, re.DOTALL)
    return [re.sub("</?mark>", "", heading).strip() for heading in headings]


def passages(html: str) -> list[str]:
    """The passages of the hits with their marks, each after the name of its text."""
    found = re.findall(r'<p class="passage"><span class="muted">(.*?)</span> (.*?)</p>', html, re.DOTALL)
    return [f"{place} {passage}" for place, passage in found]


def searched(client: TestClient, **fields: str) -> Response:
    return client.get(SEARCH, params=fields)


@pytest.fixture
def coordinator(client: TestClient, world: World) -> None:
    sign_in(client, world.user(Role.COORDINATOR))


@pytest.mark.usefixtures("coordinator")
def test_each_hit_shows_where_it_was_found(client: TestClient, session: Session, world: World, now: datetime) -> None:
    ticket, _secret = world.receive(
        now, title="Cổng chợ hỏng", content="Ông Đặng nói rằng đường vào chợ có nhiều ổ gà, nguy hiểm."
    )
    session.add(TicketMessage(ticket_id=ticket.id, kind=MessageKind.ANSWER, body="Đã trải nhựa nóng.", at=now))
    session.flush()
    html = searched(client, q="cho o ga nhua").text
    assert "Cổng <mark>chợ</mark> hỏng" in html
    assert passages(html) == [
        "Nội dung: Ông Đặng nói rằng đường vào <mark>chợ</mark> có nhiều <mark>ổ</mark> <mark>gà</mark>, nguy hiểm.",
        "Trả lời: Đã trải <mark>nhựa</mark> nóng.",
    ]
    assert passages(searched(client, q="chợ").text) == []
    assert "1 phản ánh" in html


@pytest.mark.usefixtures("coordinator")
def test_a_long_text_is_shown_around_its_words(client: TestClient, world: World, now: datetime) -> None:
    content = f"{'Đầu thư rất dài. ' * 40}Chỗ cần tìm là cái cống này. {'Cuối thư cũng dài. ' * 40}"
    world.receive(now, title="Dài", content=content)
    (passage,) = passages(searched(client, q="cống").text)
    assert passage.startswith("Nội dung: … ") and passage.endswith(" …") and "<mark>cống</mark>" in passage
    assert len(passage) < 250


@pytest.mark.usefixtures("coordinator")
def test_what_people_wrote_is_text_and_no_markup(client: TestClient, world: World, now: datetime) -> None:
    world.receive(now, title="<b>đèn</b> {{ 7*7 }}", content="<script>alert('đèn')</script> & những thứ khác nữa.")
    html = searched(client, q="đèn <script>").text
    assert "&lt;b&gt;<mark>đèn</mark>&lt;/b&gt; {{ 7*7 }}" in html and "<script>alert" not in html


@pytest.mark.usefixtures("coordinator")
@pytest.mark.parametrize("typed", ["%%%%", "☃", "a" * 10_000, "x " * 200, "w" * 201, "a*", "& | !", '"'])
def test_a_query_without_an_answer_gets_its_sentence_at_the_field(client: TestClient, typed: str) -> None:
    answer = searched(client, q=typed)
    assert answer.status_code == 422
    assert 'id="q-error"' in answer.text and 'aria-invalid="true"' in answer.text
    assert re.search(r'name="q"\s+type="search"\s+value="', answer.text)


@pytest.mark.usefixtures("coordinator")
@pytest.mark.parametrize(
    "fields",
    [{"unit": "x"}, {"state": "khong-co"}, {"category": "?"}, {"channel": "fax"}, {"received_from": "31/2/2026"}],
)
def test_a_filter_that_does_not_exist_is_told_at_its_field(client: TestClient, fields: dict[str, str]) -> None:
    answer = searched(client, q="đèn", **fields)
    assert answer.status_code == 422 and f'id="{next(iter(fields))}-error"' in answer.text
    assert 'value="đèn"' in answer.text


@pytest.mark.usefixtures("coordinator")
def test_filters_stay_in_the_address_of_the_next_page(
    client: TestClient, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(find.find_tickets.__kwdefaults__, "page", 2)
    for _again in range(3):
        world.receive(now, title="Đèn tắt")
    world.receive(now, title="Đèn tắt", category_code="environment")
    html = searched(client, q="den", category="roads", state="open").text
    older = re.search(r'<a href="([^"]+)" rel="next">', html)
    assert older is not None and len(titles(html)) == 2 and "3 phản ánh" in html
    address = older[1].replace("&amp;", "&")
    assert "category=roads" in address and "state=open" in address and "q=den" in address
    assert len(titles(client.get(address).text)) == 1


@pytest.mark.usefixtures("coordinator")
def test_the_form_leads_to_an_address_that_can_be_copied(client: TestClient) -> None:
    answer = client.post(SEARCH, data={"q": "đèn đường", "sender": "", "state": "open"})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{SEARCH}?q=%C4%91%C3%A8n+%C4%91%C6%B0%E1%BB%9Dng&state=open"


@pytest.mark.usefixtures("coordinator")
def test_a_search_by_sender_is_recorded_without_its_words(
    client: TestClient, session: Session, world: World, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    ticket, _secret = world.receive(now, title="Của Hằng", name="Lò Thị Hằng", phone="0912345678")
    world.receive(now, title="Của Hưng", name="Lò Văn Hưng", phone="0987000111")
    with caplog.at_level(logging.DEBUG):
        answer = client.post(SEARCH, data={"sender": "hằng 5678"})
    assert answer.status_code == 200 and titles(answer.text) == ["Của Hằng"]
    assert "Lò Thị Hằng" in answer.text and "0912345678" in answer.text and "Hưng" not in answer.text
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "contacts_searched")).one()
    assert entry.data == {"by": ["name", "phone"], "total": 1, "tickets": [ticket.id]}
    assert "hằng" not in caplog.text.lower() and "5678" not in caplog.text


@pytest.mark.usefixtures("coordinator")
def test_further_hits_of_a_sender_are_asked_for_by_a_form(
    client: TestClient, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(find.find_tickets.__kwdefaults__, "page", 2)
    for number in range(3):
        world.receive(now, title=f"Việc {number}", name="Lò Thị Hằng")
    html = client.post(SEARCH, data={"sender": "hằng"}).text
    assert titles(html) == ["Việc 2", "Việc 1"] and 'href="/hop-thu/tim?' not in html
    after = re.search(r'name="after" value="([^"]+)"', html)
    assert after is not None
    assert titles(client.post(SEARCH, data={"sender": "hằng", "after": after[1]}).text) == ["Việc 0"]


@pytest.mark.usefixtures("coordinator")
def test_a_sender_in_an_address_is_not_searched(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    world.receive(now, title="Của Hằng", name="Lò Thị Hằng")
    assert titles(client.get(SEARCH, params={"sender": "hằng"}).text) == []
    assert session.scalars(select(AuditEntry).where(AuditEntry.action == "contacts_searched")).all() == []


@pytest.mark.usefixtures("coordinator")
def test_a_sender_that_cannot_be_searched_is_told_at_the_field(client: TestClient) -> None:
    answer = client.post(SEARCH, data={"sender": "12", "q": "đèn"})
    assert answer.status_code == 422 and 'id="sender-error"' in answer.text and 'value="đèn"' in answer.text


def test_an_officer_finds_the_tickets_of_the_own_unit_alone(client: TestClient, world: World, now: datetime) -> None:
    world.receive(now, title="Của mình")
    world.receive(now, title="Của người khác", unit_id=world.unit("LC-SYT").id, name="Lò Thị Hằng")
    sign_in(client, world.user(Role.OFFICER))
    html = searched(client, q="của").text
    assert titles(html) == ["Của mình"] and "1 phản ánh" in html and 'name="unit"' not in html
    assert titles(client.post(SEARCH, data={"sender": "hằng"}).text) == []


@pytest.mark.usefixtures("coordinator")
def test_a_page_asks_the_database_as_often_for_one_hit_as_for_many(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    asked: list[str] = []
    event.listen(session.get_bind(), "after_cursor_execute", lambda *args: asked.append(args[2]))
    searched(client, q="đèn")  # what is read once a process
    costs = []
    for more in (2, 12):
        for _again in range(more):
            world.receive(now, title="Đèn tắt")
        session.expunge_all()
        asked.clear()
        assert searched(client, q="đèn").status_code == 200
        costs.append(len([sql for sql in asked if sql.startswith("SELECT")]))
    assert costs[0] == costs[1]


def test_the_english_page_is_english(client: TestClient, world: World, now: datetime) -> None:
    world.receive(now, title="Đèn tắt")
    sign_in(client, world.user(Role.COORDINATOR))
    html = client.get(SEARCH, params={"q": "den"}, headers={"Accept-Language": "en"}).text
    assert '<html lang="en">' in html and "1 piece of feedback" in html
