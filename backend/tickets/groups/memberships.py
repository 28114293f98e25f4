"""What a ticket's events mean for its group. ``tickets.service`` asks after each event of a member."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import insert
from sqlalchemy.orm import Session

from backend.db import table_of
from backend.errors import _
from backend.tickets.groups.models import GroupNews
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket

# What the sender of a member adds. The officer of the group reads it on the page of the group.
NEWS: Final = frozenset(
    {
        *(Event.INFO_RECEIVED, Event.INFO_PASSED_ON, Event.PAUSE_DISPUTED, Event.CONFIRMED),
        *(Event.DISPUTED, Event.REOPENED, Event.WITHDRAWN, Event.RATED),
    }
)
# Events after which a ticket goes its own way, with the reason that its history keeps.
LEAVING: Final[Mapping[Event, str]] = {
    Event.DISPUTED: _("Người gửi không đồng ý với trả lời nên phản ánh được xử lý riêng."),
    Event.REOPENED: _("Người gửi yêu cầu xử lý lại nên phản ánh được xử lý riêng."),
    Event.FORWARDED: _("Phản ánh được chuyển cơ quan khác nên ra khỏi nhóm."),
    Event.MERGED: _("Phản ánh được gộp vào phản ánh khác nên ra khỏi nhóm."),
}


def note_news(session: Session, ticket: Ticket, event: Event, at: datetime) -> None:
    """Note what the sender of a member added."""
    if event in NEWS:
        values = {"group_id": ticket.group_id, "ticket_id": ticket.id, "event": event.value, "at": at}
        session.execute(insert(table_of(GroupNews)), values)
