"""One life of each outcome, told with its letters (pytest -s prints them), and what an outcome cannot do without."""

import sys
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.deadlines.events import Event, TicketEvent
from backend.errors import Conflict, Forbidden, Invalid
from backend.history import words
from backend.notify import composition
from backend.outbox.models import Medium, OutboxMessage
from backend.ratings.service import RatingScores, store_rating
from backend.tickets.answers.outcomes import (
    AnswerContent,
    AnswerOutcome,
    AnswerProof,
    EarlierReference,
    latest_outcome,
)
from backend.tickets.answers.queries import read_answer
from backend.tickets.answers.texts import answer_texts
from backend.tickets.models import Channel, CitizenVerdict, TicketMessage, TicketState, Verdict
from backend.users.policy import SENDER, SYSTEM
from tests.factories import World
from tests.life import DAY, START, Life

ANOTHER = {"name": "Giàng A Thử", "email": "nguoikhac@example.vn", "phone": "0912 345 678"}


@pytest.fixture
def life(life: Life) -> Iterator[Life]:
    life.act(Event.ACCEPTED)
    yield life
    assert list(words.differences(life.session)) == []


def says(outcome: AnswerOutcome | None, **more: Any) -> dict[str, Any]:
    return {"answer": AnswerContent(outcome, **more)}


def letter(life: Life, template: str) -> str:
    """The latest e-mail of a template as it would leave now."""
    row = life.session.scalars(
        select(OutboxMessage)
        .where(
            OutboxMessage.ticket_id == life.ticket.id,
            OutboxMessage.template == template,
            OutboxMessage.medium == Medium.EMAIL,
        )
        .order_by(OutboxMessage.id.desc())
    ).first()
    assert row is not None, template
    mail = composition.compose_message(life.session, row, life.at)
    sys.stdout.write(f"\n--- {life.at:%d/%m/%Y} · {mail.subject} ---\n{mail.body}")
    return mail.body


def tell(title: str) -> None:
    sys.stdout.write(f"\n\n===== {title} =====")


class TestEachOutcome:
    def test_done_with_a_document_and_a_visit_confirmed_and_rated(self, life: Life) -> None:
        tell("Đã làm xong, có bằng chứng; người gửi xác nhận và đánh giá")
        proof = AnswerProof("45/UBND-KT", date(2026, 11, 4), date(2026, 11, 3), "Lò Văn Kiểm, Phòng Kinh tế")
        life.act(Event.ANSWERED, days=3, text="Đã vá xong đoạn đường.", **says(AnswerOutcome.DONE, proof=proof))
        mail = letter(life, "answered")
        assert "Kết quả: đã làm xong." in mail and "45/UBND-KT, ngày 04/11/2026" in mail
        assert "ngày 03/11/2026: Lò Văn Kiểm" in mail and "Đã giải quyết xong" in mail
        life.act(Event.NOTIFIED, SENDER)
        life.act(Event.CONFIRMED, SENDER, days=1)
        scores = RatingScores(5, 5, 4)
        store_rating(life.session, life.ticket.id, scores, channel=Channel.WEB, now=life.at)
        ticket = life.ticket
        assert (ticket.answer_outcome, ticket.citizen_verdict) == (AnswerOutcome.DONE, CitizenVerdict.CONFIRMED)

    def test_partly_and_disputed_stays_disputed_after_the_next_answer_until_the_sender_speaks(self, life: Life) -> None:
        tell("Làm được một phần; người gửi không đồng ý; trả lời lại")
        life.act(Event.ANSWERED, text="Đã vá được một nửa.", **says(AnswerOutcome.PARTLY))
        assert "Kết quả: làm được một phần." in letter(life, "answered")
        life.act(Event.NOTIFIED, SENDER)
        life.act(Event.DISPUTED, SENDER, days=2, text="Còn nửa kia.")
        life.act(Event.ANSWERED, days=4, text="Đã vá nốt.", **says(AnswerOutcome.DONE))
        letter(life, "answered")
        assert life.ticket.citizen_verdict is CitizenVerdict.DISPUTED, "an answer does not erase a disagreement"
        life.act(Event.NOTIFIED, SENDER)
        assert life.act(Event.CONFIRMED, SENDER).citizen_verdict is CitizenVerdict.CONFIRMED

    def test_a_promise_is_moved_once_missed_kept_late_and_asked_about_again(self, life: Life) -> None:
        tell("Hẹn ngày làm xong; hẹn lại; làm xong muộn; người gửi xác nhận")
        until = date(2026, 11, 20)
        life.act(Event.ANSWERED, text="Sẽ vá khi hết mưa.", until=until, **says(AnswerOutcome.PROMISED))
        mail = letter(life, "answered")
        assert "hẹn làm xong trước hết ngày 20/11/2026" in mail and "Việc đã xong?" not in mail
        life.act(Event.NOTIFIED, SENDER)
        with pytest.raises(Conflict, match="Việc còn đang hẹn"):
            life.act(Event.CONFIRMED, SENDER)
        assert (life.ticket.promise_until, life.ticket.promises_given, life.ticket.promises_missed) == (until, 1, 0)
        moved = date(2026, 11, 27)
        life.act(Event.PROMISE_EXPLAINED, days=17, text="Mưa kéo dài.", until=moved)
        assert "Hẹn làm xong trước hết ngày 27/11/2026" in letter(life, "promise_explained")
        assert (life.ticket.promised_on, life.ticket.promise_until) == (until, moved)
        with pytest.raises(Conflict, match="chỉ được hẹn lại một lần"):
            life.act(Event.PROMISE_EXPLAINED, until=date(2026, 12, 4))
        life.act(Event.PROMISE_KEPT, days=4, text="Đã vá xong ngày 23/11.")
        assert (life.ticket.promises_missed, life.ticket.promise_until) == (1, None)
        mail = letter(life, "promise_kept")
        assert "Đã vá xong ngày 23/11." in mail and "Việc đã xong?" in mail
        assert life.ticket.verdict is Verdict.ON_TIME, "the verdict on the answer is its own"
        assert life.act(Event.CONFIRMED, SENDER, days=1).state is TicketState.CONFIRMED

    def test_not_possible_with_its_ground(self, life: Life) -> None:
        tell("Không làm được, vì lý do theo danh mục")
        life.act(Event.ANSWERED, text="Đường thuộc quy hoạch.", ground="planning", **says(AnswerOutcome.NOT_POSSIBLE))
        assert "không làm được. Lý do: Không phù hợp với quy hoạch" in letter(life, "answered")

    def test_checked_and_not_as_described(self, life: Life) -> None:
        tell("Kiểm tra không đúng như phản ánh")
        proof = AnswerProof(visited_on=START.date(), visitor="Tổ quản lý đô thị")
        life.act(Event.ANSWERED, text="Mặt đường bằng phẳng.", **says(AnswerOutcome.NOT_AS_DESCRIBED, proof=proof))
        mail = letter(life, "answered")
        assert "thực tế không đúng như phản ánh" in mail and "Tổ quản lý đô thị" in mail

    def test_answered_before_gives_the_same_sender_the_earlier_answer(self, life: Life) -> None:
        tell("Đã trả lời trước đây, cùng người gửi")
        earlier, _secret = life.world.answered(START - 9 * DAY, START - 5 * DAY)
        content = says(AnswerOutcome.ANSWERED_BEFORE) | {"earlier": EarlierReference(earlier.number)}
        life.act(Event.ANSWERED, text="Không có gì mới.", **content)
        mail = letter(life, "answered")
        assert earlier.number in mail and "Đã vá xong đoạn đường." in mail


class TestRepeat:
    def test_it_is_refused_with_the_earlier_answer_and_the_way_to_object(self, life: Life) -> None:
        tell("Từ chối vì lặp lại, cùng người gửi")
        earlier, _secret = life.world.answered(START - 9 * DAY, START - 5 * DAY)
        life.act(Event.REFUSED, ground="repeat", text="Đã trả lời.", earlier=EarlierReference(earlier.number))
        mail = letter(life, "refused")
        assert earlier.number in mail and "Đã vá xong đoạn đường." in mail
        assert "Điều 4, điểm h" in mail and "đến hết ngày 02/12/2026" in mail and "cấp trên xem xét lại" in mail
        life.act(Event.NOTIFIED, SENDER)
        store_rating(life.session, life.ticket.id, RatingScores(2, 2, 2), channel=Channel.WEB, now=life.at)
        assert life.act(Event.CONFIRMED, SENDER).state is TicketState.REFUSED
        assert life.ticket.citizen_verdict is CitizenVerdict.CONFIRMED
        with pytest.raises(Conflict, match="đã xác nhận"):
            life.act(Event.CONFIRMED, SENDER)
        assert life.act(Event.REOPENED, SENDER, text="Có ảnh mới.").state is TicketState.IN_PROGRESS

    def test_of_another_sender_it_needs_words_and_gives_the_number_alone(self, life: Life) -> None:
        tell("Từ chối vì lặp lại, người gửi khác")
        earlier, _secret = life.world.answered(START - 9 * DAY, START - 5 * DAY, **ANOTHER)
        with pytest.raises(Invalid) as refusal:
            life.act(Event.REFUSED, ground="repeat", earlier=EarlierReference(earlier.number))
        assert refusal.value.field == "earlier_words"
        reference = EarlierReference(earlier.number, "Cùng một ổ gà trước cổng chợ.")
        life.act(Event.REFUSED, ground="repeat", text="Đã trả lời.", earlier=reference)
        mail = letter(life, "refused")
        assert earlier.number in mail and "Đã vá xong đoạn đường." not in mail and "Cùng một ổ gà" not in mail

    def test_one_telephone_in_two_spellings_is_one_sender(self, session: Session, world: World, life: Life) -> None:
        earlier, _secret = world.answered(START - 9 * DAY, START - 5 * DAY, email="", phone="+84 912 345 678")
        again, _secret = world.receive(START, email="", phone="0912345678")
        life.ticket = again
        life.act(Event.REFUSED, ground="repeat", text="Đã trả lời.", earlier=EarlierReference(earlier.number))
        assert life.ticket.state is TicketState.REFUSED

    @pytest.mark.parametrize("which", ["none", "unknown", "itself", "not answered", "of another unit", "hidden"])
    def test_an_earlier_ticket_that_cannot_be_named_is_refused_at_its_field(self, life: Life, which: str) -> None:
        world = life.world
        tickets: dict[str, Any] = {
            "none": lambda: "",
            "unknown": lambda: "PAKN.20200101.0001",
            "itself": lambda: life.ticket.number,
            "not answered": lambda: world.receive(START)[0].number,
            "of another unit": lambda: world.answered(START, START, unit_id=world.unit("LC-SXD").id)[0].number,
            "hidden": lambda: world.receive(START, category_code="attitude")[0].number,
        }
        with pytest.raises(Invalid) as refusal:
            life.act(Event.REFUSED, ground="repeat", earlier=EarlierReference(tickets[which](), "Chắc chắn."))
        assert refusal.value.field == "earlier"
        told_apart = str(refusal.value.message)
        if which in ("unknown", "of another unit", "hidden"):
            assert told_apart == "Không tìm thấy phản ánh mang mã số này.", "what may not be seen is not there"


class TestNeeds:
    @pytest.mark.parametrize(
        ("outcome", "more", "field"),
        [
            (None, {}, "outcome"),
            (AnswerOutcome.PROMISED, {}, "until"),
            (AnswerOutcome.PROMISED, {"until": START.date()}, "until"),
            (AnswerOutcome.PROMISED, {"until": date(2026, 11, 22)}, "until"),  # a Sunday
            (AnswerOutcome.PROMISED, {"until": date(2028, 11, 22)}, "until"),
            (AnswerOutcome.NOT_POSSIBLE, {}, "ground"),
            (AnswerOutcome.NOT_POSSIBLE, {"ground": "unclear"}, "ground"),
            (AnswerOutcome.ANSWERED_BEFORE, {}, "earlier"),
        ],
    )
    @pytest.mark.parametrize("event", [Event.ANSWERED, Event.SUBMITTED_FOR_APPROVAL])
    def test_what_an_outcome_needs_is_asked_for_at_its_field(
        self, life: Life, event: Event, outcome: AnswerOutcome | None, more: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(Invalid) as refusal:
            life.act(event, **more, **says(outcome))
        assert refusal.value.field == field
        assert life.ticket.state is TicketState.ACCEPTED

    @pytest.mark.parametrize(
        ("proof", "field"),
        [
            (AnswerProof(document_on=START.date()), "document"),
            (AnswerProof("1/UBND", START.date() + DAY), "document_on"),
            (AnswerProof(visited_on=START.date() + DAY), "visited_on"),
            (AnswerProof(visitor="Lò Thị Mẩy"), "visited_on"),
            (AnswerProof(document="x" * 201), "document"),
        ],
    )
    def test_proof_that_cannot_be_is_refused_at_its_field(self, life: Life, proof: AnswerProof, field: str) -> None:
        with pytest.raises(Invalid) as refusal:
            life.act(Event.ANSWERED, **says(AnswerOutcome.DONE, proof=proof))
        assert refusal.value.errors[0].field == field


class TestApproval:
    def test_the_answer_takes_over_outcome_proof_and_points_of_the_draft(self, life: Life) -> None:
        life.act(Event.POINTS_LISTED, text="Bao giờ vá?")
        content = says(AnswerOutcome.PROMISED, proof=AnswerProof("9/KH"), replies=(("Ngày 20/11", False),))
        life.act(Event.SUBMITTED_FOR_APPROVAL, text="Sẽ vá.", until=date(2026, 11, 20), **content)
        life.act(Event.ANSWERED, life.leader, text="", **says(None))
        mail = letter(life, "answered")
        assert "ngày 20/11/2026" in mail and "9/KH" in mail and "1. Bao giờ vá? – Ngày 20/11" in mail

    def test_the_leader_names_another_outcome(self, life: Life) -> None:
        life.act(Event.SUBMITTED_FOR_APPROVAL)
        life.act(Event.ANSWERED, life.leader, text="", **says(AnswerOutcome.PARTLY))
        assert life.ticket.answer_outcome is AnswerOutcome.PARTLY

    def test_a_promise_that_came_due_while_it_waited_is_not_sent(self, life: Life) -> None:
        until = date(2026, 11, 4)
        life.act(Event.SUBMITTED_FOR_APPROVAL, until=until, **says(AnswerOutcome.PROMISED))
        with pytest.raises(Invalid):
            life.act(Event.ANSWERED, life.leader, days=2, text="", **says(None))

    def test_an_officer_still_does_not_approve_alone(self, life: Life) -> None:
        life.act(Event.SUBMITTED_FOR_APPROVAL)
        with pytest.raises(Forbidden):
            life.act(Event.ANSWERED)


class TestPoints:
    def test_each_point_is_answered_and_an_open_one_holds_the_answer_back(self, life: Life) -> None:
        tell("Từng điểm được hỏi")
        life.act(Event.POINTS_LISTED, text="Bao giờ vá đường?\n\nAi chịu trách nhiệm?\nCó lắp đèn không?")
        replies = (("Xong ngày 03/11", False), ("", True))
        with pytest.raises(Invalid, match="Chưa trả lời điểm"):
            life.act(Event.ANSWERED, **says(AnswerOutcome.DONE, replies=replies))
        with pytest.raises(Invalid) as refusal:
            life.act(Event.ANSWERED, **says(AnswerOutcome.DONE, replies=replies, send_open=True))
        assert refusal.value.errors[0].field == "open_reason"
        content = says(AnswerOutcome.DONE, replies=replies, send_open=True, open_reason="Đèn do Sở trả lời sau.")
        life.act(Event.ANSWERED, text="Ông A chịu trách nhiệm.", **content)
        mail = letter(life, "answered")
        assert "1. Bao giờ vá đường? – Xong ngày 03/11" in mail and "2. Ai chịu trách nhiệm? – đã trả lời trong" in mail
        assert "3. Có lắp đèn không? – chưa trả lời" in mail and "Sở trả lời sau" not in mail

    def test_a_list_that_is_too_long_is_refused(self, life: Life) -> None:
        with pytest.raises(Invalid, match="nhiều nhất"):
            life.act(Event.POINTS_LISTED, text="\n".join(f"Điểm thứ {n}" for n in range(21)))

    def test_a_changed_detail_is_found(self, life: Life) -> None:
        life.act(Event.ANSWERED, **says(AnswerOutcome.DONE, proof=AnswerProof("1/UBND")))
        details = life.session.scalars(select(TicketMessage).where(TicketMessage.kind == "details")).one()
        stored = details.body
        details.body = stored.replace("1/UBND", "2/UBND")
        life.session.flush()
        assert [difference.what for difference in words.differences(life.session)] == [f"message:{details.id}"]
        details.body = stored
        life.session.flush()


class TestPromise:
    def test_a_ticket_with_owed_work_is_not_closed_and_can_be_disputed_meanwhile(self, life: Life) -> None:
        life.act(Event.ANSWERED, until=date(2027, 3, 2), **says(AnswerOutcome.PROMISED))
        life.act(Event.NOTIFIED, SENDER)
        with pytest.raises(Conflict, match="chưa được báo là làm xong"):
            life.act(Event.CLOSED, SYSTEM, days=60)
        life.act(Event.DISPUTED, SENDER, text="Lâu quá.")
        assert (life.ticket.promises_given, life.ticket.promises_missed, life.ticket.promise_until) == (1, 0, None)

    def test_the_window_runs_from_the_report(self, life: Life) -> None:
        life.act(Event.ANSWERED, until=date(2027, 3, 2), **says(AnswerOutcome.PROMISED))
        life.act(Event.NOTIFIED, SENDER)
        life.act(Event.PROMISE_KEPT, days=60, text="Đã xong.")
        assert life.ticket.promises_missed == 0
        with pytest.raises(Conflict):
            life.act(Event.CLOSED, SYSTEM, days=29)
        assert life.act(Event.CLOSED, SYSTEM, days=4).state is TicketState.CLOSED

    def test_nothing_is_reported_that_was_not_promised(self, life: Life) -> None:
        life.act(Event.ANSWERED)
        for event in (Event.PROMISE_KEPT, Event.PROMISE_EXPLAINED):
            with pytest.raises(Conflict, match="không có việc nào đang hẹn"):
                life.act(event, until=date(2026, 12, 1))

    def test_senders_of_merged_tickets_get_outcome_and_report_too(self, life: Life) -> None:
        other, _secret = life.world.receive(START, title="Đường trước chợ hỏng")
        merged = Life(life.session, life.world, other, life.officer, life.leader, life.coordinator)
        merged.act(Event.MERGED, life.coordinator, into_id=life.ticket.id)
        life.act(Event.ANSWERED, until=date(2026, 12, 1), text="Sẽ vá.", **says(AnswerOutcome.PROMISED))
        merged.act(Event.NOTIFIED, SENDER)
        assert "ngày 01/12/2026" in letter(merged, "answered")
        life.act(Event.PROMISE_KEPT, text="Đã vá xong.", days=1)
        merged.at = life.at
        assert "Đã vá xong." in letter(merged, "promise_kept")
        assert (other.promises_given, life.ticket.promises_given) == (0, 1), "a common promise counts once"
        assert merged.act(Event.CONFIRMED, SENDER).citizen_verdict is CitizenVerdict.CONFIRMED


def test_an_answer_of_before_has_no_outcome_and_none_is_guessed(session: Session, life: Life) -> None:
    answered = TicketEvent(Event.ANSWERED, START, data={"message": 1, "text": "0"})
    view = read_answer(session, answered)
    assert (view.outcome, view.nameless, answer_texts(view, "vi").outcome) == (None, True, "")
    assert latest_outcome([TicketEvent(Event.RECEIVED, START), answered]) is None
