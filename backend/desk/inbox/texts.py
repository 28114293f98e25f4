"""Names of filters, orders, tabs and columns of the inbox, as messages of the catalogue."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from backend.desk.inbox.filters import (
    APPROVAL,
    ME,
    NOBODY,
    DueChoice,
    FilterChoices,
    InboxFilter,
    InboxSort,
    ListScope,
    VerdictChoice,
)
from backend.desk.inbox.models import InboxDensity
from backend.errors import _
from backend.kpi.charts import CHANNELS
from backend.tickets.models import TicketState, WaitsFor
from backend.tickets.texts import STATE_NAMES, WAIT_NAMES
from backend.web.language import gettext

SCOPE_NAMES: Final[Mapping[ListScope, str]] = {
    ListScope.OPEN: _("Đang mở"),
    ListScope.ENDED: _("Đã xong, mọi kết quả"),
    ListScope.ALL: _("Mọi trạng thái"),
}
STATE_CHOICE_NAMES: Final[Mapping[str, str]] = {
    **{scope.value: name for scope, name in SCOPE_NAMES.items()},
    **{state.value: STATE_NAMES[state] for state in TicketState},
}
WAIT_CHOICE_NAMES: Final[Mapping[str, str]] = {
    **{kind.value: WAIT_NAMES[kind] for kind in WaitsFor if kind is not WaitsFor.NOTHING},
    APPROVAL: _("Chờ lãnh đạo duyệt"),
}
WHO_NAMES: Final[Mapping[str, str]] = {ME: _("Giao cho tôi"), NOBODY: _("Chưa giao cho ai")}
DUE_NAMES: Final[Mapping[DueChoice, str]] = {
    DueChoice.OVERDUE: _("Quá hạn"),
    DueChoice.TODAY: _("Hạn là hôm nay"),
    DueChoice.SOON: _("Sắp đến hạn, kể cả hôm nay"),
}
VERDICT_NAMES: Final[Mapping[VerdictChoice, str]] = {
    VerdictChoice.ON_TIME: _("Trả lời đúng hạn"),
    VerdictChoice.LATE: _("Trả lời quá hạn"),
    VerdictChoice.NONE: _("Chưa có kết quả"),
}
SORT_NAMES: Final[Mapping[InboxSort, str]] = {
    InboxSort.DUE: _("Hạn gần nhất trước"),
    InboxSort.DUE_LATEST: _("Hạn xa nhất trước"),
    InboxSort.RECEIVED: _("Nhận lâu nhất trước"),
    InboxSort.RECEIVED_LATEST: _("Mới nhận trước"),
    InboxSort.CHANGED: _("Lâu không có thay đổi trước"),
    InboxSort.CHANGED_LATEST: _("Mới thay đổi trước"),
    InboxSort.WAITING: _("Chờ lâu nhất trước"),
    InboxSort.WAITING_LATEST: _("Mới bắt đầu chờ trước"),
}
# In lists of ended tickets the wait is the time since their end.
ENDED_SORT_NAMES: Final[Mapping[InboxSort, str]] = {
    InboxSort.WAITING_LATEST: _("Mới xong trước"),
    InboxSort.WAITING: _("Xong lâu nhất trước"),
}
COLUMN_NAMES: Final[Mapping[str, str]] = {
    "category": _("Lĩnh vực"),
    "unit": _("Cơ quan đang xử lý"),
    "assignee": _("Cán bộ được giao"),
    "channel": _("Kênh tiếp nhận"),
    "received": _("Ngày nhận"),
    "changed": _("Thay đổi gần nhất"),
}
DENSITY_NAMES: Final[Mapping[InboxDensity, str]] = {
    InboxDensity.ROOMY: _("Thoáng"),
    InboxDensity.DENSE: _("Gọn, nhiều dòng hơn"),
}
FILTER_LABELS: Final[Mapping[str, str]] = {
    "unit": _("Cơ quan"),
    "state": _("Trạng thái"),
    "waits": _("Đang chờ gì"),
    "who": _("Cán bộ được giao"),
    "category": _("Lĩnh vực"),
    "channel": _("Kênh tiếp nhận"),
    "received_from": _("Nhận từ ngày"),
    "received_to": _("Nhận đến ngày"),
    "due": _("Thời hạn"),
    "due_from": _("Hạn từ ngày"),
    "due_to": _("Hạn đến ngày"),
    "verdict": _("Kết quả thời hạn"),
    "unread": _("Chưa đọc"),
    "q": _("Có chữ"),
}
UNREAD: Final = _("Chưa đọc từ lần thay đổi gần nhất")
Options = Sequence[tuple[str, str]]  # value and name


@lru_cache
def _fixed_options(language: str) -> dict[str, Options]:
    """Return the options that are the same for everybody, in a language."""
    names: dict[str, Mapping[Any, str]] = {
        "waits": WAIT_CHOICE_NAMES,
        "due": DUE_NAMES,
        "state": STATE_CHOICE_NAMES,
        "channel": CHANNELS,
        "verdict": VERDICT_NAMES,
        "unread": {"1": UNREAD},
        "sort": SORT_NAMES,
        "sort_ended": ENDED_SORT_NAMES,
    }
    return {
        field: [(str(value), gettext(language, name)) for value, name in named.items()]
        for field, named in names.items()
    }


def filter_options(choices: FilterChoices, language: str, *, ended: bool) -> dict[str, Options]:
    """Return the options of each field of the form, for this reader. ``ended``: the list is one of ended tickets."""
    fixed = _fixed_options(language)
    people = [(value, gettext(language, name)) for value, name in WHO_NAMES.items()]
    return fixed | {
        "unit": [(str(unit_id), name) for unit_id, name in choices.units.items()],
        "category": list(choices.categories.items()),
        "who": people + [(str(user_id), name) for user_id, name in choices.handlers.items()],
        "sort": fixed["sort_ended" if ended else "sort"],
    }


def filter_values(inbox_filter: InboxFilter, options: Mapping[str, Options]) -> list[tuple[str, str]]:
    """Return field and value of each chosen filter, in the order of the form, as the form names them."""
    values, usual = inbox_filter.form_values(), InboxFilter().form_values()
    chosen = [name for name in FILTER_LABELS if values[name] and values[name] != usual[name]]
    return [(name, dict(options.get(name, ())).get(values[name], values[name])) for name in chosen]
