"""The differences between two versions of an instrument, item by item. Pure. The page and the command that compare
versions ask here."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from backend.errors import _
from backend.surveys.forms.instruments import AnswerSlot, Instrument


class ItemChange(StrEnum):
    """What happened to an item in the later version. Only figures of ``same`` items can be compared directly."""

    SAME = "same"
    WORDING = "wording"
    SCALE = "scale"
    NEW = "new"
    GONE = "gone"


NAMES = {
    ItemChange.SAME: _("giữ nguyên"),
    ItemChange.WORDING: _("đổi câu chữ"),
    ItemChange.SCALE: _("đổi thang điểm"),
    ItemChange.NEW: _("mới"),
    ItemChange.GONE: _("bỏ"),
}


@dataclass(frozen=True, slots=True)
class ItemDifference:
    """One item in both versions. ``before`` or ``after`` is none where the version does not have the item."""

    code: str
    change: ItemChange
    before: AnswerSlot | None
    after: AnswerSlot | None


def compare_versions(before: Instrument, after: Instrument) -> list[ItemDifference]:
    """Return every item of both versions: in the order of the earlier version, new items at the end."""
    return list(_differences({s.code: s for s in before.slots}, {s.code: s for s in after.slots}))


def _differences(before: dict[str, AnswerSlot], after: dict[str, AnswerSlot]) -> Iterator[ItemDifference]:
    for code, slot in before.items():
        yield ItemDifference(code, _change(slot, after.get(code)), slot, after.get(code))
    for code, slot in after.items():
        if code not in before:
            yield ItemDifference(code, ItemChange.NEW, None, slot)


def _change(before: AnswerSlot, after: AnswerSlot | None) -> ItemChange:
    """Return the change of an item. Where scale and wording both changed, it is the scale: that matters more."""
    if after is None:
        return ItemChange.GONE
    if (before.kind, before.levels) != (after.kind, after.levels):
        return ItemChange.SCALE
    return ItemChange.WORDING if before.text != after.text else ItemChange.SAME


def covers_path(codes: Collection[str], path: str) -> bool:
    """Return whether the change at a path of the documents belongs to an item with one of these codes, which is already
    listed."""
    if not path.endswith((".vi", ".en", ".code", ".column")):
        return False
    return any(code in codes for code in re.findall(r"\[([^\]]+)\]", path))
