"""Every limit of handling, stated once: how long, how often, how far. Pure.

A limit that a province may set is a rule. Its code stands here with the function that applies it; its value always
comes from the rule that holds for the ticket. A limit that no rule sets is a constant here.
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

# Codes of the rules that set a limit. The history notes them with the episode, as it notes the terms.
PAUSE_LIMIT: Final = "pause_limit"  # how long a question to the sender stops the clock
REOPEN_WINDOW: Final = "reopen_window"  # how long after the decision the sender may reopen the ticket
EXTENSION_LIMIT: Final = "extension_limit"  # how far after the due date an extension may reach
PROMISE_LIMIT: Final = "promise_limit"  # how far off the new date of a late answer may lie
SECOND_LOOK: Final = "second_look"  # how long the level above may take for a second look; the sender asks for it once
EPISODE_LIMITS: Final = (PAUSE_LIMIT, REOPEN_WINDOW, EXTENSION_LIMIT, PROMISE_LIMIT)

# Limits that no rule sets.
ACKNOWLEDGED_WITHIN: Final = timedelta(minutes=5)  # figures count this as acknowledged at once
DUE_SOON: Final = Duration(3, TimeUnit.WORKING_DAYS)  # the inbox warns when no more than this is left
COMMITMENT_LIMIT: Final = Duration(365, TimeUnit.CALENDAR_DAYS)  # how far off "will be done until" may lie
GROUP_LEAST: Final = 2  # tickets that make a group
GROUP_MOST: Final = 50  # tickets in a group: they are answered in one transaction
BULK_MOST: Final = 50  # tickets that one step on many takes: a page of the inbox
GROUP_COUNTED: Final = 3  # a letter says how many others reported the same from this number on
ASK_AT_ONCE: Final = Duration(1, TimeUnit.WORKING_DAYS)  # a request for approval does not wait for the digest then
URGENT_TERM: Final = Duration(1, TimeUnit.WORKING_DAYS)  # a ticket is urgent if its term is not longer than this


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
    """Refuse an extension that does not move the due date to a later day, or moves it too far.

    ``term`` is the term without the extension. The furthest date is the one that an extension by the whole
    ``extension_limit`` would give. So the same limit holds for days, hours and a named date. A rule "at once" allows no
    extension. Raises Invalid at the field of the request: ``until`` or ``more``.
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
    """Return the due date of a term with this extension; None after the last year that can be counted."""
    try:
        return replace(term, extension=extension).due()
    except WorktimeError:
        return None


def check_extensions_given(term: Term) -> None:
    """Refuse a second extension in an episode. Raises Conflict."""
    if term.extension is not None:
        raise Conflict(_("Phản ánh này đã được gia hạn một lần."))


def check_promise(
    calendar: WorkCalendar, promised: date, due_on: date, now: datetime, rule: DeadlineRule | None
) -> None:
    """Refuse a promised date that is past, too far away, or not a working day after the due date.

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


def check_commitment(calendar: WorkCalendar, until: date, now: datetime) -> None:
    """Refuse a date of "will be done until" that is not ahead, too far away, or no working day.

    On a working day there is somebody who can be reminded. Raises Invalid at the field ``until``.
    """
    today = local_time(now).date()
    if until <= today:
        raise Invalid(_("Ngày hẹn làm xong phải sau hôm nay."), field="until")
    furthest = today + timedelta(days=COMMITMENT_LIMIT.value)
    if until > furthest:
        message = _("Ngày hẹn làm xong muộn nhất là ngày %(day)s.")
        raise Invalid(message, field="until", day=f"{furthest:%d/%m/%Y}")
    if not calendar.is_working(until):
        raise Invalid(_("Ngày hẹn làm xong phải là ngày làm việc."), field="until")


def is_question_too_many(rule: DeadlineRule, number: int) -> bool:
    """Tell whether the ``number``-th question of a unit is late in any case: the rule allows ``times`` questions."""
    return number > rule.times


def is_urgent(term: Duration) -> bool:
    """Tell whether a ticket with this term is urgent: one working day at most, or a term in hours or minutes."""
    return bool(term.unit.minutes) or (term.unit is URGENT_TERM.unit and term.value <= URGENT_TERM.value)


def shortest_span(duration: Duration) -> timedelta:
    """Return a time that passes before the term ends on any calendar: one day for each day of the term."""
    if duration.unit.minutes:
        return timedelta(minutes=duration.value * duration.unit.minutes)
    return timedelta(days=duration.value)


def earliest_start(rules: Iterable[DeadlineRule], code: str, now: datetime) -> datetime | None:
    """Return the moment before which a limit must have begun if it can be over now by any version of its rule.

    A sweep leaves out what began later. The rule of each ticket then decides. None: no version has a length.
    """
    spans = [shortest_span(rule.duration) for rule in rules if rule.code == code and rule.duration is not None]
    return now - min(spans) if spans else None
