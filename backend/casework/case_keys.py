"""Keys of cases that differ in leading zeros alone: 0012 and 12 may be one case whose zeros a spreadsheet lost, or two.

Which of the two, nobody knows here, so that the later one is held. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from backend.casework.case_names import CaseHeld
from backend.errors import Invalid, _
from backend.files.names import digits_key


class LeadingZeros:
    """The keys with leading zeros of one source, by what is left without them. ``import_keys``: those stored so far,
    with their source."""

    def __init__(self, source: str, import_keys: Iterable[str]) -> None:
        self._keys: dict[str, set[str]] = defaultdict(set)
        self.note(key.removeprefix(f"{source}:") for key in import_keys)

    def note(self, keys: Iterable[str]) -> None:
        """Take in keys that are stored now."""
        for key in keys:
            bare = digits_key(key)
            if bare is not None and bare != key:
                self._keys[bare].add(key)

    def likely(self, keys: Iterable[str]) -> Iterator[str]:
        """Keys that must be looked up: those that may be meant by these, and these where another may be meant."""
        for key in keys:
            bare = digits_key(key)
            if bare is None or (bare == key and bare not in self._keys):
                continue
            yield key
            yield bare

    def check(self, key: str, stored: set[str]) -> None:
        """Raise CaseHeld where the key is not here, and another is that differs in leading zeros alone. ``stored``:
        those of the likely keys that are here."""
        bare = digits_key(key)
        if bare is None or key in stored:
            return
        others = self._keys.get(bare, set()) - {key}
        if bare != key and bare in stored:
            others = others | {bare}
        if others:
            sentence = _("Mã “%(key)s” chỉ khác mã đã có “%(other)s” ở số 0 đứng đầu; hãy sửa cho thống nhất.")
            raise CaseHeld(Invalid(sentence, key=key, other=min(others)))
