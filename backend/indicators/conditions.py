"""State each indicator about tickets once: as the sentence that explains it and as a condition in SQL.

The managers' pages, index runs, the public record and the ticket lists behind a figure all count by these conditions.
The longer definition, with formula and source, stands in ``definitions.toml`` under the same code.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, case, func, or_, true

from backend.deadlines.limits import ACKNOWLEDGED_WITHIN
from backend.errors import _
from backend.tickets.due_status import overdue_on, past_due, undecided
from backend.tickets.models import Channel, Ticket, TicketState, Verdict, is_open

# States that end a ticket without an answer: outside the unit's authority, or withdrawn by the sender.
TURNED_AWAY = (TicketState.REFUSED, TicketState.REDIRECTED, TicketState.WITHDRAWN)

# The days that the conditions below compare with today. What is said of a ticket can change when such a day has passed.
TURNING_DAYS = (Ticket.due_date, Ticket.tell_by)

Condition = Callable[[date], ColumnElement[bool]]


def _everything(_today: date) -> ColumnElement[bool]:
    return true()


def _ours(_today: date) -> ColumnElement[bool]:
    """Whether a ticket came in by one of our channels, so that reception and notice were recorded."""
    return Ticket.channel != Channel.IMPORT


def _on_time(_today: date) -> ColumnElement[bool]:
    return Ticket.verdict == Verdict.ON_TIME


def _late(_today: date) -> ColumnElement[bool]:
    return Ticket.verdict == Verdict.LATE


def _unanswered_in_time(today: date) -> ColumnElement[bool]:
    """Whether a ticket without a verdict is past its due date. It is as late as a late answer; merging it changes
    nothing.

    A reopened ticket has its verdict already and is not counted twice.
    """
    return and_(undecided(), past_due(today))


def _acknowledged(_today: date) -> ColumnElement[bool]:
    return Ticket.acknowledged_at - Ticket.received_at <= ACKNOWLEDGED_WITHIN


def _telling_decided(today: date) -> ColumnElement[bool]:
    """Whether it is settled if the sender was notified in time.

    It is settled once the sender was notified, or once the day of the ticket's rule ``notify`` has passed. Until then
    the clock runs and nothing is counted.
    """
    settled = or_(Ticket.told_at.is_not(None), Ticket.tell_by < today)
    return and_(_ours(today), Ticket.answered_on.is_not(None), settled)


def _told(_today: date) -> ColumnElement[bool]:
    return func.coalesce(Ticket.told_in_time, False)


def _taken_up(_today: date) -> ColumnElement[bool]:
    """Whether a unit has taken up the ticket at least once."""
    return or_(Ticket.accepted_at.is_not(None), Ticket.state != TicketState.NEW)


def _turned_away(_today: date) -> ColumnElement[bool]:
    return Ticket.state.in_(TURNED_AWAY)


def _official(today: date) -> ColumnElement[bool]:
    return and_(Ticket.state.not_in(TURNED_AWAY), _taken_up(today))


def _official_missed(today: date) -> ColumnElement[bool]:
    return and_(_official(today), or_(_late(today), _unanswered_in_time(today)))


@dataclass(frozen=True)
class TicketIndicator:
    """What is counted of tickets.

    ``code`` names the definition. ``sentence`` says what is counted, and ``condition`` says the same in SQL as of a
    day. ``among`` are the tickets for which the answer is known.
    """

    code: str
    sentence: str
    condition: Condition
    among: Condition = _everything


RECEIVED = TicketIndicator("received", _("Phản ánh nhận trong kỳ"), _everything)
OPEN = TicketIndicator("backlog", _("Phản ánh còn mở hôm nay"), lambda _today: is_open())
OVERDUE = TicketIndicator("overdue_now", _("Phản ánh đang quá hạn hôm nay"), overdue_on, OPEN.condition)
ANSWERED = TicketIndicator(
    "answered", _("Phản ánh nhận trong kỳ, đã trả lời"), lambda _today: Ticket.answered_on.is_not(None)
)
ON_TIME = TicketIndicator("on_time_rate", _("Phản ánh nhận trong kỳ, trả lời đúng hạn"), _on_time)
LATE = TicketIndicator("on_time_rate", _("Phản ánh nhận trong kỳ, trả lời trễ"), _late)
UNANSWERED_IN_TIME = TicketIndicator(
    "on_time_rate", _("Phản ánh nhận trong kỳ, còn mở và quá hạn"), _unanswered_in_time
)
UNDECIDED = TicketIndicator(
    "on_time_rate", _("Phản ánh nhận trong kỳ, chưa có kết luận về hạn"), lambda _today: undecided()
)
OURS = TicketIndicator("acknowledged", _("Phản ánh nhận trong kỳ qua các kênh của hệ thống này"), _ours)
ACKNOWLEDGED = TicketIndicator(
    "acknowledged", _("Phản ánh nhận trong kỳ, người gửi được báo nhận ngay"), _acknowledged, _ours
)
TAKEN_UP = TicketIndicator("taken_up", _("Phản ánh nhận trong kỳ, đã có cơ quan tiếp nhận"), _taken_up)
TURNED_AWAY_ONES = TicketIndicator(
    "qd766_on_time", _("Phản ánh nhận trong kỳ, bị từ chối, chuyển thủ tục khác hoặc đã rút"), _turned_away
)
REOPENED = TicketIndicator(
    "reopened", _("Phản ánh nhận trong kỳ, người gửi yêu cầu xử lý lại"), lambda _today: Ticket.episode > 1,
    ANSWERED.condition,
)  # fmt: skip
TOLD = TicketIndicator(
    "told", _("Phản ánh nhận trong kỳ, kết quả được báo đúng hạn cho người gửi"), _told, _telling_decided
)
OFFICIAL = TicketIndicator("qd766_on_time", _("Phản ánh nhận trong kỳ, thuộc thẩm quyền và đã tiếp nhận"), _official)
OFFICIAL_MISSED = TicketIndicator(
    "qd766_on_time", _("Phản ánh đã tiếp nhận, trả lời trễ hoặc còn mở và quá hạn"), _official_missed, _official
)
INDICATORS = (
    *(RECEIVED, OPEN, OVERDUE, ANSWERED, ON_TIME, LATE, UNANSWERED_IN_TIME, UNDECIDED, OURS, ACKNOWLEDGED, TAKEN_UP),
    *(TURNED_AWAY_ONES, REOPENED, TOLD, OFFICIAL, OFFICIAL_MISSED),
)


def counted(indicator: TicketIndicator, today: date) -> ColumnElement[int]:
    """Count the tickets of an indicator in a statement over tickets."""
    return func.count().filter(indicator.among(today), indicator.condition(today))


def known(indicator: TicketIndicator, today: date) -> ColumnElement[int]:
    """Count the tickets for which an indicator is known: its denominator."""
    return func.count().filter(indicator.among(today))


def answer_of(indicator: TicketIndicator, today: date) -> ColumnElement[bool | None]:
    """Return yes or no for each ticket, and NULL where the answer is not known."""
    return case((indicator.among(today), func.coalesce(indicator.condition(today), False)))


def outcome_on(today: date) -> ColumnElement[str]:
    """Return what became of each ticket as one word: ``on_time``, ``late``, ``overdue``, ``open``, or ``none``.

    ``none`` is a ticket that ended without a verdict. The five words exclude one another.
    """
    return case(
        (_on_time(today), "on_time"),
        (_late(today), "late"),
        (_unanswered_in_time(today), "overdue"),
        (undecided(), "open"),
        else_="none",
    )
