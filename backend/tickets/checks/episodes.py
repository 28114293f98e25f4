"""When a decided ticket may be reopened, what its new episode is counted by, and when it can be closed."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from backend.deadlines import limits
from backend.deadlines.clock_states import TicketClocks, VersionBook
from backend.deadlines.events import TicketEvent
from backend.errors import Conflict, _
from backend.tickets import rulebook
from backend.tickets.answers.promises import closed_from, open_promise
from backend.tickets.checks.action_request import Notes, TicketCase
from backend.tickets.lifecycle import CLOSURES, Event
from backend.tickets.models import Ticket
from backend.tickets.second_looks.models import LookResult, find_look
from backend.tickets.senders.sender_checks import followed_by
from backend.units.models import Unit
from backend.worktime import service as worktime
from backend.worktime.calendar import local_time


def check_reopening(case: TicketCase) -> Notes:
    """Refuse after the window. A new episode is counted by the rules and the calendar of its own day."""
    if open_promise(case.history) is None:  # while promised work is owed the window stays open
        check_window(case.at, reopening_end(case.history, case.clocks, case.book))
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
    """Refuse while promised work is owed, and while the sender may still reopen the ticket and has not confirmed."""
    if open_promise(case.history) is not None:
        raise Conflict(_("Việc đã hẹn với người gửi chưa được báo là làm xong."))
    end = reopening_end(case.history, case.clocks, case.book)
    confirmed = followed_by(case.history, Event.CONFIRMED, CLOSURES)
    if not confirmed and (end is None or case.at <= end):
        raise Conflict(_("Người gửi vẫn còn thời gian yêu cầu xử lý lại."))
    return {}


def reopening_end(history: Sequence[TicketEvent], clocks: TicketClocks, book: VersionBook) -> datetime | None:
    """Return the last moment at which the sender may reopen the ticket; None without a closure or a length."""
    closed = closed_from(history, clocks.decided)
    if closed is None:
        return None
    return limits.limit_end(book.calendars[clocks.calendar_id], clocks.ruling.get(limits.REOPEN_WINDOW), closed)


def _episode_notes(session: Session, ticket: Ticket, unit_id: int, at: datetime) -> Notes:
    """Return the versions of calendar and rules for an episode that begins at ``at`` in a unit."""
    about = rulebook.subject_of(ticket.category, ticket.channel)
    rules_in_force = rulebook.load_rules(session).ruling(local_time(at).date(), about)
    calendar_id = worktime.active_id_for(session, session.get_one(Unit, unit_id).code)
    return {"calendar": calendar_id, "rules": rulebook.noted_ids(rules_in_force)}
