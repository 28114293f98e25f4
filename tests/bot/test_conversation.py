"""Turns of the bot's conversation without a network: what is refused, forged, late or repeated."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import clock
from backend.messengers.messenger import FILE_MOST, ChatInput, InputKind
from backend.notify import invitation
from backend.outbox.models import Chat
from backend.ratings.models import Rating
from backend.ratings.service import RatingScores, store_rating
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, Contact, Ticket, TicketState
from backend.tickets.second_looks.models import SecondLook
from backend.users.models import Role
from bot import gateway, persistence, texts
from bot.effects import EffectKind
from tests.bot.chat import CHAT, STRANGER, Person, updates
from tests.factories import World


@pytest.fixture
def person(session: Session, now: datetime) -> Person:
    return Person(session)


@pytest.fixture
def stranger(session: Session, now: datetime) -> Person:
    return Person(session, STRANGER)


@pytest.fixture
def answered(world: World, now: datetime) -> Ticket:
    ticket, _secret = world.answered(now, now, chat_id=CHAT, channel=Channel.TELEGRAM)
    return ticket


def score(ticket: Ticket, item: int, value: int, chat_id: int = CHAT) -> str:
    return invitation.rating_buttons(ticket.id, chat_id, item)[0][value - 1].data


def test_unit_is_found_without_tone_marks_and_by_pages(person: Person) -> None:
    person.say("/start")
    person.press("Tiếng Việt")
    assert "Không tìm thấy" in person.say("Hà Nội")
    assert "trang 1/" in person.press("Xem danh sách")
    assert "trang 2/" in person.press("›")
    assert "Cơ quan: " in person.do(InputKind.PRESS, person.buttons[0].data)


def test_sender_without_consent_stays_unknown(person: Person, session: Session) -> None:
    person.until_consent()
    assert "Gửi ẩn danh" in person.press("ẩn danh")
    assert "Mã bí mật" in person.press("✅ Gửi")
    ticket = session.scalars(select(Ticket)).one()
    assert session.get(Contact, ticket.id) is None
    assert str(ticket.id) not in str(session.get_one(Chat, CHAT).conversation)
    assert "chưa gửi" in person.say("/cuatoi")


def test_a_category_that_needs_contact_is_not_sent_without(person: Person, session: Session) -> None:
    person.until_consent("Thái độ")
    assert "không tiếp nhận được" in person.press("Không đồng ý")
    person.press("Thái độ")
    person.press("Đồng ý")
    person.say("Lò Thị Thử")
    assert "8 đến 15 chữ số" in person.say("12")
    assert "chưa đúng" in person.say("a@b")
    assert "Xin xem lại" in person.say("a@example.vn")
    person.press("✅ Gửi")
    ticket = session.scalars(select(Ticket)).one()
    assert session.get_one(Contact, ticket.id).email == "a@example.vn"
    assert ticket.unit_id != ticket.about_unit_id  # a complaint about conduct goes to the desk above


def test_the_same_update_twice_is_one_turn(person: Person, session: Session) -> None:
    person.until_consent()
    person.press("báo cho tôi")
    person.press("✅ Gửi")
    assert person.last is not None
    gateway.answer_input(person.last)
    session.expire_all()
    assert persistence.list_owed(session, CHAT)[0] == []
    assert session.scalar(select(func.count()).select_from(Ticket)) == 1


def test_after_a_quiet_week_ids_may_start_anew(
    person: Person, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.say("/start")
    later = clock.now() + timedelta(days=8)
    monkeypatch.setattr(clock, "now", lambda: later)
    gateway.answer_input(ChatInput(-5, CHAT, InputKind.TEXT, 1, text="/start"))
    assert len(persistence.list_owed(session, CHAT)[0]) == 1


def test_the_secret_is_never_written_down(person: Person, session: Session) -> None:
    person.until_consent()
    person.press("báo cho tôi")
    data = next(b.data for b in person.buttons if "Gửi" in b.text)
    gateway.answer_input(ChatInput(next(updates), CHAT, InputKind.PRESS, 1, text=data))
    session.expire_all()
    kept = str(session.get_one(Chat, CHAT).conversation)
    said = next(effect.words() for effect in persistence.list_owed(session, CHAT)[0] if effect.key)
    secret = said.split("Mã bí mật: ")[1].split("\n")[0]
    assert len(secret) == 19 and secret not in kept and secret.replace("-", "") not in kept


def test_an_old_button_does_nothing_but_the_question_comes_again(person: Person) -> None:
    person.say("/start")
    person.press("Tiếng Việt")
    person.say("doan ket")
    old = person.buttons[0].data
    person.press("Đường sá")
    assert person.do(InputKind.PRESS, old).startswith(texts.OLD_BUTTON)
    assert "kể sự việc" in person.read()


@pytest.mark.parametrize("value", ["u:999999999", "u:x", "p:99999", "send", "", "u:-1", "t:1", "c:nothing"])
def test_forged_values_behind_a_good_nonce_are_harmless(person: Person, session: Session, value: str) -> None:
    person.say("/start")
    person.press("Tiếng Việt")
    nonce = person.buttons[0].data.split(":")[0]
    answer = person.do(InputKind.PRESS, f"{nonce}:{value}")
    assert texts.FAILED not in answer and answer
    assert "unit" not in session.get_one(Chat, CHAT).conversation["state"]["draft"]


def test_stranger_cannot_rate_with_anothers_button(
    person: Person, stranger: Person, answered: Ticket, session: Session
) -> None:
    stranger.say("/start")
    stranger.press("Tiếng Việt")
    for data in (
        score(answered, 0, 1),
        score(answered, 0, 1, STRANGER),  # even a mark that the server had made for this chat does not help
        score(answered, 0, 1)[:-1] + "x",
        f"rate:{answered.id}:0:1:" + "A" * 12,
        f"rate:{answered.id}:7:9:" + "A" * 12,
    ):
        assert "Câu 2/3" not in stranger.do(InputKind.PRESS, data)
    assert session.scalar(select(func.count()).select_from(Rating)) == 0
    person.say("/start")
    person.press("Tiếng Việt")
    assert "Câu 2/3" in person.do(InputKind.PRESS, score(answered, 0, 1))


def test_the_first_press_of_an_item_counts(person: Person, answered: Ticket, session: Session) -> None:
    person.say("/start")
    person.press("Tiếng Việt")
    person.do(InputKind.PRESS, score(answered, 0, 2))
    assert "đã chọn mức 2" in person.do(InputKind.PRESS, score(answered, 0, 5))
    person.do(InputKind.PRESS, score(answered, 1, 3))
    person.do(InputKind.PRESS, score(answered, 2, 4))
    assert "Đã ghi nhận" in person.press("Không, gửi đánh giá")
    rating = session.scalars(select(Rating)).one()
    assert (rating.ease, rating.by_rules, rating.timely, rating.remark) == (2, 3, 4, None)


def test_three_scores_count_though_the_sender_turns_away(person: Person, answered: Ticket, session: Session) -> None:
    person.say("/start")
    person.press("Tiếng Việt")
    for item in range(3):
        person.do(InputKind.PRESS, score(answered, item, 5))
    assert answered.number in person.say("/cuatoi") + "".join(b.text for b in person.buttons)
    assert session.scalars(select(Rating)).one().remark is None


def test_rated_on_the_web_meanwhile_is_told_and_does_not_hold_the_chat(
    person: Person, answered: Ticket, session: Session, now: datetime
) -> None:
    person.say("/start")
    person.press("Tiếng Việt")
    for item in range(3):
        person.do(InputKind.PRESS, score(answered, item, 5))
    store_rating(session, answered.id, RatingScores(1, 1, 1), channel=Channel.WEB, now=now)
    session.flush()
    assert "đã được đánh giá" in person.say("Rất tốt")
    assert "Tôi giúp được gì" in person.say("/trogiup")
    assert session.scalars(select(Rating)).one().ease == 1


def test_a_ticket_without_answer_is_not_rated(person: Person, world: World, now: datetime, session: Session) -> None:
    ticket, _secret = world.receive(now, chat_id=CHAT)
    person.say("/start")
    person.press("Tiếng Việt")
    assert texts.NOT_ANSWERED in person.do(InputKind.PRESS, score(ticket, 0, 5))


def test_reply_goes_to_the_unit_once(person: Person, world: World, now: datetime, session: Session) -> None:
    ticket, _secret = world.receive(now, chat_id=CHAT)
    world.happen(ticket, Event.INFO_REQUESTED, world.actor(Role.OFFICER, world.unit()), now)
    person.say("/start")
    person.press("Tiếng Việt")
    button = invitation.reply_button(ticket.id, CHAT, "Trả lời")[0][0].data
    assert ticket.number in person.do(InputKind.PRESS, button)
    assert "Đã gửi câu trả lời" in person.say("Gần nhà văn hóa.")
    session.expire_all()
    assert session.get_one(Ticket, ticket.id).state is TicketState.ACCEPTED
    assert texts.REPLY_NOT_NEEDED in person.do(InputKind.PRESS, button)


def test_wrong_secret_and_unknown_number_get_one_answer_and_the_message_goes(
    person: Person, world: World, now: datetime
) -> None:
    ticket, _secret = world.receive(now)
    person.say("/start")
    person.press("Tiếng Việt")
    wrong = person.say(f"/theodoi {ticket.number} ABCD-EFGH-JKMN-PQRS")
    assert [e.message_id for e in person.effects if e.do is EffectKind.DELETE] == [
        person.last.message_id if person.last else 0
    ]
    unknown = person.say("/theodoi PAKN.20261118.9999 ABCD-EFGH-JKMN-PQRS")
    assert wrong == unknown and "không đúng" in wrong


def test_reading_the_answer_in_the_chat_tells_it(person: Person, answered: Ticket, session: Session) -> None:
    person.say("/start")
    person.press("Tiếng Việt")
    person.say("/cuatoi")
    assert "Đã vá xong" in person.press(answered.number)
    session.expire_all()
    assert session.get_one(Ticket, answered.id).told_at is not None


def test_what_is_no_text_or_photo_is_refused_with_a_hint(person: Person) -> None:
    person.begin()
    assert texts.NOT_A_PHOTO in person.do(InputKind.OTHER)
    person.say("Có ổ gà lớn ở trước cổng chợ.")
    assert "20 MB" in person.do(InputKind.PHOTO, file_id="big", size=FILE_MOST + 1)


def test_more_photos_than_allowed_are_told_and_left_out(person: Person, session: Session) -> None:
    person.begin()
    person.say("Có ổ gà lớn ở trước cổng chợ.")
    for number in range(7):
        said = person.do(InputKind.PHOTO, file_id=f"f{number}", album="one")
    assert "nhiều nhất 5 ảnh" in said
    assert len(session.get_one(Chat, CHAT).conversation["state"]["draft"]["photos"]) == 5


def test_a_photo_of_the_album_that_comes_after_sending_is_added(person: Person) -> None:
    person.begin()
    person.say("Có ổ gà lớn ở trước cổng chợ.")
    person.do(InputKind.PHOTO, file_id="f1", album="one")
    person.press("Xong")
    person.press("báo cho tôi")
    person.press("✅ Gửi")
    assert [e.file_id for e in person.effects if e.do is EffectKind.KEEP_PHOTO] == ["f1"]
    person.do(InputKind.PHOTO, file_id="f2", album="one")
    assert [e.file_id for e in person.effects if e.do is EffectKind.KEEP_PHOTO] == ["f2"]


def test_edits_of_old_messages_change_nothing(person: Person, session: Session) -> None:
    person.until_consent()
    assert person.do(InputKind.EDITED) == texts.EDITED_DRAFT
    person.press("báo cho tôi")
    person.press("✅ Gửi")
    assert person.do(InputKind.EDITED) == texts.EDITED_SENT


def test_cancel_and_language_change_keep_what_they_should(person: Person, session: Session) -> None:
    person.begin()
    person.say("/ngonngu")
    person.press("English")
    assert session.get_one(Chat, CHAT).language == "en"
    assert session.get_one(Chat, CHAT).conversation["state"]["draft"]["unit"]
    person.say("/huy")
    assert "draft" not in session.get_one(Chat, CHAT).conversation["state"]


def test_a_failure_of_ours_is_told_and_logged_without_what_was_typed(
    person: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("Lò Văn Thử 0912345678")

    person.begin()
    monkeypatch.setattr("bot.conversations.respond", broken)
    assert texts.FAILED in person.say("0912345678")
    assert "RuntimeError" in caplog.text and "0912345678" not in caplog.text


def test_silent_chats_forget_what_was_typed_and_keep_their_language(
    person: Person, session: Session, now: datetime
) -> None:
    person.until_consent()
    persistence.forget_old(session, now + timedelta(days=29))
    session.expire_all()
    assert session.get_one(Chat, CHAT).conversation
    persistence.forget_old(session, now + timedelta(days=31))
    session.expire_all()
    chat = session.get_one(Chat, CHAT)
    assert chat.conversation == {} and chat.language == "vi"


TYPED = ["/start", "/gui", "/theodoi", "/cuatoi", "/ngonngu", "/huy", "/x", "doan ket", "0912345678", "a@example.vn"]
TYPED += [
    "Có ổ gà lớn ở trước cổng chợ.",
    "PAKN.20261118.0001 ABCD-EFGH-JKMN-PQRS",
    "\u200b\u202e",
    "x" * 4096,
    "%(number)s",
]
moves = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(TYPED)),
    st.tuples(st.just("press"), st.integers(0, 12)),
    st.tuples(st.just("do"), st.sampled_from([InputKind.PHOTO, InputKind.PHONE, InputKind.OTHER, InputKind.EDITED])),
)
chats = count(9_000_000_000)


@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(moves, min_size=5, max_size=25))
def test_no_order_of_moves_breaks_the_conversation(
    session: Session, now: datetime, moves: list[tuple[str, object]]
) -> None:
    """Whatever somebody does in whatever order, there is an answer, and never "something failed"."""
    person = Person(session, next(chats))
    person.say("/start")
    person.press("Tiếng Việt")
    acts: dict[str, Callable[[object], str]] = {
        "say": lambda text: person.say(str(text)),
        "press": lambda n: person.do(
            InputKind.PRESS, ([b.data for b in person.buttons] or ["old:x"])[int(str(n)) % max(1, len(person.buttons))]
        ),
        "do": lambda kind: person.do(InputKind(str(kind)), "chú thích", file_id="f", album="a"),
    }
    for name, argument in moves:
        said = acts[name](argument)
        assert texts.FAILED not in said
        photo_of_album = argument is InputKind.PHOTO
        assert said or photo_of_album


def test_a_second_look_is_asked_for_below_the_answer_and_once(
    person: Person, session: Session, answered: Ticket
) -> None:
    person.say("/start")
    person.press("Tiếng Việt")
    person.say("/cuatoi")
    assert "chậm nhất ngày 17/12/2026" in person.press(answered.number)
    button = next(button.data for button in person.buttons if "cấp trên xem lại" in button.text)
    assert "vì sao bạn không đồng ý" in person.press_data(button)
    assert "vì sao bạn không đồng ý" in person.say("  ")
    assert "chậm nhất ngày 17/12/2026" in person.say("Mới vá một nửa.")
    look = session.scalars(select(SecondLook)).one()
    assert (look.ticket_id, look.reason) == (answered.id, "Mới vá một nửa.")
    assert "không yêu cầu cấp trên xem lại được" in person.press_data(button)
    person.say("/cuatoi")
    assert "cấp trên xem lại" not in person.press(answered.number)


def test_a_stranger_asks_for_no_second_look(person: Person, stranger: Person, answered: Ticket) -> None:
    data = invitation.look_button(answered.id, CHAT, "x")[0][0].data
    stranger.say("/start")
    stranger.press("Tiếng Việt")
    assert "Nút này không dùng được" in stranger.press_data(data)
    own = invitation.look_button(answered.id, STRANGER, "x")[0][0].data
    assert "Không tìm thấy" in stranger.press_data(own)
