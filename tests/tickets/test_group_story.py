"""The life of a group, told with its letters: `pytest -s tests/tickets/test_group_story.py` prints it."""

import sys
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit
from backend.notify import service as delivery
from backend.outbox.models import OutboxMessage
from backend.ratings import service as ratings
from backend.tickets import projection, queries, service
from backend.tickets.answers.outcomes import AnswerContent, AnswerOutcome
from backend.tickets.groups import queries as groups_read
from backend.tickets.groups import service as groups
from backend.tickets.groups.models import GroupNews
from backend.tickets.groups.picks import TicketPick
from backend.tickets.groups.service import GroupAction
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, Ticket, TicketState
from backend.tickets.senders.sender_rights import tell_sender
from backend.tickets.texts import EVENT_NAMES
from backend.users.models import Role
from backend.users.policy import SENDER
from backend.worktime.calendar import ZONE
from tests.factories import World
from tests.spy_channel import Spy


def at(day: int, hour: int = 9, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=ZONE)


class Story:
    """What is told, letter by letter."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.lines: list[str] = []
        self.letters: list[tuple[str, str, str]] = []  # recipient, subject, text

    def tell(self, line: str) -> None:
        self.lines.append(line)

    def post(self, now: datetime) -> None:
        """Deliver what waits, and tell it."""
        self.session.flush()
        waiting = select(OutboxMessage).where(OutboxMessage.delivery == "pending").order_by(OutboxMessage.id)
        for row in self.session.scalars(waiting).all():
            spy = Spy()
            delivery.deliver_message(row.id, row.attempts, now, spy)
            for message in spy.messages:
                self.letters.append((message.recipient, message.subject, message.body))
                self.tell(f"    -> {message.recipient}: {message.subject}\n{_indented(message.body)}")


def _indented(text: str) -> str:
    return "\n".join(f"       {line}" for line in text.splitlines() if line)


@pytest.fixture
def story(session: Session) -> Story:
    return Story(session)


def test_five_people_report_one_bridge(session: Session, world: World, story: Story) -> None:
    """Five reports, one of them late already and one that does not belong; one answer, and what comes after it."""
    officer, leader = world.actor(), world.actor(Role.LEADER)
    people = ("an", "binh", "chi", "dung", "em")
    days = (at(2), at(9), at(10), at(11), at(11))
    tickets = [
        world.receive(day, title=f"Cầu treo hỏng ({name})", email=f"{name}@example.vn", language=language)[0]
        for name, day, language in zip(people, days, ("vi", "vi", "en", "vi", "vi"), strict=True)
    ]
    story.tell("Năm người phản ánh một cây cầu treo, người đầu tiên từ ngày 02/11.")
    story.post(at(12))
    story.letters.clear()

    group = groups.form_group(session, picks(session, tickets), "Cầu treo Nậm Loỏng", officer, now=at(12))
    story.tell("12/11: cán bộ lập nhóm. Không ai được báo, không hạn nào dời.")
    story.post(at(12))
    assert story.letters == []

    groups.take_out(session, group.id, picks(session, tickets[4:]), "Cầu khác.", officer, now=at(13))
    story.tell("13/11: phản ánh của Em ra khỏi nhóm: đó là cầu khác.")
    action = GroupAction(Event.INFO_REQUESTED, "Cầu có còn đi được không?")
    groups.act_on_members(session, group.id, picks(session, tickets[1:2]), action, officer, now=at(13))
    story.tell("13/11: hỏi thêm Bình; chỉ đồng hồ của Bình dừng.")
    story.post(at(13))
    assert [to for to, _subject, _body in story.letters] == ["binh@example.vn"]
    service.apply(session, tickets[1].id, service.ActionRequest(Event.INFO_RECEIVED, "Không."), SENDER, now=at(16))
    story.tell("16/11: Bình trả lời; cán bộ phụ trách nhóm thấy tin mới.")
    assert news(session) == [("info_received", tickets[1].id)]

    done = AnswerContent(AnswerOutcome.DONE)
    submit = GroupAction(Event.SUBMITTED_FOR_APPROVAL, "Phường đã thay ván cầu ngày 24/11.", answer=done)
    groups.act_on_members(session, group.id, picks(session, tickets[:4]), submit, officer, now=at(25))
    approve = GroupAction(Event.ANSWERED, "Phường đã thay ván cầu ngày 24/11.", mention=True, answer=done)
    results = groups.act_on_members(session, group.id, picks(session, tickets[:4]), approve, leader, now=at(25, 15))
    assert [result.refusal for result in results] == [None] * 4
    story.tell("25/11: soạn một lần, duyệt một lần, bốn người nhận trả lời:")
    story.letters.clear()
    story.post(at(25, 16))
    answers = {to: (subject, body) for to, subject, body in story.letters if "Phường đã thay" in body}
    assert set(answers) == {f"{name}@example.vn" for name in people[:4]}
    for name, ticket in zip(people, tickets[:4], strict=False):
        subject, body = answers[f"{name}@example.vn"]
        assert ticket.number in subject and "Phường đã thay ván cầu ngày 24/11." in body
        assert not any(other.number in body or other.title in body for other in tickets if other is not ticket)
    assert "Chúng tôi cũng nhận được 3 phản ánh khác về cùng việc này." in answers["an@example.vn"][1]
    assert "We also received 3 other reports about the same matter." in answers["chi@example.vn"][1]
    verdicts = [ticket.verdict.value if ticket.verdict else None for ticket in tickets]
    story.tell(f"Kết quả thời hạn của từng người: {verdicts}")
    assert verdicts == ["late", "on_time", "on_time", "on_time", None]

    for ticket in tickets[:4]:
        tell_sender(session, ticket, at(26))
    scores = ratings.RatingScores(4, 5, 4)
    ratings.store_rating(session, tickets[2].id, scores, channel=Channel.WEB, now=at(26))
    service.apply(session, tickets[3].id, service.ActionRequest(Event.CONFIRMED), SENDER, now=at(26))
    service.apply(session, tickets[0].id, service.ActionRequest(Event.DISPUTED, "Ván lại mục."), SENDER, now=at(27))
    story.tell("26/11: Dũng đồng ý. 27/11: An không đồng ý và đi tiếp một mình, lần xử lý thứ hai.")
    session.refresh(tickets[0])
    assert (tickets[0].state, tickets[0].group_id, tickets[0].verdict) == (TicketState.IN_PROGRESS, None, "late")
    assert ("disputed", tickets[0].id) in news(session) and ("confirmed", tickets[3].id) in news(session)

    groups.undo_group(session, group.id, "Xong việc.", officer, now=at(30))
    story.tell("30/11: bỏ nhóm. Trả lời và kết quả vẫn giữ nguyên:")
    for ticket in tickets:
        session.refresh(ticket)
        story.tell(f"    {ticket.number} {ticket.state.value:12} {ticket.verdict or '-'}")
    assert [ticket.verdict for ticket in tickets] == ["late", "on_time", "on_time", "on_time", None]
    assert groups_read.list_members(session, group.id) == []

    course = queries.list_course(session, tickets[0].id, internal=True)
    story.tell("Diễn biến của phản ánh đầu tiên, như cán bộ đọc:")
    for step in course:
        story.tell(f"    {step.at.astimezone(ZONE):%d/%m %H:%M} {EVENT_NAMES[step.event]}: {step.text[:60]!r}")
    inside = [entry.action for entry in audit.list_entries(session, audit.ticket_chain(tickets[0].id))]
    for_sender = [step.event for step in queries.list_course(session, tickets[0].id)]
    assert "grouped" in inside and not {Event.GROUPED, Event.UNGROUPED} & set(for_sender)
    assert list(projection.check_all(session)) == []
    sys.stdout.write("\n" + "\n".join(story.lines) + "\n")


def picks(session: Session, tickets: list[Ticket]) -> list[TicketPick]:
    for ticket in tickets:
        session.refresh(ticket)
    return [TicketPick(ticket.id, ticket.version) for ticket in tickets]


def news(session: Session) -> list[tuple[str, int]]:
    rows = session.execute(select(GroupNews.event, GroupNews.ticket_id).order_by(GroupNews.id))
    return [(row.event, row.ticket_id) for row in rows]
