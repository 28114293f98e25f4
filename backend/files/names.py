"""Names as people and systems write them: when two texts are the same name. Pure.

These differences do not matter: marks joined to letters or separate (NFC, NFD), Ð (U+00D0) or Đ, letter case, the vowel
that bears the tone mark (Khoá, Khóa), blanks around and within. Other accents make another name: Nậm Cần is not Nậm
Cẩn.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final
from unicodedata import normalize

from backend.files.text import INVISIBLE, few_marks

TONES: Final = "\u0300\u0301\u0303\u0309\u0323"  # grave, acute, tilde, hook, dot below
WORD: Final = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f]+[^\W\d_]*)*")
TONE: Final = re.compile(f"[{TONES}]")
WRITTEN_ALIKE: Final = str.maketrans({"ð": "đ", "ɖ": "đ", "’": "'", "‘": "'", "–": "-", "—": "-", "‑": "-"})
# Longer forms come first, so that "thị trấn" is not read as something else. Short forms have a full stop or none.
KINDS: Final = {
    "thị trấn": ("thị trấn", "tt.", "tt"),
    "thị xã": ("thị xã", "tx.", "tx"),
    "thành phố": ("thành phố", "tp.", "tp"),
    "đặc khu": ("đặc khu",),
    "phường": ("phường", "p."),
    "huyện": ("huyện", "h."),
    "quận": ("quận", "q."),
    "tỉnh": ("tỉnh",),
    "xã": ("xã", "x."),
}
OF_THE_PEOPLE: Final = ("ubnd", "ủy ban nhân dân")  # the authority of a unit has the name of the unit
TOTALS: Final = frozenset({"tổng", "tổng cộng", "cộng", "tổng số", "tổng hợp", "total", "grand total", "sum"})
NOT_TOLD: Final = frozenset({"na", "n/a", "#n/a", "null", "nan", "none"})


@lru_cache(maxsize=50_000)
def name_key(text: str) -> str:
    """Return the key that all forms of one name share."""
    bare = " ".join(INVISIBLE.sub("", text).split())
    if bare.isascii():
        return bare.casefold()
    bare = normalize("NFC", few_marks(bare)).casefold().translate(WRITTEN_ALIKE)
    return WORD.sub(_tone_last, normalize("NFD", bare))


def _tone_last(word: re.Match[str]) -> str:
    """Return the word with its tone mark at the end, because both positions within the word are usual."""
    letters = word[0]
    tones = TONE.findall(letters)
    return TONE.sub("", letters) + "".join(tones) if tones else letters


def _list_kind_keys() -> Iterator[tuple[str, str]]:
    for kind, forms in KINDS.items():
        yield from ((kind, name_key(form)) for form in forms)


_KIND_KEYS: Final = list(_list_kind_keys())
_AUTHORITY_KEYS: Final = [name_key(written) for written in OF_THE_PEOPLE]


@lru_cache(maxsize=50_000)
def split_kind(text: str) -> tuple[str, str]:
    """Return the kind of unit before a name (empty where there is none), and the key of the name without the kind.
    Example: "Xã Bum Nưa" gives "xã" and the key of "Bum Nưa"."""
    key = name_key(text)
    for written in _AUTHORITY_KEYS:
        key = key.removeprefix(f"{written} ")
    for kind, written in _KIND_KEYS:
        if key.startswith(written) and len(key) > len(written):
            rest = key[len(written) :]
            if written.endswith(".") or rest.startswith(" "):
                return kind, rest.strip()
    return "", key


def same_name(first: str, second: str) -> bool:
    """Return whether two texts may name the same unit: “Xã Bum Nưa” and “Bum Nưa” may, “Xã X” and “Phường X” may
    not."""
    kind, bare = split_kind(first)
    other_kind, other_bare = split_kind(second)
    return bare == other_bare and (kind == other_kind or not kind or not other_kind)


def is_total(text: str) -> bool:
    """Return whether a cell says that its row is a total."""
    return 0 < len(text) < 40 and name_key(text.strip(" :.-")) in _TOTAL_KEYS


_TOTAL_KEYS: Final = frozenset(name_key(word) for word in TOTALS)


def is_not_told(text: str) -> bool:
    """Return whether a cell is blank or holds a code for "no value" (NA, #N/A, null ...)."""
    bare = text.strip()
    return not bare or bare.casefold() in NOT_TOLD


def digits_key(text: str) -> str | None:
    """Return a code of digits without its leading zeros, which spreadsheets lose: 0012 gives 12. None for another
    code."""
    bare = text.strip()
    if not (bare.isascii() and bare.isdigit()):
        return None
    return bare.lstrip("0") or "0"


def zeros_apart(texts: Iterable[str]) -> tuple[str, str] | None:
    """Return two codes that differ only in leading zeros; none where there are no such codes."""
    writings: dict[str, str] = {}
    for text in texts:
        key = digits_key(text)
        if key is not None and writings.setdefault(key, text.strip()) != text.strip():
            return writings[key], text.strip()
    return None
