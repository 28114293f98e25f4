"""How the clocks are read off a history, event by event. Pure; what each event means is told in ``clocks``."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from backend.deadlines import limits
from backend.deadlines.clock_states import CODES, ClockKind, ClockState, TicketClocks, UnitHolding, VersionBook
from backend.deadlines.events import Event, TicketEvent
from backend.deadlines.rules import DeadlineRule, parse_value
from backend.deadlines.terms import Extension, PauseEnd, Term, TicketPause, Verdict
from backend.worktime.arithmetic import DueMoment, worked_time
from backend.worktime.calendar import WorkCalendar, local_time
from backend.worktime.duration import Duration

TICK: Final = timedelta(microseconds=1)


@dataclass
class HistoryReading:
    """How far a history has been read."""

    book: VersionBook
    episode: int = 0
    unit: int | None = None
    calendar_id: int = 0
    ruling: dict[str, DeadlineRule] = field(default_factory=dict)
    started: datetime | None = None
    held_since: datetime | None = None
    classifying: datetime | None = None
    resolving: bool = False
    suspended: bool = False
    decided: datetime | None = None
    notifying: datetime | None = None
    publishing: datetime | None = None
    extension: Extension | None = None
    asked: Counter[tuple[int, int | None]] = field(default_factory=Counter)
    told: list[datetime] = field(default_factory=list)
    breaks: list[TicketPause] = field(default_factory=list)
    holdings: list[UnitHolding] = field(default_factory=list)
    done: list[ClockState] = field(default_factory=list)
    dues: dict[tuple[int, Duration | None, datetime], DueMoment] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.calendar_id = self.book.calendar_id
        self.ruling = dict(self.book.ruling)

    def take(self, h: TicketEvent) -> None:
        handler = _HANDLERS.get(h.event)
        if handler is not None:
            handler(self, h)

    @property
    def calendar(self) -> WorkCalendar:
        return self.book.calendars[self.calendar_id]

    # --- pauses -------------------------------------------------------------------------------------------------

    def limit(self, start: datetime) -> datetime:
        """The first moment at which a pause that began at ``start`` no longer stops anything."""
        end = limits.limit_end(self.calendar, self.ruling.get(limits.PAUSE_LIMIT), start)
        return end + TICK if end is not None else datetime.max.replace(tzinfo=start.tzinfo)

    def breaks_at(self, moment: datetime) -> tuple[TicketPause, ...]:
        """The pauses as they stand at a moment: one that lasts ends there, or at its limit."""
        return (*self.breaks[:-1], self.ending(moment, PauseEnd.LASTS)) if self.lasts else tuple(self.breaks)

    @property
    def lasts(self) -> bool:
        """Whether nobody has ended the latest pause; its limit may have."""
        return bool(self.breaks) and self.breaks[-1].ended_by is PauseEnd.LASTS

    def ending(self, moment: datetime, by: PauseEnd) -> TicketPause:
        """The pause that lasts, ended at a moment, or by its limit if that came before."""
        limit = self.limit(self.breaks[-1].start)
        if limit <= moment:
            moment, by = limit, PauseEnd.LIMIT
        return replace(self.breaks[-1], end=moment, ended_by=by)

    def end_break(self, moment: datetime, by: PauseEnd) -> None:
        if self.lasts:
            self.breaks[-1] = self.ending(moment, by)

    # --- clocks -------------------------------------------------------------------------------------------------

    def state(self, clock: ClockKind, start: datetime, at: datetime) -> ClockState:
        """A clock as it stands at ``at``, running."""
        rule = self.ruling[CODES[clock]]
        breaks: tuple[TicketPause, ...] = ()
        if clock in (ClockKind.RESOLVE, ClockKind.FORWARD):
            breaks = tuple(held for held in self.breaks_at(at) if held.end > start)
        extension = self.extension if clock is ClockKind.RESOLVE else None
        term = Term(self.calendar, rule.duration, start, breaks, extension)
        due = term.due() if breaks or extension else self.plain_due(term)
        earlier = sum(1 for s in self.done if s.clock is clock and s.episode == self.episode)
        nth = 1 if clock is ClockKind.RESOLVE else 1 + earlier
        return ClockState(clock, self.episode, nth, self.unit, rule, self.calendar_id, term, due)

    def plain_due(self, term: Term) -> DueMoment:
        """Asked again and again from the same start: each question, and each look at what runs."""
        key = (self.calendar_id, term.duration, term.start)
        if key not in self.dues:
            self.dues[key] = term.due()
        return self.dues[key]

    def end(self, state: ClockState, at: datetime, *, late: bool = False, answered: bool = True) -> None:
        """Judge a clock and keep it. ``late``: whatever the date; not ``answered``: never on time."""
        missed = state.due.missed_by(at)
        verdict = Verdict.LATE if missed or late else Verdict.ON_TIME if answered else None
        days = (local_time(at).date() - state.due.on).days if missed else 0
        minutes = int(worked_time(state.term.calendar, state.due.at, at).total_seconds() // 60) if missed else 0
        self.done.append(
            replace(state, ended=at, verdict=verdict, late_days=days, late_minutes=minutes),
        )

    def end_classify(self, at: datetime) -> None:
        if self.classifying is not None:
            self.end(self.state(ClockKind.CLASSIFY, self.classifying, at), at)
            self.classifying = None

    def end_resolve(self, at: datetime, *, answered: bool) -> None:
        if self.resolving and self.started is not None:
            self.end(self.state(ClockKind.RESOLVE, self.started, at), at, answered=answered)
        self.resolving = False
        self.end_break(at, PauseEnd.UNIT)

    def hold(self, unit: int | None, at: datetime) -> None:
        self.unit, self.held_since = unit, at
        self.holdings.append(UnitHolding(unit, self.episode, at))

    def release(self, at: datetime, *, forwarded: bool = False) -> None:
        if self.holdings and self.holdings[-1].until is None:
            self.holdings[-1] = replace(self.holdings[-1], until=at, forwarded=forwarded)

    # --- the result ---------------------------------------------------------------------------------------------

    def clocks(self, now: datetime) -> TicketClocks:
        running = [
            self.state(clock, start, now)
            for clock, start in (
                (ClockKind.CLASSIFY, self.classifying),
                (ClockKind.RESOLVE, self.started if self.resolving else None),
                (ClockKind.NOTIFY, self.notifying),
                (ClockKind.PUBLISH, self.publishing),
            )
            if start is not None
        ]
        breaks = self.breaks_at(now)
        return TicketClocks(
            states=(*self.done, *running, *self.progress(running, now)),
            holdings=tuple(self.holdings),
            breaks=breaks,
            episode=self.episode,
            unit=self.unit,
            calendar_id=self.calendar_id,
            paused=bool(breaks) and breaks[-1].ended_by is PauseEnd.LASTS,
            suspended=self.suspended,
            decided=self.decided,
            ruling=self.ruling,
        )

    def progress(self, running: Iterable[ClockState], now: datetime) -> list[ClockState]:
        """The notice to the sender that comes next while overdue, counted from the due date or the notice before."""
        resolve = next((state for state in running if state.clock is ClockKind.RESOLVE), None)
        if resolve is None or not resolve.due.missed_by(now):
            return []
        told = [at for at in self.told if resolve.due.missed_by(at)]
        return [self.state(ClockKind.PROGRESS, told[-1] if told else resolve.due.at, now)]


def _begin(r: HistoryReading, h: TicketEvent) -> None:
    r.release(h.at)
    r.end_resolve(h.at, answered=False)  # an episode's clock is its own: nothing earlier runs on, no question holds it
    r.episode += 1
    r.calendar_id = h.data.get("calendar", r.calendar_id)
    chosen: Mapping[str, int] = h.data.get("rules", {})
    r.ruling |= {code: r.book.rules[rule_id] for code, rule_id in chosen.items()}
    r.started, r.resolving, r.suspended = h.at, True, False
    r.extension, r.told, r.notifying, r.publishing = None, [], None, None
    r.classifying = h.at if h.event is Event.RECEIVED else None
    r.hold(h.data.get("unit", r.unit), h.at)


def _taken_up(r: HistoryReading, h: TicketEvent) -> None:
    r.end_classify(h.at)


def _start_pause(r: HistoryReading, h: TicketEvent) -> None:
    r.end_classify(h.at)
    r.end_break(h.at, PauseEnd.LASTS)  # by its limit, if that is over
    if r.lasts:
        r.breaks[-1] = replace(r.breaks[-1], end=r.breaks[-1].start)
        return  # the sender owes information already
    place = (r.episode, r.unit)
    r.asked[place] += 1
    if r.held_since is not None:
        state = r.state(ClockKind.ASK, r.held_since, h.at)
        r.end(state, h.at, late=limits.is_question_too_many(state.rule, r.asked[place]))
    r.breaks.append(TicketPause(len(r.breaks) + 1, h.at, h.at, PauseEnd.LASTS, h.actor))


def _end_pause(r: HistoryReading, h: TicketEvent) -> None:
    r.end_break(h.at, PauseEnd.REPLY if h.event is Event.INFO_RECEIVED else PauseEnd.UNIT)


def _mark_pause(r: HistoryReading, h: TicketEvent) -> None:
    """A pause was disputed, or judged after a dispute."""
    place = int(h.data.get("pause", 0)) - 1
    if 0 <= place < len(r.breaks):
        struck = h.event is Event.PAUSE_JUDGED and not h.data.get("stands", True)
        r.breaks[place] = replace(r.breaks[place], disputed=True, struck=r.breaks[place].struck or struck)


def _read_forwarding(r: HistoryReading, h: TicketEvent) -> None:
    r.end_classify(h.at)
    if r.held_since is not None:
        r.end(r.state(ClockKind.FORWARD, r.held_since, h.at), h.at)
    r.release(h.at, forwarded=True)
    r.hold(h.data.get("unit"), h.at)
    r.classifying = h.at


def extension_of(h: TicketEvent) -> Extension:
    """What an event of extension gives. Raises WorktimeError or ValueError where its notes cannot be read."""
    value: Any = h.data.get("value")
    until: Any = h.data.get("until")
    return Extension(
        h.at,
        adds=parse_value(value) if value else None,
        until=datetime.fromisoformat(until).date() if until else None,
        by=h.actor,
    )


def _read_extension(r: HistoryReading, h: TicketEvent) -> None:
    """The first one counts, given before the term was over."""
    if r.extension is not None or not r.resolving or r.started is None:
        return
    if not r.state(ClockKind.RESOLVE, r.started, h.at).due.missed_by(h.at):
        r.extension = extension_of(h)


def _read_answer(r: HistoryReading, h: TicketEvent) -> None:
    r.end_classify(h.at)
    r.end_resolve(h.at, answered=True)
    r.release(h.at)
    r.decided = r.notifying = r.publishing = h.at


def _turned_away(r: HistoryReading, h: TicketEvent) -> None:
    """Refused, redirected or withdrawn."""
    r.end_classify(h.at)
    if h.event is Event.REFUSED and r.held_since is not None:
        r.end(r.state(ClockKind.REFUSE, r.held_since, h.at), h.at)
    r.end_resolve(h.at, answered=False)
    r.release(h.at)
    if h.event is not Event.WITHDRAWN:
        r.decided = r.notifying = h.at


def _read_notice(r: HistoryReading, h: TicketEvent) -> None:
    if r.notifying is not None:
        r.end(r.state(ClockKind.NOTIFY, r.notifying, h.at), h.at)
        r.notifying = None


def _read_publication(r: HistoryReading, h: TicketEvent) -> None:
    if r.publishing is not None:
        r.end(r.state(ClockKind.PUBLISH, r.publishing, h.at), h.at)
        r.publishing = None


def _told_progress(r: HistoryReading, h: TicketEvent) -> None:
    if r.started is None or not r.resolving:
        return
    resolve = r.state(ClockKind.RESOLVE, r.started, h.at)
    for due in r.progress([resolve], h.at):
        r.end(due, h.at)
    r.told.append(h.at)


def _read_merge(r: HistoryReading, h: TicketEvent) -> None:
    """Late is late for good; what is not yet late waits with the other ticket."""
    r.end_classify(h.at)
    if r.resolving and r.started is not None and r.state(ClockKind.RESOLVE, r.started, h.at).due.missed_by(h.at):
        r.end_resolve(h.at, answered=False)
    r.suspended = True
    r.release(h.at)


def _answered_together(r: HistoryReading, h: TicketEvent) -> None:
    """The sender is told with the others. A pause goes on: it matters again if the merge is undone."""
    if r.resolving and r.started is not None:
        r.end(r.state(ClockKind.RESOLVE, r.started, h.at), h.at, answered=False)
    r.resolving = False
    r.decided = r.notifying = h.at


def _read_unmerge(r: HistoryReading, h: TicketEvent) -> None:
    """As if it had never been merged, save for a verdict of late."""
    judged = [s for s in r.done if s.clock is ClockKind.RESOLVE and s.episode == r.episode]
    if judged and judged[-1].verdict is None:
        r.done.remove(judged[-1])
    r.resolving = not judged or judged[-1].verdict is None
    r.suspended = False
    r.decided = r.notifying = None
    r.hold(r.unit, h.at)


def _read_recount(r: HistoryReading, h: TicketEvent) -> None:
    r.calendar_id = h.data.get("calendar", r.calendar_id)


_HANDLERS: Final[dict[Event, Callable[[HistoryReading, TicketEvent], None]]] = {
    Event.RECEIVED: _begin,
    Event.DISPUTED: _begin,
    Event.REOPENED: _begin,
    Event.ACCEPTED: _taken_up,
    Event.ASSIGNED: _taken_up,
    Event.INFO_REQUESTED: _start_pause,
    Event.INFO_RECEIVED: _end_pause,
    Event.RESUMED: _end_pause,
    Event.PAUSE_DISPUTED: _mark_pause,
    Event.PAUSE_JUDGED: _mark_pause,
    Event.FORWARDED: _read_forwarding,
    Event.EXTENDED: _read_extension,
    Event.ANSWERED: _read_answer,
    Event.REFUSED: _turned_away,
    Event.REDIRECTED: _turned_away,
    Event.WITHDRAWN: _turned_away,
    Event.NOTIFIED: _read_notice,
    Event.PUBLISHED: _read_publication,
    Event.PROGRESS_TOLD: _told_progress,
    Event.MERGED: _read_merge,
    Event.ANSWERED_TOGETHER: _answered_together,
    Event.UNMERGED: _read_unmerge,
    Event.RECOUNTED: _read_recount,
}
