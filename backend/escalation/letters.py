"""From a row of the outbox to a letter to staff, with the tickets as they stand when it is sent."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.escalation import queries
from backend.escalation.digest import ALONE
from backend.escalation.ladder import StepRecipient, shipped_ladder
from backend.escalation.models import StaffNotice
from backend.escalation.texts import LINES_MOST, DigestLine, StaffMessage
from backend.outbox.models import OutboxMessage
from backend.settings import get_settings
from backend.users.models import Role, User

PAGES = {Role.MANAGER: "/chi-so"}


def staff_letter(session: Session, row: OutboxMessage, user: User) -> StaffMessage | None:
    """What there still is to say: tickets answered, paused or moved out of the reader's sight meanwhile are left out;
    None when nothing remains."""
    found = queries.notices_of(session, row.id, LINES_MOST)
    lines = [
        DigestLine(notice.code, ticket.number, ticket.unit.name, ticket.due_date, _missing_role(notice, user))
        for notice, ticket in found
        if queries.may_know(user, ticket)
    ]
    if not lines:
        return None
    alone = row.template == ALONE
    total = session.scalar(select(func.count()).select_from(StaffNotice).where(StaffNotice.message_id == row.id)) or 0
    page = PAGES.get(user.role, f"/hop-thu/{lines[0].number}" if alone else "/hop-thu")
    return StaffMessage(
        role=user.role,
        language=user.language,
        lines=lines,
        more=total - LINES_MOST if len(found) == LINES_MOST else 0,
        address=get_settings().base_url.rstrip("/") + page,
        alone=alone,
    )


def _missing_role(notice: StaffNotice, user: User) -> StepRecipient | None:
    """The role in whose place this person is told, for the unit has nobody of it."""
    meant = next((rung.to for rung in shipped_ladder() if rung.code == notice.code), None)
    return meant if meant is not None and meant.value != user.role.value else None
