"""When a decided ticket may be reopened, what its new episode is counted by, and when it can be closed."""

from datetime import datetime

from sqlalchemy.orm import Session

from backend.deadlines import limits
from backend.deadlines.clock_states import TicketClocks, VersionBook
from backend.errors import Conflict, _
from backend.tickets import rulebook
from backend.tickets.checks.action_request import Notes, TicketCase
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.second_looks.models import LookResult, find_look
from backend.units.models import Unit
from backend.worktime import service as worktime
from backend.worktime.calendar import local_time


def check_reopening(case: TicketCase) -> Notes:
    """Refuse after the window. A new episode is counted by the rules and the calendar of its own day."""
    check_window(case.at, reopening_end(case.clocks, case.book))
    check_second_look(case)
    return new_episode(case)


def check_window(at: datetime, end: datetime | None) -> None:
    """Refuse after the window in which the sender may have a decision looked at again."""
    if end is None or at > end:
        raise Conflict(_("Đã hết thời gian yêu cầu xử lý lại. Xin gửi phản ánh mới."))


def check_second_look(case: TicketCase) -> None:
    """Refuse once the sender has asked the level above about this decision: its result is not undone by the unit."""
    look = find_look(case.session, case.ticket.id)
    if look is not None and look.result is not LookResult.SENT_BACK:
        raise Conflict(_("Bạn đã yêu cầu cấp trên xem lại phản ánh này nên cơ quan không giải quyết lại nữa."))


def new_episode(case: TicketCase) -> Notes:
    """Return the notes of an episode that begins now. A merged ticket goes to the unit of the common answer."""
    if case.into is None:
        return _episode_notes(case.session, case.ticket, case.ticket.unit_id, case.at)
    unit_id = case.into.unit_id
    return {"unit": unit_id, **_episode_notes(case.session, case.ticket, unit_id, case.at)}


def check_closing(case: TicketCase) -> Notes:
    """Refuse while the sender may still reopen the ticket, unless they have confirmed the answer."""
    end = reopening_end(case.clocks, case.book)
    if case.last(Event.CONFIRMED) is None and (end is None or case.at <= end):
        raise Conflict(_("Người gửi vẫn còn thời gian yêu cầu xử lý lại."))
    return {}


def reopening_end(clocks: TicketClocks, book: VersionBook) -> datetime | None:
    """Return the last moment at which the sender may reopen the ticket; None without a decision or a length."""
    if clocks.decided is None:
        return None
    return limits.limit_end(book.calendars[clocks.calendar_id], clocks.ruling.get(limits.REOPEN_WINDOW), clocks.decided)


def _episode_notes(session: Session, ticket: Ticket, unit_id: int, at: datetime) -> Notes:
    """Return the versions of calendar and rules for an episode that begins at ``at`` in a unit."""
    about = rulebook.subject_of(ticket.category, ticket.channel)
    rules_in_force = rulebook.load_rules(session).ruling(local_time(at).date(), about)
    calendar_id = worktime.active_id_for(session, session.get_one(Unit, unit_id).code)
    return {"calendar": calendar_id, "rules": rulebook.noted_ids(rules_in_force)}
