"""What the events of an extension need: the request, the approval by another person, the denial."""

from backend.deadlines import limits
from backend.deadlines.clock_reading import extension_of
from backend.deadlines.events import TicketEvent
from backend.errors import Conflict, Forbidden, Invalid, _
from backend.tickets.checks.action_request import Notes, TicketCase
from backend.tickets.lifecycle import Event
from backend.tickets.waiting import pending_extension
from backend.worktime.duration import Duration


def check_extension_request(case: TicketCase) -> Notes:
    """Refuse a second open request, and one that does not name either a length or a date."""
    _check_open_term(case)
    if pending_extension(case.history) is not None:
        raise Conflict(_("Đã có đề nghị gia hạn đang chờ duyệt."))
    more, until = case.request.more.strip(), case.request.until
    if bool(more) == (until is not None):
        raise Invalid(_("Xin ghi số ngày xin thêm hoặc ngày hẹn mới."), field="until")
    length: Notes = {"value": str(Duration.parse(more))} if more else {}
    if until is not None:
        length = {"until": until.isoformat()}
    _check_length(case, length)
    return length


def check_extension(case: TicketCase) -> Notes:
    """Grant what was requested. It must be within the limit on the day of the approval too."""
    _check_open_term(case)
    pending = _request_of_another(case)
    length = {name: pending.data[name] for name in ("value", "until") if name in pending.data}
    _check_length(case, length)
    return length


def check_denial(case: TicketCase) -> Notes:
    _request_of_another(case)
    return {}


def _check_open_term(case: TicketCase) -> None:
    """Refuse a second extension, and any extension after the last day of the term."""
    limits.check_extensions_given(case.clocks.resolve.term)
    if not case.clocks.resolve.running or case.clocks.resolve.due.missed_by(case.at):
        raise Conflict(_("Đã quá hạn nên không gia hạn được nữa."))


def _check_length(case: TicketCase, length: Notes) -> None:
    """Compare the extension with the limit that the stored rule sets for this ticket."""
    extension = extension_of(TicketEvent(Event.EXTENDED, case.at, case.actor.key, length))
    limits.check_extension(case.clocks.resolve.term, extension, case.clocks.ruling.get(limits.EXTENSION_LIMIT))


def _request_of_another(case: TicketCase) -> TicketEvent:
    """Return the pending request. Raises Forbidden where the actor made it."""
    pending = pending_extension(case.history)
    if pending is None:
        raise Conflict(_("Không có đề nghị gia hạn nào đang chờ duyệt."))
    if pending.actor == case.actor.key:
        raise Forbidden(_("Người đề nghị không tự duyệt gia hạn cho mình."))
    return pending
