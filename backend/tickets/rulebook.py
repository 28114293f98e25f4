"""Stored rules: the shipped ones loaded once, a province's own added, and what a ticket's history is read by."""

from collections.abc import Mapping, Sequence
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
    """All stored versions, and what was chosen of them before: choosing is pure, so it is done once."""

    rows: tuple[DeadlineRule, ...]
    by_id: dict[int, DeadlineRule]
    chosen: dict[tuple[date, RuleSubject], dict[str, DeadlineRule]] = field(default_factory=dict)

    def ruling(self, on: date, about: RuleSubject) -> dict[str, DeadlineRule]:
        """The rule of each clock for an episode that begins on a day."""
        key = (on, about)
        if key not in self.chosen:
            if len(self.chosen) > 1_000:
                self.chosen.clear()
            self.chosen[key] = {code: self._rule(code, on, about) for code in EPISODE_CODES}
        return self.chosen[key]

    def _rule(self, code: str, on: date, about: RuleSubject) -> DeadlineRule:
        """The stored rule; the shipped one of a code that a new release brings and that nobody has loaded yet."""
        stored_code = any(rule.code == code for rule in self.rows)
        return choose_rule(self.rows if stored_code else shipped_rules(), code, on, about=about).rule


def noted_ids(ruling: Mapping[str, DeadlineRule]) -> dict[str, int]:
    """The stored versions of a ruling, as the history notes them."""
    return {code: rule.id for code, rule in ruling.items() if rule.id is not None}


class CalendarCache(dict[int, WorkCalendar]):
    """Stored calendars by id, read when they are asked for."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def __missing__(self, calendar_id: int) -> WorkCalendar:
        found = self[calendar_id] = worktime.load_calendar(self._session, calendar_id)
        return found


_held: dict[str, tuple[int, Rulebook]] = {}


def load_rules(session: Session, upto: int | None = None) -> Rulebook:
    """The stored rules. They are only ever added to, so those up to an id are read once a process; ``upto`` spares the
    question which is the last."""
    if upto is None:
        upto = session.scalar(select(func.max(RuleVersion.id))) or 0
    database = str(session.get_bind().engine.url.database)
    known, rules = _held.get(database, (-1, Rulebook((), {})))
    if known != upto:
        rows = session.scalars(select(RuleVersion).where(RuleVersion.id <= upto).order_by(RuleVersion.id))
        read = tuple(_rule(row) for row in rows)
        rules = Rulebook(read, {rule.id: rule for rule in read if rule.id is not None})
        _held[database] = (upto, rules)
    return rules


def load_shipped(session: Session, now: datetime) -> None:
    """Store the shipped rules that are not stored yet. A rule that a release has changed becomes a new version: of
    equally narrow shipped rows the one stored last holds, so the change reaches what is received from now on."""
    latest = {_place(rule): _plain(rule) for rule in load_rules(session).rows if not rule.province}
    session.add_all(_row(rule, now) for rule in shipped_rules() if latest.get(_place(rule)) != _plain(rule))
    session.flush()


def set_by_province(session: Session, rule: DeadlineRule, by: int, now: datetime) -> int:
    """Add a province's own rule. Raises Invalid for one that no shipped rule has the code of, or without a basis, or
    for a category that does not exist. Tickets received before keep the term that they were received under."""
    if (rule.code, bool(rule.word)) not in {(known.code, bool(known.word)) for known in shipped_rules()}:
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
    """Whether an answer about this category, given on a day, leaves only with the approval of a second person. Not
    where no such rule is stored."""
    rows = [rule for rule in load_rules(session).rows if rule.code == APPROVAL and rule.in_force(on)]
    return bool(rows) and choose_rule(rows, APPROVAL, on, about=subject_of(category)).rule.word == REQUIRED


def subject_of(category: Category, channel: Channel | None = None) -> RuleSubject:
    """What rules may be narrowed to, of a ticket in this category that came by this channel."""
    manner = manner_of(channel.value) if channel is not None else ""
    return RuleSubject(category=category.code, category_class=category.category_class.value, manner=manner)


def rule_of_today(session: Session, ticket: Ticket, clocks: TicketClocks, today: date) -> LaterRule | None:
    """The rule of handling that has taken the place of the ticket's own since its term began: the ticket keeps the
    version of its day. None where there is no such rule by ``today``. Needs ``ticket.category`` loaded."""
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


def version_book(
    session: Session, ticket: Any, history: Sequence[TicketEvent], calendars: CalendarCache | None = None
) -> VersionBook:
    """What a history is read by. Where it names no versions (tickets of before, or brought over from another system)
    those noted with the ticket count. ``ticket`` is a Ticket or a row of its columns."""
    rules = load_rules(session)
    ruling = dict(rules.ruling(ticket.received_on, RuleSubject()))
    if not (history and history[0].data.get("rules")):
        ruling["resolve"] = _rule_noted(ticket, rules, ruling["resolve"])
    return VersionBook(calendars or CalendarCache(session), rules.by_id, _first_calendar(ticket, history), ruling)


def _rule_noted(ticket: Ticket, rules: Rulebook, shipped: DeadlineRule) -> DeadlineRule:
    stored_rule = rules.by_id.get(ticket.rule_id) if ticket.rule_id is not None else None
    if stored_rule is not None and stored_rule.value == ticket.term:
        return stored_rule
    duration = parse_value(ticket.term)
    if duration == shipped.duration:
        return replace(shipped, id=ticket.rule_id)
    return DeadlineRule(ticket.rule, duration, shipped.basis, RuleEvidence.UNVERIFIED, id=ticket.rule_id)


def _first_calendar(ticket: Ticket, history: Sequence[TicketEvent]) -> int:
    recounts = (h.data for h in history if h.event is Event.RECOUNTED)
    first = next(recounts, None)
    return int(first["from"]) if first is not None else ticket.calendar_id


def _place(rule: DeadlineRule) -> tuple[object, ...]:
    """What a later version of a rule has in common with it: code, what it is for, and the days it is for."""
    narrow = (rule.case, rule.category, rule.category_class, rule.manner)
    return (rule.code, rule.adds_to, *narrow, rule.valid_from, rule.valid_to)


_SAME = [item.name for item in fields(DeadlineRule) if item.name not in ("id", "duration", "word")]


def _plain(rule: DeadlineRule) -> tuple[object, ...]:
    """A rule without its id, to tell whether it is stored already."""
    return (rule.value, *(getattr(rule, name) for name in _SAME))


def _rule(row: RuleVersion) -> DeadlineRule:
    return DeadlineRule(**read_value(row.value), id=row.id, **{name: getattr(row, name) for name in _SAME})


def _row(rule: DeadlineRule, now: datetime) -> RuleVersion:
    return RuleVersion(value=rule.value, created_at=now, **{name: getattr(rule, name) for name in _SAME})
