"""The lines of a message to staff that are about second looks, as these are on the day of sending."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from backend.escalation.models import StaffNotice
from backend.escalation.texts import DigestLine, Urgency, shortened_title
from backend.settings import get_settings
from backend.tickets.second_looks.models import SecondLook
from backend.tickets.second_looks.queries import noticed_looks
from backend.tickets.second_looks.reviewers import may_see
from backend.users.models import User
from backend.users.policy import Actor
from backend.worktime import service as worktime

LOOKS = "/xem-lai"


def look_lines(session: Session, notices: Sequence[StaffNotice], user: User, today: date) -> list[DigestLine]:
    """Return one line for each open second look that the reader may see. Decided ones are left out."""
    if not notices:
        return []
    looks = noticed_looks(session, [notice.ticket_id for notice in notices])
    actor = Actor(user.role, user.id, user.unit_id)
    return [_line(session, look, today) for look in looks.values() if may_see(session, actor, look)]


def _line(session: Session, look: SecondLook, today: date) -> DigestLine:
    address = f"{get_settings().base_url.rstrip('/')}{LOOKS}/{look.id}"
    title = shortened_title(look.ticket.title)
    return DigestLine(_urgency(session, look, today), look.ticket.number, title, look.unit.name, look.due_date, address)


def _urgency(session: Session, look: SecondLook, today: date) -> Urgency:
    if look.due_date < today:
        return Urgency.LOOK_OVERDUE
    days = worktime.load_calendar(session, look.calendar_id).days
    left = days.at(look.due_date.toordinal()) - days.at(today.toordinal())
    return Urgency.LOOK_LAST_DAY if left <= 1 else Urgency.LOOK_WAITS
