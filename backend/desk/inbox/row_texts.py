"""The words of a row, put together once for each row: a template that joins them piece by piece takes twice as long."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.desk.inbox.conditions import InboxReader
from backend.desk.inbox.models import InboxDisplay
from backend.desk.inbox.rows import InboxRow, ListedTicket
from backend.errors import _
from backend.kpi.charts import CHANNELS
from backend.tickets.due_status import DuePace
from backend.tickets.models import WaitsFor
from backend.tickets.texts import PARTY_NAMES
from backend.tickets.waiting import WAITED_BY, TicketParty
from backend.web.language import day_text, gettext, moment_text, ngettext

YOU, NOBODY_YET = _("bạn"), _("cơ quan, chưa giao ai")
WAITS_ON = _("chờ: %(who)s, kể từ %(day)s")
DONE_ON = _("xong ngày %(day)s")
DUE_ON = _("hạn %(day)s")
DUE_ESTIMATED = _("hạn %(day)s (dự kiến)")
ASSIGNED_TO, RECEIVED, CHANGED = _("giao: %(name)s"), _("nhận %(day)s"), _("thay đổi %(moment)s")
LEFT_BOTH = _("còn %(hours)s giờ %(minutes)s phút làm việc")
LEFT_HOURS, LEFT_MINUTES = _("còn %(n)s giờ làm việc"), _("còn %(n)s phút làm việc")
LEFT_NONE = _("hết giờ làm việc hôm nay")


@dataclass(frozen=True, slots=True)
class RowText:
    """The lines of a row beside its title and badges: what it is, who is waited for, when it is due."""

    about: str
    wait: str
    due: str


class RowWriter:
    """Writes the rows of one page in the reader's language."""

    def __init__(
        self,
        language: str,
        reader: InboxReader,
        display: InboxDisplay,
        categories: Mapping[str, str],
        left_today: tuple[int, int],
    ) -> None:
        self.reader = reader
        self.columns = [name for name in display.columns if name != "unit" or reader.everywhere]
        self.categories = categories
        self.left_today = left_text(language, *left_today)
        self.channels = {channel: gettext(language, name) for channel, name in CHANNELS.items()}
        self.parties = {party: gettext(language, name) for party, name in PARTY_NAMES.items()}
        messages = (YOU, NOBODY_YET, WAITS_ON, DONE_ON, DUE_ON, DUE_ESTIMATED, ASSIGNED_TO, RECEIVED, CHANGED)
        self.sentences = {message: gettext(language, message) for message in messages}

    def write(self, row: InboxRow) -> RowText:
        """Return the lines of a row."""
        ticket = row.ticket
        due = self.sentences[DUE_ESTIMATED if ticket.due_estimated else DUE_ON] % {"day": day_text(ticket.due_date)}
        if row.due_status.pace is DuePace.TODAY:
            due = f"{self.left_today} · {due}"
        return RowText(self._about(row), self._wait(row), due)

    def _about(self, row: InboxRow) -> str:
        parts = (self._column(name, row) for name in self.columns)
        return " · ".join(part for part in (row.ticket.number, *parts) if part)

    def _column(self, name: str, row: InboxRow) -> str:
        ticket = row.ticket
        match name:
            case "category":
                return self.categories[ticket.category_code]
            case "unit":
                return row.unit
            case "assignee":
                return self.sentences[ASSIGNED_TO] % {"name": row.assignee} if row.assignee else ""
            case "channel":
                return self.channels[ticket.channel]
            case "received":
                return self.sentences[RECEIVED] % {"day": day_text(ticket.received_at)}
            case _:
                return self.sentences[CHANGED] % {"moment": moment_text(ticket.changed_at)}

    def _wait(self, row: InboxRow) -> str:
        ticket, day = row.ticket, day_text(row.ticket.waits_since)
        if ticket.waits_for is WaitsFor.NOTHING:
            return self.sentences[DONE_ON] % {"day": day}
        return self.sentences[WAITS_ON] % {"who": self._party(ticket, row.assignee), "day": day}

    def _party(self, ticket: ListedTicket, assignee: str) -> str:
        party = WAITED_BY[ticket.waits_for]
        if party is not TicketParty.HANDLER:
            return self.parties[party]
        if ticket.assignee_id is None:
            return self.sentences[NOBODY_YET]
        return self.sentences[YOU] if ticket.assignee_id == self.reader.actor.user_id else assignee


def left_text(language: str, hours: int, minutes: int) -> str:
    """Return how much of today's working time is left."""
    if hours and minutes:
        return gettext(language, LEFT_BOTH, {"hours": hours, "minutes": minutes})
    if hours:
        return ngettext(language, LEFT_HOURS, LEFT_HOURS, hours)
    return ngettext(language, LEFT_MINUTES, LEFT_MINUTES, minutes) if minutes else gettext(language, LEFT_NONE)
