"""Stored rules: load the shipped ones, add a province's own, find the rules and versions that count a ticket."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import audit
from backend.db import table_of
from backend.deadlines.clock_states import EPISODE_CODES, TicketClocks, VersionBook
from backend.deadlines.events import TicketEvent
from backend.deadlines.rules import (
    APPROVAL,
    REQUIRED,
    DeadlineRule,
    LaterRule,
    RuleEvidence,
    RuleSubject,
    choose_rule,
    later_rule,
    manner_of,
    parse_value,
    read_value,
    shipped_rules,
)
from backend.errors import Invalid, _
from backend.tickets.clock_models import RuleVersion
from backend.tickets.lifecycle import BEGINNINGS, Event
from backend.tickets.models import Category, Channel, Ticket
from backend.worktime import service as worktime
from backend.worktime.calendar import WorkCalendar, local_time


@dataclass(frozen=True)
class Rulebook:
    """All stored versions of rules. Choices are cached, because choosing is pure: ``choices`` holds them."""

    rows: tuple[DeadlineRule, ...]
    by_id: dict[int, DeadlineRule]
    choices: dict[tuple[date, RuleSubject], dict[str, DeadlineRule]] = field(default_factory=dict)

    def ruling(self, on: date, about: RuleSubject) -> dict[str, DeadlineRule]:
        """Return the rule in force for each clock and limit of an episode that begins on a day, by code."""
        key = (on, about)
        if key not in self.choices:
            if len(self.choices) > 1_000:
                self.choices.clear()
            self.choices[key] = {code: self._rule(code, on, about) for code in EPISODE_CODES}
        return self.choices[key]

    def _rule(self, code: str, on: date, about: RuleSubject) -> DeadlineRule:
        """Return the stored rule, or the shipped one of a new code that nobody has stored yet."""
        stored_code = any(rule.code == code for rule in self.rows)
        return choose_rule(self.rows if stored_code else shipped_rules(), code, on, about=about).rule


def noted_ids(ruling: Mapping[str, DeadlineRule]) -> dict[str, int]:
    """Return the ids of the stored versions of these rules, as the history notes them."""
    return {code: rule.id for code, rule in ruling.items() if rule.id is not None}


class CalendarCache(dict[int, WorkCalendar]):
    """Stored calendars by id. Each is read when it is first needed."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def __missing__(self, calendar_id: int) -> WorkCalendar:
        calendar = self[calendar_id] = worktime.load_calendar(self._session, calendar_id)
        return calendar


READ_UPTO = "rules_read_upto"  # in ``session.info``: the last rule, for a session that only reads


def read_rules_once(session: Session) -> None:
    """Let the reads of this session ask for the last rule only once. Not for a session that adds rules."""
    session.info[READ_UPTO] = session.scalar(select(func.max(RuleVersion.id))) or 0


_cache: dict[str, tuple[int, Rulebook]] = {}  # by database: the id of the last rule, and the rules up to it


def last_rule_id(session: Session) -> int:
    """Return the id of the rule that was stored last, 0 where none is."""
    return session.scalar(select(func.max(RuleVersion.id))) or 0


def load_rules(session: Session, upto: int | None = None) -> Rulebook:
    """Return the stored rules.

    Rules are only added, never changed. So a process reads the rules up to an id once. A caller that knows the last id
    gives it as ``upto`` and saves a statement.
    """
    if upto is None:
        upto = session.info.get(READ_UPTO)
    if upto is None:
        upto = last_rule_id(session)
    database = str(session.get_bind().engine.url.database)
    last_id, rulebook = _cache.get(database, (-1, Rulebook((), {})))
    if last_id != upto:
        rows = session.scalars(select(RuleVersion).where(RuleVersion.id <= upto).order_by(RuleVersion.id))
        rules = tuple(_rule(row) for row in rows)
        rulebook = Rulebook(rules, {rule.id: rule for rule in rules if rule.id is not None})
        _cache[database] = (upto, rulebook)
    return rulebook


def load_shipped(session: Session, now: datetime) -> None:
    """Store the shipped rules that are not stored yet.

    A rule that a release has changed becomes a new version. Among equally narrow shipped rows the one stored last
    holds, so the change applies to tickets received from now on.
    """
    latest = {_place(rule): _plain(rule) for rule in load_rules(session).rows if not rule.province}
    session.add_all(_row(rule, now) for rule in shipped_rules() if latest.get(_place(rule)) != _plain(rule))
    session.flush()


def set_by_province(session: Session, rule: DeadlineRule, by: int, now: datetime) -> int:
    """Add a province's own rule and return its id. Tickets that were received before keep their term.

    Raises Invalid for a code that no shipped rule has, without a basis, for an unknown category, and for wrong dates.
    """
    if (rule.code, bool(rule.word)) not in {(shipped.code, bool(shipped.word)) for shipped in shipped_rules()}:
        raise Invalid(_("Không có thời hạn nào mang mã “%(code)s”."), field="code", code=rule.code)
    if not rule.basis.strip() or not rule.province.strip():
        raise Invalid(_("Xin ghi căn cứ và nơi ban hành."), field="basis")
    if rule.category and session.get(Category, rule.category) is None:
        raise Invalid(_("Xin chọn loại phản ánh."), field="category")
    if rule.valid_from is None or (rule.valid_to is not None and rule.valid_to < rule.valid_from):
        raise Invalid(_("Xin ghi ngày bắt đầu áp dụng, không sau ngày hết hạn."), field="valid_from")
    row = _row(rule, now)
    row.created_by = by
    session.add(row)
    session.flush()
    return row.id


def needs_approval(session: Session, category: Category, on: date) -> bool:
    """Tell whether an answer in this category, given on a day, needs the approval of a second person.

    It does not where no such rule is stored.
    """
    rows = [rule for rule in load_rules(session).rows if rule.code == APPROVAL and rule.in_force(on)]
    return bool(rows) and choose_rule(rows, APPROVAL, on, about=subject_of(category)).rule.word == REQUIRED


def subject_of(category: Category, channel: Channel | None = None) -> RuleSubject:
    """Return what rules may be narrowed to, for a ticket in this category that came by this channel."""
    manner = manner_of(channel.value) if channel is not None else ""
    return RuleSubject(category=category.code, category_class=category.category_class.value, manner=manner)


def rule_of_today(session: Session, ticket: Ticket, clocks: TicketClocks, today: date) -> LaterRule | None:
    """Return the rule of handling that has replaced the ticket's own since its term began.

    The ticket itself keeps the version of its day. None where no rule has replaced it by ``today``. Needs
    ``ticket.category`` loaded.
    """
    begun = local_time(clocks.resolve.term.start).date()
    narrowed = subject_of(ticket.category, ticket.channel)
    later = later_rule(load_rules(session).rows, clocks.resolve.rule.code, begun, narrowed)
    return later if later is not None and later.first <= today else None


def noted_rules(session: Session, tickets: Sequence[Ticket], code: str) -> dict[int, DeadlineRule]:
    """Return the rule of a code that holds for each ticket, by id: the one noted when its episode began."""
    table, rules = table_of(audit.AuditEntry), load_rules(session)
    chains = {audit.ticket_chain(ticket.id): ticket for ticket in tickets}
    rows = session.execute(
        select(table.c.chain, table.c.data["rules"][code].as_integer())
        .where(table.c.chain.in_(chains), table.c.action.in_(event.value for event in BEGINNINGS))
        .order_by(table.c.chain, table.c.seq)
    )
    noted = {chain: rules.by_id.get(rule_id or 0) for chain, rule_id in rows}
    return {
        ticket.id: noted.get(chain) or rules.ruling(ticket.received_on, RuleSubject())[code]
        for chain, ticket in chains.items()
    }


def rules_since_reception(
    session: Session, ticket: Ticket, codes: Collection[str], upto: int | None = None
) -> dict[str, DeadlineRule]:
    """Return the rules of some codes that were in force when the ticket was received, by code.

    A code without a rule on that day is left out. ``upto`` as for ``load_rules``. Needs ``ticket.category`` loaded.
    """
    rules = load_rules(session, upto).rows
    rows = [rule for rule in rules if rule.code in codes and rule.in_force(ticket.received_on)]
    narrowed = subject_of(ticket.category, ticket.channel)
    return {
        code: choose_rule(rows, code, ticket.received_on, about=narrowed).rule
        for code in {rule.code for rule in rows if rule.is_for(narrowed)}
    }


def version_book(
    session: Session,
    ticket: Any,
    history: Sequence[TicketEvent],
    calendars: CalendarCache | None = None,
    rules: Rulebook | None = None,
) -> VersionBook:
    """Return the versions of rules and calendars that apply to a history.

    A history may name no versions: an old one, or one from another system. Then the versions noted in the ticket's row
    apply. ``ticket`` is a Ticket or a row of its columns. A caller with many tickets gives ``calendars`` and ``rules``.
    """
    rules = rules or load_rules(session)
    rules_in_force = dict(rules.ruling(ticket.received_on, RuleSubject()))
    if not (history and history[0].data.get("rules")):
        rules_in_force["resolve"] = _rule_noted(ticket, rules, rules_in_force["resolve"])
    first_calendar = _first_calendar(ticket, history)
    return VersionBook(calendars or CalendarCache(session), rules.by_id, first_calendar, rules_in_force)


def _rule_noted(ticket: Ticket, rules: Rulebook, shipped: DeadlineRule) -> DeadlineRule:
    """Return the rule that the ticket's row notes: stored, or shipped with the same term, or made of the row alone."""
    stored_rule = rules.by_id.get(ticket.rule_id) if ticket.rule_id is not None else None
    if stored_rule is not None and stored_rule.value == ticket.term:
        return stored_rule
    duration = parse_value(ticket.term)
    if duration == shipped.duration:
        return replace(shipped, id=ticket.rule_id)
    return DeadlineRule(ticket.rule, duration, shipped.basis, RuleEvidence.UNVERIFIED, id=ticket.rule_id)


def _first_calendar(ticket: Ticket, history: Sequence[TicketEvent]) -> int:
    """Return the calendar version before the first recount."""
    recounts = (ticket_event.data for ticket_event in history if ticket_event.event is Event.RECOUNTED)
    first = next(recounts, None)
    return int(first["from"]) if first is not None else ticket.calendar_id


def _place(rule: DeadlineRule) -> tuple[object, ...]:
    """Return what a later version of a rule shares with it: the code, what it is for, and its dates of force."""
    narrow = (rule.case, rule.category, rule.category_class, rule.manner)
    return (rule.code, rule.adds_to, *narrow, rule.valid_from, rule.valid_to)


_SAME = [item.name for item in fields(DeadlineRule) if item.name not in ("id", "duration", "word")]


def _plain(rule: DeadlineRule) -> tuple[object, ...]:
    """Return a rule without its id, to compare it with the stored ones."""
    return (rule.value, *(getattr(rule, name) for name in _SAME))


def _rule(row: RuleVersion) -> DeadlineRule:
    return DeadlineRule(**read_value(row.value), id=row.id, **{name: getattr(row, name) for name in _SAME})


def _row(rule: DeadlineRule, now: datetime) -> RuleVersion:
    return RuleVersion(value=rule.value, created_at=now, **{name: getattr(rule, name) for name in _SAME})
