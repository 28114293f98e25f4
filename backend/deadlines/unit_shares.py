"""The ledger: the working time that each unit used of an episode, and whether the unit itself was on time. Pure.

Time is charged to the unit that had the ticket at that time. A pause is charged to nobody. Working time is a difference
of two sums, so the shares of all units add up to the time of the episode, to the microsecond. Working days are counted
by their closes: a day belongs to the unit that had the ticket when the day closed.

A unit was on time with its share if it

- forwarded the ticket within the term of forwarding, or
- ended the ticket by the due date, or
- ended it within a full term of handling, counted from when the ticket came to the unit.

So no unit answers for days that others used before, and none gains by keeping a ticket that it must forward. A unit
that missed all that was still possible was late. As long as one of these is still possible there is no verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.deadlines.clock_states import CODES, ClockKind, ClockState, TicketClocks, UnitHolding
from backend.deadlines.rules import DeadlineRule
from backend.deadlines.terms import Term, TicketPause, Verdict
from backend.worktime.arithmetic import worked_time
from backend.worktime.calendar import WorkCalendar
from backend.worktime.duration import TimeUnit
from backend.worktime.moments import days_closing_in, unite_pauses, wall_time


@dataclass(frozen=True, slots=True)
class UnitShare:
    """What one unit used of an episode.

    ``worked`` is working time, ``closes`` are working days by their closes. ``came`` says how often the ticket came to
    the unit: above 1 it was sent back.
    """

    unit: int | None
    episode: int
    worked: timedelta
    closes: int
    came: int
    verdict: Verdict | None

    @property
    def minutes(self) -> int:
        return int(self.worked.total_seconds() // 60)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The shares of all units, in the order in which the units first had the ticket."""

    shares: tuple[UnitShare, ...]

    def total(self, episode: int) -> timedelta:
        return sum((share.worked for share in self.shares if share.episode == episode), timedelta())

    @property
    def forwards_back(self) -> int:
        """How often the ticket came back to a unit that had it earlier in the same episode."""
        return sum(share.came - 1 for share in self.shares)


def share_time(clocks: TicketClocks, calendar: WorkCalendar, now: datetime) -> Ledger:
    """Return the shares of all units up to ``now``."""
    holdings_by_unit: dict[tuple[int, int | None], list[UnitHolding]] = {}
    for holding in clocks.holdings:
        holdings_by_unit.setdefault((holding.episode, holding.unit), []).append(holding)
    return Ledger(tuple(_share(clocks, calendar, holdings, now) for holdings in holdings_by_unit.values()))


def _share(clocks: TicketClocks, calendar: WorkCalendar, holdings: Sequence[UnitHolding], now: datetime) -> UnitShare:
    """Return the share of one unit in one episode, from all the times in which it had the ticket."""
    counted_pauses = [pause for pause in clocks.breaks if not pause.struck]
    pauses = [(pause.start, pause.end) for pause in counted_pauses]
    spans = [(holding.since, holding.until or now) for holding in holdings]
    return UnitShare(
        unit=holdings[0].unit,
        episode=holdings[0].episode,
        worked=sum((worked_time(calendar, start, end, pauses) for start, end in spans), timedelta()),
        closes=sum(closed_days(calendar, start, end, counted_pauses) for start, end in spans),
        came=_count_arrivals(holdings),
        verdict=_overall([_verdict(clocks, calendar, holding, now) for holding in holdings]),
    )


def closed_days(calendar: WorkCalendar, start: datetime, end: datetime, pauses: Sequence[TicketPause] = ()) -> int:
    """Count the working days that close in ``[start, end)`` outside pauses. Neighbouring spans add up."""
    begin, finish = wall_time(start), wall_time(end)
    total = _closing(calendar, begin, finish)
    for first, last in unite_pauses((pause.start, pause.end) for pause in pauses):
        total -= _closing(calendar, max(first, begin), min(last, finish))
    return total


def _closing(calendar: WorkCalendar, begin: int, finish: int) -> int:
    if finish <= begin:
        return 0
    first, last = days_closing_in(calendar, TimeUnit.WORKING_DAYS, (begin, finish))
    return calendar.days.at(last) - calendar.days.at(first - 1) if last >= first else 0


def _count_arrivals(holdings: Sequence[UnitHolding]) -> int:
    """Count how often the ticket was sent to the unit. An un-merge returns it to the unit without sending it."""
    return 1 + sum(1 for earlier in holdings[:-1] if earlier.forwarded)


def _overall(verdicts: Sequence[Verdict | None]) -> Verdict | None:
    """Return late if any holding was late, and on time once every holding has a verdict."""
    if Verdict.LATE in verdicts:
        return Verdict.LATE
    return None if None in verdicts else Verdict.ON_TIME


def _verdict(clocks: TicketClocks, calendar: WorkCalendar, holding: UnitHolding, now: datetime) -> Verdict | None:
    """Return the verdict on one holding; None while the unit can still be on time."""
    if holding.forwarded:
        term = _own_term(clocks, calendar, holding, clocks.ruling[CODES[ClockKind.FORWARD]])
        return _judge(term, holding, now, ended=True)
    resolve = _resolve_clock(clocks, holding.episode)
    ended = holding.until is not None and resolve.verdict is not None
    if not resolve.due.missed_by(holding.until or now):
        return Verdict.ON_TIME if ended else None
    return _judge(_own_term(clocks, calendar, holding, resolve.rule), holding, now, ended=ended)


def _judge(term: Term, holding: UnitHolding, now: datetime, *, ended: bool) -> Verdict | None:
    """Judge a holding by a term of its own. ``ended``: nothing more can happen in it."""
    if term.due().missed_by(holding.until or now):
        return Verdict.LATE
    return Verdict.ON_TIME if ended and holding.until is not None else None


def _own_term(clocks: TicketClocks, calendar: WorkCalendar, holding: UnitHolding, rule: DeadlineRule) -> Term:
    """Return a full term by a rule, counted from when the ticket came to the unit."""
    pauses = tuple(pause for pause in clocks.breaks if pause.end > holding.since)
    return Term(calendar, rule.duration, holding.since, pauses)


def _resolve_clock(clocks: TicketClocks, episode: int) -> ClockState:
    """Return the last clock of handling of an episode."""
    return clocks.of(ClockKind.RESOLVE, episode)[-1]
