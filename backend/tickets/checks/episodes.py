"""When a decided ticket may be reopened, what its new episode is counted by, and when it can be closed."""

from datetime import datetime

from sqlalchemy.orm import Session

from backend.deadlines import limits
from backend.errors import Conflict, _
from backend.tickets import rulebook
from backend.tickets.answers.promises import closed_from, open_promise
from backend.tickets.checks.action_request import Notes, TicketCase
from backend.tickets.lifecycle import CLOSURES, Event
from backend.tickets.models import Ticket
from backend.tickets.senders.sender_checks import followed_by
from backend.units.models import Unit
from backend.worktime import service as worktime
from backend.worktime.calendar import local_time


def check_reopening(case: TicketCase) -> Notes:
    """Refuse after the window. A new episode is counted by the rules and the calendar of its own day.

    While promised work is owed the window stays open. A merged ticket goes to the unit that gave the common answer.
    """
    end = _window_end(case)
    if open_promise(case.history) is None and (end is None or case.at > end):
        raise Conflict(_("Đã hết thời gian yêu cầu xử lý lại. Xin gửi phản ánh mới."))
    if case.into is None:
        return _episode_notes(case.session, case.ticket, case.ticket.unit_id, case.at)
    unit_id = case.into.unit_id
    return {"unit": unit_id, **_episode_notes(case.session, case.ticket, unit_id, case.at)}


def check_closing(case: TicketCase) -> Notes:
    """Refuse while promised work is owed, and while the sender may still reopen the ticket and has not confirmed."""
    if open_promise(case.history) is not None:
        raise Conflict(_("Việc đã hẹn với người gửi chưa được báo là làm xong."))
    end = _window_end(case)
    confirmed = followed_by(case.history, Event.CONFIRMED, CLOSURES)
    if not confirmed and (end is None or case.at <= end):
        raise Conflict(_("Người gửi vẫn còn thời gian yêu cầu xử lý lại."))
    return {}


def _window_end(case: TicketCase) -> datetime | None:
    """Return the last moment at which the sender may reopen the ticket; None without a closure or a length."""
    closed = closed_from(case.history, case.clocks.decided)
    if closed is None:
        return None
    calendar = case.book.calendars[case.clocks.calendar_id]
    return limits.limit_end(calendar, case.clocks.ruling.get(limits.REOPEN_WINDOW), closed)


def _episode_notes(session: Session, ticket: Ticket, unit_id: int, at: datetime) -> Notes:
    """Return the versions of calendar and rules for an episode that begins at ``at`` in a unit."""
    about = rulebook.subject_of(ticket.category, ticket.channel)
    rules_in_force = rulebook.load_rules(session).ruling(local_time(at).date(), about)
    calendar_id = worktime.active_id_for(session, session.get_one(Unit, unit_id).code)
    return {"calendar": calendar_id, "rules": rulebook.noted_ids(rules_in_force)}
