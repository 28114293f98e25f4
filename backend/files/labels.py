"""Labels of one column: different forms of one name become one label, and ambiguous labels are refused. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from backend.files.faults import TableFault
from backend.files.names import is_not_told, is_total, name_key, split_kind, zeros_apart
from backend.files.options import ReadOptions

SHOWN: Final = 40


class LabelRefusal(ValueError):
    """An ambiguous label. ``place``: its position among the values."""

    def __init__(self, fault: TableFault, place: int, **params: str) -> None:
        super().__init__(fault)
        self.fault, self.place, self.params = fault, place, params


def canonical_labels(values: Sequence[Any], counts: Sequence[int], options: ReadOptions) -> tuple[list[int], list[Any]]:
    """Return for each value the position of its label (-1 for a blank), and the labels. ``counts``: how often each
    value stands in the column. The most frequent form of a name becomes its label. Values that are not texts stay.

    Raises LabelRefusal for “NA” where the user did not state its meaning, for a total, for labels that differ only in
    leading zeros, and for a name without kind that two kinds of unit have.
    """
    keys: dict[int, Any] = {}
    for place, value in enumerate(values):
        key = _label_key(place, value, options)
        if key is not None:
            keys[place] = key
    _check_zeros(values, keys)
    _join_kinds(values, keys)
    groups: dict[Any, list[int]] = defaultdict(list)
    for place, key in keys.items():
        groups[key].append(place)
    labels: list[Any] = []
    places = [-1] * len(values)
    for members in groups.values():
        best = max(members, key=lambda place: (counts[place], -place))
        for place in members:
            places[place] = len(labels)
        labels.append(values[best].strip() if isinstance(values[best], str) else values[best])
    return places, labels


def _label_key(place: int, value: Any, options: ReadOptions) -> Any:
    """Return the key that all forms of a label share; none for a blank."""
    if not isinstance(value, str):
        return None if value is None else (type(value).__name__, value)
    text = value.strip()
    if not text or options.is_missing(text):
        return None
    if options.missing is None and is_not_told(text):
        raise LabelRefusal(TableFault.LABEL_NA, place, value=text[:SHOWN])
    if is_total(text):
        raise LabelRefusal(TableFault.TOTALS_ROW, place, value=text[:SHOWN])
    return name_key(text)


def _check_zeros(values: Sequence[Any], keys: dict[int, Any]) -> None:
    texts = [values[place] for place in keys if isinstance(values[place], str)]
    if apart := zeros_apart(texts):
        raise LabelRefusal(TableFault.LABEL_ZEROS, 0, value=apart[0][:SHOWN], other=apart[1][:SHOWN])


def _join_kinds(values: Sequence[Any], keys: dict[int, Any]) -> None:
    """Give “X” the key of “Xã X” where only one kind of unit has the name."""
    with_kind: dict[str, dict[str, Any]] = defaultdict(dict)
    bare: list[tuple[int, str]] = []
    for place in keys:
        if isinstance(values[place], str):
            kind, name = split_kind(values[place])
            if kind:
                with_kind[name].setdefault(kind, place)
            else:
                bare.append((place, name))
    for place, name in bare:
        units = with_kind.get(name, {})
        if len(units) > 1:
            others = ", ".join(values[other].strip()[:SHOWN] for other in units.values())
            raise LabelRefusal(TableFault.LABEL_KINDS, place, value=values[place].strip()[:SHOWN], other=others)
        if units:
            keys[place] = keys[next(iter(units.values()))]
