"""Who may see and who may decide a second look: the level above, and nobody who had a part in what it is about.

The level above a unit is the coordinator of the province, and the officers and leaders of the units above it: its
parent, and the desk that handles complaints about its conduct. The unit that answered never sees a second look. Neither
does the unit that a complaint about conduct is about.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import Session

from backend import audit
from backend.errors import Forbidden, NotFound, _
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.second_looks.models import SecondLook
from backend.units.models import Unit
from backend.users.policy import EVERY_UNIT, OWN_UNIT, Actor, Permission, PolicySubject, can


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Return the condition in SQL that ``actor`` may see a second look. It is the rule of ``may_see``."""
    if actor.role in EVERY_UNIT[Permission.REVIEW_ANSWER]:
        return _hidden_from_none_of(actor)
    if actor.role not in OWN_UNIT[Permission.REVIEW_ANSWER] or actor.unit_id is None:
        return false()
    below = select(Unit.id).where(or_(Unit.parent_id == actor.unit_id, Unit.conduct_desk_id == actor.unit_id))
    return SecondLook.unit_id.in_(below) & _hidden_from_none_of(actor)


def _hidden_from_none_of(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that the actor's unit neither gave the answer nor is complained about."""
    unit_id = actor.unit_id if actor.unit_id is not None else 0
    return (SecondLook.unit_id != unit_id) & SecondLook.hidden_unit_id.is_distinct_from(unit_id)


def may_see(session: Session, actor: Actor, look: SecondLook) -> bool:
    """Return whether ``actor`` belongs to the level above the unit that answered."""
    unit = session.get_one(Unit, look.unit_id)
    above = {unit.parent_id, unit.conduct_desk_id} - {None, look.unit_id}
    hidden = actor.unit_id is not None and actor.unit_id in (look.unit_id, look.hidden_unit_id)
    subject = PolicySubject(
        unit_id=actor.unit_id if actor.unit_id in above else look.unit_id,
        hidden_from=actor.unit_id if hidden else None,
    )
    return can(actor, Permission.REVIEW_ANSWER, subject)


def check_reviewer(session: Session, actor: Actor, look: SecondLook) -> None:
    """Refuse somebody who must not decide this second look.

    Raises NotFound for whoever does not belong to the level above, Forbidden for whoever had a part before.
    """
    if not may_see(session, actor, look):
        raise NotFound
    if had_part(session, actor, look):
        raise Forbidden(_("Bạn đã tham gia giải quyết phản ánh này nên không xem lại được. Xin để người khác xem lại."))


def had_part(session: Session, actor: Actor, look: SecondLook) -> bool:
    """Return whether the actor stands in the history of the ticket before the second look was asked for."""
    return actor.user_id is not None and actor.user_id in _participants(session, look)


def _participants(session: Session, look: SecondLook) -> set[int]:
    """Return the accounts that acted on the ticket or had it, also on the ticket that it was merged into."""
    into_id = session.scalar(select(Ticket.merged_into_id).where(Ticket.id == look.ticket_id))
    ticket_ids = [look.ticket_id] if into_id is None else [look.ticket_id, into_id]
    chains = [audit.ticket_chain(ticket_id) for ticket_id in ticket_ids]
    entries = session.execute(
        select(audit.AuditEntry.user_id, audit.AuditEntry.action, audit.AuditEntry.data).where(
            audit.AuditEntry.chain.in_(chains), audit.AuditEntry.at <= look.asked_at
        )
    ).all()
    return {user_id for entry in entries for user_id in _people_in(entry)}


def _people_in(entry: Any) -> Sequence[int]:
    assigned = entry.data.get("user") if entry.action == Event.ASSIGNED else None
    return [user_id for user_id in (entry.user_id, assigned) if user_id is not None]
