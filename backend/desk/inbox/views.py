"""Saved views of the inbox, and how each person has the list shown.

Everybody has views of their own; the leader of a unit makes those that all of the unit share. A view holds filters, no
tickets: whoever opens it sees what they may see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.db import table_of
from backend.desk.inbox.filters import InboxFilter
from backend.desk.inbox.models import InboxDensity, InboxDisplay, SavedView
from backend.errors import Conflict, Forbidden, Invalid, NotFound, _
from backend.files.text import clean_text
from backend.users.models import User
from backend.users.policy import Actor, Permission, PolicySubject, can

NAME_MOST: Final = 60  # characters
VIEWS_MOST: Final = 20  # of one person, and of one unit
# What a row can show beside title, number, wait and due date, in this order.
COLUMNS: Final = ("category", "unit", "assignee", "channel", "received", "changed")
USUAL_COLUMNS: Final = ("category", "unit")
NAME_TAKEN: Final = _("Tên này đã dùng cho một bộ lọc khác.")


@dataclass(frozen=True)
class InboxSetting:
    """What a person has set up: the views that they can open, and how the list is shown."""

    views: Sequence[SavedView]
    display: InboxDisplay


def read_setting(session: Session, actor: Actor) -> InboxSetting:
    """Return the setting of a person, in one statement: views of the unit first, then their own, each by name."""
    reachable = or_(SavedView.owner_id == User.id, SavedView.unit_id == User.unit_id)
    statement = (
        select(SavedView, InboxDisplay)
        .select_from(User)
        .outerjoin(SavedView, reachable)
        .outerjoin(InboxDisplay, InboxDisplay.user_id == User.id)
        .where(User.id == actor.user_id)
        .order_by(SavedView.unit_id.is_(None), SavedView.name, SavedView.id)
    )
    rows = session.execute(statement).all()
    display = next((display for _view, display in rows if display is not None), None)
    return InboxSetting([view for view, _display in rows if view is not None], display or _usual_display(actor))


def find_view(views: Sequence[SavedView], view_id: int | None) -> SavedView:
    """Return one of the views that a person can open. Raises NotFound for any other."""
    for view in views:
        if view.id == view_id:
            return view
    raise NotFound(_("Không có bộ lọc đã lưu này, hoặc bộ lọc đã bị xóa."))


def may_share(actor: Actor) -> bool:
    """Return whether a person makes the views of their unit."""
    return actor.unit_id is not None and can(actor, Permission.SHARE_VIEW, PolicySubject(actor.unit_id))


def may_change(actor: Actor, view: SavedView) -> bool:
    return view.owner_id == actor.user_id or (view.unit_id == actor.unit_id and may_share(actor))


def save_view(
    session: Session, actor: Actor, name: str, inbox_filter: InboxFilter, *, shared: bool, now: datetime
) -> SavedView:
    """Store filters under a name, for the person or (``shared``) for the unit.

    Raises Invalid at ``name``, Conflict for too many views, Forbidden where the person may not share.
    """
    if shared and not may_share(actor):
        raise Forbidden
    name = _checked_name(name)
    owner = {"owner_id": None, "unit_id": actor.unit_id} if shared else {"owner_id": actor.user_id, "unit_id": None}
    stored = session.scalar(select(func.count()).select_from(SavedView).filter_by(**owner)) or 0
    if stored >= VIEWS_MOST:
        raise Conflict(_("Đã có %(most)s bộ lọc. Hãy xóa bớt trước khi lưu thêm."), most=VIEWS_MOST)
    values = {"name": name, "query": inbox_filter.query(), "created_by": actor.user_id, "created_at": now, **owner}
    table = table_of(SavedView)
    statement = insert(table).values(**values).on_conflict_do_nothing().returning(table.c.id)
    view_id = session.scalar(statement)
    if view_id is None:
        raise Invalid(NAME_TAKEN, field="name")
    return session.get_one(SavedView, view_id)


def rename_view(session: Session, actor: Actor, view: SavedView, name: str) -> None:
    """Raises Invalid at ``name``, Forbidden where the view is the unit's and the person may not share."""
    _check_change(actor, view)
    name = _checked_name(name)
    try:
        with session.begin_nested():
            view.name = name
            session.flush()
    except IntegrityError:
        raise Invalid(NAME_TAKEN, field="name") from None


def replace_filter(session: Session, actor: Actor, view: SavedView, inbox_filter: InboxFilter) -> None:
    """Store other filters under the same name."""
    _check_change(actor, view)
    view.query = inbox_filter.query()
    session.flush()


def delete_view(session: Session, actor: Actor, view: SavedView) -> None:
    """Remove a view. Whoever opened the inbox with it sees all open tickets again."""
    _check_change(actor, view)
    session.delete(view)
    session.flush()


def set_display(session: Session, actor: Actor, columns: Sequence[str], density: InboxDensity) -> None:
    _store_display(session, actor, columns=[name for name in COLUMNS if name in columns], density=density)


def set_default(session: Session, actor: Actor, view: SavedView | None) -> None:
    """Open the inbox with this view from now on; None: with all open tickets."""
    _store_display(session, actor, default_view_id=view.id if view else None)


def _store_display(session: Session, actor: Actor, **changes: object) -> None:
    table = table_of(InboxDisplay)
    usual = {"columns": list(USUAL_COLUMNS), "density": InboxDensity.ROOMY}
    statement = insert(table).values(user_id=actor.user_id, **(usual | changes))
    session.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=changes))


def _usual_display(actor: Actor) -> InboxDisplay:
    """Return how the list is shown to somebody who has chosen nothing."""
    columns = list(USUAL_COLUMNS)
    return InboxDisplay(user_id=actor.user_id, columns=columns, density=InboxDensity.ROOMY, default_view_id=None)


def _check_change(actor: Actor, view: SavedView) -> None:
    if not may_change(actor, view):
        raise Forbidden(_("Chỉ lãnh đạo cơ quan sửa được bộ lọc chung của cơ quan."))


def _checked_name(name: str) -> str:
    name = clean_text(name, limit=NAME_MOST, field="name")
    if not name:
        raise Invalid(_("Hãy đặt tên cho bộ lọc."), field="name")
    return name
