"""What changed between two versions of an instrument, item by item. Pure."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from backend.errors import _
from backend.surveys.forms.instruments import AnswerSlot, Instrument


class ItemChange(StrEnum):
    """How an item stands in the later version. Only ``same`` lets figures of both be set side by side as they are."""

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
    """One item in both versions; ``before`` or ``after`` is none where the item was not asked."""

    code: str
    change: ItemChange
    before: AnswerSlot | None
    after: AnswerSlot | None


def compare_versions(before: Instrument, after: Instrument) -> list[ItemDifference]:
    """Every item of either, in the order of the earlier version, the new ones at the end."""
    return list(_differences({s.code: s for s in before.slots}, {s.code: s for s in after.slots}))


def _differences(before: dict[str, AnswerSlot], after: dict[str, AnswerSlot]) -> Iterator[ItemDifference]:
    for code, slot in before.items():
        yield ItemDifference(code, _change(slot, after.get(code)), slot, after.get(code))
    for code, slot in after.items():
        if code not in before:
            yield ItemDifference(code, ItemChange.NEW, None, slot)


def _change(before: AnswerSlot, after: AnswerSlot | None) -> ItemChange:
    """A changed scale weighs more than a changed wording, so it is told first."""
    if after is None:
        return ItemChange.GONE
    if (before.kind, before.levels) != (after.kind, after.levels):
        return ItemChange.SCALE
    return ItemChange.WORDING if before.text != after.text else ItemChange.SAME


def covers_path(codes: Collection[str], path: str) -> bool:
    """Whether the change at a path of the documents is that of an item with one of these codes, told of already."""
    if not path.endswith((".vi", ".en", ".code", ".column")):
        return False
    return any(code in codes for code in re.findall(r"\[([^\]]+)\]", path))
