"""Add the tickets of a period up to figures, each with its n and interval."""

from collections.abc import Iterable
from dataclasses import dataclass

from analytics.operations import SMALL_N, ShareInterval, weighted_quantile, wilson_interval
from backend.indicators.counts import HandlingDays, TicketCounts
from backend.indicators.official_ratios import on_time_ratio


@dataclass(frozen=True)
class Figures:
    """Tickets received in the period, by what became of them.

    received = answered + overdue + not_due + ended. ``ended`` tickets were refused, redirected, withdrawn, or answered
    together with another ticket by their due date. ``rate`` is on time / (answered + overdue). ``official`` is the
    ratio of QĐ 766 over the tickets that a unit has taken up: a ticket that is open and not yet due counts as on time.
    ``median_days`` covers answered tickets only.
    """

    received: int
    on_time: int
    late: int
    overdue: int
    not_due: int
    median_days: float | None
    official_n: int = 0
    official_missed: int = 0

    @property
    def answered(self) -> int:
        return self.on_time + self.late

    @property
    def ended(self) -> int:
        return self.received - self.answered - self.overdue - self.not_due

    @property
    def rate(self) -> ShareInterval:
        return wilson_interval(self.on_time, self.answered + self.overdue)

    @property
    def official(self) -> ShareInterval:
        return on_time_ratio(self.official_n, self.official_missed)


def enough(share: ShareInterval) -> bool:
    """Return whether a share is shown as a rate. Fewer than ten tickets are shown as counts only."""
    return share.n >= SMALL_N


def figures_of(rows: Iterable[TicketCounts], days: Iterable[HandlingDays]) -> Figures:
    """Add up the counts of some units or months."""
    rows, days = list(rows), list(days)
    return Figures(
        received=sum(row.received for row in rows),
        on_time=sum(row.on_time for row in rows),
        late=sum(row.late for row in rows),
        overdue=sum(row.overdue for row in rows),
        not_due=sum(row.undecided - row.overdue for row in rows),
        median_days=weighted_quantile([row.days for row in days], [row.count for row in days], 0.5),
        official_n=sum(row.official for row in rows),
        official_missed=sum(row.official_missed for row in rows),
    )
