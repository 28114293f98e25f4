"""Keeps what somebody types on the page of a ticket until it is sent, dropped or old.

A draft belongs to one person and one ticket. It holds the fields as typed. Its texts may be personal data: they are in
no log, no search and no export, and only their author reads them.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backend.desk.drafts.models import TypedDraft
from backend.desk.replies.fields import CHOICE_NAMES
from backend.errors import Conflict, Invalid, _

KEPT_FOR: Final = timedelta(days=30)  # after the last save
MOST_FIELDS: Final = 80
MOST_CHARACTERS: Final = 60_000  # of all fields together
MOST_DRAFTS: Final = 300  # of one person; the oldest ones leave
BATCH: Final = 1_000
# What a form sends beside what people type.
NOT_TYPED: Final = CHOICE_NAMES | {"version", "revision", "list", "act", "preview", "lang", "pause", "quiet", "next"}
UNSTORABLE: Final = dict.fromkeys((0, *range(0xD800, 0xE000)))  # JSON of the database takes no NUL, no lone surrogate


class DraftTooLarge(Invalid):
    """More was typed than a draft may hold. The page still has it."""

    def __init__(self) -> None:
        super().__init__(_("Nội dung đang gõ dài quá nên chưa lưu nháp được. Xin rút ngắn lại."))


class DraftOfOtherWindow(Conflict):
    """Another window of the same person has saved another text for the same field, or has sent or dropped the draft."""

    def __init__(self) -> None:
        super().__init__(
            _("Bạn đang soạn phản ánh này ở một cửa sổ khác, nên nội dung ở cửa sổ này chưa lưu được. Xin chép lại.")
        )


def typed_fields(values: Mapping[str, str]) -> dict[str, str]:
    """Return the fields that people type, also the empty ones, without characters that cannot be stored."""
    return {name: value.translate(UNSTORABLE) for name, value in values.items() if name not in NOT_TYPED}


def find_draft(session: Session, user_id: int, ticket_id: int) -> TypedDraft | None:
    return session.get(TypedDraft, (user_id, ticket_id))


def keep_draft(
    session: Session, user_id: int, ticket_id: int, fields: Mapping[str, str], *, version: int, now: datetime
) -> TypedDraft | None:
    """Store what a page sent; return the draft, or None where nothing is typed any more.

    A field that the page did not send stays as it is. Raises DraftTooLarge.
    """
    stored = _locked(session, user_id, ticket_id)
    return _store(session, user_id, ticket_id, stored, _overlaid(stored, fields), version, now)


def save_draft(
    session: Session,
    user_id: int,
    ticket_id: int,
    fields: Mapping[str, str],
    *,
    version: int,
    revision: int,
    now: datetime,
) -> TypedDraft | None:
    """Store what a page saves by itself. ``revision`` is the one that the page has.

    Where another window has saved meanwhile, only what does not contradict it is stored. Raises DraftOfOtherWindow
    where a field has two texts, or where the draft has been sent or dropped; DraftTooLarge.
    """
    stored = _locked(session, user_id, ticket_id)
    if (stored.revision if stored else 0) != revision:
        if stored is None:
            raise DraftOfOtherWindow
        fields = {name: value for name, value in fields.items() if value}
        if any(stored.fields.get(name, value) != value for name, value in fields.items()):
            raise DraftOfOtherWindow
    return _store(session, user_id, ticket_id, stored, _overlaid(stored, fields), version, now)


def drop_draft(session: Session, user_id: int, ticket_id: int) -> None:
    """Remove a draft. A second call changes nothing."""
    session.execute(delete(TypedDraft).where(TypedDraft.user_id == user_id, TypedDraft.ticket_id == ticket_id))


def forget_drafts(session: Session, now: datetime) -> int:
    """Remove a batch of drafts that are older than ``KEPT_FOR``; return how many."""
    old = select(TypedDraft.user_id, TypedDraft.ticket_id).where(TypedDraft.saved_at < now - KEPT_FOR).limit(BATCH)
    keys = session.execute(old.with_for_update(skip_locked=True)).all()
    for user_id, ticket_id in keys:
        drop_draft(session, user_id, ticket_id)
    return len(keys)


def _locked(session: Session, user_id: int, ticket_id: int) -> TypedDraft | None:
    return session.scalar(
        select(TypedDraft)
        .where(TypedDraft.user_id == user_id, TypedDraft.ticket_id == ticket_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _overlaid(stored: TypedDraft | None, fields: Mapping[str, str]) -> dict[str, str]:
    """Return the stored fields with those of the page over them, without empty ones."""
    merged = {**(stored.fields if stored else {}), **fields}
    return {name: value for name, value in merged.items() if value.strip()}


def _store(
    session: Session,
    user_id: int,
    ticket_id: int,
    stored: TypedDraft | None,
    fields: dict[str, str],
    version: int,
    now: datetime,
) -> TypedDraft | None:
    if not fields:
        drop_draft(session, user_id, ticket_id)
        return None
    if len(fields) > MOST_FIELDS or sum(len(name) + len(value) for name, value in fields.items()) > MOST_CHARACTERS:
        raise DraftTooLarge
    if stored is None:
        _make_room(session, user_id)
    row = {"fields": fields, "version": version, "saved_at": now}
    return session.scalar(
        insert(TypedDraft)
        .values(user_id=user_id, ticket_id=ticket_id, revision=1, began_at=now, **row)
        .on_conflict_do_update(
            index_elements=["user_id", "ticket_id"], set_={**row, "revision": TypedDraft.revision + 1}
        )
        .returning(TypedDraft),
        execution_options={"populate_existing": True},
    )


def _make_room(session: Session, user_id: int) -> None:
    """Remove the oldest drafts of a person who has as many as anybody may have."""
    newest_first = select(TypedDraft.ticket_id).where(TypedDraft.user_id == user_id)
    surplus = newest_first.order_by(TypedDraft.saved_at.desc()).offset(MOST_DRAFTS - 1)
    session.execute(delete(TypedDraft).where(TypedDraft.user_id == user_id, TypedDraft.ticket_id.in_(surplus)))
