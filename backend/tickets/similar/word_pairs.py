"""The word pairs of feedback: two syllables side by side, without tone marks, as a number. Pure.

Vietnamese writes a word as syllables: "ổ gà" is one word of two. So a pair says more than a syllable, and needs no
dictionary. Pairs that every letter has ("kính gửi", "đề nghị") are left out.
"""

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from backend.files.text import fold_text

PAIRS_MOST: Final = 32  # of one ticket
CONTENT_READ: Final = 1_500  # characters of the content; what it is about stands at its beginning
DIGITS_MOST: Final = 5  # a longer number is a telephone or an identity card
LETTERS_MOST: Final = 30
SENTENCES: Final = re.compile(r"[.,;:!?()\[\]\"“”/\n]+|\s[-–]\s")
SYLLABLES: Final = re.compile(r"\w+")
COMMON: Final = Path(__file__).parent / "data" / "common_words.txt"

WordPairs = Mapping[int, str]  # number of the pair -> the pair as it was written first


def read_pairs(title: str, content: str) -> WordPairs:
    """Return the pairs of a ticket, at most ``PAIRS_MOST``: those of the title first, then of the content.

    Of a long content those with the smallest numbers are taken, so that two long texts about the same thing keep the
    same ones.
    """
    pairs = dict(_numbered(title))
    rest = {number: words for number, words in _numbered(content[:CONTENT_READ]) if number not in pairs}
    if len(pairs) + len(rest) > PAIRS_MOST:
        rest = dict(sorted(rest.items())[: max(PAIRS_MOST - len(pairs), 0)])
    return dict(list((pairs | rest).items())[:PAIRS_MOST])


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    numbers: set[int] = set()
    for folded, words in _pairs(text):
        number = pair_number(folded)
        if number not in numbers:
            numbers.add(number)
            yield number, words


def pair_number(folded: str) -> int:
    """Return the number of a folded pair, as PostgreSQL's ``integer`` holds it. Two pairs rarely share one."""
    return zlib.crc32(folded.encode()) - 2**31


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield each telling pair, folded and as written. No pair reaches over the end of a sentence or a common word."""
    for sentence in SENTENCES.split(text):
        words = SYLLABLES.findall(sentence)
        syllables = [fold_text(word) for word in words]
        telling = _telling_places(words, syllables)
        for place in range(len(words) - 1):
            if place in telling and place + 1 in telling:
                yield " ".join(syllables[place : place + 2]), " ".join(words[place : place + 2]).lower()


def _telling_places(words: Sequence[str], syllables: Sequence[str]) -> set[int]:
    """Return the places of syllables that are neither common, nor half of a common pair, nor a long number.

    Of single syllables tone marks count: "ở" is common and "ổ" is not.
    """
    places = {place for place, word in enumerate(words) if _is_telling(word)}
    for place, pair in enumerate(pairwise(syllables)):
        if " ".join(pair) in _common_pairs():
            places -= {place, place + 1}
    return places


def _is_telling(word: str) -> bool:
    return len(word) <= (DIGITS_MOST if word.isdigit() else LETTERS_MOST) and word.lower() not in _common_syllables()


@cache
def _common_syllables() -> frozenset[str]:
    return frozenset(line for line in _common_lines() if " " not in line)


@cache
def _common_pairs() -> frozenset[str]:
    return frozenset(fold_text(line) for line in _common_lines() if " " in line)


def _common_lines() -> list[str]:
    lines = COMMON.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
