"""Write notices in the transaction of their event; mark them as read; store what each person chooses."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    ColumnExpressionArgument,
    Integer,
    String,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.orm import Session, aliased

from backend import audit
from backend.db import Moment, table_of, transaction
from backend.errors import Invalid, _
from backend.tickets.notices.audience import NoticeAudience, NoticeRule, notice_rule
from backend.tickets.notices.kinds import DEFAULTS, WAYS, NoticeKind, NoticeWay
from backend.tickets.notices.models import NoticeChoice, NoticeSettings, StaffNotice
from backend.users.models import Role, User
from backend.users.policy import EVERY_UNIT, HANDLERS, OWN_UNIT, Permission, PolicySubject

STORED_FOR = timedelta(days=90)
PRUNED_TOGETHER = 1_000

UNIT = bindparam("unit", type_=Integer)
HIDDEN_FROM = bindparam("hidden_from", type_=Integer)
ASSIGNEE = bindparam("assignee", type_=Integer)
_COLUMNS = ("key", "ticket_id", "user_id", "code", "way", "at")


@dataclass(frozen=True)
class NoticeOccasion:
    """An event of a ticket as notices need it, with the ticket as it stands after the event.

    - ``seq``: the number of the entry in the history of the ticket; it makes the keys unique.
    - ``submitter``: the key of the actor whose request the event decides.
    - ``near``: the due date is so near that a digest would come too late.
    """

    action: str
    seq: int
    actor: str
    at: datetime
    ticket_id: int
    subject: PolicySubject
    assignee_id: int | None = None
    submitter: str = ""
    mentions: Collection[int] = field(default_factory=tuple)
    near: bool = False


def tell_staff(session: Session, occasion: NoticeOccasion) -> None:
    """Write a notice for each person whom the event concerns, in one statement. Nobody hears of their own action.

    The permission of the table and the choice of each person are conditions of the statement. A second call for the
    same event writes nothing.
    """
    rule = notice_rule(occasion.action)
    submitter = audit.user_id_in(occasion.submitter)
    if rule is None or (rule.to == {NoticeAudience.SUBMITTER} and submitter is None):
        return
    subject = occasion.subject
    statement = _telling(rule, hidden=subject.hidden_from is not None, at_once=rule.urgent_near and occasion.near)
    values = {
        "prefix": f"{audit.ticket_chain(occasion.ticket_id)}:{occasion.action}:{occasion.seq}:",
        "ticket": occasion.ticket_id,
        "action": occasion.action,
        "happened_at": occasion.at,
        "actor": audit.user_id_in(occasion.actor) or 0,
        "unit": subject.unit_id,
        "hidden_from": subject.hidden_from,
        "assignee": occasion.assignee_id or 0,
        "submitter": submitter or 0,
        "mentions": sorted(occasion.mentions),
    }
    session.execute(statement, values)


@lru_cache(maxsize=100)
def _telling(rule: NoticeRule, *, hidden: bool, at_once: bool) -> Insert:
    """Return the statement that writes the notices of a rule. It is built once: building takes longer than running."""
    table = table_of(StaffNotice)
    way: ColumnElement[NoticeWay] = func.coalesce(NoticeChoice.way, literal(DEFAULTS[rule.kind], StaffNotice.way.type))
    if at_once:
        way = case((way == NoticeWay.GATHERED, literal(NoticeWay.AT_ONCE, StaffNotice.way.type)), else_=way)
    people = (
        select(
            bindparam("prefix", type_=String) + audit.user_key_of(User.id),
            bindparam("ticket", type_=Integer),
            User.id,
            bindparam("action", type_=String),
            way,
            bindparam("happened_at", type_=Moment),
        )
        .outerjoin(NoticeChoice, and_(NoticeChoice.user_id == User.id, NoticeChoice.kind == rule.kind))
        .where(
            User.active,
            User.id != bindparam("actor"),
            may(rule.permission, UNIT, HIDDEN_FROM if hidden else None),
            or_(*(_is_concerned(audience) for audience in sorted(rule.to))),
            way != NoticeWay.OFF,
        )
    )
    return insert(table).from_select(_COLUMNS, people).on_conflict_do_nothing(index_elements=["key"])


def may(
    permission: Permission, unit_id: BindParameter[int] | int, hidden_from: BindParameter[int] | int | None
) -> ColumnElement[bool]:
    """Return the condition on accounts that ``policy.can`` allows the permission for a ticket of a unit."""
    rights: ColumnElement[bool] = or_(
        User.role.in_(EVERY_UNIT.get(permission, frozenset())),
        and_(User.role.in_(OWN_UNIT.get(permission, frozenset())), User.unit_id == unit_id),
    )
    return rights if hidden_from is None else and_(rights, User.unit_id.is_distinct_from(hidden_from))


def _is_concerned(audience: NoticeAudience) -> ColumnElement[bool]:
    """Return the condition that an account belongs to an audience."""
    of_unit = User.unit_id == UNIT
    officers = and_(of_unit, User.role == Role.OFFICER)
    assignee = User.id == ASSIGNEE
    conditions: dict[NoticeAudience, ColumnElement[bool]] = {
        NoticeAudience.OFFICERS: officers,
        NoticeAudience.LEADERS: and_(of_unit, User.role == Role.LEADER),
        NoticeAudience.ASSIGNEE: assignee,
        NoticeAudience.HANDLERS: or_(assignee, and_(officers, ~_has_active_assignee())),
        NoticeAudience.SUBMITTER: User.id == bindparam("submitter", type_=Integer),
        NoticeAudience.COORDINATORS: User.role == Role.COORDINATOR,
        NoticeAudience.MENTIONED: User.id.in_(bindparam("mentions", type_=Integer, expanding=True)),
    }
    return conditions[audience]


def _has_active_assignee() -> ColumnElement[bool]:
    """Return the condition that the assigned officer is active and still belongs to the unit."""
    assignee = aliased(User)
    of_unit = (assignee.active, assignee.role.in_(HANDLERS), assignee.unit_id == UNIT)
    return exists().where(assignee.id == ASSIGNEE, *of_unit)


def mark_ticket_read(session: Session, user_id: int, ticket_id: int, now: datetime) -> int:
    """Mark the notices of one person about one ticket as read, because the person sees the ticket itself.

    Return how many were unread.
    """
    return _mark(session, StaffNotice.ticket_id == ticket_id, user_id, now)


def mark_notice_read(session: Session, user_id: int, notice_id: int, now: datetime) -> None:
    """Mark one notice as read. The notice of another person, and one that is gone, stays as it is."""
    _mark(session, StaffNotice.id == notice_id, user_id, now)


def mark_all_read(session: Session, user_id: int, upto: int, seen_ticket_id: int, now: datetime) -> None:
    """Mark the notices up to an id as read, and the new tickets up to one: what the list showed, and no later ones."""
    _mark(session, StaffNotice.id <= upto, user_id, now)
    mark_arrivals_seen(session, user_id, seen_ticket_id)


def _mark(session: Session, which: ColumnExpressionArgument[bool], user_id: int, now: datetime) -> int:
    unread = (StaffNotice.user_id == user_id, StaffNotice.read_at.is_(None), which)
    marking = update(StaffNotice).where(*unread).values(read_at=now).returning(StaffNotice.id)
    return len(session.scalars(marking).all())


def mark_arrivals_seen(session: Session, user_id: int, ticket_id: int) -> None:
    """Note that a person has seen the new tickets up to this id. An earlier id changes nothing."""
    _put_settings(session, user_id)
    session.execute(
        update(NoticeSettings)
        .where(NoticeSettings.user_id == user_id, NoticeSettings.seen_ticket_id < ticket_id)
        .values(seen_ticket_id=ticket_id)
    )


def choose_ways(session: Session, user_id: int, ways: dict[NoticeKind, NoticeWay]) -> None:
    """Store how a person wants the kinds of notices. Raises Invalid at the kind that does not offer the way."""
    wrong = [kind for kind, way in ways.items() if way not in WAYS[kind]]
    Invalid.collect([Invalid(_("Hãy chọn một trong các mục."), field=kind.value) for kind in wrong])
    rows = [{"user_id": user_id, "kind": kind, "way": way} for kind, way in ways.items()]
    if not rows:
        return
    put = insert(table_of(NoticeChoice))
    session.execute(put.on_conflict_do_update(index_elements=["user_id", "kind"], set_={"way": put.excluded.way}), rows)


def read_settings(session: Session, user_id: int) -> NoticeSettings:
    """Return the settings of a person, locked. They are made where there are none."""
    _put_settings(session, user_id)
    statement = select(NoticeSettings).where(NoticeSettings.user_id == user_id).with_for_update()
    return session.scalars(statement.execution_options(populate_existing=True)).one()


def _put_settings(session: Session, user_id: int) -> None:
    session.execute(
        insert(table_of(NoticeSettings)).values(user_id=user_id).on_conflict_do_nothing(index_elements=["user_id"])
    )


def prune_notices(now: datetime) -> int:
    """Remove notices older than ``STORED_FOR``, oldest first, in small transactions. Return how many."""
    count = 0
    while True:
        with transaction() as session:
            oldest = select(StaffNotice.id, StaffNotice.at).order_by(StaffNotice.id).limit(PRUNED_TOGETHER).subquery()
            old = select(oldest.c.id).where(oldest.c.at < now - STORED_FOR)
            gone = session.scalars(delete(StaffNotice).where(StaffNotice.id.in_(old)).returning(StaffNotice.id)).all()
        count += len(gone)
        if len(gone) < PRUNED_TOGETHER:
            return count
