"""Who gets a notice about a ticket near or after its due date, and when. Pure; ``now`` is an argument.

The ladder is a list of rules. All steps follow from the present due date, which pauses and extensions have already
moved. A rule is reached at the beginning of a day and stays reached. So a late sweep finds every step (``steps_due``),
and ``choose_steps`` then decides which of them still need a notice.
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
    """Who gets the notice."""

    OFFICER = "officer"
    LEADER = "leader"
    COORDINATOR = "coordinator"
    MANAGER = "manager"
    SENDER = "sender"


class EscalationTrigger(StrEnum):
    """What a rule of the ladder waits for: time since reception, time left, a share of the term used, time overdue."""

    RECEIVED = "received"
    LEFT = "left"
    SHARE = "share"
    OVERDUE = "overdue"


class StepScope(StrEnum):
    """For what a rule is reached once: for each due date, or for each episode."""

    DUE = "due"
    EPISODE = "episode"


@dataclass(frozen=True, slots=True)
class EscalationRule:
    """One row of the ladder: ``to`` gets a notice ``when`` so much time has passed, is left, is used or is overdue.

    ``value`` None means at once. ``percent`` is for shares only. ``first``: after a standstill the recipient gets this
    notice rather than a later one. ``rule`` is the code of the deadline rule that sets the value.
    """

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
    """What the ladder needs to know of a ticket.

    - ``waiting`` is false while the ticket is paused, answered, merged or ended. Nobody gets a notice then.
    - ``term`` is the whole term.
    - ``reminded_after``: nobody gets a notice about steps up to this day, because the ticket was in another system.
    - ``has_sender`` is false where no sender can get a message.
    """

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
        """Whether the term is one working day or is counted in hours or minutes."""
        return is_urgent(self.term)


class EscalationStep(NamedTuple):
    """A rule of the ladder that a ticket has reached in an episode.

    For a repeating rule ``times`` says how often it was reached by now, all times being one step; else it is 0.
    """

    code: str
    to: StepRecipient
    occasion: date
    times: int = 0
    episode: int = 1

    def key(self, ticket_id: int) -> str:
        """Return the key of the step, the same at every look: ``ticket:42:overdue:2026-11-22``."""
        return self._joined(ticket_id, "")

    def message_key(self, ticket_id: int) -> str:
        """Return the key of one message about the step: ``ticket:42:progress:2026-11-22:5``."""
        return self._joined(ticket_id, str(self.times) if self.times else "")

    def _joined(self, ticket_id: int, times: str) -> str:
        episode = f"episode{self.episode}" if self.episode > 1 else ""
        parts = (f"{audit.ticket_chain(ticket_id)}:{self.code}:{self.occasion.isoformat()}", times, episode)
        return ":".join(part for part in parts if part)


@lru_cache
def shipped_ladder() -> tuple[EscalationRule, ...]:
    """Return the rules that come with the package, in the order of the file."""
    return _read_ladder("ladder.toml")


@lru_cache
def promise_ladder() -> tuple[EscalationRule, ...]:
    """Return the rules about work that an answer promised until a date."""
    return _read_ladder("promise_ladder.toml")


@lru_cache
def look_ladder() -> tuple[EscalationRule, ...]:
    """Return the rules about second looks, in the order of their file."""
    return _read_ladder("look_ladder.toml")


def _read_ladder(name: str) -> tuple[EscalationRule, ...]:
    text = files("backend.escalation").joinpath("data", name).read_text(encoding="utf-8")
    return tuple(_read_rule(row) for row in tomllib.loads(text)["rung"])


@lru_cache
def shipped_codes() -> frozenset[str]:
    """Return the codes of all rules about due dates and promised days."""
    return frozenset(rule.code for rule in (*shipped_ladder(), *promise_ladder()))


def _read_rule(row: Mapping[str, Any]) -> EscalationRule:
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


def ladder_by(deadline_rules: Mapping[str, DeadlineRule]) -> tuple[EscalationRule, ...]:
    """Return the shipped ladder with the values that the deadline rules of a ticket set. They are given by code.

    A notice about the time since reception is for tickets only for which its deadline rule is in force.
    """
    return tuple(
        _with_value_of(rule, deadline_rules.get(rule.rule))
        for rule in shipped_ladder()
        if rule.when is not EscalationTrigger.RECEIVED or rule.rule in deadline_rules
    )


@lru_cache
def reception_codes() -> frozenset[str]:
    """Return the codes of the deadline rules that set how long after reception somebody gets a notice."""
    return frozenset(rule.rule for rule in shipped_ladder() if rule.when is EscalationTrigger.RECEIVED)


def _with_value_of(rule: EscalationRule, deadline_rule: DeadlineRule | None) -> EscalationRule:
    if deadline_rule is None or deadline_rule.duration is None:
        return rule
    return replace(rule, value=deadline_rule.duration)


def steps_due(
    facts: EscalationFacts, calendar: WorkCalendar, now: datetime, ladder: Sequence[EscalationRule] | None = None
) -> tuple[EscalationStep, ...]:
    """Return the steps reached by ``now``, in the order of the ladder. Later there are more steps, never fewer.

    Each rule gives at most one step, however long the ticket has been overdue.
    """
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
    step_counts: Mapping[str, int],
    ladder: Sequence[EscalationRule] | None = None,
) -> tuple[list[EscalationStep], list[EscalationStep]]:
    """Return the new steps that need a notice, and the new steps that are only recorded.

    ``step_counts``: how often each step was reached before, by its key. After a standstill several steps may have come
    due together. Each recipient then gets a notice about one of them: a rule marked ``first``, else the last step.
    After the due date steps about time that was left or used need none.
    """
    rules = {rule.code: rule for rule in ladder or shipped_ladder()}
    new_steps = [step for step in steps if step.times > step_counts.get(step.key(facts.ticket_id), -1)]
    one_for_each = _one_step_for_each(steps, new_steps, rules)
    timely = _timely_steps(steps, rules)
    to_tell = [step for step in new_steps if step in one_for_each and step in timely]
    return to_tell, [step for step in new_steps if step not in to_tell]


def _one_step_for_each(
    steps: Sequence[EscalationStep], new_steps: Sequence[EscalationStep], rules: Mapping[str, EscalationRule]
) -> list[EscalationStep]:
    """Return one step for each recipient: the last new step of a rule marked ``first``, else the last step."""
    step_for = {step.to: step for step in steps}
    step_for |= {step.to: step for step in new_steps if rules[step.code].first}
    return list(step_for.values())


def _timely_steps(steps: Sequence[EscalationStep], rules: Mapping[str, EscalationRule]) -> list[EscalationStep]:
    """Return the steps that are still of use: after the due date none about time that was left or used."""
    if not any(rules[step.code].when is EscalationTrigger.OVERDUE for step in steps):
        return list(steps)
    return [step for step in steps if rules[step.code].when in (EscalationTrigger.OVERDUE, EscalationTrigger.RECEIVED)]


def next_look(
    facts: EscalationFacts, calendar: WorkCalendar, now: datetime, ladder: Sequence[EscalationRule] | None = None
) -> datetime | None:
    """Return when the unit opens on the first day after today with another step; None where no step follows."""
    if not facts.waiting:
        return None
    today = local_time(now).date()
    days = [day for rule in _rules_with_recipient(facts, ladder) for day in _days_ahead(rule, facts, calendar, today)]
    return next_opening(calendar, min(days)) if days else None


def next_opening(calendar: WorkCalendar, day: date) -> datetime:
    """Return when the unit next opens: on ``day``, or on the first working day after it."""
    ordinal = day.toordinal()
    working = calendar.days.day_reaching(calendar.days.at(ordinal - 1) + 1)
    minutes = calendar.windows(working)[0].opens
    return datetime.combine(date.fromordinal(working), time(minutes // 60, minutes % 60), ZONE)


def at_work(calendar: WorkCalendar, now: datetime) -> bool:
    """Tell whether the unit works at this moment. Nobody gets a notice at night or during the lunch break."""
    here = local_time(now)
    minute = here.hour * 60 + here.minute
    return any(window.opens <= minute < window.closes for window in calendar.windows(here.toordinal()))


def after_pause(calendar: WorkCalendar, now: datetime) -> datetime:
    """Return the next moment at which the unit works: now, the end of the lunch break, or the next opening."""
    here = local_time(now)
    minute = here.hour * 60 + here.minute
    for window in calendar.windows(here.toordinal()):
        if window.opens <= minute < window.closes:
            return now
        if minute < window.opens:
            hour, opening_minute = divmod(window.opens, 60)
            return here.replace(hour=hour, minute=opening_minute, second=0, microsecond=0)
    return next_opening(calendar, here.date() + timedelta(days=1))


def _rules_with_recipient(facts: EscalationFacts, ladder: Sequence[EscalationRule] | None) -> list[EscalationRule]:
    """Return the rules that have a recipient. The time since reception counts in the first episode only."""
    rules = [rule for rule in ladder or shipped_ladder() if facts.has_sender or rule.to is not StepRecipient.SENDER]
    return [rule for rule in rules if facts.episode == 1 or rule.when is not EscalationTrigger.RECEIVED]


def _reached(
    facts: EscalationFacts, calendar: WorkCalendar, day: date, ladder: Sequence[EscalationRule] | None
) -> list[EscalationStep]:
    """Return the steps reached by the end of a day."""
    steps = (_step(rule, facts, calendar, day) for rule in _rules_with_recipient(facts, ladder))
    return [step for step in steps if step is not None]


def _step(rule: EscalationRule, facts: EscalationFacts, calendar: WorkCalendar, day: date) -> EscalationStep | None:
    occasion = facts.due if rule.once_per is StepScope.DUE else facts.received_on
    times = _times(rule, facts, calendar, day) if rule.repeats else 0
    reached = times > 0 if rule.repeats else _first_day(rule, facts, calendar) <= day
    return EscalationStep(rule.code, rule.to, occasion, times, facts.episode) if reached else None


def _days_ahead(rule: EscalationRule, facts: EscalationFacts, calendar: WorkCalendar, today: date) -> list[date]:
    times = _times(rule, facts, calendar, today) if rule.repeats else 0
    first = _first_day(rule, facts, calendar, times + 1)
    return [first] if first > today else []


def _first_day(rule: EscalationRule, facts: EscalationFacts, calendar: WorkCalendar, n: int = 1) -> date:
    """Return the day on which a rule is reached for the ``n``-th time."""
    due = facts.due.toordinal()
    if rule.when is EscalationTrigger.RECEIVED:
        return date.fromordinal(_day_after(calendar, facts.received_on.toordinal(), rule.value, n))
    if rule.when is EscalationTrigger.OVERDUE:
        # A repeating rule is reached on the day itself; another one on the day after, when the whole day has passed.
        return date.fromordinal(_day_after(calendar, due, rule.value, n) + (not rule.repeats))
    if rule.when is EscalationTrigger.LEFT:
        return date.fromordinal(_day_before(calendar, due, rule.value))
    return date.fromordinal(_day_before(calendar, due, _may_be_left(facts.term, rule.percent)))


def _may_be_left(term: Duration, percent: int) -> Duration | None:
    """Return what is left of a term after ``percent`` of it, in whole days; None where that is less than a day.

    None also for terms in hours and minutes: their reminder comes on the day of the due date.
    """
    value = term.value * (100 - percent) // 100
    return None if term.unit.minutes or not value else Duration(value, term.unit)


def _times(rule: EscalationRule, facts: EscalationFacts, calendar: WorkCalendar, today: date) -> int:
    """Return how often a repeating rule has been reached: how many times its value fits between due date and today."""
    if rule.value is None:
        return 0
    due, last = facts.due.toordinal(), today.toordinal()
    passed = last - due
    if rule.value.unit is TimeUnit.WORKING_DAYS:
        passed = calendar.days.at(last) - calendar.days.at(due)
    return max(passed, 0) // rule.value.value


def _day_after(calendar: WorkCalendar, due: int, value: Duration | None, n: int) -> int:
    """Return the day on which ``n`` times the value has passed since the day ``due``; at once: that day itself."""
    if value is None:
        return due
    if value.unit is TimeUnit.WORKING_DAYS:
        return calendar.days.day_reaching(calendar.days.at(due) + value.value * n)
    return due + value.value * n


def _day_before(calendar: WorkCalendar, due: int, value: Duration | None) -> int:
    """Return the first day after which no more than the value is left until the due date."""
    if value is None:
        return due
    if value.unit is TimeUnit.WORKING_DAYS:
        return calendar.days.day_reaching(calendar.days.at(due) - value.value)
    return due - value.value
