"""What each event needs beyond the table of moves, and what the history notes with it. Nothing here writes.

``tickets.service`` asks ``event_notes`` before each event. A check reads a ``TicketCase`` and returns the notes, or
refuses with a sentence: Invalid for what was typed, Conflict for what the present state forbids, Forbidden for who may
not. The checks of answers, extensions, pauses, episodes, merging and sender's events stand in ``checks``, one module
for each.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from backend.deadlines import limits
from backend.deadlines.clocks import ClockPreview, preview_steps
from backend.deadlines.events import TicketEvent
from backend.deadlines.grounds import DecisionGround, GroundList, find_ground
from backend.errors import Conflict, Invalid, _
from backend.tickets.checks import (
    answering,
    earlier_answers,
    episodes,
    extensions,
    grouping,
    merging,
    notes,
    pauses,
    second_look_results,
    sender_events,
)
from backend.tickets.checks.action_request import Notes, TicketCase, policy_subject
from backend.tickets.lifecycle import Event
from backend.units.models import Unit
from backend.users.models import User
from backend.users.policy import HANDLERS
from backend.worktime.calendar import local_time

PROCEDURES: Final = ("complaint", "denunciation")  # khiếu nại, tố cáo: each has a procedure of its own


def event_notes(case: TicketCase) -> Notes:
    """Return what the history notes with the event. Raises what the checks of the event refuse."""
    sender_events.check_sender_where_merged(case)
    check = _CHECKS.get(case.request.event)
    notes_of_event = check(case) if check else {}
    channel = case.request.channel
    return notes_of_event | {"channel": channel} if channel else notes_of_event


def preview_clocks(case: TicketCase, earlier: Sequence[TicketEvent] = ()) -> ClockPreview:
    """Return what the event would do to the clocks. A requested extension is previewed as if it were granted.

    ``earlier`` are events that would be written before it, in the same step.
    """
    event = case.request.event
    event = Event.EXTENDED if event is Event.EXTENSION_REQUESTED else event
    requested = TicketEvent(event, case.at, case.actor.key, event_notes(case))
    return preview_steps(case.reading, (*earlier, requested))


def refusal_ground(case: TicketCase) -> DecisionGround:
    """Return the ground that a refusal names. Raises Invalid for one that is not on the list today."""
    return find_ground(GroundList.REFUSAL, case.request.ground, local_time(case.at).date())


def _check_forwarding(case: TicketCase) -> Notes:
    """Refuse a unit that does not receive feedback today, the present unit, and one that must not see the ticket."""
    unit_id, ticket = case.request.to_unit_id, case.ticket
    unit = case.session.get(Unit, unit_id) if unit_id is not None else None
    if unit is None or not unit.receives or not unit.valid_on(local_time(case.at).date()):
        raise Invalid(_("Xin chọn cơ quan trong danh sách."), field="to_unit")
    if unit.id == ticket.unit_id:
        raise Invalid(_("Phản ánh đang ở chính cơ quan này."), field="to_unit")
    if unit.id == policy_subject(ticket).hidden_from:
        raise Invalid(_("Không chuyển phản ánh về hành vi cho chính cơ quan bị phản ánh."), field="to_unit")
    return {"from": ticket.unit_id, "unit": unit.id}


def _check_assignment(case: TicketCase) -> Notes:
    user_id = case.request.to_user_id
    user = case.session.get(User, user_id) if user_id is not None else None
    if user is None or not user.active or user.role not in HANDLERS or user.unit_id != case.ticket.unit_id:
        raise Invalid(_("Xin chọn cán bộ của cơ quan đang giữ phản ánh."), field="to_user")
    return {"user": user.id}


def _check_refusal(case: TicketCase) -> Notes:
    """A repeat may be refused only with the earlier answer."""
    ground = refusal_ground(case)
    repeat = ground.code == earlier_answers.REPEAT
    return {"ground": ground.code, **(earlier_answers.check_earlier(case) if repeat else {})}


def _check_redirection(case: TicketCase) -> Notes:
    if case.request.procedure not in PROCEDURES:
        raise Invalid(_("Xin chọn thủ tục: khiếu nại hay tố cáo."), field="procedure")
    return {"procedure": case.request.procedure}


def _check_publication(case: TicketCase) -> Notes:
    if case.last(Event.PUBLISHED) is not None:
        raise Conflict(_("Trả lời này đã được công khai."))
    return {}


def _check_delay(case: TicketCase) -> Notes:
    """Allow one explanation of a delay in an episode, with one new date (see ``limits.check_promise``).

    The date is a promise to the sender. It moves neither the due date nor the verdict.
    """
    if case.last(Event.DELAY_EXPLAINED) is not None:
        raise Conflict(_("Đã báo lý do chậm và hẹn lại một lần; chỉ được hẹn lại một lần."))
    promised = case.request.until
    if promised is None:
        raise Invalid(_("Xin ghi ngày hẹn trả lời mới."), field="promised")
    calendar, rule = case.book.calendars[case.clocks.calendar_id], case.clocks.ruling.get(limits.PROMISE_LIMIT)
    limits.check_promise(calendar, promised, case.clocks.resolve.due.on, case.at, rule)
    return {"until": promised.isoformat()}


def _check_progress_notice(case: TicketCase) -> Notes:
    if not case.clocks.resolve.running or not case.clocks.resolve.due.missed_by(case.at):
        raise Conflict(_("Phản ánh này chưa quá hạn."))
    return {}


def _check_recount(case: TicketCase) -> Notes:
    if case.request.calendar_id is None or case.request.calendar_id == case.clocks.calendar_id:
        raise Conflict(_("Phản ánh này đã tính theo lịch đó."))
    return {"from": case.clocks.calendar_id, "calendar": case.request.calendar_id}


_CHECKS: Final[Mapping[Event, Callable[[TicketCase], Notes]]] = {
    Event.FORWARDED: _check_forwarding,
    Event.ASSIGNED: _check_assignment,
    Event.EXTENSION_REQUESTED: extensions.check_extension_request,
    Event.EXTENDED: extensions.check_extension,
    Event.EXTENSION_DENIED: extensions.check_denial,
    Event.SUBMITTED_FOR_APPROVAL: answering.check_outcome,
    Event.POINTS_LISTED: answering.check_points,
    Event.ANSWERED: answering.check_answer,
    Event.PROMISE_KEPT: answering.check_kept,
    Event.PROMISE_EXPLAINED: answering.check_explanation,
    Event.ANSWERED_TOGETHER: merging.common_answer_notes,
    Event.PAUSE_DISPUTED: pauses.check_dispute,
    Event.PAUSE_JUDGED: pauses.check_judgement,
    Event.PAUSE_EXPIRED: pauses.check_expiry,
    Event.DISPUTED: episodes.check_reopening,
    Event.REOPENED: episodes.check_reopening,
    Event.REFUSED: _check_refusal,
    Event.REDIRECTED: _check_redirection,
    Event.MERGED: merging.check_merge,
    Event.GROUPED: grouping.check_grouping,
    Event.UNGROUPED: grouping.check_ungrouping,
    Event.CONFIRMED: sender_events.check_confirmation,
    Event.INFO_RECEIVED: sender_events.check_reply,
    Event.INFO_PASSED_ON: merging.passed_reply_notes,
    Event.RATED: sender_events.check_rating,
    Event.PUBLISHED: _check_publication,
    Event.CLOSED: episodes.check_closing,
    Event.DELAY_EXPLAINED: _check_delay,
    Event.PROGRESS_TOLD: _check_progress_notice,
    Event.RECOUNTED: _check_recount,
    Event.NOTED: notes.check_note,
    Event.SECOND_LOOK_UPHELD: second_look_results.check_result,
    Event.SECOND_LOOK_CORRECTED: second_look_results.check_result,
    Event.SECOND_LOOK_SENT_BACK: second_look_results.check_sending_back,
}
