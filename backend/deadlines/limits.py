"""Every bound and every "within" of handling, once: how long, how often, how far. Pure.

A bound that a province may set is a row of the rule book. Its code stands here, and so does the way in which it is
applied; its value is always that of the rule that holds for the ticket. A bound that no rule sets is a constant here.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from backend.deadlines.rules import DeadlineRule
from backend.deadlines.terms import Extension, Term
from backend.errors import Conflict, Invalid, _
from backend.worktime.arithmetic import DueMoment
from backend.worktime.calendar import WorkCalendar, local_time
from backend.worktime.duration import Duration, TimeUnit
from backend.worktime.errors import WorktimeError

# Codes of the rules that bound something. Those of an episode are noted with it, as its terms are.
PAUSE_LIMIT: Final = "pause_limit"  # how long a question to the sender stops the clock
REOPEN_WINDOW: Final = "reopen_window"  # how long after the decision the sender may have it taken up again
EXTENSION_LIMIT: Final = "extension_limit"  # how far after the due date an extension may reach
PROMISE_LIMIT: Final = "promise_limit"  # how far off the new date of a late answer may lie
EPISODE_LIMITS: Final = (PAUSE_LIMIT, REOPEN_WINDOW, EXTENSION_LIMIT, PROMISE_LIMIT)

# What no rule sets.
ACKNOWLEDGED_WITHIN: Final = timedelta(minutes=5)  # what figures count as acknowledged at once
DUE_SOON: Final = Duration(3, TimeUnit.WORKING_DAYS)  # left of a term: from then on the inbox warns
URGENT_TERM: Final = Duration(1, TimeUnit.WORKING_DAYS)  # a ticket with no longer a term than this is urgent


def limit_end(calendar: WorkCalendar, rule: DeadlineRule | None, start: datetime) -> datetime | None:
    """Return the last moment of a limit that runs from ``start``; None where the rule sets no length."""
    if rule is None or rule.duration is None:
        return None
    return Term(calendar, rule.duration, start).due().at


def last_day(calendar: WorkCalendar, rule: DeadlineRule | None, start: datetime) -> date | None:
    """Return the last day of a limit that runs from ``start``; None where the rule sets no length."""
    end = limit_end(calendar, rule, start)
    return local_time(end).date() if end is not None else None


def check_extension(term: Term, extension: Extension, rule: DeadlineRule | None) -> None:
    """Refuse an extension that does not move the due date on, or moves it too far.

    ``term`` is the term without the extension. The furthest date is the one that an extension by the whole
    ``extension_limit`` would give, so that days, hours and a named date are held to the same bound. A rule "at once"
    allows no extension. Raises Invalid, at the field that holds what was asked for.
    """
    field = "until" if extension.until is not None else "more"
    before, after = term.due(), _due_with(term, extension)
    moved_back = after is not None and after.at <= before.at
    if moved_back or (extension.until is not None and extension.until <= before.on):
        raise Invalid(_("Ngày hẹn mới phải sau hạn đang có."), field=field)
    if rule is None:
        return
    longest = replace(extension, adds=rule.duration, until=None)
    furthest = _due_with(term, longest) if rule.duration is not None else before
    if furthest is not None and (after is None or after.at > furthest.at):
        message = _("Gia hạn được muộn nhất đến hết ngày %(day)s. Xin chọn ngày sớm hơn.")
        raise Invalid(message, field=field, day=f"{furthest.on:%d/%m/%Y}")


def _due_with(term: Term, extension: Extension) -> DueMoment | None:
    """The due date of a term with this extension; None past the years that can be counted."""
    try:
        return replace(term, extension=extension).due()
    except WorktimeError:
        return None


def check_extensions_given(term: Term) -> None:
    """Refuse another extension where the episode has had its one. Raises Conflict."""
    if term.extension is not None:
        raise Conflict(_("Phản ánh này đã được gia hạn một lần."))


def check_promise(
    calendar: WorkCalendar, promised: date, due_on: date, now: datetime, rule: DeadlineRule | None
) -> None:
    """Refuse a promised date that is not a working day after the due date, that is past, or that is too far off.

    Raises Invalid at the field ``promised``.
    """
    if promised <= due_on or promised < local_time(now).date():
        raise Invalid(_("Ngày hẹn mới phải sau hạn đang có và không ở trong quá khứ."), field="promised")
    furthest = last_day(calendar, rule, now)
    if furthest is not None and promised > furthest:
        message = _("Ngày hẹn mới muộn nhất là ngày %(day)s.")
        raise Invalid(message, field="promised", day=f"{furthest:%d/%m/%Y}")
    if not calendar.is_working(promised):
        raise Invalid(_("Ngày hẹn mới phải là ngày làm việc."), field="promised")


def is_question_too_many(rule: DeadlineRule, asked: int) -> bool:
    """Tell whether the ``asked``-th question to a sender is late whenever it comes: ``times`` of the rule are free."""
    return asked > rule.times


def is_urgent(term: Duration) -> bool:
    """Tell whether a term is that of an urgent ticket: one working day, or counted in hours or minutes."""
    return bool(term.unit.minutes) or (term.unit is URGENT_TERM.unit and term.value <= URGENT_TERM.value)


def shortest_span(duration: Duration) -> timedelta:
    """Return a time that always passes before a term ends, on whatever calendar: a day for each day of the term."""
    if duration.unit.minutes:
        return timedelta(minutes=duration.value * duration.unit.minutes)
    return timedelta(days=duration.value)


def earliest_start(rules: Iterable[DeadlineRule], code: str, now: datetime) -> datetime | None:
    """Return the moment before which a limit must have begun, if it can be over by now by any version of its rule.

    A sweep looks at nothing that began later; the rule of each ticket then decides. None: no version ever ends.
    """
    spans = [shortest_span(rule.duration) for rule in rules if rule.code == code and rule.duration is not None]
    return now - min(spans) if spans else None
