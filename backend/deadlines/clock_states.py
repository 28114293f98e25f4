"""What is known of a ticket's clocks: which there are, how each stands, by which versions. Pure."""

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
    """What is timed."""

    CLASSIFY = "classify"  # take up, ask, forward or refuse; each unit anew
    ASK = "ask"
    REFUSE = "refuse"
    FORWARD = "forward"
    RESOLVE = "resolve"
    NOTIFY = "notify"
    PUBLISH = "publish"
    PROGRESS = "progress"  # a notice to the sender, again and again while overdue


CODES: Final[dict[ClockKind, str]] = {clock: clock.value for clock in ClockKind} | {
    ClockKind.ASK: "request_info",
    ClockKind.PROGRESS: "progress_notice",
}
EPISODE_CODES: Final = (*CODES.values(), *EPISODE_LIMITS)


@dataclass(frozen=True)
class VersionBook:
    """The versions that a history refers to by id, and those that count where it names none."""

    calendars: Mapping[int, WorkCalendar]
    rules: Mapping[int, DeadlineRule]
    calendar_id: int
    ruling: Mapping[str, DeadlineRule]


@dataclass(frozen=True, slots=True)
class UnitHolding:
    """From when to when a unit had the ticket; ``until`` None: it has it still."""

    unit: int | None
    episode: int
    since: datetime
    until: datetime | None = None
    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class ClockState:
    """One clock of one episode. ``verdict`` is None while it runs and where it ended without a case; ``late_days`` are
    calendar days and ``late_minutes`` working minutes past the due moment."""

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
    """Every clock that a ticket has had, in the order in which they ended, then those that run."""

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
        wanted = self.episode if episode is None else episode
        return [state for state in self.states if state.clock is clock and state.episode == wanted]

    @property
    def resolve(self) -> ClockState:
        """The clock of handling of the present episode. Its due date is the ticket's."""
        return self.of(ClockKind.RESOLVE)[-1]

    def escalates(self, state: ClockState) -> bool:
        """Whether anybody is to be reminded of it: it runs, unpaused and unmerged."""
        return state.running and not self.suspended and not self.paused


def ground(rule: DeadlineRule) -> dict[str, Any]:
    """What a rule rests on, how sure that is, and the days of reception that this version of it is for."""
    facts: dict[str, Any] = {"basis": rule.basis, "mark": rule.mark.value}
    facts |= {"valid_from": rule.valid_from.isoformat()} if rule.valid_from else {}
    facts |= {"valid_to": rule.valid_to.isoformat()} if rule.valid_to else {}
    return facts


def explain_state(state: ClockState) -> dict[str, Any]:
    """Why a clock is due when it is, as it is stored beside the result: the term, what it ran from, its pauses, and the
    runs of days that did not count. Every other day after the first one counted."""
    term = state.term
    days = term.days()
    told: dict[str, Any] = {"value": state.rule.value, "why": state.rule.narrowed.value, **ground(state.rule)}
    told |= {"start": term.start.isoformat(), "out": [_run(list(run)) for run in _runs(days)]}
    if term.breaks:
        told["pauses"] = [_pause(held) for held in term.breaks]
    if (given := term.extension) is not None:
        told["extension"] = {
            "at": given.at.isoformat(),
            "value": str(given.adds) if given.adds else None,
            "until": given.until.isoformat() if given.until else None,
        }
    return told


def _runs(days: list[ExplainedDay]) -> list[list[ExplainedDay]]:
    """The days that did not count or need a word, neighbours with one reason together."""
    noted = [day for day in days if not day.counted or day.why is DayReason.MAKEUP]
    keyed = groupby(
        enumerate(noted), key=lambda item: (item[1].day.toordinal() - item[0], item[1].why, str(item[1].params))
    )
    return [[day for _place, day in run] for _key, run in keyed]


def _run(days: list[ExplainedDay]) -> list[str]:
    name = str(days[0].params.get("name", ""))
    told = [days[0].day.isoformat(), days[-1].day.isoformat(), days[0].why.value]
    return [*told, name] if name else told


def _pause(held: TicketPause) -> dict[str, Any]:
    told = {"start": held.start.isoformat(), "end": held.end.isoformat(), "ended_by": held.ended_by.value}
    return told | ({"struck": True} if held.struck else {})
