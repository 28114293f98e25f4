"""Store and find ratings: three items, once for each answer."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend import audit
from backend.errors import Conflict, Invalid, _
from backend.files.text import clean_text
from backend.ratings.models import Rating, rating_notes
from backend.tickets import service as tickets
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel
from backend.users.policy import SENDER

# The three items, each with the refusal where no level was chosen.
UNCHOSEN = {
    "ease": _("Xin chọn một mức cho câu hỏi về việc tiếp nhận."),
    "by_rules": _("Xin chọn một mức cho câu hỏi về việc xử lý đúng quy định."),
    "timely": _("Xin chọn một mức cho câu hỏi về việc báo kết quả."),
}
ITEMS = tuple(UNCHOSEN)
REMARK_MOST = 2000


@dataclass(frozen=True)
class RatingScores:
    """Scores from 1 (very dissatisfied) to 5 (very satisfied) on the three SIPAS items; None: not chosen."""

    ease: int | None
    by_rules: int | None
    timely: int | None
    remark: str = ""


def store_rating(session: Session, ticket_id: int, scores: RatingScores, *, channel: Channel, now: datetime) -> Rating:
    """Store the sender's rating of the latest answer. The caller has checked that it is the sender.

    Answer, credited unit and moment are those of the new entry in the history. Raises Invalid for a missing or
    impossible score, Conflict before the answer and for a second rating.
    """
    values = {item: getattr(scores, item) for item in ITEMS}
    Invalid.collect([Invalid(UNCHOSEN[item], field=item) for item, score in values.items() if score not in range(1, 6)])
    remark = clean_text(scores.remark, limit=REMARK_MOST, multiline=True, field="remark")
    request = tickets.ActionRequest(Event.RATED, rating=rating_notes(tuple(values.values()), remark))
    ticket = tickets.apply(session, ticket_id, request, SENDER, now=now)
    entry = audit.list_entries(session, audit.ticket_chain(ticket.id))[-1]
    stored: Rating | None = session.scalar(
        insert(Rating)
        .values(
            ticket_id=ticket.id,
            answer=entry.data["answer"],
            unit_id=entry.data["credited"],
            received_on=ticket.received_on,
            ease=scores.ease,
            by_rules=scores.by_rules,
            timely=scores.timely,
            remark=remark or None,
            channel=channel,
            at=entry.at,
        )
        .on_conflict_do_nothing(index_elements=[Rating.ticket_id, Rating.answer])
        .returning(Rating)
    )
    if stored is None:
        raise Conflict(_("Phản ánh này đã được đánh giá. Cảm ơn bạn."))
    return stored


def find_rating(session: Session, ticket_id: int, answer: int) -> Rating | None:
    """Return the rating of one answer of a ticket (the first answer is 1), or None."""
    return session.scalar(select(Rating).where(Rating.ticket_id == ticket_id, Rating.answer == answer))
