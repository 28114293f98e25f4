"""The clocks of a ticket as values: the kinds of clocks, the state of each, and the versions that count them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any, Final

from backend.deadlines.limits import EPISODE_LIMITS
from backend.deadlines.rules import DeadlineRule
from backend.deadlines.terms import Term, TicketPause, Verdict
from backend.worktime.arithmetic import DueMoment
from backend.worktime.calendar import WorkCalendar
from backend.worktime.explain import DayReason, ExplainedDay


class ClockKind(StrEnum):
    """The kinds of clocks: what is timed."""

    CLASSIFY = "classify"  # accept, ask, forward or refuse; each unit has its own
    ASK = "ask"
    REFUSE = "refuse"
    FORWARD = "forward"
    RESOLVE = "resolve"
    NOTIFY = "notify"
    PUBLISH = "publish"
    PROGRESS = "progress"  # a notice to the sender, repeated while the ticket is overdue


CODES: Final[dict[ClockKind, str]] = {clock: clock.value for clock in ClockKind} | {
    ClockKind.ASK: "request_info",
    ClockKind.PROGRESS: "progress_notice",
}
EPISODE_CODES: Final = (*CODES.values(), *EPISODE_LIMITS)


@dataclass(frozen=True)
class VersionBook:
    """The versions that a history names by id, and those that apply where it names none.

    ``ruling``: the rules in force, by their codes.
    """

    calendars: Mapping[int, WorkCalendar]
    rules: Mapping[int, DeadlineRule]
    calendar_id: int
    ruling: Mapping[str, DeadlineRule]


@dataclass(frozen=True, slots=True)
class UnitHolding:
    """The time in which a unit had the ticket. ``until`` None: the unit has it now."""

    unit: int | None
    episode: int
    since: datetime
    until: datetime | None = None
    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class ClockState:
    """One clock of one episode. ``nth`` counts the clocks of one kind in an episode, from 1.

    ``verdict`` is None while the clock runs, and where an end needs none. ``late_days`` are calendar days and
    ``late_minutes`` working minutes after the due moment.
    """

    clock: ClockKind
    episode: int
    nth: int
    unit: int | None
    rule: DeadlineRule
    calendar_id: int
    term: Term
    due: DueMoment
    ended: datetime | None = None
    verdict: Verdict | None = None
    late_days: int = 0
    late_minutes: int = 0

    @property
    def running(self) -> bool:
        return self.ended is None


@dataclass(frozen=True)
class TicketClocks:
    """All clocks of a ticket: first the ended ones in the order of their ends, then those that run."""

    states: tuple[ClockState, ...]
    holdings: tuple[UnitHolding, ...]
    breaks: tuple[TicketPause, ...]
    episode: int
    unit: int | None
    calendar_id: int
    paused: bool
    suspended: bool  # merged into another ticket: nobody is reminded
    decided: datetime | None  # the last answer, refusal or redirection
    ruling: Mapping[str, DeadlineRule] = field(default_factory=dict)

    def of(self, clock: ClockKind, episode: int | None = None) -> list[ClockState]:
        """Return the clocks of a kind in an episode, the present one by default."""
        number = self.episode if episode is None else episode
        return [state for state in self.states if state.clock is clock and state.episode == number]

    @property
    def resolve(self) -> ClockState:
        """The clock of handling in the present episode. Its due date is that of the ticket."""
        return self.of(ClockKind.RESOLVE)[-1]


def ground(rule: DeadlineRule) -> dict[str, Any]:
    """Return the basis of a rule, how sure it is, and the dates of reception that this version is for."""
    facts: dict[str, Any] = {"basis": rule.basis, "mark": rule.mark.value}
    facts |= {"valid_from": rule.valid_from.isoformat()} if rule.valid_from else {}
    facts |= {"valid_to": rule.valid_to.isoformat()} if rule.valid_to else {}
    return facts


def explain_state(state: ClockState) -> dict[str, Any]:
    """Return the explanation of a due date, as it is stored with the result.

    It holds the value and basis of the rule, the start, the pauses, the extension, and under ``out`` the runs of days
    that did not count. Every other day after the first one counted.
    """
    term, extension = state.term, state.term.extension
    explanation: dict[str, Any] = {"value": state.rule.value, "why": state.rule.narrowed.value, **ground(state.rule)}
    explanation |= {"start": term.start.isoformat(), "out": [_run_facts(run) for run in _runs(term.days())]}
    if term.breaks:
        explanation["pauses"] = [_pause_facts(pause) for pause in term.breaks]
    if extension is not None:
        explanation["extension"] = {
            "at": extension.at.isoformat(),
            "value": str(extension.adds) if extension.adds else None,
            "until": extension.until.isoformat() if extension.until else None,
        }
    return explanation


def _runs(days: list[ExplainedDay]) -> list[list[ExplainedDay]]:
    """Return the days that did not count or were made up for, as runs of neighbours with the same reason."""
    noted = [day for day in days if not day.counted or day.why is DayReason.MAKEUP]
    runs = groupby(enumerate(noted), key=_run_key)
    return [[day for _index, day in run] for _key, run in runs]


def _run_key(indexed_day: tuple[int, ExplainedDay]) -> tuple[int, DayReason, str]:
    """Return a key that neighbours share: for consecutive days, date minus index stays the same."""
    index, day = indexed_day
    return day.day.toordinal() - index, day.why, str(day.params)


def _run_facts(days: list[ExplainedDay]) -> list[str]:
    """Return the first day, the last day, the reason and, if there is one, the name of the holiday."""
    name = str(days[0].params.get("name", ""))
    facts = [days[0].day.isoformat(), days[-1].day.isoformat(), days[0].why.value]
    return [*facts, name] if name else facts


def _pause_facts(pause: TicketPause) -> dict[str, Any]:
    facts = {"start": pause.start.isoformat(), "end": pause.end.isoformat(), "ended_by": pause.ended_by.value}
    return facts | ({"struck": True} if pause.struck else {})
