"""What the address of the search asks for: words and the filters of the inbox. Read, refused, written back."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from urllib.parse import urlencode

from sqlalchemy import ColumnElement

from backend.errors import Invalid, _
from backend.files.days import day_written
from backend.tickets.models import Channel, Ticket, TicketState, is_open

SEARCH: Final = "/hop-thu/tim"
NO_CHOICE: Final = _("Không có mục này. Hãy chọn trong danh sách.")
NO_DAY: Final = _("Hãy viết ngày như 22/11/2026.")
WRONG_PERIOD: Final = _("Ngày đầu phải trước hoặc trùng ngày cuối.")
OPEN, ENDED = "open", "ended"
STATES: Final = (OPEN, ENDED, *(state.value for state in TicketState))
DAYS: Final = ("received_from", "received_to")
FIELDS: Final = ("q", "unit", "state", "category", "channel", *DAYS)


@dataclass(frozen=True)
class SearchChoices:
    """What this reader can choose: units by id (none who sees only one), categories by code."""

    units: Mapping[int, str]
    categories: Mapping[str, str]


@dataclass(frozen=True)
class SearchFilter:
    """What is searched. Empty values filter nothing; ``after`` is where a page begins."""

    words: str = ""
    unit_id: int | None = None
    state: str = ""
    category: str = ""
    channel: str = ""
    received_from: date | None = None
    received_to: date | None = None
    after: str = ""

    @property
    def texts(self) -> dict[str, str]:
        """The fields of the form that are filled in."""
        values = {
            "q": self.words,
            "unit": str(self.unit_id or ""),
            "state": self.state,
            "category": self.category,
            "channel": self.channel,
            **{name: f"{day:%d/%m/%Y}" for name in DAYS if (day := getattr(self, name)) is not None},
        }
        return {name: value for name, value in values.items() if value}

    @property
    def query(self) -> str:
        """The filter as the query of an address, without the place of the page."""
        return urlencode(self.texts)

    def address(self, after: str | None = None) -> str:
        """Return the address of the search, from a place on."""
        texts = self.texts | ({"after": after} if after else {})
        return f"{SEARCH}?{urlencode(texts)}" if texts else SEARCH

    def without_words(self) -> "SearchFilter":
        return replace(self, words="", after="")

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filters as conditions on tickets; unit and words are searched in the index."""
        conditions: list[ColumnElement[bool]] = []
        if self.state in (OPEN, ENDED):
            conditions.append(is_open() if self.state == OPEN else ~is_open())
        elif self.state:
            conditions.append(Ticket.state == TicketState(self.state))
        if self.category:
            conditions.append(Ticket.category_code == self.category)
        if self.channel:
            conditions.append(Ticket.channel == Channel(self.channel))
        if self.received_from:
            conditions.append(Ticket.received_on >= self.received_from)
        if self.received_to:
            conditions.append(Ticket.received_on <= self.received_to)
        return conditions


def read_search(values: Mapping[str, str], choices: SearchChoices) -> SearchFilter:
    """Return the filter of an address or a form. Raises Invalid with a refusal at each field that asks for nothing
    there is."""
    reader = _SearchReader(values)
    unit = reader.choose("unit", [str(unit_id) for unit_id in choices.units])
    search_filter = SearchFilter(
        words=values.get("q", "").strip(),
        unit_id=int(unit) if unit else None,
        state=reader.choose("state", STATES),
        category=reader.choose("category", choices.categories),
        channel=reader.choose("channel", [channel.value for channel in Channel]),
        received_from=reader.day("received_from"),
        received_to=reader.day("received_to"),
        after=values.get("after", ""),
    )
    reader.check_period(search_filter.received_from, search_filter.received_to)
    Invalid.collect(reader.refusals)
    return search_filter


class _SearchReader:
    """Reads fields and collects their refusals."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.refusals: list[Invalid] = []

    def choose(self, name: str, options: Collection[str]) -> str:
        value = self.values.get(name, "")
        if not value or value in options:
            return value
        self.refusals.append(Invalid(NO_CHOICE, field=name))
        return ""

    def day(self, name: str) -> date | None:
        typed = self.values.get(name, "").strip()
        day = day_written(typed) if typed else None
        if typed and day is None:
            self.refusals.append(Invalid(NO_DAY, field=name))
        return day

    def check_period(self, first: date | None, last: date | None) -> None:
        if first and last and first > last:
            self.refusals.append(Invalid(WRONG_PERIOD, field="received_from"))
