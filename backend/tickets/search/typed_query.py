"""What somebody typed to search by, read once: words in any order, "a phrase", a beginning*, a part of a number. Pure.

Any text can be typed. What is no word separates words, as it does in the texts; so the operators of PostgreSQL have no
meaning here, and a query is built only of words.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backend.errors import Invalid, _
from backend.files.text import INVISIBLE
from backend.tickets.search.documents import COUNT_PART_LEAST, DIGITS, split_words
from backend.tickets.search.documents import fold_word as fold

TYPED_MOST: Final = 200  # characters
TERMS_MOST: Final = 16
BEGINNING_LEAST: Final = 2  # letters before *
UNASKED_LEAST: Final = 3  # letters of a last word that is also tried as a beginning
QUOTES: Final = '"“”„«»＂'
PIECE: Final = re.compile(f"[{QUOTES}]([^{QUOTES}]*)(?:[{QUOTES}]|$)|([^\\s{QUOTES}]+)")
NUMBER_TYPED: Final = re.compile(r"\W*(?:pakn)?[\s\W_]*[0-9][0-9\s.,/_-]*", re.IGNORECASE)
DAY_DIGITS: Final = 8
ALONE_LEAST: Final = 3  # digits of a part of a number that stands alone


@dataclass(frozen=True)
class SearchTerm:
    """One word, or several that stand side by side. ``beginning``: the last one may go on."""

    words: tuple[str, ...]
    beginning: bool = False


@dataclass(frozen=True)
class TypedQuery:
    """What is searched: terms in any order, and the digits of a number where only such were typed."""

    typed: str
    terms: tuple[SearchTerm, ...]
    numbers: tuple[str, ...] = ()

    @property
    def has_tones(self) -> bool:
        """Whether a word is typed with tone marks or other accents."""
        return any(word != fold(word) for term in self.terms for word in term.words)

    @property
    def folded(self) -> str:
        """The query that ignores tones."""
        return " & ".join(_side_by_side(term, term.beginning) for term in self.terms)

    @property
    def exact(self) -> str:
        """The query in which words typed with tones must have them."""
        toned = [
            _lexeme(word, going_on=term.beginning and word is term.words[-1])
            for term in self.terms
            for word in term.words
            if word != fold(word)
        ]
        return " & ".join([self.folded, *toned])

    @property
    def going_on(self) -> str:
        """The query in which the last word may go on; empty where that would find too much, or was asked already."""
        *others, last = self.terms
        if last.beginning or len(fold(last.words[-1])) < UNASKED_LEAST:
            return ""
        return " & ".join([*(_side_by_side(term, term.beginning) for term in others), _side_by_side(last, True)])

    @property
    def by_number(self) -> str:
        """The query for parts of a number; empty where words were typed."""
        if not self.numbers:
            return ""
        *others, last = self.numbers
        return " & ".join([*(_lexeme(f"#{digits}") for digits in others), _lexeme(f"#{last}", going_on=True)])


def read_query(typed: str) -> TypedQuery | None:
    """Return what was typed as a query; None where nothing was typed. Raises Invalid with what to do instead."""
    typed = " ".join(unicodedata.normalize("NFC", INVISIBLE.sub("", typed[: TYPED_MOST * 4])).split())
    if not typed:
        return None
    if len(typed) > TYPED_MOST:
        raise Invalid(_("Dài quá %(limit)s ký tự. Hãy tìm bằng vài chữ."), field="q", limit=TYPED_MOST)
    terms = [term for piece in PIECE.finditer(typed) if (term := _term(piece)) is not None]
    if not terms:
        raise Invalid(_("Hãy gõ ít nhất một chữ hoặc số để tìm."), field="q")
    if len(terms) > TERMS_MOST:
        raise Invalid(_("Nhiều hơn %(limit)s chữ. Hãy tìm bằng vài chữ."), field="q", limit=TERMS_MOST)
    return TypedQuery(typed, tuple(dict.fromkeys(terms)), _number_digits(typed))


def _term(piece: re.Match[str]) -> SearchTerm | None:
    phrase, word = piece.group(1), piece.group(2)
    text = phrase if word is None else word
    words = tuple(split for split in split_words(text) if fold(split))
    if not words:
        return None
    beginning = text.rstrip().endswith("*")
    if beginning and len(fold(words[-1])) < BEGINNING_LEAST:
        raise Invalid(_("Trước dấu * cần ít nhất %(least)s chữ cái."), field="q", least=BEGINNING_LEAST)
    return SearchTerm(words, beginning)


def _number_digits(typed: str) -> tuple[str, ...]:
    """Return the groups of digits of a typed number, such as 20261118 and 0012; nothing for other texts.

    A group that runs on behind the day is cut there. A few digits alone are a word, not a part of a number, and
    a single digit is left out: it begins half of all numbers.
    """
    if not NUMBER_TYPED.fullmatch(typed):
        return ()
    groups: list[str] = []
    for digits in DIGITS.findall(typed):
        whole = len(digits) > DAY_DIGITS and digits.startswith("20")
        groups += [digits[:DAY_DIGITS], digits[DAY_DIGITS:]] if whole else [digits]
    if len("".join(groups)) < ALONE_LEAST:
        return ()
    return tuple(group for group in groups if len(group) >= COUNT_PART_LEAST)


def _side_by_side(term: SearchTerm, going_on: bool) -> str:
    """Return the folded words of a term as a phrase."""
    return _phrase([fold(word) for word in term.words], going_on)


def _phrase(words: Sequence[str], going_on: bool) -> str:
    *others, last = words
    lexemes = [*(_lexeme(word) for word in others), _lexeme(last, going_on=going_on)]
    return lexemes[0] if not others else f"({' <-> '.join(lexemes)})"


def _lexeme(word: str, *, going_on: bool = False) -> str:
    """Return a word in quotes. It has letters, digits and marks alone, so nothing in it can end the quotes."""
    return f"'{word}':*" if going_on else f"'{word}'"
