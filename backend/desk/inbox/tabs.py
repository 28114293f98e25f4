"""The tabs of the inbox: what everybody looks for most, saved views, and the lists of ended tickets. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from backend.desk.inbox.counts import InboxCounts
from backend.desk.inbox.filters import APPROVAL, ME, DueChoice, InboxFilter, ListScope
from backend.desk.inbox.models import SavedView
from backend.desk.inbox.texts import SCOPE_NAMES
from backend.errors import _
from backend.tickets.models import OPEN_STATES, TicketState, WaitsFor
from backend.tickets.texts import STATE_NAMES

MINE, UNREAD, OVERDUE = _("Giao cho tôi"), _("Chưa đọc"), _("Quá hạn")
_WAITS: Final = (
    (WaitsFor.NEW.value, _("Mới")),
    (WaitsFor.REPLIED.value, _("Vừa phản hồi")),
    (APPROVAL, _("Chờ duyệt")),
    (WaitsFor.SENDER.value, _("Chờ bổ sung")),
)
_OF_PROVINCE: Final = ((WaitsFor.PAUSE_DISPUTE.value, _("Chờ xét tạm dừng")),)
_ENDED: Final[Sequence[ListScope | TicketState]] = (
    ListScope.ENDED,
    *(state for state in TicketState if state not in OPEN_STATES),
)


@dataclass(frozen=True)
class InboxTab:
    """A tab: its name, its address and how many tickets stand behind it. ``count`` None: they are not counted."""

    name: str
    address: str
    count: int | None = None
    current: bool = False
    urgent: bool = False


def usual_tabs(counts: InboxCounts, current: InboxFilter | None, *, everywhere: bool) -> list[InboxTab]:
    """Return the tabs that everybody has. They keep the chosen unit and leave every other filter.

    ``everywhere``: the reader sees every unit. Such a reader judges disputes, and no ticket is assigned to them.
    """
    unit = current.unit if current else None
    rows: list[tuple[str, InboxFilter, int]] = [(SCOPE_NAMES[ListScope.OPEN], InboxFilter(), counts.open)]
    if not everywhere:
        rows.append((MINE, InboxFilter(who=ME), counts.mine))
    rows.append((UNREAD, InboxFilter(unread=True), counts.unread))
    waits = (*_WAITS, *_OF_PROVINCE) if everywhere else _WAITS
    rows += [(name, InboxFilter(waits=choice), counts.waiting(choice)) for choice, name in waits]
    rows.append((OVERDUE, InboxFilter(due=DueChoice.OVERDUE), counts.overdue))
    return [
        InboxTab(name, _address(tab, unit), count, _same(tab, current), urgent=name is OVERDUE and count > 0)
        for name, tab, count in rows
    ]


def ended_tabs(current: InboxFilter | None) -> list[InboxTab]:
    """Return the lists of ended tickets. They are not counted: nobody works through them."""
    unit = current.unit if current else None
    rows = [(state, InboxFilter(state=state)) for state in _ENDED]
    return [
        InboxTab(
            SCOPE_NAMES[state] if isinstance(state, ListScope) else STATE_NAMES[state],
            _address(tab, unit),
            current=current is not None and current.state is state,
        )
        for state, tab in rows
    ]


def view_tabs(
    views: Sequence[SavedView], filters: Mapping[int, InboxFilter], counts: InboxCounts, chosen: SavedView | None
) -> list[InboxTab]:
    """Return the saved views. One whose filters cannot be read any more stands there too: its page says why."""
    return [
        InboxTab(
            view.name,
            filters[view.id].address(view=view.id) if view.id in filters else InboxFilter().address(view=view.id),
            counts.views.get(view.id),
            current=view is chosen,
        )
        for view in views
    ]


def _address(tab: InboxFilter, unit: int | None) -> str:
    return replace(tab, unit=unit).address()


def _same(tab: InboxFilter, current: InboxFilter | None) -> bool:
    return current is not None and replace(current, unit=None, sort=None) == tab
