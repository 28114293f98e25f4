"""What an answer and a draft for approval need: an outcome with all that belongs to it, and a second person where the
rules want one. Promises of answers are checked here too."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from backend.deadlines import limits
from backend.deadlines.events import TicketEvent
from backend.deadlines.grounds import GroundList, find_ground
from backend.errors import Conflict, Forbidden, Invalid, _
from backend.tickets import rulebook
from backend.tickets.answers import points, promises
from backend.tickets.answers.outcomes import OUTCOME_NOTES, AnswerOutcome
from backend.tickets.checks import earlier_answers
from backend.tickets.checks.action_request import Notes, TicketCase
from backend.tickets.lifecycle import Event
from backend.tickets.models import TicketState
from backend.worktime.calendar import WorkCalendar, local_time

OUTCOME_MISSING: Final = _("Xin chọn kết quả: đã làm xong, làm được một phần, hẹn ngày, không làm được …")


def check_answer(case: TicketCase) -> Notes:
    """A submitted answer is approved by a person who did not write it.

    Where the rules want an approval of every answer of the category, no answer leaves without one, not even that of
    a leader.
    """
    if case.ticket.state is not TicketState.AWAITING_APPROVAL:
        if rulebook.needs_approval(case.session, case.ticket.category, local_time(case.at).date()):
            raise Conflict(_("Trả lời loại phản ánh này phải có người thứ hai duyệt. Xin trình duyệt."))
        return check_outcome(case)
    draft = case.last(Event.SUBMITTED_FOR_APPROVAL)
    if draft is not None and draft.actor == case.actor.key:
        raise Forbidden(_("Người soạn không tự duyệt trả lời của mình."))
    return check_outcome(case) if is_renamed(case) or draft is None else _outcome_of_draft(case, draft)


def check_outcome(case: TicketCase) -> Notes:
    """Return the notes of the outcome. Raises Invalid at the field of what is missing."""
    outcome = case.request.answer.outcome
    if outcome is None:
        raise Invalid(OUTCOME_MISSING, field="outcome")
    check = _NEEDS.get(outcome)
    return {"outcome": outcome.value, **(check(case) if check else {})}


def is_renamed(case: TicketCase) -> bool:
    """Tell whether whoever approves has named another outcome than the draft."""
    return case.request.answer.outcome is not None


def check_points(case: TicketCase) -> Notes:
    points.check_points(case.request.text)
    return {}


def check_report(case: TicketCase) -> Notes:
    """A report that the work is done needs a promise that is still owed."""
    _owed_promise(case)
    return {}


def check_explanation(case: TicketCase) -> Notes:
    """Allow one new date for a promise, with the reason. The promise stays missed if its first date passes."""
    promise = _owed_promise(case)
    if promise.moved:
        raise Conflict(_("Việc này đã được hẹn lại một lần; chỉ được hẹn lại một lần."))
    until = _promised_date(case)
    if until <= promise.until:
        raise Invalid(_("Ngày hẹn mới phải sau ngày đã hẹn."), field="until")
    return {"until": until.isoformat()}


def report_notes(case: TicketCase) -> Notes:
    """Return the notes of a report for a ticket that was answered together with the one that promised."""
    return {"with": case.ticket.merged_into_id, "message": case.request.message_id}


def check_kept(case: TicketCase) -> Notes:
    return report_notes(case) if case.ticket.merged_into_id is not None else check_report(case)


def _outcome_of_draft(case: TicketCase, draft: TicketEvent) -> Notes:
    """Return the outcome that the draft names. A promise must still be ahead on the day of the approval."""
    if "outcome" not in draft.data:
        return check_outcome(case)
    notes = {name: draft.data[name] for name in OUTCOME_NOTES if name in draft.data}
    if "promised" in notes:
        limits.check_commitment(_calendar(case), date.fromisoformat(notes["promised"]), case.at)
    return notes


def _check_promise(case: TicketCase) -> Notes:
    return {"promised": _promised_date(case).isoformat()}


def _check_impossible(case: TicketCase) -> Notes:
    return {"ground": find_ground(GroundList.NOT_POSSIBLE, case.request.ground, local_time(case.at).date()).code}


_NEEDS: Final[Mapping[AnswerOutcome, Callable[[TicketCase], Notes]]] = {
    AnswerOutcome.PROMISED: _check_promise,
    AnswerOutcome.NOT_POSSIBLE: _check_impossible,
    AnswerOutcome.ANSWERED_BEFORE: earlier_answers.check_earlier,
}


def _promised_date(case: TicketCase) -> date:
    until = case.request.until
    if until is None:
        raise Invalid(_("Xin ghi ngày hẹn làm xong."), field="until")
    limits.check_commitment(_calendar(case), until, case.at)
    return until


def _calendar(case: TicketCase) -> WorkCalendar:
    return case.book.calendars[case.clocks.calendar_id]


def _owed_promise(case: TicketCase) -> promises.AnswerPromise:
    promise = promises.open_promise(case.history)
    if promise is None:
        raise Conflict(_("Phản ánh này không có việc nào đang hẹn."))
    return promise
