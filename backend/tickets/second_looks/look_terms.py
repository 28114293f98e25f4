"""The clock of a second look: which rule and calendar count it, when it ends, and whether the result came in time."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from backend.deadlines.due_dates import verdict_of
from backend.deadlines.limits import SECOND_LOOK
from backend.deadlines.rules import DeadlineRule, choose_rule, parse_value, shipped_rules
from backend.deadlines.terms import Term, Verdict
from backend.tickets import rulebook
from backend.tickets.models import Ticket
from backend.tickets.second_looks.models import SecondLook
from backend.worktime import service as worktime
from backend.worktime.calendar import local_time


@dataclass(frozen=True)
class LookClock:
    """The term of a second look with its rule and the stored version of the calendar that count it."""

    term: Term
    rule: DeadlineRule
    calendar_id: int


def new_clock(session: Session, ticket: Ticket, asked_at: datetime) -> LookClock:
    """Return the clock of a second look that is asked for now. Needs ``ticket.category`` loaded.

    The level above works by the calendar of the province, whatever calendar the unit has.
    """
    stored = [rule for rule in rulebook.load_rules(session).rows if rule.code == SECOND_LOOK]
    about = rulebook.subject_of(ticket.category, ticket.channel)
    rule = choose_rule(stored or shipped_rules(), SECOND_LOOK, local_time(asked_at).date(), about=about).rule
    calendar_id = worktime.active_id(session)
    return LookClock(Term(worktime.load_calendar(session, calendar_id), rule.duration, asked_at), rule, calendar_id)


def stored_term(session: Session, look: SecondLook) -> Term:
    """Return the term of a stored second look, by the versions that it was counted with."""
    calendar = worktime.load_calendar(session, look.calendar_id)
    return Term(calendar, parse_value(look.term), look.asked_at)


def find_basis(session: Session, look: SecondLook) -> str:
    """Return the basis of the rule that counts a second look; empty where the rule is not stored."""
    rule = rulebook.load_rules(session).by_id.get(look.rule_id or 0)
    return rule.basis if rule is not None else ""


def judge(look: SecondLook, decided_at: datetime) -> tuple[Verdict, int]:
    """Return the verdict by date, and how many calendar days after the due date the result came."""
    verdict = verdict_of(look.due_date, decided_at)
    late = (local_time(decided_at).date() - look.due_date).days
    return verdict, max(late, 0) if verdict is Verdict.LATE else 0
