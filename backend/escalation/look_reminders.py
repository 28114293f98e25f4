"""Reminders about second looks: the ladder tells the level above, and never the unit that answered.

While nobody has taken a second look, everybody who may take it gets the notice; then the reviewer alone, until it is
overdue. A late or double run is harmless: each notice has a key of its own.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit
from backend.db import transaction
from backend.escalation import ladder
from backend.escalation.ladder import EscalationFacts, EscalationStep
from backend.escalation.service import PUT_NOTICE, parse_term
from backend.tickets.notices.kinds import NoticeWay
from backend.tickets.second_looks import queries as second_looks
from backend.tickets.second_looks.models import SecondLook
from backend.tickets.second_looks.reviewers import had_part, may_see
from backend.users.models import Role, User
from backend.users.policy import HANDLERS, Actor
from backend.worktime import service as worktime
from backend.worktime.calendar import WorkCalendar

OVERDUE: Final = "look_overdue"
BATCH: Final = 100
_ROLES: Final = (Role.COORDINATOR, *HANDLERS)


def sweep_looks(now: datetime, enqueue: Callable[[list[int]], object]) -> int:
    """Hand out the second looks whose next reminder may be due. Return how many."""
    with transaction() as session:
        ids = list(second_looks.due_for_reminder(session, now, BATCH))
    if ids:
        enqueue(ids)
    return len(ids)


def remind_reviewers(look_ids: Sequence[int], now: datetime) -> int:
    """Lock second looks, look at them again and write what is due. Return how many were looked at."""
    with transaction() as session:
        looks = second_looks.lock_for_reminder(session, look_ids, now)
        calendar = worktime.load_calendar(session, worktime.active_id(session))
        people = _level_above(session) if looks else []
        for look in looks:
            look.remind_at = _remind(session, look, calendar, people, now)
        return len(looks)


def _remind(
    session: Session, look: SecondLook, calendar: WorkCalendar, people: Sequence[User], now: datetime
) -> datetime | None:
    """Write the notices that are due, and return when to look next. Outside working hours nobody gets a notice."""
    if not ladder.at_work(calendar, now):
        return ladder.after_pause(calendar, now)
    facts = EscalationFacts(look.ticket_id, look.asked_on, look.due_date, parse_term(look.term))
    steps = ladder.steps_due(facts, calendar, now, ladder.look_ladder())
    if steps:
        recipients = _recipients(session, look, people, steps[-1].code)
        notices = [_notice(look, steps[-1], user, now) for user in recipients]
        if notices:
            session.execute(PUT_NOTICE, notices)
    return ladder.next_look(facts, calendar, now, ladder.look_ladder())


def _level_above(session: Session) -> Sequence[User]:
    """Return the active people who may belong to the level above some unit."""
    return session.scalars(select(User).where(User.active, User.role.in_(_ROLES)).order_by(User.id)).all()


def _recipients(session: Session, look: SecondLook, people: Sequence[User], code: str) -> list[User]:
    """Return who gets the notice: the reviewer, and all others who may review where there is none or it is overdue."""
    reviewer = [user for user in people if user.id == look.reviewer_id]
    if reviewer and code != OVERDUE:
        return reviewer
    may_review = partial(_may_review, session, look)
    others = [user for user in people if user not in reviewer and may_review(user)]
    leading = [user for user in others if user.role is not Role.OFFICER]
    return reviewer + (leading or others)


def _may_review(session: Session, look: SecondLook, user: User) -> bool:
    actor = Actor(user.role, user.id, user.unit_id)
    return may_see(session, actor, look) and not had_part(session, actor, look)


def _notice(look: SecondLook, step: EscalationStep, user: User, now: datetime) -> dict[str, object]:
    """Return a notice. The reviewer's key is another one, so that whoever takes a second look is reminded of it."""
    taken = ":taken" if user.id == look.reviewer_id else ""
    return {
        "key": f"{audit.look_chain(look.id)}:{step.code}:{step.occasion.isoformat()}{taken}:{audit.user_key(user.id)}",
        "ticket_id": look.ticket_id,
        "user_id": user.id,
        "code": step.code,
        "way": NoticeWay.GATHERED,
        "at": now,
        "message_id": None,
    }
