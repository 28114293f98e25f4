"""What opening a ticket does to its reader's notices."""

from dataclasses import replace

from fastapi import Request
from sqlalchemy.orm import Session

from backend import clock
from backend.tickets.notices import service
from backend.users.policy import Actor
from backend.web.rendering import Bell


def note_ticket_read(request: Request, session: Session, actor: Actor, ticket_id: int) -> None:
    """Mark the reader's notices about a ticket as read, and lower the number at the bell of this page.

    Like the time of last use of a session it is no change that anybody asked for: a second look changes nothing. Where
    the bell counts nothing there is nothing to mark.
    """
    bell: Bell | None = getattr(request.state, "bell", None)
    if bell is None or not bell.count or actor.user_id is None:
        return
    count = service.mark_ticket_read(session, actor.user_id, ticket_id, clock.now())
    if count and bell.count < bell.most:
        request.state.bell = replace(bell, count=max(bell.count - count, 0))
