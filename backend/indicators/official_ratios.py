"""The two ratios of QĐ 766/QĐ-TTg that handling data give: handled on time, and satisfied with the handling. Pure.

Both are about tickets first received in the period, within the unit's authority and taken up. A ticket that is open and
not yet due counts as handled on time. A ticket that is late, rated badly and reopened is taken off once.
"""

from collections.abc import Collection
from dataclasses import dataclass

from analytics.operations import ShareInterval, wilson_interval

MISSED_OUTCOMES = ("late", "overdue")  # words of `conditions.outcome_on`
DISSATISFIED = 2  # a score of at most this, on any of the three items


@dataclass(frozen=True)
class OfficialTicket:
    """What the ratios need to know of one ticket that they count."""

    outcome: str
    dissatisfied: bool
    again: bool

    @property
    def missed(self) -> bool:
        """Whether it was answered late, or is open past its due date."""
        return self.outcome in MISSED_OUTCOMES

    @property
    def unsatisfied(self) -> bool:
        return self.missed or self.dissatisfied or self.again


def is_dissatisfied(scores: tuple[int, int, int] | None) -> bool:
    """Return whether a sender who rated was dissatisfied with any item. Who did not rate counts as satisfied."""
    return scores is not None and min(scores) <= DISSATISFIED


def on_time_ratio(counted: int, missed: int) -> ShareInterval:
    """Return the share handled on time of ``counted`` tickets, of which ``missed`` were not."""
    return wilson_interval(counted - missed, counted)


def satisfied_ratio(tickets: Collection[OfficialTicket]) -> ShareInterval:
    """Return the share of tickets with nothing against them."""
    return wilson_interval(len(tickets) - sum(ticket.unsatisfied for ticket in tickets), len(tickets))
