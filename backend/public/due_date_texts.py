"""How a due date was counted, day by day, for the people who wait for it."""

from dataclasses import dataclass

from backend.deadlines.clock_states import TicketClocks
from backend.worktime.duration import Duration
from backend.worktime.explain import ExplainedDay


@dataclass(frozen=True)
class PublicCounting:
    """The term, each day of it, the years of the calendar that it was counted by (2026, 2026-2027), and what both rest
    on. The version of the calendar is a matter of staff."""

    term: Duration
    days: list[ExplainedDay]
    years: str
    basis: str
    legal: str


def count_days(clocks: TicketClocks) -> PublicCounting:
    """As the due date stands: a pause that still lasts moves it only when the sender has replied."""
    resolve = clocks.resolve
    calendar = resolve.term.calendar
    term = resolve.term.duration or Duration.parse(resolve.rule.value)
    days = resolve.term.days()
    first, last = days[0].day.year, days[-1].day.year
    years = str(first) if first == last else f"{first}-{last}"
    return PublicCounting(term, days, years, calendar.basis, resolve.rule.basis)
