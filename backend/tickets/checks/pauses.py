"""What the events of a pause need: a dispute by the sender, its judgement by another person, the end by the limit."""

from backend.deadlines.terms import PauseEnd, TicketPause
from backend.errors import Conflict, Forbidden, Invalid, _
from backend.tickets.checks.action_request import Notes, TicketCase
from backend.tickets.lifecycle import Event
from backend.tickets.waiting import pending_disputes


def check_dispute(case: TicketCase) -> Notes:
    """Each pause can be disputed once."""
    pause = _requested_pause(case)
    if pause.disputed:
        raise Conflict(_("Lần tạm dừng này đã có ý kiến không đồng ý rồi."))
    return {"pause": pause.number}


def check_judgement(case: TicketCase) -> Notes:
    """A dispute is judged once, by somebody who did not start the pause."""
    pause = _requested_pause(case)
    if pause.number not in pending_disputes(case.history):
        raise Conflict(_("Lần tạm dừng này không có ý kiến không đồng ý nào đang chờ."))
    if pause.asked_by == case.actor.key:
        raise Forbidden(_("Người đã tạm dừng không tự xem xét ý kiến không đồng ý về việc đó."))
    if case.request.stands is None:
        raise Invalid(_("Xin chọn giữ hay bỏ lần tạm dừng."), field="stands")
    return {"pause": pause.number, "stands": case.request.stands}


def check_expiry(case: TicketCase) -> Notes:
    """Refuse before the limit of the pause is over, and a second entry about the same pause."""
    if not case.clocks.breaks or case.clocks.breaks[-1].ended_by is not PauseEnd.LIMIT:
        raise Conflict(_("Thời gian chờ người gửi bổ sung chưa hết."))
    events = case.since_beginning(Event.INFO_REQUESTED, Event.PAUSE_EXPIRED)
    if events and events[-1].event is Event.PAUSE_EXPIRED:
        raise Conflict(_("Việc này đã được ghi nhận."))
    return {}


def _requested_pause(case: TicketCase) -> TicketPause:
    """Return the pause that the request names; the latest where it names none."""
    number = case.request.pause if case.request.pause is not None else len(case.clocks.breaks)
    if not 1 <= number <= len(case.clocks.breaks):
        raise Invalid(_("Không có lần tạm dừng này."), field="pause")
    return case.clocks.breaks[number - 1]
