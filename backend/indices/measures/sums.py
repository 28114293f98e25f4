"""The sums from which the two sides are computed: tickets of some units and days, added up. Pure.

They come from the rows of a stored run (`case_sums`) or from the roll-ups (`rolled_up`); the figures are the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.indices.measures.values import GROUP

Ints = NDArray[np.int64]
CellKey = tuple[str, str, str]  # outcome, channel, category


class AnswerCount(NamedTuple):
    """Of ``n`` tickets of which the answer is known, ``k`` have it."""

    k: int = 0
    n: int = 0


@dataclass(frozen=True)
class RatingTally:
    """Answered tickets and the ratings of their senders.

    ``closed``: answered tickets. ``rated``: those of them that their senders rated. ``by_staff``: those that an officer
    rated for the sender; they are no part of the scores. Then the sums of scores and of squared scores for each item,
    and for the three items of a rating together.
    """

    closed: int = 0
    rated: int = 0
    by_staff: int = 0
    ease: int = 0
    by_rules: int = 0
    timely: int = 0
    ease_squares: int = 0
    by_rules_squares: int = 0
    timely_squares: int = 0
    all_items: int = 0
    all_items_squares: int = 0

    def total(self, item: int) -> float:
        """Return the sum of the scores of an item; for the group, of the mean of the three."""
        sums = (self.all_items / 3, self.ease, self.by_rules, self.timely)
        return float(sums[item])

    def squares(self, item: int) -> float:
        """Return the sum of the squared scores."""
        sums = (self.all_items_squares / 9, self.ease_squares, self.by_rules_squares, self.timely_squares)
        return float(sums[item])

    def mean(self, item: int = GROUP) -> float:
        return self.total(item) / self.rated


class StandingKey(NamedTuple):
    """What the ratios of QĐ 766 need to know of a ticket. ``lowest``: its lowest score, 0 without a rated answer."""

    standing: str
    outside: bool
    taken_up: bool
    again: bool
    lowest: int


class CountedValues(NamedTuple):
    """Values, each with how often it occurs. A value may stand there more than once."""

    values: Ints
    counts: Ints


@dataclass(frozen=True, eq=False)
class RatedTickets:
    """Rated tickets of which everything is known that the association needs: one row for tickets that are alike.

    ``indicators``: columns late, days, told, at_once, in_two_days. ``scores``: one column for each item. ``units``: to
    which the ratings count. ``counts``: how many tickets are alike.
    """

    units: Ints
    indicators: Ints
    scores: Ints
    counts: Ints


NO_VALUES = CountedValues(np.zeros(0, np.int64), np.zeros(0, np.int64))


NONE_KNOWN = AnswerCount()
NO_RATINGS = RatingTally()


@dataclass(frozen=True)
class SpanSums:
    """The tickets of some units and days."""

    on_time: AnswerCount = NONE_KNOWN
    at_once: AnswerCount = NONE_KNOWN
    in_two_days: AnswerCount = NONE_KNOWN
    again: AnswerCount = NONE_KNOWN
    told: AnswerCount = NONE_KNOWN
    standings: Mapping[StandingKey, int] = field(default_factory=dict)
    days: CountedValues = NO_VALUES
    told_seconds: CountedValues = NO_VALUES
    closed: RatingTally = NO_RATINGS
    cells: Mapping[CellKey, RatingTally] = field(default_factory=dict)


@dataclass(frozen=True)
class PeriodSums:
    """Everything that is counted of a period: as a whole, by quarter, by unit, by month of reception.

    ``rated``: what the association needs. ``tickets`` are all tickets that the units hold or were rated
    for, ``demonstration`` those of them that were made up.
    """

    whole: SpanSums
    quarters: Sequence[SpanSums]
    units: Mapping[int, SpanSums]
    months: Mapping[date, RatingTally]
    rated: RatedTickets
    tickets: int
    demonstration: int
