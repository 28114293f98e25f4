"""Records who searched among senders. The words that were typed are personal data and stand nowhere."""

from datetime import datetime

from sqlalchemy.orm import Session

from backend import audit
from backend.tickets.search.find import FoundTickets
from backend.tickets.search.typed_sender import TypedSender
from backend.users import service as users
from backend.users.policy import Actor


def record_contact_search(
    session: Session, actor: Actor, sender: TypedSender, found: FoundTickets, now: datetime
) -> None:
    """Record in the searcher's own chain that they searched names or telephone numbers, and what they were shown."""
    if actor.user_id is not None:
        users.lock_user(session, actor.user_id)
    by = (["name"] if sender.names else []) + (["phone"] if sender.digits else [])
    data = {"by": by, "total": found.total, "tickets": list(found.ticket_ids)}
    audit.record(session, actor.key, "contacts_searched", actor=actor.key, now=now, data=data)
