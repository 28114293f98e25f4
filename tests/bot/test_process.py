"""The bot as a process, over HTTP, against a committed database: one person's feedback from /start to the rating, with
the process killed in the middle. The transcript goes to ``test-results/bot-transcript.txt``."""

import io
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import sessionmaker

from backend import clock, db, settings
from backend.attachments.models import Attachment
from backend.messengers.messenger import ChatInput, InputKind
from backend.notify import service as notify
from backend.outbox.models import Chat, Medium, OutboxMessage
from backend.ratings.models import Rating
from backend.settings import ROOT
from backend.tickets import service as tickets
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, Contact, Ticket, TicketState
from backend.units.models import Unit
from backend.users.models import Role
from backend.web import rate_limits
from bot import gateway, persistence
from tests.bot_api_server import TOKEN, BotApiServer, Sent
from tests.databases import new_database
from tests.factories import World, usual_notes
from tests.waiting import wait_until

pytestmark = pytest.mark.processes

CHAT, STRANGER = 5_000_000_007, 5_000_000_008
TRANSCRIPT = ROOT / "test-results" / "bot-transcript.txt"


def photo(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(file, "JPEG")
    return file.getvalue()


@dataclass
class Life:
    """The bot's process, the person at the other end, and the office behind."""

    api: BotApiServer
    env: dict[str, str]
    log: Path
    heard: int = 0
    bots: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            bot = subprocess.Popen([sys.executable, "-m", "bot"], env=self.env, cwd=ROOT, stdout=log, stderr=log)
        self.bots.append(bot)
        return bot

    def kill(self) -> None:
        self.bots[-1].kill()
        self.bots[-1].wait()

    def hear(self, *words: str, chat: int = CHAT) -> Sent:
        """The next message to the chat that holds all the words; later calls look behind it."""
        message = self.api.wait(chat, lambda m: all(word in m.text for word in words), after=self.heard)
        of_chat = [m for m in self.api.sent if m.chat_id == chat]
        self.heard = of_chat.index(message) + 1
        return message

    def say(self, text: str, *answer: str) -> Sent:
        self.api.say(CHAT, text)
        return self.hear(*answer)

    def press(self, button: str, *answer: str) -> Sent:
        self.api.press_button(CHAT, button)
        return self.hear(*answer)

    def deliver(self) -> None:
        """What beat and worker do."""
        now = clock.now()
        notify.sweep_messages(now, lambda message_id, attempts: notify.deliver_message(message_id, attempts, now))

    def office(self, ticket_id: int, event: Event, text: str = "") -> None:
        """An officer of the unit that has the ticket acts, and the sender is told."""
        with db.transaction() as session:
            unit = session.get_one(Unit, session.get_one(Ticket, ticket_id).unit_id)
            officer = World(session).actor(Role.OFFICER, unit)
            tickets.apply(
                session, ticket_id, tickets.ActionRequest(event, text, **usual_notes(event)), officer, now=clock.now()
            )
        self.deliver()


@pytest.fixture
def life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Life]:
    url = new_database("bot")
    with BotApiServer() as api:
        values = {
            "LANGNGHE_DATABASE_URL": url,
            "LANGNGHE_TELEGRAM_TOKEN": TOKEN,
            "LANGNGHE_TELEGRAM_API_URL": api.url,
            "LANGNGHE_DATA_DIR": str(tmp_path),
            "LANGNGHE_BASE_URL": "https://phananh.example.vn",
        }
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        settings.get_settings.cache_clear()
        engine = create_engine(url)
        monkeypatch.setattr(db, "session_factory", lambda: sessionmaker(engine, expire_on_commit=False))
        life = Life(api, {**os.environ, "PYTHONUNBUFFERED": "1"}, tmp_path / "bot.log")
        yield life
        for bot in life.bots:
            bot.kill()
            bot.wait()
        if life.bots:
            sys.stdout.write(life.log.read_text())  # shown when the test fails
        engine.dispose()
        settings.get_settings.cache_clear()


def count(model: type) -> int:
    with db.transaction() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_sender_reports_follows_and_rates_in_one_chat_across_a_crash(life: Life) -> None:
    life.start()
    life.say("/start someone-elses-token", "tiếng nào")
    life.press("Tiếng Việt", "cơ quan nào")
    life.say("xa muong", "Bạn chọn cơ quan nào")
    life.say("phuong doan ket", "Cơ quan: Phường Đoàn Kết")
    life.hear("thuộc loại nào")
    life.press("Đường sá", "kể sự việc")
    life.say("ngắn", "ít nhất 10 ký tự")
    life.say("Ổ gà trước cổng chợ.\nXe máy ngã hai lần trong tuần này. <b>*_`[", "gửi bây giờ")
    life.api.send_photo(CHAT, photo("red"), album="a1")
    life.hear("gửi bây giờ")

    life.kill()
    life.api.transcript.append("--- the bot's process is killed; the second photo of the album is sent meanwhile ---")
    life.api.send_photo(CHAT, photo("blue"), album="a1", caption="Chỗ sâu nhất")
    life.start()
    life.hear("Đã thêm vào nội dung")

    life.press("Xong", "được báo kết quả")
    life.press("cả họ tên", "Họ và tên")
    life.say("Lò Văn Thử", "Số điện thoại")
    life.api.share_phone(CHAT, "0912000000", owner=STRANGER)
    life.hear("của người khác")
    life.api.share_phone(CHAT, "+84912345678")
    review = life.hear("Xin xem lại")
    assert "Phường Đoàn Kết" in review.text and "Chỗ sâu nhất" in review.text and "Ảnh: 2" in review.text
    life.press("Sửa tiêu đề", "tiêu đề ngắn")
    life.say("Ổ gà ở chợ", "Xin xem lại", "Tiêu đề: Ổ gà ở chợ")
    life.api.press_button(CHAT, "✅ Gửi")
    receipt = life.hear("Đã nhận được phản ánh")
    number = receipt.text.split("Mã số: ")[1].split("\n")[0]
    secret = receipt.text.split("Mã bí mật: ")[1].split("\n")[0]
    assert "Văn phòng" in receipt.text or "Đoàn Kết" in receipt.text
    wait_until(lambda: count(Attachment) == 2)

    with db.transaction() as session:
        ticket = session.scalars(select(Ticket)).one()
        contact = session.scalars(select(Contact)).one()
        chat = session.get_one(Chat, CHAT)
        assert (ticket.number, ticket.channel, ticket.title) == (number, Channel.TELEGRAM, "Ổ gà ở chợ")
        assert "<b>*_`[" in ticket.content and ticket.state is TicketState.NEW
        assert (contact.chat_id, contact.name, contact.phone) == (CHAT, "Lò Văn Thử", "+84912345678")
        assert secret.replace("-", "") not in str(chat.conversation) and "0912345678" not in str(chat.conversation)
        assert "draft" not in chat.conversation["state"]

    life.api.deliver_again(life.api.history[-1])
    life.office(ticket.id, Event.ACCEPTED)
    assert not [m for m in life.api.of_chat(CHAT) if "Chúng tôi đã nhận" in m.text]
    life.hear("đã tiếp nhận", number)
    life.office(ticket.id, Event.INFO_REQUESTED, "Đoạn nào, gần nhà ai?")
    life.hear("Đoạn nào, gần nhà ai?", "tạm dừng")
    life.press("Trả lời", "viết câu trả lời")
    life.say("Gần nhà văn hóa bản.", "Đã gửi câu trả lời")
    life.office(ticket.id, Event.ANSWERED, "Đã vá xong ngày 20/11.")
    life.hear("Đã vá xong ngày 20/11.", "Câu 1/3")
    asked = next(m for m in reversed(life.api.of_chat(CHAT)) if "5" in m.buttons)
    first_press = asked.buttons["5"]
    life.press("4", "Câu 2/3")
    life.press("5", "Câu 3/3")
    life.press("3", "nhận xét thêm")
    life.say("Làm nhanh.", "Đã ghi nhận đánh giá")
    life.api.press(CHAT, first_press, asked.message_id)
    life.hear("đã được đánh giá")
    life.say(f"/theodoi {number} {secret}", "Tình trạng: Đã trả lời", "Đã vá xong ngày 20/11.")
    life.say("/cuatoi", "đã gửi từ đây")

    TRANSCRIPT.parent.mkdir(exist_ok=True)
    TRANSCRIPT.write_text(
        "\n".join(life.api.transcript).replace(secret, "****-****-****-****") + "\n", encoding="utf-8"
    )
    with db.transaction() as session:
        rating = session.scalars(select(Rating)).one()
        assert (rating.ease, rating.by_rules, rating.timely, rating.remark) == (4, 5, 3, "Làm nhanh.")
        assert rating.channel is Channel.TELEGRAM
        ticket = session.scalars(select(Ticket)).one()
        assert ticket.told_at is not None
        assert session.scalars(select(OutboxMessage.medium).distinct()).all() == [Medium.TELEGRAM]
    typed = next(
        u["message"]["message_id"] for u in life.api.history if "/theodoi" in u.get("message", {}).get("text", "")
    )
    assert (CHAT, typed) in life.api.deleted
    assert TOKEN not in life.log.read_text() and "0912345678" not in life.log.read_text()


def test_only_one_process_reads_and_the_next_takes_over(life: Life) -> None:
    life.start()
    life.say("/start", "tiếng nào")
    life.start()
    life.press("Tiếng Việt", "cơ quan nào")
    wait_until(lambda: [method.lower() for method, _params in life.api.calls].count("getme") == 2)
    life.bots[0].send_signal(signal.SIGTERM)
    assert life.bots[0].wait(timeout=30) == 0
    life.say("phuong doan ket", "Cơ quan: Phường Đoàn Kết")
    assert [m.text for m in life.api.of_chat(CHAT)].count("Cơ quan: Phường Đoàn Kết") == 1


def test_a_flood_or_a_broken_network_loses_no_reply(life: Life) -> None:
    life.start()
    life.say("/start", "tiếng nào")
    life.api.flooded = [1]
    life.api.failing = 1
    life.press("Tiếng Việt", "Xin chào")
    life.hear("cơ quan nào")


def test_attempts_are_limited_for_the_chat_that_guesses(life: Life) -> None:
    """Failures are counted in transactions of their own, so this needs a database that really commits."""
    now = clock.now()
    with db.transaction() as session:
        ticket, secret = World(session).receive(now)
    for chat_id in (CHAT, STRANGER):
        turn(chat_id, "/start")
        turn(chat_id, button(chat_id, "Tiếng Việt"), InputKind.PRESS)
    for _n in range(rate_limits.SECRET_BY_NETWORK.most):
        turn(STRANGER, f"/theodoi {ticket.number} ABCD-EFGH-JKMN-PQRS")
    assert "quá nhiều lần" in turn(STRANGER, f"/theodoi {ticket.number} ABCD-EFGH-JKMN-PQRT")
    turn(CHAT, "/theodoi")
    assert "mã bí mật" in turn(CHAT, ticket.number.lower())
    assert ticket.title in turn(CHAT, secret.lower())


_turns = itertools.count(1)


def turn(chat_id: int, text: str, kind: InputKind = InputKind.TEXT) -> str:
    """One turn without a process; what is owed for it."""
    number = next(_turns)
    gateway.answer_input(ChatInput(number, chat_id, kind, number, text=text))
    with db.transaction() as session:
        owed, _language = persistence.list_owed(session, chat_id)
    return "\n".join(effect.words() for effect in owed)


def button(chat_id: int, label: str) -> str:
    with db.transaction() as session:
        owed, _language = persistence.list_owed(session, chat_id)
    return next(b.data for effect in owed for row in effect.buttons for b in row if label in b.text)


def test_without_a_token_the_bot_says_so(life: Life) -> None:
    env = {name: value for name, value in life.env.items() if name != "LANGNGHE_TELEGRAM_TOKEN"}
    ended = subprocess.run(
        [sys.executable, "-m", "bot"], env=env, cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert ended.returncode == 2 and b"LANGNGHE_TELEGRAM_TOKEN is not set" in ended.stderr
