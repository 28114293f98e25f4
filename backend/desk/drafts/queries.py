"""Who has typed something on the page of a ticket: the reader's own draft, and the colleagues who are writing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from backend.desk.drafts.models import TypedDraft
from backend.tickets.checks.notes import may_read
from backend.users.models import User
from backend.users.policy import PolicySubject

WRITING: Final = timedelta(minutes=10)  # somebody whose draft was saved this recently is writing


@dataclass(frozen=True)
class TicketWriter:
    """A colleague who is writing on the same ticket, and since when. What they write is theirs alone."""

    name: str
    since: datetime


@dataclass(frozen=True)
class TicketDrafts:
    """The reader's own draft of a ticket, and who else is writing there."""

    own: TypedDraft | None
    writers: list[TicketWriter]


def read_drafts(
    session: Session, ticket_id: int, subject: PolicySubject, user_id: int | None, now: datetime
) -> TicketDrafts:
    """Return the drafts of a ticket as one reader may know them, with one statement.

    A colleague who may not see the ticket any more is not named.
    """
    rows = session.execute(
        select(TypedDraft, User)
        .join(User, User.id == TypedDraft.user_id)
        .where(
            TypedDraft.ticket_id == ticket_id,
            or_(TypedDraft.user_id == user_id, TypedDraft.saved_at > now - WRITING),
        )
        .order_by(TypedDraft.began_at)
        .execution_options(populate_existing=True)
    ).all()
    own = next((draft for draft, user in rows if user.id == user_id), None)
    others = {user.id: draft for draft, user in rows if user.id != user_id}
    colleagues = may_read([user for _draft, user in rows if user.id in others], subject)
    return TicketDrafts(own, [TicketWriter(user.name, others[user.id].began_at) for user in colleagues])
