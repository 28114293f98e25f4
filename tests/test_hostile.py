"""What an attacker types or sends, against the application as a whole: every write from another site, script in every
text of a ticket's life, personal data on the way to a log."""

import logging
import re
from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import anyio
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.app import create_app
from backend.notify import service as notify
from backend.notify.composition import compose_message
from backend.outbox.models import LocalMail, OutboxMessage
from backend.tickets.models import Contact, Ticket
from backend.tickets.reception import receipts
from backend.users.models import Role
from tests.factories import World
from tests.following import follow
from tests.routes import declared
from tests.sending import form
from tests.signing_in import sign_in

WRITES = [route for route in declared(create_app()) if route.method == "POST"]
SCRIPT = "=1+1\"'><svg onload=alert(1)>{{7*7}}"


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}], ids=str)
def test_no_write_of_the_application_is_taken_from_another_site(client: TestClient, headers: dict[str, str]) -> None:
    assert len(WRITES) > 40
    for route in WRITES:
        address = re.sub(r"\{[^}]+\}", "1", route.path)
        assert client.post(address, headers=headers).status_code == 403, f"{route} takes it"


def test_fields_that_the_form_does_not_have_change_nothing(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    """What a sender could wish to decide: state, dates, unit, channel, number, whose chat it is."""
    plain, _secret = world.receive(now)
    wishes = {
        "state": "closed",
        "due_date": "2030-01-01",
        "received_at": "2020-01-01",
        "unit_id": "1",
        "channel": "import",
    }
    wishes |= {"number": "PAKN.1", "id": "1", "version": "9", "chat_id": "1", "verdict": "on_time", "term": "99 days"}
    assert client.post("/gui", data=form(world, **wishes)).status_code == 303
    ticket = session.scalars(select(Ticket).order_by(Ticket.id.desc()).limit(1)).one()
    assert ticket.id != plain.id and ticket.number.startswith("PAKN.20261118.")
    for name in ("state", "due_date", "received_at", "unit_id", "channel", "version", "verdict", "term"):
        assert getattr(ticket, name) == getattr(plain, name), name
    contact = session.get(Contact, ticket.id)
    assert contact is not None and contact.chat_id is None


def staff(client: TestClient, session: Session, ticket: Ticket, deed: str, **fields: str) -> None:
    session.refresh(ticket)
    address = f"/hop-thu/{ticket.number}/{deed}"
    answer = client.post(address, data={"version": str(ticket.version), **fields})
    assert answer.status_code == 303, (deed, answer.text)


def test_script_in_every_text_of_a_ticket_is_shown_as_text_on_every_page_and_in_every_mail(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    client.post("/gui", data=form(world, title=SCRIPT, content=SCRIPT, name=SCRIPT, address=SCRIPT))
    shown = client.get("/bien-nhan").text
    ticket = session.scalars(select(Ticket)).one()
    found = re.search(r'class="code secret">([0-9A-Z-]{19})<', shown)
    assert found
    sign_in(client, world.user(Role.OFFICER, name=SCRIPT))
    staff(client, session, ticket, "chap-nhan")
    staff(client, session, ticket, "hoi-them", question=SCRIPT)
    follow(client, ticket, found[1])
    assert client.post("/theo-doi/phan-anh/tra-loi", data={"text": SCRIPT}).status_code == 303
    staff(client, session, ticket, "tra-loi", answer=SCRIPT, answer_outcome="done")
    follow(client, ticket, found[1])
    rating = {"ease": "3", "by_rules": "3", "timely": "3", "remark": SCRIPT}
    assert client.post("/theo-doi/phan-anh/danh-gia", data=rating).status_code == 303
    for message_id in session.scalars(select(OutboxMessage.id).order_by(OutboxMessage.id)).all():
        notify.deliver_message(message_id, 0, now)
    mails = [f"/hop-thu-thu-nghiem/{mail_id}" for mail_id in session.scalars(select(LocalMail.id))]
    assert mails
    staff_pages = [f"/hop-thu/{ticket.number}", "/hop-thu?state=answered"]
    pages = [client.get(address) for address in ("/theo-doi/phan-anh", *staff_pages, *mails)]
    pages.append(client.post(f"/hop-thu/{ticket.number}/nguoi-gui"))
    for page in pages:
        assert page.status_code == 200
        assert "<svg onload" not in page.text and "49" not in re.findall(r"alert\(1\)&gt;(..)", page.text)
    assert sum("&lt;svg onload" in page.text for page in pages) >= 5
    html = [row.html for row in (compose_message(session, one, now) for one in session.scalars(select(OutboxMessage)))]
    assert any("&lt;svg onload" in text for text in html) and not any("<svg onload" in text for text in html)


def test_nothing_of_a_person_reaches_a_log(
    client: TestClient, session: Session, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Taken, refused, followed, guessed, searched for, signed in with: the log says routes and statuses."""
    caplog.set_level("DEBUG")
    person = {"name": "Kênh Ẩn Danh", "phone": "0987654999", "email": "canary@example.vn", "address": "Bản Canary"}
    client.post("/gui", data=form(world, **person))
    found = re.search(r'class="code secret">([0-9A-Z-]{19})<', client.get("/bien-nhan").text)
    ticket = session.scalars(select(Ticket)).one()
    assert found
    client.post("/gui", data=form(world, title="", **person))
    follow(client, ticket, found[1])
    for _attempt in range(22):
        follow(client, ticket, found[1][:-1] + "*")
    client.get("/theo-doi", params={"so": person["phone"]})
    client.post("/dang-nhap", data={"email": person["email"], "password": "canary-password"})
    sign_in(client, world.user())
    client.get("/hop-thu", params={"q": person["email"], "state": person["phone"]})
    client.post(f"/hop-thu/{person['phone']}/tra-loi", data={"version": "1", "answer": person["name"]})
    lines = "\n".join(record.getMessage() for record in caplog.records if "httpx" not in record.name)  # the browser's
    assert "limit reached: secret-net" in lines and "POST /gui 303" in lines
    for secret in (*person.values(), "canary-password", found[1], receipts.normal_secret(found[1]), ticket.number):
        assert secret not in lines, secret


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/ngon-ngu", {"data": {"next": "x" * 5_000_000}}),
        ("/gui/xem-lai", {"data": {"content": "x" * 5_000_000}}),
        ("/gui/xem-lai", {"data": {"content": "x" * 5_000_000}, "files": {"photos": ("", b"")}}),
        ("/gui/xem-lai", {"files": [("photos", (f"{n}.jpg", b"x")) for n in range(101)]}),
    ],
    ids=["body", "field", "part", "files"],
)
def test_a_form_beyond_all_measure_is_refused_as_a_page(client: TestClient, path: str, sent: dict[str, Any]) -> None:
    answer = client.post(path, **sent)
    assert answer.status_code == 413
    assert "<h1>Nội dung gửi lên quá lớn</h1>" in answer.text
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize(
    ("asked", "led_to"),
    [
        ("/gui/", "/gui"),
        ("/theo-doi/?so=a%20b", "/theo-doi?so=a%20b"),
        ("/phản ánh/", "/ph%E1%BA%A3n%20%C3%A1nh"),
        ("//evil.example/", None),
        ("//", None),
        ("/khong-co", None),
    ],
)
def test_a_slash_too_many_leads_to_the_page_on_this_site_whatever_host_is_named(
    client: TestClient, asked: str, led_to: str | None
) -> None:
    answer = client.get(f"http://testserver{asked}", headers={"Host": "evil.example"})
    assert answer.headers.get("location") == led_to
    assert answer.status_code == (307 if led_to else 404)


def test_who_leaves_in_mid_upload_is_no_failure_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", b"1000")]
    scope = {"type": "http", "method": "POST", "path": "/ngon-ngu", "query_string": b"", "headers": headers}
    parts = iter([{"type": "http.request", "body": b"title=x", "more_body": True}])
    sent = []

    async def receive() -> MutableMapping[str, Any]:
        return next(parts, {"type": "http.disconnect"})

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    with ThreadPoolExecutor(1) as pool:  # a browser of another test may have left a loop running on this thread
        pool.submit(lambda: anyio.run(create_app(), scope, receive, send)).result()
    assert sent == []
    assert "POST /ngon-ngu 499" in caplog.text and "unexpected" not in caplog.text
