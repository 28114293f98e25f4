"""Reads of groups: the groups of a unit, one group with its members, what senders added, what was done with all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, select, true
from sqlalchemy.orm import Session

from backend import audit
from backend.deadlines.clocks import read_history
from backend.errors import NotFound, _
from backend.tickets import projection, rulebook
from backend.tickets.dossier import Dossier
from backend.tickets.groups.models import GroupNews, GroupStep, MatterGroup
from backend.tickets.groups.service import group_subject
from backend.tickets.models import Ticket, is_open
from backend.tickets.queries import SHOWN
from backend.tickets.rulebook import CalendarCache
from backend.users.policy import EVERY_UNIT, Actor, Permission, can

GROUPS_MOST: Final = 50  # on a page
NEWS_MOST: Final = 30  # the latest; a member can be answered, disputed and reopened many times


@dataclass(frozen=True)
class GroupRow:
    """A group in the list: how many members it has, how many of them are open, and how many news are unread."""

    group: MatterGroup
    members: int
    open: int
    unread: int


def find_group(session: Session, group_id: int, actor: Actor) -> MatterGroup:
    """Return a group. Raises NotFound also where this actor must not see it."""
    group = session.get(MatterGroup, group_id, populate_existing=True)
    if group is None or not can(actor, Permission.VIEW_TICKET, group_subject(group)):
        raise NotFound(_("Không tìm thấy nhóm phản ánh này."))
    return group


def list_members(session: Session, group_id: int) -> Sequence[Ticket]:
    """Return the tickets of a group, the one that came first at the head."""
    statement = select(Ticket).where(Ticket.group_id == group_id).options(*SHOWN).order_by(Ticket.id)
    return session.scalars(statement.execution_options(populate_existing=True)).all()


def list_groups(session: Session, actor: Actor, *, before: int | None = None) -> list[GroupRow]:
    """Return the latest groups that ``actor`` may see and that were not undone, with ids before ``before``."""
    statement = select(MatterGroup).where(_visible_groups(actor), MatterGroup.ended_at.is_(None))
    if before is not None:
        statement = statement.where(MatterGroup.id < before)
    groups = session.scalars(statement.order_by(MatterGroup.id.desc()).limit(GROUPS_MOST)).all()
    members, news = _count_members(session, groups), _count_unread(session, groups)
    return [GroupRow(group, *members.get(group.id, (0, 0)), news.get(group.id, 0)) for group in groups]


def _visible_groups(actor: Actor) -> ColumnElement[bool]:
    """Return what ``policy.can`` allows, as a condition."""
    every = actor.role in EVERY_UNIT[Permission.VIEW_INBOX]
    within = true() if every else MatterGroup.unit_id == actor.unit_id
    return and_(within, MatterGroup.hidden_from_id.is_distinct_from(actor.unit_id) if actor.unit_id else true())


def _count_members(session: Session, groups: Sequence[MatterGroup]) -> dict[int, tuple[int, int]]:
    rows = session.execute(
        select(Ticket.group_id, func.count().label("members"), func.count().filter(is_open()).label("open"))
        .where(Ticket.group_id.in_([group.id for group in groups]))
        .group_by(Ticket.group_id)
    )
    return {row.group_id: (row.members, row.open) for row in rows}


def _count_unread(session: Session, groups: Sequence[MatterGroup]) -> dict[int, int]:
    unread = and_(GroupNews.group_id == MatterGroup.id, GroupNews.id > MatterGroup.read_upto)
    rows = session.execute(
        select(MatterGroup.id, func.count().label("unread"))
        .join(GroupNews, unread)
        .where(MatterGroup.id.in_([group.id for group in groups]))
        .group_by(MatterGroup.id)
    )
    return {row.id: row.unread for row in rows}


def list_news(session: Session, group: MatterGroup) -> Sequence[GroupNews]:
    """Return what the senders of a group added, the latest first."""
    statement = select(GroupNews).where(GroupNews.group_id == group.id).order_by(GroupNews.id.desc())
    return session.scalars(statement.limit(NEWS_MOST)).all()


def last_step(session: Session, group: MatterGroup) -> GroupStep | None:
    """Return the latest action on many members."""
    statement = select(GroupStep).where(GroupStep.group_id == group.id).order_by(GroupStep.id.desc())
    return session.scalars(statement.limit(1)).first()


def numbers_of(session: Session, ticket_ids: Sequence[int]) -> dict[int, str]:
    """Return the public numbers of tickets by id. The caller has checked the right to read them."""
    rows = session.execute(select(Ticket.id, Ticket.number).where(Ticket.id.in_(ticket_ids)))
    return {row.id: row.number for row in rows}


def read_dossiers(session: Session, tickets: Sequence[Ticket], now: datetime) -> dict[int, Dossier]:
    """Read many tickets with as few statements as one (see ``read_dossier``); by id. Needs ``category`` loaded."""
    entries = _entries(session, tickets)
    rules, calendars = rulebook.load_rules(session), CalendarCache(session)
    dossiers = {}
    for ticket in tickets:
        own = entries.get(audit.ticket_chain(ticket.id), [])
        history = projection.events_of(own)
        at = max(now, history[-1].at)
        book = rulebook.version_book(session, ticket, history, calendars, rules)
        reading = read_history(history, book, at)
        dossiers[ticket.id] = Dossier(session, ticket, now, at, own, history, book, reading, reading.clocks(at))
    return dossiers


def _entries(session: Session, tickets: Sequence[Ticket]) -> Mapping[str, list[Any]]:
    entry = audit.AuditEntry
    chains = [audit.ticket_chain(ticket.id) for ticket in tickets]
    rows = session.scalars(select(entry).where(entry.chain.in_(chains)).order_by(entry.chain, entry.seq))
    return {chain: list(links) for chain, links in groupby(rows, key=lambda row: str(row.chain))}
