"""How a due date was counted, day by day, for the pages of senders."""

from dataclasses import dataclass

from backend.deadlines.clock_states import TicketClocks
from backend.deadlines.terms import Term
from backend.worktime.duration import Duration
from backend.worktime.explain import ExplainedDay


@dataclass(frozen=True)
class PublicCounting:
    """The term, its days, the years of the calendar (``2026`` or ``2026-2027``), and the legal bases: ``basis`` of the
    calendar, ``legal`` of the term. Senders do not see the version of the calendar; staff do."""

    term: Duration
    days: list[ExplainedDay]
    years: str
    basis: str
    legal: str


def count_days(clocks: TicketClocks) -> PublicCounting:
    """Return how the present due date was counted. An open pause moves it only once the sender has replied."""
    resolve = clocks.resolve
    return count_term(resolve.term, resolve.term.duration or Duration.parse(resolve.rule.value), resolve.rule.basis)


def count_term(term: Term, duration: Duration, legal: str) -> PublicCounting:
    """Return how a term was counted. ``legal`` is the basis of its rule."""
    days = term.days()
    first, last = days[0].day.year, days[-1].day.year
    years = str(first) if first == last else f"{first}-{last}"
    return PublicCounting(duration, days, years, term.calendar.basis, legal)
