"""The filters of the inbox as its address has them: read, refused where they do not exist, written back. Pure.

The address is the only place where a filter is kept: it can be copied to a colleague, saved as a view and gone back to.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlencode

from backend.errors import Invalid, _
from backend.indicators.filters import NO_SUCH_DAY, day_typed
from backend.tickets.models import OPEN_STATES, Channel, TicketState, Verdict, WaitsFor

INBOX: Final = "/hop-thu"
WORDS_MOST: Final = 100  # characters of a search
ADDRESS_MOST: Final = 2_000  # characters of all filters together
NO_SUCH_CHOICE: Final = _("Không có mục này. Hãy chọn trong danh sách.")
WRONG_PERIOD: Final = _("Ngày đầu phải trước hoặc trùng ngày cuối.")
ME, NOBODY = "me", "nobody"


class ListScope(StrEnum):
    """Which tickets a list has, where no single state is chosen."""

    OPEN = "open"
    ENDED = "ended"
    ALL = "all"


class DueChoice(StrEnum):
    """How near the due date is today."""

    OVERDUE = "overdue"
    TODAY = "today"
    SOON = "soon"


class VerdictChoice(StrEnum):
    """Whether the first answer was on time, late, or is still to come."""

    ON_TIME = Verdict.ON_TIME.value
    LATE = Verdict.LATE.value
    NONE = "none"


class InboxSort(StrEnum):
    """By what a list is sorted; with ``-`` the latest first."""

    DUE = "due"
    DUE_LATEST = "-due"
    RECEIVED = "received"
    RECEIVED_LATEST = "-received"
    CHANGED = "changed"
    CHANGED_LATEST = "-changed"
    WAITING = "waiting"
    WAITING_LATEST = "-waiting"

    @property
    def latest_first(self) -> bool:
        return self.value.startswith("-")


# Lists of ended tickets are in the order in which they ended. Any other order would read all that ever ended.
ENDED_SORTS: Final = (InboxSort.WAITING_LATEST, InboxSort.WAITING)
# What can be chosen to wait for: one thing, or all that a leader has to decide.
APPROVAL: Final = "approval"
WAIT_CHOICES: Final[Mapping[str, frozenset[WaitsFor]]] = {
    **{waits_for.value: frozenset({waits_for}) for waits_for in WaitsFor if waits_for is not WaitsFor.NOTHING},
    APPROVAL: frozenset({WaitsFor.ANSWER_APPROVAL, WaitsFor.EXTENSION_APPROVAL}),
}
STATE_CHOICES: Final[Mapping[str, ListScope | TicketState]] = {
    choice.value: choice for choices in (ListScope, TicketState) for choice in choices
}


@dataclass(frozen=True)
class FilterChoices:
    """What this reader can choose: units, categories and handlers, each id or code with its name.

    Nobody chooses among units who sees only one. Without a unit there are no handlers to choose from.
    """

    units: Mapping[int, str] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)
    handlers: Mapping[int, str] = field(default_factory=dict)
    any_handler: bool = False  # for stored filters, which may name handlers of other units


@dataclass(frozen=True)
class InboxFilter:
    """What a list of the inbox has, and in which order. Empty values filter nothing."""

    state: ListScope | TicketState = ListScope.OPEN
    unit: int | None = None
    waits: str = ""
    who: str = ""
    category: str = ""
    channel: Channel | None = None
    received_from: date | None = None
    received_to: date | None = None
    due: DueChoice | None = None
    due_from: date | None = None
    due_to: date | None = None
    verdict: VerdictChoice | None = None
    unread: bool = False
    words: str = ""
    sort: InboxSort | None = None

    @property
    def open_only(self) -> bool:
        return self.state is ListScope.OPEN or self.state in OPEN_STATES

    @property
    def ended_only(self) -> bool:
        return not self.open_only and self.state is not ListScope.ALL

    @property
    def order(self) -> InboxSort:
        """The order of the list: the chosen one where this list can have it, else the usual one."""
        if self.open_only:
            return self.sort or InboxSort.DUE
        if self.ended_only:
            return self.sort if self.sort in ENDED_SORTS else InboxSort.WAITING_LATEST
        return self.sort or InboxSort.DUE_LATEST

    @property
    def narrowed(self) -> bool:
        """Whether more than the unit, the state and the order is chosen."""
        return replace(self, state=ListScope.OPEN, unit=None, sort=None) != InboxFilter()

    def query(self) -> str:
        """Return the filters as the query of an address: always the state, else what is chosen, in the same order."""
        values = {"state": self.state.value, **{name: text for name, text in self._texts().items() if text}}
        return urlencode(values)

    def address(self, **more: str | int | None) -> str:
        """Return the address of the list, with further parameters such as ``view``."""
        rest = urlencode({name: value for name, value in more.items() if value})
        return f"{INBOX}?{self.query()}" + (f"&{rest}" if rest else "")

    def form_values(self) -> dict[str, str]:
        """Return the fields of the form as they show these filters."""
        days = {name: f"{day:%d/%m/%Y}" for name in _DAYS if (day := getattr(self, name))}
        return {"state": self.state.value, **self._texts(), **days, "sort": self.order.value}

    def without(self, name: str) -> "InboxFilter":
        """Return the filters without the one of a field."""
        attribute = "words" if name == "q" else name
        return replace(self, **{attribute: getattr(_EVERYTHING, attribute)})

    def _texts(self) -> dict[str, str]:
        """Return each filter but the state by the name of its field, empty where nothing is chosen."""
        return {
            "unit": str(self.unit or ""),
            "waits": self.waits,
            "who": self.who,
            "category": self.category,
            "channel": self.channel or "",
            **{name: day.isoformat() if (day := getattr(self, name)) else "" for name in _DAYS},
            "due": self.due or "",
            "verdict": self.verdict or "",
            "unread": "1" if self.unread else "",
            "q": self.words,
            "sort": self.sort or "",
        }


_DAYS: Final = ("received_from", "received_to", "due_from", "due_to")
_EVERYTHING: Final = InboxFilter()
FIELDS: Final = ("state", *_EVERYTHING.form_values())


def read_filter(query: Mapping[str, str], choices: FilterChoices) -> InboxFilter:
    """Return the filters of an address. Raises Invalid with a refusal at each field that asks for what there is not."""
    reader = _FilterReader(query)
    words = " ".join(query.get("q", "").split())[:WORDS_MOST]
    state = STATE_CHOICES.get(reader.choice("state", STATE_CHOICES), ListScope.ALL if words else ListScope.OPEN)
    unit = reader.choice("unit", map(str, choices.units))
    inbox_filter = InboxFilter(
        state=state,
        unit=int(unit) if unit else None,
        waits=reader.choice("waits", WAIT_CHOICES),
        who=reader.handler(choices),
        category=reader.choice("category", choices.categories),
        channel=Channel(chosen) if (chosen := reader.choice("channel", Channel)) else None,
        **{name: reader.day(name) for name in _DAYS},
        due=DueChoice(chosen) if (chosen := reader.choice("due", DueChoice)) else None,
        verdict=VerdictChoice(chosen) if (chosen := reader.choice("verdict", VerdictChoice)) else None,
        unread=bool(reader.choice("unread", ("1",))),
        words=words,
        sort=InboxSort(chosen) if (chosen := reader.choice("sort", InboxSort)) else None,
    )
    reader.check_period(inbox_filter.received_from, inbox_filter.received_to, "received_from")
    reader.check_period(inbox_filter.due_from, inbox_filter.due_to, "due_from")
    Invalid.collect(reader.refusals)
    return inbox_filter


class _FilterReader:
    """Reads one field after the other and collects the refusals."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self.query = query
        self.refusals: list[Invalid] = []

    def choice(self, name: str, options: Iterable[str]) -> str:
        """Return the value of a field, one of the options or empty."""
        value = self.query.get(name, "").strip()
        if not value or value in tuple(options):
            return value
        self.refusals.append(Invalid(NO_SUCH_CHOICE, field=name))
        return ""

    def handler(self, choices: FilterChoices) -> str:
        value = self.query.get("who", "").strip()
        if choices.any_handler and value.isascii() and value.isdigit() and len(value) <= 9:
            return value
        return self.choice("who", (ME, NOBODY, *map(str, choices.handlers)))

    def day(self, name: str) -> Any:
        typed = self.query.get(name, "").strip()
        day = day_typed(typed) if typed else None
        if typed and day is None:
            self.refusals.append(Invalid(NO_SUCH_DAY, field=name))
        return day

    def check_period(self, first: date | None, last: date | None, name: str) -> None:
        if first is not None and last is not None and first > last:
            self.refusals.append(Invalid(WRONG_PERIOD, field=name))
