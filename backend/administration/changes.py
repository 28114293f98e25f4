"""What was changed, when and by whom: the entries of the history of one thing, as pages of administration show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.administration.texts import ACTION_NAMES
from backend.audit import AuditEntry
from backend.users import queries as users

LISTED_MOST = 50


@dataclass(frozen=True)
class ListedChange:
    """One change: what was done, by whom (empty for the system), and the notes of the history."""

    action: str
    at: datetime
    by: str
    data: Mapping[str, Any]


def list_changes(session: Session, chain: str) -> list[ListedChange]:
    """Return the latest changes of one thing, newest first. Entries that change nothing, such as a sign-in, are left
    out."""
    entries = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.chain == chain, AuditEntry.action.in_(ACTION_NAMES))
        .order_by(AuditEntry.seq.desc())
        .limit(LISTED_MOST)
    ).all()
    names = users.names_of(session, {entry.user_id for entry in entries if entry.user_id is not None})
    return [ListedChange(entry.action, entry.at, names.get(entry.user_id or 0, ""), entry.data) for entry in entries]
