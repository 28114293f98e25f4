"""How similar two tickets are, in points that can be explained: words, place, category, time. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from backend.tickets.similar.word_pairs import WordPairs

PAIR_POINTS: Final = 10  # for each pair that both have
PAIRS_COUNTED: Final = 6  # further pairs add nothing: six are the same matter
CATEGORY_POINTS: Final = 15
TIME_POINTS: Final = 10  # on the same day; none at DAYS_MOST
DAYS_MOST: Final = 90  # between the two receptions
PAIRS_LEAST: Final = 2  # one pair alone is chance
POINTS_LEAST: Final = 40  # of 100


class PlaceLikeness(StrEnum):
    """How near the units are that two tickets are about."""

    SAME = "same"
    NEIGHBOUR = "neighbour"
    OTHER = "other"


PLACE_POINTS: Final = {PlaceLikeness.SAME: 15, PlaceLikeness.NEIGHBOUR: 8, PlaceLikeness.OTHER: 0}


@dataclass(frozen=True)
class SimilarSubject:
    """What two tickets are compared by. ``unit_id`` is the unit that the feedback is about."""

    unit_id: int
    category_code: str
    received_on: date


@dataclass(frozen=True)
class SimilarityScore:
    """The points (0..100) with everything that they consist of. ``pairs`` are the words that both have."""

    pairs: tuple[str, ...]
    place: PlaceLikeness
    same_category: bool
    days: int

    @property
    def points(self) -> int:
        words = PAIR_POINTS * min(len(self.pairs), PAIRS_COUNTED)
        time = TIME_POINTS * (DAYS_MOST - min(self.days, DAYS_MOST)) // DAYS_MOST
        return words + PLACE_POINTS[self.place] + CATEGORY_POINTS * self.same_category + time

    @property
    def is_similar(self) -> bool:
        """Whether the ticket is worth showing."""
        return len(self.pairs) >= PAIRS_LEAST and self.days <= DAYS_MOST and self.points >= POINTS_LEAST


def score_similarity(
    own: SimilarSubject,
    own_pairs: WordPairs,
    other: SimilarSubject,
    other_pairs: Collection[int],
    neighbours: Collection[int],
) -> SimilarityScore:
    """Compare a ticket with another one. ``neighbours`` are the units next to the one that ``own`` is about."""
    numbers = set(other_pairs)
    return SimilarityScore(
        pairs=tuple(words for number, words in own_pairs.items() if number in numbers),
        place=_place(own.unit_id, other.unit_id, neighbours),
        same_category=own.category_code == other.category_code,
        days=abs((own.received_on - other.received_on).days),
    )


def _place(own: int, other: int, neighbours: Collection[int]) -> PlaceLikeness:
    if own == other:
        return PlaceLikeness.SAME
    return PlaceLikeness.NEIGHBOUR if other in neighbours else PlaceLikeness.OTHER
