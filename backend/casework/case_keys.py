"""Hold cases whose keys differ only in leading zeros. Pure.

0012 and 12 may be one case whose zeros a spreadsheet lost, or two cases. Nobody can tell here, so the later case is
held.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from backend.casework.case_names import CaseHeld
from backend.errors import Invalid, _
from backend.files.names import digits_key


class LeadingZeros:
    """The keys of one source that have leading zeros, by the key without them.

    ``import_keys``: the stored keys, with their source in front.
    """

    def __init__(self, source: str, import_keys: Iterable[str]) -> None:
        self._keys: dict[str, set[str]] = defaultdict(set)
        self.note(key.removeprefix(f"{source}:") for key in import_keys)

    def note(self, keys: Iterable[str]) -> None:
        """Add keys that are stored now."""
        for key in keys:
            bare = digits_key(key)
            if bare is not None and bare != key:
                self._keys[bare].add(key)

    def likely(self, keys: Iterable[str]) -> Iterator[str]:
        """Yield the keys to look up: those that these keys may mean, and these keys where another key may be meant."""
        for key in keys:
            bare = digits_key(key)
            if bare is None or (bare == key and bare not in self._keys):
                continue
            yield key
            yield bare

    def check(self, key: str, stored: set[str]) -> None:
        """Raise CaseHeld where the key is not stored but another key is that differs only in leading zeros.

        ``stored``: the likely keys that are stored.
        """
        bare = digits_key(key)
        if bare is None or key in stored:
            return
        others = self._keys.get(bare, set()) - {key}
        if bare != key and bare in stored:
            others = others | {bare}
        if others:
            sentence = _("Mã “%(key)s” chỉ khác mã đã có “%(other)s” ở số 0 đứng đầu; hãy sửa cho thống nhất.")
            raise CaseHeld(Invalid(sentence, key=key, other=min(others)))
