"""Make the message to staff from a row of the outbox, with the tickets as they are when it is sent."""

from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.deadlines.events import Event
from backend.escalation import arrivals, queries
from backend.escalation.digest import ALONE
from backend.escalation.ladder import StepRecipient, promise_ladder, shipped_codes, shipped_ladder
from backend.escalation.look_lines import look_lines
from backend.escalation.models import StaffNotice
from backend.escalation.texts import (
    LINES_MOST,
    OF_PROMISE,
    DigestLine,
    NewTickets,
    StaffMessage,
    shortened_title,
    urgency_of,
)
from backend.outbox.models import OutboxMessage
from backend.settings import get_settings
from backend.tickets.models import Ticket, TicketState
from backend.tickets.notices.texts import notice_title
from backend.units.models import Unit
from backend.users.models import Role, User
from backend.worktime import service as worktime
from backend.worktime.calendar import local_time

INBOX = "/hop-thu"
NEW_TICKETS = f"{INBOX}?state={TicketState.NEW.value}"
CHOICES = "/thong-bao/cach-nhan"
PAGES = {Role.MANAGER: "/chi-so"}  # for roles that open no ticket


def staff_letter(session: Session, row: OutboxMessage, user: User, now: datetime) -> StaffMessage | None:
    """Return the message, or None where no ticket is left to name.

    Tickets are left out that were answered, paused or extended meanwhile, or that the reader must not see any more.
    """
    notices = queries.notices_of(session, row.id, LINES_MOST)
    today = local_time(now).date()
    visible = [(notice, ticket) for notice, ticket in notices if queries.may_know(user, ticket)]
    lines = [line for notice, ticket in visible if (line := _line(session, notice, ticket, user, today))]
    lines += look_lines(session, queries.look_notices_of(session, row.id, LINES_MOST), user, today)
    new_tickets = _new_tickets(session, row, user)
    if not lines and new_tickets is None:
        return None
    alone = row.template == ALONE
    total = session.scalar(select(func.count()).select_from(StaffNotice).where(StaffNotice.message_id == row.id)) or 0
    return StaffMessage(
        role=user.role,
        language=user.language,
        lines=lines,
        more=total - LINES_MOST if len(notices) == LINES_MOST else 0,
        address=lines[0].address if alone and lines[0].address else _address(PAGES.get(user.role, INBOX)),
        alone=alone,
        new_tickets=new_tickets,
        choices=_address(CHOICES),
    )


def _new_tickets(session: Session, row: OutboxMessage, user: User) -> NewTickets | None:
    """Return the new tickets of the unit that a digest is about; None where there are none."""
    named, count = arrivals.named_arrivals(session, user, row.id)
    if not count:
        return None
    unit = session.get_one(Unit, user.unit_id).name
    lines = [
        DigestLine(
            None,
            ticket.number,
            shortened_title(ticket.title),
            unit,
            ticket.due_date,
            _address(f"{INBOX}/{ticket.number}"),
        )
        for ticket in named
    ]
    return NewTickets(count, lines, _address(NEW_TICKETS))


def _line(session: Session, notice: StaffNotice, ticket: Ticket, user: User, today: date) -> DigestLine | None:
    """Return one ticket as it is today; None where the notice is no longer true."""
    urgency, news = None, ""
    due = ticket.promise_until if notice.code.startswith(OF_PROMISE) else ticket.due_date
    if due is None:
        return None
    if notice.code in shipped_codes():
        days = worktime.load_calendar(session, ticket.calendar_id).days
        days_left = days.at(due.toordinal()) - days.at(today.toordinal())
        urgency = urgency_of(notice.code, due, today, days_left)
    elif not _is_moot(notice, ticket):
        news = notice_title(notice.code)
    if urgency is None and not news:
        return None
    return DigestLine(
        urgency,
        ticket.number,
        shortened_title(ticket.title),
        ticket.unit.name,
        due,
        "" if user.role in PAGES else _address(f"{INBOX}/{ticket.number}"),
        _missing_role(notice, user),
        news,
    )


def _is_moot(notice: StaffNotice, ticket: Ticket) -> bool:
    """Tell whether nothing is left to do about an event: the request was decided, or somebody else has the ticket."""
    if notice.code == Event.SUBMITTED_FOR_APPROVAL:
        return ticket.state is not TicketState.AWAITING_APPROVAL
    if notice.code == Event.ASSIGNED:
        return ticket.assignee_id != notice.user_id
    return notice.code == Event.EXTENSION_REQUESTED and not ticket.open


def _address(path: str) -> str:
    return get_settings().base_url.rstrip("/") + path


def _missing_role(notice: StaffNotice, user: User) -> StepRecipient | None:
    """Return the role that should get this reminder, where this person gets it because nobody has that role."""
    rules = (*shipped_ladder(), *promise_ladder())
    recipient = next((rule.to for rule in rules if rule.code == notice.code), None)
    return recipient if recipient is not None and recipient.value != user.role.value else None
