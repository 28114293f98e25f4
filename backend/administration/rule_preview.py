"""What a new rule would change, before it is stored. Reads only.

A ticket keeps the version of its day. So a new term moves no open ticket; the preview says how many tickets of the kind
came lately, because that many will be received under it.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from backend.administration.rule_form import rule_so_far
from backend.deadlines.rules import APPROVAL, MANNERS, DeadlineRule, RuleSubject
from backend.tickets.models import Category, Channel, Ticket, is_open

LATELY: Final = timedelta(days=30)


@dataclass(frozen=True)
class RulePreview:
    """The rule, the one that it replaces, and tickets of its kind: open now, and received in ``LATELY``.

    ``moves_open``: the rule asks how an answer is given, so it holds for answers to open tickets as well.
    """

    rule: DeadlineRule
    former: DeadlineRule
    open: int
    lately: int
    moves_open: bool

    @property
    def changes(self) -> bool:
        """Whether the value differs from the one that holds on that day without the new rule."""
        return self.rule.value != self.former.value


def preview_rule(session: Session, rule: DeadlineRule, today: date) -> RulePreview:
    """Return what a rule would change from its first day on."""
    about = RuleSubject(category=rule.category, category_class=rule.category_class, manner=rule.manner)
    concerned = _concerned(rule)
    return RulePreview(
        rule=rule,
        former=rule_so_far(session, rule.code, rule.valid_from or today, about),
        open=_count(session, concerned.where(is_open())),
        lately=_count(session, concerned.where(Ticket.received_on > today - LATELY)),
        moves_open=rule.code == APPROVAL,
    )


def _concerned(rule: DeadlineRule) -> Select[int]:
    """Return the ids of the tickets that the rule is for, whenever they were received."""
    statement = select(Ticket.id)
    if rule.category:
        statement = statement.where(Ticket.category_code == rule.category)
    if rule.category_class:
        codes = select(Category.code).where(Category.category_class == rule.category_class)
        statement = statement.where(Ticket.category_code.in_(codes))
    if rule.manner:
        channels = [channel for channel in Channel if MANNERS.get(channel.value) == rule.manner]
        statement = statement.where(Ticket.channel.in_(channels))
    return statement


def _count(session: Session, statement: Select[int]) -> int:
    return session.scalar(select(func.count()).select_from(statement.subquery())) or 0
