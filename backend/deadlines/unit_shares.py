"""The ledger: the working time that each unit had a ticket, per episode, and how each did on its own share. Pure.

Time is charged to whoever had the ticket when it passed; what was paused is the sender's and charged to nobody. Working
time is a difference of two sums, so the shares of the units add up to that of the whole episode, to the microsecond;
working days are counted by their closes, which belong to whoever had the ticket at that moment.

Own share. A unit did its part in time if it passed the ticket on within the term of forwarding, or ended it by the
ticket's due date, or within a full term of handling counted from when it came to that unit: nobody answers for the days
that others spent before, and nobody gains from sitting on a ticket that is to be forwarded. It did not if it missed
whichever of these was still open to it. While one is open there is no verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.deadlines.clock_states import CODES, ClockKind, TicketClocks, UnitHolding
from backend.deadlines.terms import Term, TicketPause, Verdict
from backend.worktime.arithmetic import worked_time
from backend.worktime.calendar import WorkCalendar
from backend.worktime.duration import TimeUnit
from backend.worktime.moments import days_closing_in, unite_pauses, wall_time


@dataclass(frozen=True, slots=True)
class UnitShare:
    """What one unit used of an episode. ``came`` says how often the ticket came to it: above 1 it was sent back."""

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
    """The shares of all units in the order in which they first had the ticket."""

    shares: tuple[UnitShare, ...]

    def total(self, episode: int) -> timedelta:
        return sum((share.worked for share in self.shares if share.episode == episode), timedelta())

    @property
    def forwards_back(self) -> int:
        """How often the ticket came to a unit that had had it before in the same episode (ping-pong)."""
        return sum(share.came - 1 for share in self.shares)


def share_time(clocks: TicketClocks, calendar: WorkCalendar, now: datetime) -> Ledger:
    """Everybody's share up to ``now``."""
    kept = [held for held in clocks.breaks if not held.struck]
    pauses = [(held.start, held.end) for held in kept]
    order: dict[tuple[int, int | None], list[UnitHolding]] = {}
    for holding in clocks.holdings:
        order.setdefault((holding.episode, holding.unit), []).append(holding)
    shares = [
        UnitShare(
            unit=unit,
            episode=episode,
            worked=sum((worked_time(calendar, h.since, h.until or now, pauses) for h in held), timedelta()),
            closes=sum(closed_days(calendar, h.since, h.until or now, kept) for h in held),
            came=_count_arrivals(held),
            verdict=_overall([_verdict(clocks, calendar, h, now) for h in held]),
        )
        for (episode, unit), held in order.items()
    ]
    return Ledger(tuple(shares))


def closed_days(calendar: WorkCalendar, start: datetime, end: datetime, breaks: Sequence[TicketPause] = ()) -> int:
    """Working days that close in ``[start, end)``, save in a pause. Adds up over neighbouring spans."""
    begin, finish = wall_time(start), wall_time(end)
    total = _closing(calendar, begin, finish)
    for first, last in unite_pauses((held.start, held.end) for held in breaks):
        total -= _closing(calendar, max(first, begin), min(last, finish))
    return total


def _closing(calendar: WorkCalendar, begin: int, finish: int) -> int:
    if finish <= begin:
        return 0
    first, last = days_closing_in(calendar, TimeUnit.WORKING_DAYS, (begin, finish))
    return calendar.days.at(last) - calendar.days.at(first - 1) if last >= first else 0


def _count_arrivals(held: Sequence[UnitHolding]) -> int:
    """An un-merge gives the ticket back to the unit that had it, which nobody sent."""
    return 1 + sum(1 for before in held[:-1] if before.forwarded)


def _overall(verdicts: Sequence[Verdict | None]) -> Verdict | None:
    """Late if any holding was; on time once all are decided."""
    if Verdict.LATE in verdicts:
        return Verdict.LATE
    return None if None in verdicts else Verdict.ON_TIME


def _verdict(clocks: TicketClocks, calendar: WorkCalendar, holding: UnitHolding, now: datetime) -> Verdict | None:
    resolve = next(s for s in reversed(clocks.states) if s.clock is ClockKind.RESOLVE and s.episode == holding.episode)
    breaks = tuple(held for held in clocks.breaks if held.end > holding.since)
    at = holding.until or now
    own = Term(calendar, clocks.ruling[CODES[ClockKind.FORWARD]].duration, holding.since, breaks)
    if not holding.forwarded:
        own = Term(calendar, resolve.rule.duration, holding.since, breaks)
        if not resolve.due.missed_by(at):
            return Verdict.ON_TIME if holding.until is not None and resolve.verdict is not None else None
    if own.due().missed_by(at):
        return Verdict.LATE
    decided = holding.until is not None and (holding.forwarded or resolve.verdict is not None)
    return Verdict.ON_TIME if decided else None
