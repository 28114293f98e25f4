"""The sender's own verdict beside "on time": confirmed, disputed, no word; and the promises that were missed.

Everywhere high on-time rates go with dissatisfied people. So a closed ticket is shown with what its sender said about
it. No word is no word: it is never counted as satisfied.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from analytics.operations import ShareInterval, wilson_interval
from backend.errors import _
from backend.indicators.conditions import OURS, TicketIndicator, counted, known
from backend.indicators.counts import KpiScope, behind_figure
from backend.tickets.models import CitizenVerdict, Ticket


def _asked(today: date) -> ColumnElement[bool]:
    """Whether the sender was asked: a closed ticket of our own channels. A later dispute does not change that."""
    return and_(OURS.condition(today), Ticket.decided_at.is_not(None))


def _confirmed(_today: date) -> ColumnElement[bool]:
    return Ticket.citizen_verdict == CitizenVerdict.CONFIRMED


def _disputed(_today: date) -> ColumnElement[bool]:
    return Ticket.citizen_verdict == CitizenVerdict.DISPUTED


def _silent(_today: date) -> ColumnElement[bool]:
    return Ticket.citizen_verdict.is_(None)


def _promise_missed(today: date) -> ColumnElement[bool]:
    return or_(Ticket.promises_missed > 0, Ticket.promised_on < today)


def _promise_settled(today: date) -> ColumnElement[bool]:
    """Whether it is known what became of a promise: it has ended, or its first date has passed."""
    return and_(Ticket.promises_given > 0, or_(_promise_missed(today), Ticket.promised_on.is_(None)))


CONFIRMED = TicketIndicator(
    "citizen_verdict", _("Phản ánh nhận trong kỳ, người gửi xác nhận đã giải quyết"), _confirmed, _asked
)
DISPUTED = TicketIndicator("citizen_verdict", _("Phản ánh nhận trong kỳ, người gửi không đồng ý"), _disputed, _asked)
NO_WORD = TicketIndicator("citizen_verdict", _("Phản ánh nhận trong kỳ, người gửi chưa có ý kiến"), _silent, _asked)
PROMISE_MISSED = TicketIndicator(
    "promise_missed", _("Phản ánh nhận trong kỳ, quá ngày hẹn làm xong"), _promise_missed, _promise_settled
)
CITIZEN_INDICATORS = (CONFIRMED, DISPUTED, NO_WORD, PROMISE_MISSED)


@dataclass(frozen=True)
class CitizenCounts:
    """What senders said of the closed tickets of a unit and a period, and the promises of answers.

    closed = confirmed + disputed + no word. ``promised``: tickets with a promise whose end is known. ``missed``: those
    of them with a promise that was not kept by its first date.
    """

    closed: int = 0
    confirmed: int = 0
    disputed: int = 0
    promised: int = 0
    missed: int = 0

    @property
    def no_word(self) -> int:
        return self.closed - self.confirmed - self.disputed

    @property
    def rate(self) -> ShareInterval:
        """The share of confirmed among all who were asked. Those without a word stay in the denominator."""
        return wilson_interval(self.confirmed, self.closed)

    @property
    def missed_rate(self) -> ShareInterval:
        return wilson_interval(self.missed, self.promised)


def count_verdicts(session: Session, scope: KpiScope) -> Mapping[int, CitizenCounts]:
    """Return the counts of each unit that has tickets in the period. Other units have zeros."""
    columns = citizen_columns(scope.today)
    rows = session.execute(
        select(Ticket.unit_id, *columns.values()).where(*behind_figure(scope, now=False)).group_by(Ticket.unit_id)
    )
    counts: dict[int, CitizenCounts] = defaultdict(CitizenCounts)
    for unit_id, *values in rows:
        counts[unit_id] = CitizenCounts(*values)
    return counts


def citizen_columns(today: date) -> dict[str, ColumnElement[int]]:
    """Return the counts as columns of a statement over tickets, in the order of `CitizenCounts`."""
    columns = {
        "closed": known(CONFIRMED, today),
        "confirmed": counted(CONFIRMED, today),
        "disputed": counted(DISPUTED, today),
        "promised": known(PROMISE_MISSED, today),
        "missed": counted(PROMISE_MISSED, today),
    }
    return {name: func.coalesce(column, 0).label(name) for name, column in columns.items()}


def sum_verdicts(counts: Iterable[CitizenCounts]) -> CitizenCounts:
    counts = list(counts)
    return CitizenCounts(
        closed=sum(row.closed for row in counts),
        confirmed=sum(row.confirmed for row in counts),
        disputed=sum(row.disputed for row in counts),
        promised=sum(row.promised for row in counts),
        missed=sum(row.missed for row in counts),
    )
