"""Due date and time taken under any rule and any calendar, for figures and imports. What a ticket itself is timed by is
in ``clocks``. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from backend.deadlines.clock_states import CODES, PAUSE_LIMIT, VersionBook
from backend.deadlines.clocks import state_of_clocks
from backend.deadlines.events import Event, TicketEvent
from backend.deadlines.rules import DeadlineRule, RuleEvidence, choose_rule, shipped_rules
from backend.deadlines.terms import Term, Verdict
from backend.worktime.arithmetic import DueMoment, due_moment, elapsed_units
from backend.worktime.calendar import WorkCalendar, local_time
from backend.worktime.duration import Duration, TimeUnit
from backend.worktime.moments import Pause

__all__ = ["TicketEvent", "days_taken", "days_taken_in", "due_date", "pauses_of", "verdict_of"]

TOLD_WITHIN = Duration(1, TimeUnit.WORKING_DAYS)  # as shipped: the sender hears of the result
KEPT = ("pause", "stands")
ANY = DeadlineRule("", Duration(1, TimeUnit.WORKING_DAYS), "", RuleEvidence.OURS)  # only the pauses are read off


def pauses_of(calendar: WorkCalendar, history: Sequence[TicketEvent], now: datetime) -> list[Pause]:
    """The times in which the sender owed information, each up to its limit; those struck out are not among them. One
    that still lasts ends ``now``."""
    if not any(h.event is Event.INFO_REQUESTED for h in history):
        return []
    limit = choose_rule(shipped_rules(), PAUSE_LIMIT, local_time(history[0].at).date()).rule
    ruling = dict.fromkeys(CODES.values(), ANY) | {PAUSE_LIMIT: limit}
    told = [
        replace(h, data={name: h.data[name] for name in KEPT if name in h.data})
        for h in history
        if h.event is not Event.RECOUNTED
    ]
    breaks = state_of_clocks(told, VersionBook({0: calendar}, {}, 0, ruling), now).breaks
    return [(held.start, held.end) for held in breaks if not held.struck]


def due_date(
    calendar: WorkCalendar, term: Duration, received: datetime, history: Sequence[TicketEvent], now: datetime
) -> DueMoment:
    """The last day on which an answer is on time. The day of reception is not counted (Bộ luật Dân sự 2015, Điều 147)
    and a day whose close falls into a pause does not count."""
    return due_moment(calendar, term, received, pauses_of(calendar, history, now))


def verdict_of(due_on: date, answered: datetime) -> Verdict:
    """By date: late only on the day after the due date, at whatever hour the answer came."""
    return Verdict.LATE if local_time(answered).date() > due_on else Verdict.ON_TIME


def days_taken(calendar: WorkCalendar, received: datetime, history: Sequence[TicketEvent], answered: datetime) -> int:
    """Working days used up to and including the day of the answer; 0 when it came on the day of reception."""
    return _days(calendar, received, answered, pauses_of(calendar, history, answered))


def days_taken_in(term: Term, answered: datetime) -> int:
    """The same by a term with its pauses."""
    return _days(term.calendar, term.start, answered, term.pauses)


def _days(calendar: WorkCalendar, start: datetime, answered: datetime, breaks: Sequence[Pause]) -> int:
    end_of_day = local_time(answered).replace(hour=23, minute=59, second=59, microsecond=999999)
    return elapsed_units(calendar, TimeUnit.WORKING_DAYS, start, end_of_day, breaks)
