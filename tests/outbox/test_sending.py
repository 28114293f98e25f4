"""The outbox: what is to be told is told at least once, to whom it belongs, and never while a connection is held."""

import smtplib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import audit, settings
from backend.notify import service
from backend.notify.channels import (
    DeliveryDelayed,
    DeliveryRefused,
    EmailChannel,
    OutgoingMessage,
    TelegramChannel,
    split_text,
)
from backend.outbox.models import DeliveryState, LocalMail, Medium, OutboxMessage
from backend.tickets import service as tickets
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, Contact, Ticket
from backend.users.models import Role
from tests.bot_api_server import TOKEN, BotApiServer
from tests.factories import World
from tests.smtp_server import SmtpServer
from tests.spy_channel import Spy

CHAT = 5_000_000_007  # Telegram's ids pass 32 bits


@pytest.fixture
def api() -> Iterator[BotApiServer]:
    with BotApiServer() as server:
        yield server


@pytest.fixture
def mail_server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


def only(session: Session, template: str, medium: Medium = Medium.EMAIL) -> OutboxMessage:
    session.expire_all()
    return session.scalars(
        select(OutboxMessage).where(OutboxMessage.template == template, OutboxMessage.medium == medium)
    ).one()


def letter(**more: Any) -> OutgoingMessage:
    values: dict[str, Any] = {
        "key": "ticket:1:received:email",
        "recipient": "a@example.vn",
        "subject": "Đã nhận",
        "body": "Chào bạn.\n",
    }
    return OutgoingMessage(
        **{**values, "html": "<p>Chào bạn.</p>", "at": datetime.fromisoformat("2026-11-18T09:00+07:00"), **more}
    )


def test_sweep_hands_each_row_out_once_in_batches(
    session: Session, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 2)
    for _n in range(5):
        world.receive(now)
    handed: list[tuple[int, int]] = []
    assert service.sweep_messages(now, lambda *task: handed.append(task)) == 5
    assert len({message_id for message_id, _attempts in handed}) == 5
    assert service.sweep_messages(now, lambda *task: handed.append(task)) == 0


def test_rows_that_the_broker_did_not_take_are_due_again_at_once(session: Session, world: World, now: datetime) -> None:
    for _n in range(3):
        world.receive(now)
    taken: list[int] = []

    def broker(message_id: int, _attempts: int) -> None:
        if taken:
            raise ConnectionError("broker is down")
        taken.append(message_id)

    with pytest.raises(ConnectionError):
        service.sweep_messages(now, broker)
    again: list[int] = []
    service.sweep_messages(now, lambda message_id, _attempts: again.append(message_id))
    assert len(again) == 2 and not set(again) & set(taken)


def test_a_task_that_runs_twice_sends_once(session: Session, world: World, now: datetime) -> None:
    world.receive(now)
    row, spy = only(session, "received"), Spy()
    assert service.deliver_message(row.id, 0, now, spy) is DeliveryState.SENT
    assert service.deliver_message(row.id, 0, now, spy) is None
    assert len(spy.messages) == 1
    assert only(session, "received").sent_at == now


def test_sending_holds_no_transaction(session: Session, world: World, now: datetime) -> None:
    """The claim is already committed when the channel is asked: another task finds the row taken."""
    world.receive(now)
    row = only(session, "received")
    second: list[DeliveryState | None] = []

    class Reentrant:
        def send(self, message: OutgoingMessage) -> None:
            second.append(service.deliver_message(row.id, 0, now, Spy()))

    assert service.deliver_message(row.id, 0, now, Reentrant()) is DeliveryState.SENT
    assert second == [None]


def test_a_row_whose_sender_died_comes_due_again_after_the_lease(session: Session, world: World, now: datetime) -> None:
    world.receive(now)
    row = only(session, "received")
    with pytest.raises(KeyboardInterrupt):
        service.deliver_message(row.id, 0, now, Spy([KeyboardInterrupt()]))  # type: ignore[list-item]
    handed: list[tuple[int, int]] = []
    assert service.sweep_messages(now + service.LEASE - timedelta(seconds=1), lambda *task: handed.append(task)) == 0
    assert service.sweep_messages(now + service.LEASE, lambda *task: handed.append(task)) == 1
    assert service.deliver_message(*handed[0], now + service.LEASE, Spy()) is DeliveryState.SENT


def test_failures_wait_longer_each_time_and_end(session: Session, world: World, now: datetime) -> None:
    world.receive(now)
    row = only(session, "received")
    at, waits, outcome = now, [], DeliveryState.PENDING
    while outcome is DeliveryState.PENDING:
        found = service.deliver_message(row.id, row.attempts, at, Spy([DeliveryDelayed("SMTP 451")]))
        assert found is not None
        outcome, row = found, only(session, "received")
        waits.append(row.next_at - at)
        at = row.next_at
    assert outcome is DeliveryState.FAILED and row.last_error == "SMTP 451"
    assert len(waits) == len(service.WAITS) + 1
    assert all(base <= wait <= base * 1.25 for base, wait in zip(service.WAITS, waits, strict=False))


def test_the_wait_that_the_other_side_asks_for_is_kept(session: Session, world: World, now: datetime) -> None:
    world.receive(now)
    row = only(session, "received")
    service.deliver_message(row.id, 0, now, Spy([DeliveryDelayed("Telegram 429", 4000.0)]))
    assert only(session, "received").next_at == now + timedelta(seconds=4000)


def test_nobody_is_written_to_after_being_erased(session: Session, world: World, now: datetime) -> None:
    ticket, _secret = world.receive(now)
    session.delete(session.get_one(Contact, ticket.id))
    session.flush()
    spy = Spy()
    assert service.deliver_message(only(session, "received").id, 0, now, spy) is DeliveryState.UNREACHABLE
    assert spy.messages == []


def test_the_answer_told_stops_the_clock_once(session: Session, world: World, now: datetime) -> None:
    ticket, _secret = world.answered(now - timedelta(days=2), now, chat_id=CHAT)
    for medium in Medium:
        row = only(session, "answered", medium)
        assert service.deliver_message(row.id, 0, now + timedelta(minutes=1), Spy()) is DeliveryState.SENT
    session.expire_all()
    ticket = session.get_one(Ticket, ticket.id)
    assert ticket.told_at == now + timedelta(minutes=1) and ticket.told_in_time
    told = [
        entry for entry in audit.list_entries(session, audit.ticket_chain(ticket.id)) if entry.action == Event.NOTIFIED
    ]
    assert [entry.actor for entry in told] == ["system"]


def test_messages_say_what_happened_and_hold_no_secret(session: Session, world: World, now: datetime) -> None:
    ticket, secret = world.receive(now)
    officer = world.actor(Role.OFFICER, world.unit())
    other = world.unit("LC-VP")
    change = tickets.ActionRequest(Event.FORWARDED, "Việc này thuộc tỉnh.", other.id)
    tickets.apply(session, ticket.id, change, officer, now=now + timedelta(minutes=1))
    spy = Spy()
    for row in session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all():
        service.deliver_message(row.id, 0, now, spy)
    received, forwarded = spy.messages
    assert ticket.number in received.body and "10/12/2026" in received.body and "Đoàn Kết" in received.body
    assert other.name in forwarded.body and "Việc này thuộc tỉnh." in forwarded.body
    for message in spy.messages:
        assert "/theo-doi" in message.body and "?" not in message.body.split("/theo-doi")[1].split()[0]
        assert secret not in message.body.replace("-", "") and ticket.content not in message.body
        assert message.recipient == "nguoigui@example.vn"


def test_what_a_unit_writes_is_text_in_the_html_part(session: Session, world: World, now: datetime) -> None:
    ticket, _secret = world.receive(now)
    officer = world.actor(Role.OFFICER, world.unit())
    world.happen(ticket, Event.INFO_REQUESTED, officer, now, "Ở đâu? <img src=x onerror=alert(1)> {{ 7*7 }}")
    spy = Spy()
    service.deliver_message(only(session, "info_requested").id, 0, now, spy)
    assert "&lt;img src=x onerror=alert(1)&gt; {{ 7*7 }}" in spy.messages[0].html
    assert "<img src=x onerror=alert(1)> {{ 7*7 }}" in spy.messages[0].body


def test_messages_come_in_the_language_of_the_ticket(session: Session, world: World, now: datetime) -> None:
    ticket, _secret = world.receive(now, language="en")
    spy = Spy()
    service.deliver_message(only(session, "received").id, 0, now, spy)
    assert 'lang="en"' in spy.messages[0].html and ticket.number in spy.messages[0].subject


def test_in_development_mail_goes_to_the_local_mailbox(session: Session, world: World, now: datetime) -> None:
    world.receive(now)
    assert service.deliver_message(only(session, "received").id, 0, now) is DeliveryState.SENT
    assert session.scalars(select(LocalMail.recipient)).all() == ["nguoigui@example.vn"]


def test_mail_arrives_over_smtp_with_a_message_id_of_its_own(mail_server: SmtpServer) -> None:
    channel = EmailChannel(mail_server.url, "Lắng Nghe <phananh@laichau.example.vn>")
    channel.send(letter())
    channel.send(letter())
    channel.send(letter(key="ticket:2:received:email"))
    first, second, third = mail_server.mails
    assert first["Message-ID"] == second["Message-ID"] != third["Message-ID"]
    assert first["Auto-Submitted"] == "auto-generated" and first["Subject"] == "Đã nhận"
    assert str(first["From"]) == "Lắng Nghe <phananh@laichau.example.vn>"
    assert [part.get_content_type() for part in first.iter_parts()] == ["text/plain", "text/html"]
    assert mail_server.recipients == ["a@example.vn"] * 3


@pytest.mark.parametrize(
    "recipient", ["a@example.vn\r\nBcc: b@example.vn", "a@example.vn, b@example.vn", "<a@example.vn>", "", "a"]
)
def test_an_address_cannot_add_headers_or_recipients(mail_server: SmtpServer, recipient: str) -> None:
    try:
        EmailChannel(mail_server.url, "no-reply@localhost").send(letter(recipient=recipient))
    except DeliveryRefused:
        assert mail_server.mails == []
    else:
        assert mail_server.recipients == [recipient]
        assert mail_server.mails[0]["Bcc"] is None


def test_a_subject_cannot_add_headers(mail_server: SmtpServer) -> None:
    with pytest.raises(DeliveryRefused):
        EmailChannel(mail_server.url, "no-reply@localhost").send(letter(subject="x\r\nBcc: b@example.vn"))
    assert mail_server.mails == []


@pytest.mark.parametrize(
    ("code", "failure"), [("550 5.1.1 unknown", DeliveryRefused), ("451 4.7.1 later", DeliveryDelayed)]
)
def test_a_refused_address_is_final_and_a_busy_server_is_not(
    mail_server: SmtpServer, code: str, failure: type[Exception]
) -> None:
    mail_server.refuse_with = code
    with pytest.raises(failure) as caught:
        EmailChannel(mail_server.url, "no-reply@localhost").send(letter())
    assert "a@example.vn" not in str(caught.value)


def test_a_mail_server_that_is_down_delays() -> None:
    with pytest.raises(DeliveryDelayed):
        EmailChannel("smtp://127.0.0.1:1", "no-reply@localhost").send(letter())


def test_a_password_is_not_sent_in_the_clear(monkeypatch: pytest.MonkeyPatch, mail_server: SmtpServer) -> None:
    channel = EmailChannel(mail_server.url.replace("smtp://", "smtp://user:pass@"), "no-reply@localhost")
    logins: list[str] = []
    monkeypatch.setattr(smtplib.SMTP, "login", lambda _self, user, _password: logins.append(user))
    monkeypatch.setattr("backend.notify.channels.LOOPBACK", set())
    with pytest.raises(DeliveryDelayed, match="TLS"):
        channel.send(letter())
    assert logins == []


def test_an_answer_reaches_the_chat_with_rating_buttons(
    session: Session, world: World, now: datetime, api: BotApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGNGHE_TELEGRAM_TOKEN", TOKEN)
    monkeypatch.setenv("LANGNGHE_TELEGRAM_API_URL", api.url)
    settings.get_settings.cache_clear()
    world.answered(now, now, chat_id=CHAT, email="", channel=Channel.TELEGRAM)
    row = only(session, "answered", Medium.TELEGRAM)
    assert service.deliver_message(row.id, 0, now) is DeliveryState.SENT
    message = api.of_chat(CHAT)[0]
    assert "Đã vá xong đoạn đường." in message.text and list(message.buttons)[:5] == ["1", "2", "3", "4", "5"]


def test_a_blocked_bot_is_final_and_a_flood_waits(api: BotApiServer) -> None:
    channel = TelegramChannel(api.url, TOKEN)
    api.flooded = [17]
    with pytest.raises(DeliveryDelayed) as flood:
        channel.send(letter(recipient=str(CHAT)))
    assert flood.value.retry_after == 17
    api.blocked = {CHAT}
    with pytest.raises(DeliveryRefused):
        channel.send(letter(recipient=str(CHAT)))
    with pytest.raises(DeliveryDelayed) as wrong:
        TelegramChannel(api.url, "999:wrong").send(letter(recipient=str(CHAT)))
    assert "999" not in str(wrong.value)


def test_no_receipt_is_posted_to_the_chat_that_was_just_handed_it(
    session: Session, world: World, now: datetime
) -> None:
    world.receive(now, channel=Channel.TELEGRAM, chat_id=CHAT)
    media = session.scalars(select(OutboxMessage.medium)).all()
    assert media == [Medium.EMAIL]
    assert session.scalar(select(func.count()).select_from(Contact).where(Contact.chat_id == CHAT)) == 1


@given(st.text(alphabet="aă 😀\n", min_size=1, max_size=300), st.integers(min_value=2, max_value=40))
def test_pieces_fit_and_lose_nothing_but_blanks(text: str, most: int) -> None:
    parts = split_text(text, most)
    assert all(len(part.encode("utf-16-le")) // 2 <= most for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())
