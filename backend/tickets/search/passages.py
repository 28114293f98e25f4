"""Shows where a ticket was found: the passage of a text with most of the words, these marked. Pure."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backend.files.text import few_marks
from backend.tickets.search.documents import WORD, fold_word, split_words
from backend.tickets.search.typed_query import TypedQuery

WINDOW: Final = 28  # words of a passage
BEFORE: Final = 5  # words before the first one that is marked
ELLIPSIS: Final = "…"


@dataclass(frozen=True)
class PassagePart:
    """A piece of a passage; ``marked`` where it is a word that was searched."""

    text: str
    marked: bool


@dataclass(frozen=True)
class MarkedPassage:
    """A passage, and which of the searched words stand in it, by their place in the query."""

    parts: tuple[PassagePart, ...]
    words: frozenset[int]


@dataclass(frozen=True)
class _SearchedWord:
    """A word of a query as it is compared."""

    folded: str
    written: str
    going_on: bool

    @property
    def toned(self) -> bool:
        return self.written != self.folded

    def fits(self, folded: str) -> bool:
        return folded.startswith(self.folded) if self.going_on else folded == self.folded


@dataclass(frozen=True, slots=True)
class _PlacedWord:
    """A word of a text: its letters from ``begin`` to ``end``, and which searched words it is."""

    begin: int
    end: int
    words: frozenset[int]
    exact: bool


class PassageMarker:
    """Marks the words of one query in texts. It remembers each word that it met: texts repeat their words."""

    def __init__(self, query: TypedQuery) -> None:
        self._searched = _searched_words(query)
        self._met: dict[str, tuple[frozenset[int], bool]] = {}

    @property
    def words(self) -> frozenset[int]:
        """All words of the query, by their place in it."""
        return frozenset(range(len(self._searched)))

    def mark(self, text: str, *, whole: bool = False) -> MarkedPassage:
        """Return the passage of a text with most of the searched words, those with the tones that were typed first.

        ``whole``: all of a short text. Without any of the words the passage is the beginning of the text.
        """
        text = unicodedata.normalize("NFC", few_marks(text))
        placed = [_PlacedWord(match.start(), match.end(), *self._fit(match.group())) for match in WORD.finditer(text)]
        first, last = (0, len(placed)) if whole else _best_window(placed)
        window = placed[first:last]
        begin = window[0].begin if first and window else 0
        end = window[-1].end if last < len(placed) and window else len(text)
        parts = _parts(text, window, begin, end)
        if begin:
            parts.insert(0, PassagePart(f"{ELLIPSIS} ", False))
        if end < len(text):
            parts.append(PassagePart(f" {ELLIPSIS}", False))
        return MarkedPassage(tuple(parts), frozenset[int]().union(*(word.words for word in window if word.words)))

    def _fit(self, letters: str) -> tuple[frozenset[int], bool]:
        """Return which searched words a word is, and whether it has the tones of one that was typed with tones."""
        met = self._met.get(letters)
        if met is None:
            met = self._met[letters] = _fit_word(letters, self._searched)
        return met


def _fit_word(letters: str, searched: Sequence[_SearchedWord]) -> tuple[frozenset[int], bool]:
    words = split_words(letters)
    written = words[0] if words else ""
    folded = fold_word(written)
    fitting = frozenset(number for number, word in enumerate(searched) if word.fits(folded))
    return fitting, any(searched[number].toned and written.startswith(searched[number].written) for number in fitting)


def _searched_words(query: TypedQuery) -> list[_SearchedWord]:
    """Return the words of a query. The last one may go on, as the search tried it where nothing else was found."""
    words = [
        _SearchedWord(fold_word(word), word, term.beginning and place == len(term.words) - 1)
        for term in query.terms
        for place, word in enumerate(term.words)
    ]
    last = words[-1]
    return [*words[:-1], _SearchedWord(last.folded, last.written, last.going_on or bool(query.going_on))]


def _best_window(placed: Sequence[_PlacedWord]) -> tuple[int, int]:
    """Return first and last word of the passage: where most of the searched words stand together."""
    best, start = (0, 0), 0
    for number, word in enumerate(placed):
        if not word.words:
            continue
        window = placed[number : number + WINDOW - BEFORE]
        together = frozenset[int]().union(*(other.words for other in window))
        score = (len(together), sum(other.exact for other in window))
        if score > best:
            best, start = score, number
    first = 0 if start <= 2 * BEFORE else start - BEFORE
    return first, min(len(placed), first + WINDOW)


def _parts(text: str, window: Sequence[_PlacedWord], begin: int, end: int) -> list[PassagePart]:
    parts: list[PassagePart] = []
    at = begin
    for word in window:
        if word.words:
            if word.begin > at:
                parts.append(PassagePart(text[at : word.begin], False))
            parts.append(PassagePart(text[word.begin : word.end], True))
            at = word.end
    if at < end:
        parts.append(PassagePart(text[at:end], False))
    return parts
