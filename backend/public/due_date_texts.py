"""How a due date was counted, day by day, for the people who wait for it."""

from dataclasses import dataclass

from backend.deadlines.clock_states import TicketClocks
from backend.worktime.duration import Duration
from backend.worktime.explain import ExplainedDay


@dataclass(frozen=True)
class PublicCounting:
    """The term, each day of it, the version of the calendar that was asked, and what both rest on."""

    term: Duration
    days: list[ExplainedDay]
    calendar: str
    basis: str
    legal: str


def count_days(clocks: TicketClocks) -> PublicCounting:
    """As the due date stands: a pause that still lasts moves it only when the sender has replied."""
    resolve = clocks.resolve
    calendar = resolve.term.calendar
    term = resolve.term.duration or Duration.parse(resolve.rule.value)
    version = f"{calendar.code} {calendar.version}"
    return PublicCounting(term, resolve.term.days(), version, calendar.basis, resolve.rule.basis)
