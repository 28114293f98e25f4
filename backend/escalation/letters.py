"""Make the message to staff from a row of the outbox, with the tickets as they are when it is sent."""

from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.escalation import queries
from backend.escalation.digest import ALONE
from backend.escalation.ladder import StepRecipient, promise_ladder, shipped_ladder
from backend.escalation.look_lines import look_lines
from backend.escalation.models import StaffNotice
from backend.escalation.texts import LINES_MOST, OF_PROMISE, DigestLine, StaffMessage, shortened_title, urgency_of
from backend.outbox.models import OutboxMessage
from backend.settings import get_settings
from backend.tickets.models import Ticket
from backend.users.models import Role, User
from backend.worktime import service as worktime
from backend.worktime.calendar import local_time

INBOX = "/hop-thu"
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
    if not lines:
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
    )


def _line(session: Session, notice: StaffNotice, ticket: Ticket, user: User, today: date) -> DigestLine | None:
    """Return one ticket as it is today; None where the notice is no longer true."""
    due = ticket.promise_until if notice.code.startswith(OF_PROMISE) else ticket.due_date if ticket.open else None
    if due is None:
        return None
    days = worktime.load_calendar(session, ticket.calendar_id).days
    days_left = days.at(due.toordinal()) - days.at(today.toordinal())
    urgency = urgency_of(notice.code, due, today, days_left)
    if urgency is None:
        return None
    return DigestLine(
        urgency,
        ticket.number,
        shortened_title(ticket.title),
        ticket.unit.name,
        due,
        "" if user.role in PAGES else _address(f"{INBOX}/{ticket.number}"),
        _missing_role(notice, user),
    )


def _address(path: str) -> str:
    return get_settings().base_url.rstrip("/") + path


def _missing_role(notice: StaffNotice, user: User) -> StepRecipient | None:
    """Return the role that should get this notice, where this person gets it because nobody has that role."""
    rules = (*shipped_ladder(), *promise_ladder())
    recipient = next((rule.to for rule in rules if rule.code == notice.code), None)
    return recipient if recipient is not None and recipient.value != user.role.value else None
