"""The one look-up of a unit by code or name on a day.

Codes and names are used again over time: 03388 was Phường Quyết Tiến until 30/6/2025 and is Phường Đoàn Kết since. So a
unit is never looked up without a day.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.errors import Invalid, _
from backend.files.names import digits_key, name_key, same_name, split_kind
from backend.units.models import Succession, Unit

CODE_DIGITS: Final = 5  # of communes; tables of numbers lose the zeros before them
MOST_NAMED: Final = 4


@dataclass(frozen=True, slots=True)
class UnitEntry:
    """What a look-up needs of a unit."""

    id: int
    code: str
    name: str
    parent_id: int | None
    valid_from: date
    valid_to: date | None

    def valid_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class UnitDirectory:
    """Every unit there ever was, by code and by name. Read it anew in each transaction that makes units."""

    def __init__(self, entries: Iterable[UnitEntry], successors: Iterable[tuple[int, int]] = ()) -> None:
        self._entries: dict[int, UnitEntry] = {}
        self._by_code: dict[str, list[UnitEntry]] = defaultdict(list)
        self._by_name: dict[str, list[UnitEntry]] = defaultdict(list)
        self._by_bare_name: dict[str, list[UnitEntry]] = defaultdict(list)
        self._successors: dict[int, list[int]] = defaultdict(list)
        for entry in entries:
            self.add(entry)
        for former, successor in successors:
            self._successors[former].append(successor)

    def add(self, entry: UnitEntry) -> None:
        """Take in a unit that was just made."""
        self._entries[entry.id] = entry
        self._by_code[entry.code].append(entry)
        self._by_name[name_key(entry.name)].append(entry)
        self._by_bare_name[split_kind(entry.name)[1]].append(entry)

    def with_code(self, text: str) -> Sequence[UnitEntry]:
        """Return the units of any day that have this code, the earliest first. Zeros before a code of digits may be
        missing: tables of numbers lose them."""
        return next(filter(None, self._code_ways(text)), ())

    def successors_of(self, entry: UnitEntry) -> list[UnitEntry]:
        """Return the units that took over from this one."""
        return [self._entries[unit_id] for unit_id in self._successors.get(entry.id, ())]

    def matches(self, text: str, *, below: int | None = None) -> list[UnitEntry]:
        """Units of any day that the text may mean: by code, else by the whole name, else by the name without its kind
        (“Xã X” and “X”). ``below``: only this unit and those under it, at any depth."""
        for entries in self._ways(text):
            if inside := [entry for entry in entries if self._lies_below(entry, below)]:
                return inside
        return []

    def on(self, text: str, day: date, *, below: int | None = None) -> UnitEntry | None:
        """The unit that the text means on the day; none where no unit ever had this code or name. Raises Invalid where
        two have it on the day, or none any more or not yet."""
        return self.valid_one(text, self.matches(text, below=below), day)

    def valid_one(self, text: str, entries: Sequence[UnitEntry], day: date) -> UnitEntry | None:
        """The one of these matches that is valid on the day, as ``on``."""
        valid = [entry for entry in entries if entry.valid_on(day)]
        if len(valid) == 1:
            return valid[0]
        if len(valid) > 1:
            raise Invalid(_("“%(text)s” có thể là %(units)s; hãy ghi mã."), text=text[:60], units=self._listed(valid))
        if entries:
            raise self._not_on_the_day(text, day, entries)
        return None

    def _ways(self, text: str) -> Iterable[Sequence[UnitEntry]]:
        """What the text may mean, the surest way first."""
        yield from self._code_ways(text)
        yield self._by_name.get(name_key(text), ())
        yield [entry for entry in self._by_bare_name.get(split_kind(text)[1], ()) if same_name(text, entry.name)]

    def _code_ways(self, text: str) -> Iterable[Sequence[UnitEntry]]:
        yield self._by_code.get(text.strip(), ())
        digits = digits_key(text)
        if digits is not None:
            yield self._by_code.get(digits.zfill(CODE_DIGITS), ())

    def _lies_below(self, entry: UnitEntry, top: int | None) -> bool:
        if top is None:
            return True
        place: UnitEntry | None = entry
        while place is not None:
            if place.id == top:
                return True
            place = self._entries.get(place.parent_id) if place.parent_id is not None else None
        return False

    def _listed(self, entries: Sequence[UnitEntry]) -> str:
        places = [f"{entry.name} ({entry.code}{self._where(entry)})" for entry in entries[:MOST_NAMED]]
        return ", ".join(places) + (" …" if len(entries) > MOST_NAMED else "")

    def _where(self, entry: UnitEntry) -> str:
        parent = self._entries.get(entry.parent_id) if entry.parent_id is not None else None
        return f", {parent.name}" if parent is not None else ""

    def _not_on_the_day(self, text: str, day: date, entries: Sequence[UnitEntry]) -> Invalid:
        shown, on_day = text[:60], f"{day:%d/%m/%Y}"
        ended = [entry for entry in entries if entry.valid_to is not None and entry.valid_to < day]
        if not ended:
            return Invalid(_("“%(text)s” chưa có vào ngày %(day)s."), text=shown, day=on_day)
        heirs = list(chain.from_iterable(map(self.successors_of, ended)))
        sentence = _("“%(text)s” không còn vào ngày %(day)s; đơn vị kế thừa: %(units)s.")
        return Invalid(sentence, text=shown, day=on_day, units=self._listed(heirs) or "–")


def unit_directory(session: Session) -> UnitDirectory:
    """All units as they stand in this transaction."""
    columns = (Unit.id, Unit.code, Unit.name, Unit.parent_id, Unit.valid_from, Unit.valid_to)
    units = session.execute(select(*columns).order_by(Unit.valid_from, Unit.id))
    pairs = session.execute(select(Succession.former_id, Succession.successor_id).order_by(Succession.successor_id))
    return UnitDirectory((UnitEntry(*unit) for unit in units), [(former, heir) for former, heir in pairs])


def find_unit(session: Session, text: str, day: date) -> Unit | None:
    """The unit that a code or a name means on a day; none where there is none. Raises Invalid where two have it."""
    entry = unit_directory(session).on(text, day)
    return None if entry is None else session.get_one(Unit, entry.id)
