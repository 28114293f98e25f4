"""Texts of messages to staff. Pure.

A message names tickets by number, title, unit and due date, each with its address for a reader who may open it. It
never holds the text of a ticket or its sender, because mail providers keep mail. A manager gets only number and unit.

A heading says how a ticket stands on the day of sending: a notice of the evening before says "due today".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from backend.errors import _
from backend.escalation.ladder import StepRecipient
from backend.users.models import Role
from backend.web.language import day_text, gettext, number_text

LINES_MOST = 50
TITLE_MOST = 120  # letters of a title in a line


class Urgency(StrEnum):
    """How a ticket stands on the day of sending, in the order of a message."""

    BACKSTOP = "backstop"
    BACKSTOP_WARNING = "backstop_warning"
    OVERDUE_5 = "overdue_5"
    OVERDUE_3 = "overdue_3"
    OVERDUE = "overdue"
    TODAY = "today"
    LAST_DAY = "last_day"
    HALF = "half"
    PROMISE_OVERDUE = "promise_overdue"
    PROMISE_TODAY = "promise_today"
    PROMISE_EVE = "promise_eve"
    LOOK_OVERDUE = "look_overdue"
    LOOK_LAST_DAY = "look_last_day"
    LOOK_WAITS = "look_waits"


OF_PROMISE = "promise_"  # how the codes of rules about promised work begin
HEADINGS = {
    Urgency.BACKSTOP: _("Để quá lâu kể từ ngày tiếp nhận, người đứng đầu có thể bị xử lý trách nhiệm"),
    Urgency.BACKSTOP_WARNING: _("Sắp để quá lâu kể từ ngày tiếp nhận, xin giải quyết sớm"),
    Urgency.OVERDUE_5: _("Quá hạn từ năm ngày làm việc trở lên"),
    Urgency.OVERDUE_3: _("Quá hạn từ ba ngày làm việc trở lên"),
    Urgency.OVERDUE: _("Đã quá hạn"),
    Urgency.TODAY: _("Đến hạn hôm nay"),
    Urgency.LAST_DAY: _("Còn một ngày làm việc"),
    Urgency.HALF: _("Đã qua nửa thời hạn"),
    Urgency.PROMISE_OVERDUE: _("Việc đã hẹn với người gửi, quá ngày hẹn mà chưa báo xong"),
    Urgency.PROMISE_TODAY: _("Việc đã hẹn với người gửi, hẹn xong hôm nay"),
    Urgency.PROMISE_EVE: _("Việc đã hẹn với người gửi, còn một ngày làm việc"),
    Urgency.LOOK_OVERDUE: _("Yêu cầu xem lại đã quá hạn"),
    Urgency.LOOK_LAST_DAY: _("Yêu cầu xem lại sắp đến hạn"),
    Urgency.LOOK_WAITS: _("Yêu cầu xem lại đang chờ"),
}
LINE = _("%(number)s · %(title)s")
ABOUT = _("%(unit)s · hạn %(due)s")
LINE_OF_MANAGER = _("%(number)s · %(unit)s")
IN_PLACE_OF = {
    StepRecipient.OFFICER: _("(chưa có cán bộ nào của cơ quan nhận tin)"),
    StepRecipient.LEADER: _("(chưa có lãnh đạo nào của cơ quan nhận tin)"),
    StepRecipient.COORDINATOR: _("(chưa có điều phối viên nào nhận tin)"),
}
DIGEST_SUBJECT = _("Phản ánh cần chú ý: %(n)s")
ALONE_SUBJECT = _("Khẩn: phản ánh %(number)s")
MORE = _("Và %(n)s phản ánh khác, xem trong hệ thống.")
OPEN = _("Mở: %(address)s")
NEWS_SUBJECT = _("%(news)s: phản ánh %(number)s")
NEW_TICKETS = _("Phản ánh mới chưa ai tiếp nhận: %(n)s")
CHOOSE = _("Đổi cách nhận thông báo: %(address)s")
SENT_AT_ONCE = _("Hệ thống Lắng Nghe gửi ngay tin này vì việc gấp hoặc vì bạn chọn nhận ngay. Xin đừng trả lời thư.")
SENT_WHEN = _("Hệ thống Lắng Nghe gửi thư này nhiều nhất một lần mỗi buổi làm việc. Xin đừng trả lời thư.")


@dataclass(frozen=True)
class DigestLine:
    """One ticket and how it stands, or with ``news`` what happened to it.

    ``missing``: nobody has this role, so this reader gets the notice instead. ``address``: where the reader can open
    the ticket; empty for a manager.
    """

    urgency: Urgency | None
    number: str
    title: str
    unit: str
    due: date
    address: str = ""
    missing: StepRecipient | None = None
    news: str = ""


@dataclass(frozen=True)
class NewTickets:
    """New tickets of the unit: how many, the lines of a few, and the page that shows all. Many have no lines."""

    count: int
    lines: Sequence[DigestLine]
    address: str


@dataclass(frozen=True)
class LineTexts:
    """The texts of one line: ``name`` is the link, ``address`` its target, ``about`` the rest."""

    name: str
    address: str
    about: str

    def __str__(self) -> str:
        line = f"{self.name} · {self.about}" if self.about else self.name
        return f"{line}\n{self.address}" if self.address else line


@dataclass(frozen=True)
class LetterPart:
    """A heading and the tickets under it."""

    heading: str
    lines: Sequence[LineTexts]

    def __str__(self) -> str:
        return "\n".join([*([self.heading] if self.heading else []), *map(str, self.lines)])


@dataclass(frozen=True)
class StaffMessage:
    """A message to a member of staff, before it is text.

    ``more`` counts the tickets that did not fit. ``address`` is the page that shows them. ``alone``: it is about one
    ticket. ``choices`` is the page on which its reader chooses what to get.
    """

    role: Role
    language: str
    lines: Sequence[DigestLine]
    more: int
    address: str
    alone: bool
    new_tickets: NewTickets | None = None
    choices: str = ""

    def subject(self) -> str:
        if self.alone:
            (line,) = self.lines
            news = gettext(self.language, line.news) if line.news else ""
            subject = NEWS_SUBJECT if line.news else ALONE_SUBJECT
            return gettext(self.language, subject, {"number": line.number, "news": news})
        count = len(self.lines) + self.more + (self.new_tickets.count if self.new_tickets else 0)
        return gettext(self.language, DIGEST_SUBJECT, {"n": number_text(count, self.language)})

    def parts(self) -> list[LetterPart]:
        """Return one part for each urgency, the most urgent first; then one for each event, and the new tickets."""
        headings = [*HEADINGS.values(), *dict.fromkeys(line.news for line in self.lines if line.news)]
        parts = []
        for heading in headings:
            lines = [self._line(line) for line in self.lines if self._heading(line) == heading]
            if lines:
                parts.append(LetterPart(gettext(self.language, heading) + ":", lines))
        return [*parts, *self._new_tickets()]

    def _heading(self, line: DigestLine) -> str:
        return HEADINGS[line.urgency] if line.urgency is not None else line.news

    def _new_tickets(self) -> list[LetterPart]:
        """Return the part of new tickets: a line for each of a few, one line with the number for many."""
        if self.new_tickets is None:
            return []
        heading = gettext(self.language, NEW_TICKETS, {"n": number_text(self.new_tickets.count, self.language)})
        if self.new_tickets.lines:
            return [LetterPart(heading + ":", [self._line(line) for line in self.new_tickets.lines])]
        return [LetterPart("", [LineTexts(heading, self.new_tickets.address, "")])]

    def closing(self) -> list[str]:
        """Return the paragraphs below the tickets."""
        more = [gettext(self.language, MORE, {"n": number_text(self.more, self.language)})] if self.more else []
        return [
            *more,
            gettext(self.language, OPEN, {"address": self.address}),
            *([gettext(self.language, CHOOSE, {"address": self.choices})] if self.choices else []),
            gettext(self.language, SENT_AT_ONCE if self.alone else SENT_WHEN),
        ]

    def paragraphs(self) -> list[str]:
        """Return the whole message as plain text."""
        return [*map(str, self.parts()), *self.closing()]

    def _line(self, line: DigestLine) -> LineTexts:
        params = {"number": line.number, "title": line.title, "unit": line.unit, "due": day_text(line.due)}
        if self.role is Role.MANAGER:
            texts = LineTexts(gettext(self.language, LINE_OF_MANAGER, params), "", "")
        else:
            name, about = (gettext(self.language, text, params) for text in (LINE, ABOUT))
            texts = LineTexts(name, line.address, about)
        if line.missing is None:
            return texts
        note = gettext(self.language, IN_PLACE_OF[line.missing])
        return LineTexts(texts.name, texts.address, f"{texts.about} {note}".strip())


def urgency_of(code: str, due: date, today: date, days_left: int) -> Urgency | None:
    """Return how a ticket with a notice stands today; None where the notice is no longer true.

    ``code`` is the rule of the ladder, ``days_left`` are working days after today up to the due date. A notice is no
    longer true if the due date has moved. One about the time since reception stays true.
    """
    if code.startswith(Urgency.BACKSTOP):
        return Urgency.BACKSTOP_WARNING if code == Urgency.BACKSTOP_WARNING else Urgency.BACKSTOP
    if code.startswith(OF_PROMISE):
        return _urgency_of_promise(due, today, days_left)
    if due < today:
        return Urgency(code) if code.startswith(Urgency.OVERDUE) else Urgency.OVERDUE
    if due == today:
        return Urgency.TODAY
    if code == Urgency.HALF:
        return Urgency.HALF
    return Urgency.LAST_DAY if days_left <= 1 else None


def _urgency_of_promise(due: date, today: date, days_left: int) -> Urgency | None:
    if due <= today:
        return Urgency.PROMISE_OVERDUE if due < today else Urgency.PROMISE_TODAY
    return Urgency.PROMISE_EVE if days_left <= 1 else None


def shortened_title(title: str) -> str:
    """Return a title as a line of a message shows it, at most 120 letters."""
    return title if len(title) <= TITLE_MOST else title[: TITLE_MOST - 1] + "…"
