"""What changed between two versions of an instrument, item by item. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from backend.errors import _
from backend.surveys.forms.instruments import Instrument, Slot


class Change(StrEnum):
    """How an item stands in the later version. Only ``same`` lets figures of both be set side by side as they are."""

    SAME = "same"
    WORDING = "wording"
    SCALE = "scale"
    NEW = "new"
    GONE = "gone"


NAMES = {
    Change.SAME: _("giữ nguyên"),
    Change.WORDING: _("đổi câu chữ"),
    Change.SCALE: _("đổi thang điểm"),
    Change.NEW: _("mới"),
    Change.GONE: _("bỏ"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One item in both versions; ``before`` or ``after`` is none where the item was not asked."""

    code: str
    change: Change
    before: Slot | None
    after: Slot | None


def compare(before: Instrument, after: Instrument) -> list[Difference]:
    """Every item of either, in the order of the earlier version, the new ones at the end."""
    return list(_differences({s.code: s for s in before.slots}, {s.code: s for s in after.slots}))


def _differences(before: dict[str, Slot], after: dict[str, Slot]) -> Iterator[Difference]:
    for code, slot in before.items():
        yield Difference(code, _change(slot, after.get(code)), slot, after.get(code))
    for code, slot in after.items():
        if code not in before:
            yield Difference(code, Change.NEW, None, slot)


def _change(before: Slot, after: Slot | None) -> Change:
    """A changed scale weighs more than a changed wording, so it is told first."""
    if after is None:
        return Change.GONE
    if (before.kind, before.levels) != (after.kind, after.levels):
        return Change.SCALE
    return Change.WORDING if before.text != after.text else Change.SAME


def tells(items: Iterable[Difference], path: str) -> bool:
    """Whether the change at a path of the documents is that of one of these items, told of already."""
    changed = any(f"[{one.code}]" in path for one in items if one.change is not Change.SAME)
    return changed and path.endswith((".vi", ".en", ".code", ".column"))
