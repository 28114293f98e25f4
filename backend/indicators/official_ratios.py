"""The two ratios of QĐ 766/QĐ-TTg that handling data give: handled on time, and satisfied with the handling. Pure.

Both cover tickets that were first received in the period, lie within the unit's authority and were taken up. A ticket
that is open and not yet due counts as handled on time. A ticket that is late, badly rated and reopened is deducted
once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from analytics.operations import ShareInterval, wilson_interval

MISSED_OUTCOMES = ("late", "overdue")  # words of `conditions.outcome_on`
DISSATISFIED = 2  # a sender is dissatisfied with a score of at most this on any of the three items


@dataclass(frozen=True)
class OfficialTicket:
    """What the ratios need to know about one counted ticket. ``again``: the sender had it reopened."""

    outcome: str
    dissatisfied: bool
    again: bool

    @property
    def missed(self) -> bool:
        """Whether the ticket was answered late, or is open past its due date."""
        return self.outcome in MISSED_OUTCOMES

    @property
    def unsatisfied(self) -> bool:
        return self.missed or self.dissatisfied or self.again


def is_dissatisfied(lowest: int) -> bool:
    """Return whether a sender was dissatisfied with any item, by the lowest of the three scores.

    A sender who did not rate (0) counts as satisfied.
    """
    return 0 < lowest <= DISSATISFIED


def on_time_ratio(counted: int, missed: int) -> ShareInterval:
    """Return the share of ``counted`` tickets handled on time; ``missed`` of them were not."""
    return wilson_interval(counted - missed, counted)


def satisfied_ratio(tickets: Mapping[OfficialTicket, int]) -> ShareInterval:
    """Return the share of tickets that are on time, not badly rated and not reopened. Tickets that are alike stand
    together with their number."""
    counted = sum(tickets.values())
    return wilson_interval(counted - sum(count for ticket, count in tickets.items() if ticket.unsatisfied), counted)
