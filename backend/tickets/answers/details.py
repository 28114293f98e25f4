"""Store what belongs to an answer beside its text: proof, points with their answers, and why a point stays open.

It is one text of its own. The entry of the history names it (``details``) and its hash (``details_text``), so that a
later change would show.
"""

from dataclasses import replace

from backend.deadlines.events import TicketEvent
from backend.errors import Invalid, _
from backend.files.text import clean_text
from backend.tickets.answers.outcomes import AnswerDetails, AnswerProof, PointReply
from backend.tickets.answers.queries import points_of
from backend.tickets.checks.action_request import Notes, TicketCase
from backend.tickets.lifecycle import Event
from backend.tickets.models import MessageKind, TicketMessage, TicketState
from backend.worktime.calendar import local_time

REPLY_MOST = 500
WORDS_MOST = 1_000
NAME_MOST = 200


def store_details(case: TicketCase) -> Notes:
    """Store the details of an answer, a draft or a refusal; return what the history notes of them.

    Raises Invalid at the field of what is wrong. The answer to a draft takes over the details of the draft.
    """
    event = case.request.event
    if event not in (Event.ANSWERED, Event.SUBMITTED_FOR_APPROVAL, Event.REFUSED):
        return {}
    typed_words = _earlier_words(case)
    drafted = _drafted_details(case)
    details = replace(drafted, earlier_words=typed_words or drafted.earlier_words) if drafted else _typed_details(case)
    if details.empty:
        return {}
    message = TicketMessage(
        ticket_id=case.ticket.id,
        kind=MessageKind.DETAILS,
        body=details.as_text(),
        at=case.at,
        user_id=case.actor.user_id,
    )
    case.session.add(message)
    case.session.flush()
    return {"details": message.id, "details_text": message.digest().hex()}


def _drafted_details(case: TicketCase) -> AnswerDetails | None:
    """Return the details of the draft that is approved; None where there is no draft, or it has none."""
    if case.request.event is not Event.ANSWERED or case.ticket.state is not TicketState.AWAITING_APPROVAL:
        return None
    submitted = case.last(Event.SUBMITTED_FOR_APPROVAL)
    message = _details_message(case, submitted) if submitted else None
    return AnswerDetails.from_text(message.body) if message else None


def _details_message(case: TicketCase, event: TicketEvent) -> TicketMessage | None:
    return case.session.get(TicketMessage, event.data["details"]) if "details" in event.data else None


def _typed_details(case: TicketCase) -> AnswerDetails:
    words = _earlier_words(case)
    if case.request.event is Event.REFUSED:
        return AnswerDetails(earlier_words=words)
    replies = _replies(case)
    return AnswerDetails(_proof(case), replies, _reason_for_open(case, replies), words)


def _earlier_words(case: TicketCase) -> str:
    return clean_text(case.request.earlier.words, limit=WORDS_MOST, multiline=True, field="earlier_words")


def _proof(case: TicketCase) -> AnswerProof:
    typed, today = case.request.answer.proof, local_time(case.at).date()
    for field in ("document_on", "visited_on"):
        day = getattr(typed, field)
        if day is not None and day > today:
            raise Invalid(_("Ngày này còn ở phía trước."), field=field)
    document = clean_text(typed.document, limit=NAME_MOST, field="document")
    visitor = clean_text(typed.visitor, limit=NAME_MOST, field="visitor")
    if typed.document_on is not None and not document:
        raise Invalid(_("Xin ghi số, ký hiệu của văn bản."), field="document")
    if visitor and typed.visited_on is None:
        raise Invalid(_("Xin ghi ngày đến xem tại chỗ."), field="visited_on")
    return AnswerProof(document, typed.document_on, typed.visited_on, visitor)


def _replies(case: TicketCase) -> tuple[PointReply, ...]:
    """Return each listed point with what was typed for it. Points beyond what was typed are open."""
    listed, typed = points_of(case.session, case.history), case.request.answer.replies
    replies = []
    for number, point in enumerate(listed, start=1):
        text, in_text = typed[number - 1] if number <= len(typed) else ("", False)
        replies.append(PointReply(point, clean_text(text, limit=REPLY_MOST, field=f"point_{number}"), in_text))
    return tuple(replies)


def _reason_for_open(case: TicketCase, replies: tuple[PointReply, ...]) -> str:
    """Return why the answer leaves although a point is open. Raises Invalid where that was not decided.

    The first open point has the refusal, so that the officer sees which one it is.
    """
    open_points = [number for number, reply in enumerate(replies, start=1) if reply.open]
    if not open_points:
        return ""
    content = case.request.answer
    if not content.send_open:
        numbers = ", ".join(map(str, open_points))
        message = _("Chưa trả lời điểm %(numbers)s. Xin trả lời, hoặc chọn “vẫn gửi” và ghi lý do.")
        raise Invalid(message, field=f"point_{open_points[0]}", numbers=numbers)
    reason = clean_text(content.open_reason, limit=WORDS_MOST, multiline=True, field="open_reason")
    if not reason:
        raise Invalid(_("Xin ghi vì sao vẫn gửi khi còn điểm chưa trả lời."), field="open_reason")
    return reason
