"""What a ticket is found by: its words as a text vector of PostgreSQL. Pure.

The same functions cut what is stored and what people type into words, so the two always meet. The parser of PostgreSQL
is not used: it knows hosts, paths and signed numbers, which people do not mean by ``chợ-cũ`` or ``12/2026``.

A vector has, side by side:

- each word folded (``bo``), with its places for phrases and its weight;
- the same word as written in small letters (``bộ``), where that differs. A folded word never has tones, so the two
  kinds cannot be confused;
- parts of the public number after ``#``;
- after ``~`` what narrows a search inside the index: the unit that has the ticket, and the blocks of its id.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from backend.files.text import few_marks, fold_text

WORD: Final = re.compile("(?:[^\\W_][\u0300-\u036f]*)+")
WORD_MOST: Final = 40  # letters of a word that are compared
WORDS_MOST: Final = 5_000  # of one text; more has nobody to read it
LEXEMES_MOST: Final = 4_000  # a vector with this many takes no further text: PostgreSQL refuses more than 1 MB
PLACE_MOST: Final = 16_000  # PostgreSQL stores places up to 16,383
PLACES_MOST: Final = 50  # of one word in one text
GAP: Final = 2  # between two texts, so that no phrase begins in one and ends in the other
DIGITS: Final = re.compile("[0-9]+")
DAY_PART_LEAST, COUNT_PART_LEAST = 4, 2  # digits of a part of a number
NEAR_BITS, FAR_BITS = 14, 17  # a block has 16,384 ids, a large block 131,072


class TextWeight(StrEnum):
    """How much a place counts when few tickets are ranked: title, content, what the sender reads, the rest."""

    TITLE = "A"
    CONTENT = "B"
    MESSAGE = "C"
    OTHER = "D"


@dataclass(frozen=True)
class SearchedText:
    """One text of a ticket."""

    body: str
    weight: TextWeight


def split_words(text: str) -> list[str]:
    """Return the words of a text in small letters, in composed form (NFC), each cut to ``WORD_MOST`` letters."""
    letters = unicodedata.normalize("NFC", few_marks(text)).casefold().replace("ð", "đ").replace("ɖ", "đ")
    return [word[:WORD_MOST] for word in WORD.findall(letters)]


@lru_cache(maxsize=50_000)
def fold_word(word: str) -> str:
    """Return a word as ``fold_text`` gives it. Vietnamese has few syllables, so most words are looked up."""
    return fold_text(word)[:WORD_MOST].replace(" ", "")


def number_parts(number: str) -> list[str]:
    """Return the parts by which a number is found: ends of the day and of the count, such as 1118 and 012."""
    digits = DIGITS.findall(number)
    if not digits:
        return []
    *days, count = digits
    parts = [day[start:] for day in days for start in range(len(day) - DAY_PART_LEAST + 1)]
    parts += [count[start:] for start in range(max(1, len(count) - COUNT_PART_LEAST + 1))]
    return [f"#{part}" for part in parts]


def near_block(ticket_id: int) -> str:
    """Return the lexeme of the block of ids that a ticket is in."""
    return f"~b{ticket_id >> NEAR_BITS}"


def far_block(ticket_id: int) -> str:
    """Return the lexeme of the large block of ids that a ticket is in."""
    return f"~c{ticket_id >> FAR_BITS}"


def unit_mark(unit_id: int) -> str:
    """Return the lexeme of the unit that has a ticket."""
    return f"~u{unit_id}"


def unit_block(unit_id: int, ticket_id: int) -> str:
    """Return the lexeme of the tickets that a unit has in a large block of ids."""
    return f"~u{unit_id}.{ticket_id >> FAR_BITS}"


def unit_marks(unit_id: int, ticket_id: int) -> list[str]:
    """Return the lexemes of a ticket that change with its unit; all begin with ``~u``."""
    return [unit_mark(unit_id), unit_block(unit_id, ticket_id)]


def ticket_marks(ticket_id: int, number: str, unit_id: int) -> list[str]:
    """Return the lexemes of a ticket that stand in none of its texts."""
    return [near_block(ticket_id), far_block(ticket_id), *unit_marks(unit_id, ticket_id), *number_parts(number)]


def write_vector(texts: Iterable[SearchedText], marks: Sequence[str] = ()) -> str:
    """Return texts and marks as PostgreSQL reads a ``tsvector``.

    Places begin behind a gap, so a vector can be joined to an earlier one.
    """
    places: dict[str, list[str]] = {}
    bare: set[str] = set(marks)
    at = GAP
    for text in texts:
        if len(places) + len(bare) >= LEXEMES_MOST:
            break
        weight = text.weight.value
        for word in split_words(text.body)[:WORDS_MOST]:
            folded = fold_word(word)
            if folded:
                at += 1
                _note_place(places.setdefault(folded, []), at, weight)
            if word != folded:
                bare.add(word)
        at += GAP
    parts = [f"'{word}':{','.join(noted)}" for word, noted in places.items()]
    parts += [f"'{word}'" for word in bare - places.keys()]
    return " ".join(parts)


def _note_place(noted: list[str], at: int, weight: str) -> None:
    if len(noted) < PLACES_MOST:
        noted.append(f"{min(at, PLACE_MOST)}{weight}")
