"""Who is to be told what, and when, about a ticket that nears or passes its due date. Pure; ``now`` is an argument.

Everything follows from the due date as it stands: pauses and extensions have moved it already. Rungs are reached with
the beginning of a day, and what is reached stays reached, so that a look that comes late finds everything; which of it
is still worth telling is the second question (``choose``).
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from backend import audit
from backend.deadlines.limits import is_urgent
from backend.deadlines.rules import DeadlineRule
from backend.worktime.calendar import ZONE, WorkCalendar, local_time
from backend.worktime.duration import Duration, TimeUnit

AT_ONCE: Final = "at once"


class StepRecipient(StrEnum):
    """Who is told."""

    OFFICER = "officer"
    LEADER = "leader"
    COORDINATOR = "coordinator"
    MANAGER = "manager"
    SENDER = "sender"


class EscalationTrigger(StrEnum):
    """What a rung waits for."""

    LEFT = "left"
    SHARE = "share"
    OVERDUE = "overdue"


class StepScope(StrEnum):
    """What a rung is reached once for."""

    DUE = "due"
    EPISODE = "episode"


@dataclass(frozen=True, slots=True)
class EscalationRule:
    """One row of the ladder. ``value`` None means at once; ``percent`` is for shares only. ``rule`` names the rule of
    handling that sets the value."""

    code: str
    to: StepRecipient
    when: EscalationTrigger
    value: Duration | None
    percent: int
    once_per: StepScope
    repeats: bool
    first: bool
    basis: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class EscalationFacts:
    """What the ladder asks of a ticket. ``waiting`` is false while it is paused, answered, merged or otherwise done:
    nobody is then told anything. ``term`` is the whole term in its own unit. Steps reached up to ``reminded_after``
    are told to nobody: the ticket was elsewhere then. ``has_sender`` is false where there is no sender to tell."""

    ticket_id: int
    received_on: date
    due: date
    term: Duration
    waiting: bool = True
    episode: int = 1
    reminded_after: date | None = None
    has_sender: bool = True

    @property
    def urgent(self) -> bool:
        """A term of one working day, or counted in hours or minutes."""
        return is_urgent(self.term)


class EscalationStep(NamedTuple):
    """A rung that a ticket has reached, in an episode. Of a rung that repeats, ``times`` says how often it was reached
    by now, and the times before are part of this one step; else it is 0."""

    code: str
    to: StepRecipient
    occasion: date
    times: int = 0
    episode: int = 1

    def key(self, ticket_id: int) -> str:
        """The same whenever and however often the step is found: ``ticket:42:overdue:2026-11-22``."""
        return self._joined(ticket_id, "")

    def message_key(self, ticket_id: int) -> str:
        """The same for one telling of the step: ``ticket:42:progress:2026-11-22:5``."""
        return self._joined(ticket_id, str(self.times) if self.times else "")

    def _joined(self, ticket_id: int, times: str) -> str:
        episode = f"episode{self.episode}" if self.episode > 1 else ""
        parts = (f"{audit.ticket_chain(ticket_id)}:{self.code}:{self.occasion.isoformat()}", times, episode)
        return ":".join(part for part in parts if part)


@lru_cache
def shipped_ladder() -> tuple[EscalationRule, ...]:
    """The rows that come with the package, in the order of the table."""
    text = files("backend.escalation").joinpath("data", "ladder.toml").read_text(encoding="utf-8")
    return tuple(_rung(row) for row in tomllib.loads(text)["rung"])


def _rung(row: Mapping[str, Any]) -> EscalationRule:
    when, value = EscalationTrigger(row["when"]), row["value"]
    return EscalationRule(
        code=row["code"],
        to=StepRecipient(row["to"]),
        when=when,
        value=None if when is EscalationTrigger.SHARE or value == AT_ONCE else Duration.parse(value),
        percent=int(value) if when is EscalationTrigger.SHARE else 0,
        once_per=StepScope(row["once_per"]),
        repeats=row.get("repeats", False),
        first=row.get("first", False),
        basis=row["basis"],
        rule=row.get("rule", ""),
    )


def ladder_by(rules: Mapping[str, DeadlineRule]) -> tuple[EscalationRule, ...]:
    """Return the shipped ladder with the values that these rules of a ticket set, by their codes."""
    return tuple(_by_rule(rung, rules.get(rung.rule)) for rung in shipped_ladder())


def _by_rule(rung: EscalationRule, rule: DeadlineRule | None) -> EscalationRule:
    return replace(rung, value=rule.duration) if rule is not None and rule.duration is not None else rung


def steps_due(
    facts: EscalationFacts, calendar: WorkCalendar, now: datetime, ladder: Sequence[EscalationRule] | None = None
) -> tuple[EscalationStep, ...]:
    """Return the steps reached by ``now``, in the order of the ladder: more as time goes on, never fewer. There is one
    at most for each rung, however long the ticket has been overdue."""
    if not facts.waiting:
        return ()
    reached = _reached(facts, calendar, local_time(now).date(), ladder)
    if facts.reminded_after is None:
        return tuple(reached)
    before = set(_reached(facts, calendar, facts.reminded_after, ladder))
    return tuple(step for step in reached if step not in before)


def choose_steps(
    facts: EscalationFacts,
    steps: Sequence[EscalationStep],
    known: Mapping[str, int],
    ladder: Sequence[EscalationRule] | None = None,
) -> tuple[list[EscalationStep], list[EscalationStep]]:
    """Of the steps reached, those to tell and those to note in silence, both without those ``known``: by the key of a
    step, how often it had been reached.

    After a standstill several may have come due together. Each person then hears one of them: a rung marked ``first``,
    else the last; and nobody is reminded of a due date that has passed already.
    """
    rungs = {rung.code: rung for rung in ladder or shipped_ladder()}
    fresh = [step for step in steps if step.times > known.get(step.key(facts.ticket_id), -1)]
    next_for = {step.to: step for step in steps}
    next_for |= {step.to: step for step in fresh if rungs[step.code].first}
    timely = _timely(steps, rungs)
    tell = [step for step in fresh if step == next_for[step.to] and step in timely]
    return tell, [step for step in fresh if step not in tell]


def _timely(steps: Sequence[EscalationStep], rungs: Mapping[str, EscalationRule]) -> list[EscalationStep]:
    """The steps that still say something: once the due date has passed, those that say so."""
    overdue = [step for step in steps if rungs[step.code].when is EscalationTrigger.OVERDUE]
    return overdue or list(steps)


def next_look(
    facts: EscalationFacts, calendar: WorkCalendar, now: datetime, ladder: Sequence[EscalationRule] | None = None
) -> datetime | None:
    """The opening of the first day after today on which another step is reached; None where there is no further one."""
    if not facts.waiting:
        return None
    today = local_time(now).date()
    days = [day for rung in _rungs_of(facts, ladder) for day in _days_ahead(rung, facts, calendar, today)]
    return next_opening(calendar, min(days)) if days else None


def next_opening(calendar: WorkCalendar, day: date) -> datetime:
    """When the unit next begins to work: on ``day``, or on the first working day after it."""
    ordinal = day.toordinal()
    working = calendar.days.day_reaching(calendar.days.at(ordinal - 1) + 1)
    minutes = calendar.windows(working)[0].opens
    return datetime.combine(date.fromordinal(working), time(minutes // 60, minutes % 60), ZONE)


def at_work(calendar: WorkCalendar, now: datetime) -> bool:
    """Whether the unit is working at this moment; nobody is told anything at night or over lunch."""
    here = local_time(now)
    minute = here.hour * 60 + here.minute
    return any(window.opens <= minute < window.closes for window in calendar.windows(here.toordinal()))


def after_pause(calendar: WorkCalendar, now: datetime) -> datetime:
    """The next moment at which the unit works: now, the end of the break, or the next opening."""
    here = local_time(now)
    minute = here.hour * 60 + here.minute
    for window in calendar.windows(here.toordinal()):
        if minute < window.closes:
            opens = max(minute, window.opens)
            return (
                now if opens == minute else here.replace(hour=opens // 60, minute=opens % 60, second=0, microsecond=0)
            )
    return next_opening(calendar, here.date() + timedelta(days=1))


def _rungs_of(facts: EscalationFacts, ladder: Sequence[EscalationRule] | None) -> list[EscalationRule]:
    """The rungs that have somebody to tell."""
    return [rung for rung in ladder or shipped_ladder() if facts.has_sender or rung.to is not StepRecipient.SENDER]


def _reached(
    facts: EscalationFacts, calendar: WorkCalendar, day: date, ladder: Sequence[EscalationRule] | None
) -> list[EscalationStep]:
    """The steps reached by the end of a day."""
    steps = (_step(rung, facts, calendar, day) for rung in _rungs_of(facts, ladder))
    return [step for step in steps if step is not None]


def _step(rung: EscalationRule, facts: EscalationFacts, calendar: WorkCalendar, day: date) -> EscalationStep | None:
    occasion = facts.due if rung.once_per is StepScope.DUE else facts.received_on
    times = _times(rung, facts, calendar, day) if rung.repeats else 0
    reached = times > 0 if rung.repeats else _first_day(rung, facts, calendar) <= day
    return EscalationStep(rung.code, rung.to, occasion, times, facts.episode) if reached else None


def _days_ahead(rung: EscalationRule, facts: EscalationFacts, calendar: WorkCalendar, today: date) -> list[date]:
    times = _times(rung, facts, calendar, today) if rung.repeats else 0
    first = _first_day(rung, facts, calendar, times + 1)
    return [first] if first > today else []


def _first_day(rung: EscalationRule, facts: EscalationFacts, calendar: WorkCalendar, n: int = 1) -> date:
    """The day on which a rung is reached (for the ``n``-th time)."""
    due = facts.due.toordinal()
    if rung.when is EscalationTrigger.OVERDUE:  # what repeats falls on the day itself, what waits is over with the day
        return date.fromordinal(_day_after(calendar, due, rung.value, n) + (not rung.repeats))
    if rung.when is EscalationTrigger.LEFT:
        return date.fromordinal(_day_before(calendar, due, rung.value))
    return date.fromordinal(_day_before(calendar, due, _may_be_left(facts.term, rung.percent)))


def _may_be_left(term: Duration, percent: int) -> Duration | None:
    """What is left of a term once ``percent`` of it are used up, in whole days; None for nothing, and for terms in
    hours and minutes, of which the reminder comes with the day of the due date."""
    value = term.value * (100 - percent) // 100
    return None if term.unit.minutes or not value else Duration(value, term.unit)


def _times(rung: EscalationRule, facts: EscalationFacts, calendar: WorkCalendar, today: date) -> int:
    """How often a repeating rung has been reached: lengths of its value from the due date to today."""
    if rung.value is None:
        return 0
    due, last = facts.due.toordinal(), today.toordinal()
    passed = last - due
    if rung.value.unit is TimeUnit.WORKING_DAYS:
        passed = calendar.days.at(last) - calendar.days.at(due)
    return max(passed, 0) // rung.value.value


def _day_after(calendar: WorkCalendar, due: int, value: Duration | None, n: int) -> int:
    """The day with which ``n`` times the value has passed since the due date; the due date itself at once."""
    if value is None:
        return due
    if value.unit is TimeUnit.WORKING_DAYS:
        return calendar.days.day_reaching(calendar.days.at(due) + value.value * n)
    return due + value.value * n


def _day_before(calendar: WorkCalendar, due: int, value: Duration | None) -> int:
    """The first day after which no more than the value is left up to the due date."""
    if value is None:
        return due
    if value.unit is TimeUnit.WORKING_DAYS:
        return calendar.days.day_reaching(calendar.days.at(due) - value.value)
    return due - value.value
