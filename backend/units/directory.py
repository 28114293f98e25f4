"""The look-up of a unit by code or name on a day, for all rooms.

Codes and names are reused over time: 03388 was Phường Quyết Tiến until 30/6/2025, and since then it is Phường Đoàn Kết.
So every look-up needs a day.
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

CODE_DIGITS: Final = 5  # of communes; a column of numbers loses the leading zeros
MOST_NAMED: Final = 4  # units in one sentence


@dataclass(frozen=True, slots=True)
class UnitEntry:
    """The data of a unit that a look-up needs."""

    id: int
    code: str
    name: str
    parent_id: int | None
    valid_from: date
    valid_to: date | None

    def valid_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class UnitDirectory:
    """All present and former units by code and by name. A transaction that creates units must load its own directory.

    ``successors`` are pairs of ids: former unit, successor.
    """

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
        """Add a unit that was just created."""
        self._entries[entry.id] = entry
        self._by_code[entry.code].append(entry)
        self._by_name[name_key(entry.name)].append(entry)
        self._by_bare_name[split_kind(entry.name)[1]].append(entry)

    def with_code(self, text: str) -> Sequence[UnitEntry]:
        """Return the units of any day that have this code, the earliest first. Zeros before a code of digits may be
        missing: tables of numbers lose them."""
        return next(filter(None, self._by_code_of(text)), ())

    def successors_of(self, entry: UnitEntry) -> list[UnitEntry]:
        """Return the units that took over from this one."""
        return [self._entries[unit_id] for unit_id in self._successors.get(entry.id, ())]

    def matches(self, text: str, *, below: int | None = None) -> list[UnitEntry]:
        """Return the units of any day that the text may mean.

        They are found by code, else by the whole name, else by the name without its kind (“Xã X” and “X”). ``below``
        limits them to this unit and the units under it, at any depth.
        """
        for entries in self._candidates(text):
            if inside := [entry for entry in entries if self._lies_below(entry, below)]:
                return inside
        return []

    def on(self, text: str, day: date, *, below: int | None = None) -> UnitEntry | None:
        """Return the unit that the text means on the day; None where no unit ever had this code or name.

        Raises Invalid where two units have it on the day, or where none has it yet or any more.
        """
        return self.valid_one(text, self.matches(text, below=below), day)

    def valid_one(self, text: str, entries: Sequence[UnitEntry], day: date) -> UnitEntry | None:
        """Return the one of these matches that is valid on the day. None and Invalid are as for `on`."""
        valid = [entry for entry in entries if entry.valid_on(day)]
        if len(valid) == 1:
            return valid[0]
        if len(valid) > 1:
            raise Invalid(_("“%(text)s” có thể là %(units)s; hãy ghi mã."), text=text[:60], units=self._listed(valid))
        if entries:
            raise self._not_on_the_day(text, day, entries)
        return None

    def _candidates(self, text: str) -> Iterable[Sequence[UnitEntry]]:
        """Yield the units that the text may mean, from the surest kind of match to the least sure."""
        yield from self._by_code_of(text)
        yield self._by_name.get(name_key(text), ())
        yield [entry for entry in self._by_bare_name.get(split_kind(text)[1], ()) if same_name(text, entry.name)]

    def _by_code_of(self, text: str) -> Iterable[Sequence[UnitEntry]]:
        """Yield the units that have this code, then those that have it with zeros before."""
        yield self._by_code.get(text.strip(), ())
        digits = digits_key(text)
        if digits is not None:
            yield self._by_code.get(digits.zfill(CODE_DIGITS), ())

    def _lies_below(self, entry: UnitEntry, top: int | None) -> bool:
        if top is None:
            return True
        unit: UnitEntry | None = entry
        while unit is not None:
            if unit.id == top:
                return True
            unit = self._parent(unit)
        return False

    def _parent(self, entry: UnitEntry) -> UnitEntry | None:
        return self._entries.get(entry.parent_id) if entry.parent_id is not None else None

    def _listed(self, entries: Sequence[UnitEntry]) -> str:
        names = [f"{entry.name} ({entry.code}{self._parent_name(entry)})" for entry in entries[:MOST_NAMED]]
        return ", ".join(names) + (" …" if len(entries) > MOST_NAMED else "")

    def _parent_name(self, entry: UnitEntry) -> str:
        parent = self._parent(entry)
        return f", {parent.name}" if parent is not None else ""

    def _not_on_the_day(self, text: str, day: date, entries: Sequence[UnitEntry]) -> Invalid:
        """Return the refusal of a unit that has ended by the day, with its successors, or does not exist yet."""
        short_text, on_day = text[:60], f"{day:%d/%m/%Y}"
        ended = [entry for entry in entries if entry.valid_to is not None and entry.valid_to < day]
        if not ended:
            return Invalid(_("“%(text)s” chưa có vào ngày %(day)s."), text=short_text, day=on_day)
        successors = list(chain.from_iterable(map(self.successors_of, ended)))
        sentence = _("“%(text)s” không còn vào ngày %(day)s; đơn vị kế thừa: %(units)s.")
        return Invalid(sentence, text=short_text, day=on_day, units=self._listed(successors) or "–")


def unit_directory(session: Session) -> UnitDirectory:
    """Return the directory of all units as this transaction sees them."""
    columns = (Unit.id, Unit.code, Unit.name, Unit.parent_id, Unit.valid_from, Unit.valid_to)
    units = session.execute(select(*columns).order_by(Unit.valid_from, Unit.id))
    pairs = session.execute(select(Succession.former_id, Succession.successor_id).order_by(Succession.successor_id))
    entries = (
        UnitEntry(
            id=unit.id,
            code=unit.code,
            name=unit.name,
            parent_id=unit.parent_id,
            valid_from=unit.valid_from,
            valid_to=unit.valid_to,
        )
        for unit in units
    )
    return UnitDirectory(entries, [(former, successor) for former, successor in pairs])


def find_unit(session: Session, text: str, day: date) -> Unit | None:
    """Return the unit that a code or a name means on a day; None where no unit ever had it.

    Raises Invalid where two units have it on the day, or where none has it yet or any more.
    """
    entry = unit_directory(session).on(text, day)
    return None if entry is None else session.get_one(Unit, entry.id)
