"""Tickets as rows of an exported list. They hold no personal data of senders."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from backend.desk.bulk.selection import read_selection
from backend.desk.inbox.choices import read_choices, read_reader
from backend.desk.inbox.filters import read_filter
from backend.desk.inbox.rows import Place, list_rows
from backend.desk.search.filters import SearchChoices, read_search
from backend.errors import Invalid, _
from backend.files.sheets import Value
from backend.indicators.filters import read_filters
from backend.kpi import ticket_lists
from backend.kpi.charts import CHANNELS
from backend.tickets import queries
from backend.tickets.models import Ticket, Verdict
from backend.tickets.search.find import find_tickets
from backend.tickets.search.search_request import TicketSearchRequest
from backend.tickets.search.typed_query import read_query
from backend.tickets.texts import STATE_NAMES
from backend.units import queries as units
from backend.users.policy import EVERY_UNIT, Actor, Permission
from backend.web.language import SOURCE, day_text, gettext

PAGE: Final = 1_000
SHOWN: Final = (joinedload(Ticket.category), joinedload(Ticket.unit), joinedload(Ticket.about_unit))
HEADER: Final = (
    *(_("Mã số"), _("Tiêu đề"), _("Loại phản ánh"), _("Cơ quan xử lý"), _("Cơ quan được phản ánh")),
    *(_("Kênh tiếp nhận"), _("Trạng thái"), _("Ngày nhận"), _("Ngày đến hạn"), _("Ngày trả lời")),
    *(_("Kết quả thời hạn"), _("Số ngày làm việc")),
)
VERDICTS: Final = {Verdict.ON_TIME: _("đúng hạn"), Verdict.LATE: _("trễ hạn")}


def write_rows(tickets: Iterable[Ticket], language: str) -> Iterator[Sequence[Value]]:
    """Yield a row for each ticket, in the order of ``HEADER``."""
    for ticket in tickets:
        verdict = VERDICTS.get(ticket.verdict, "") if ticket.verdict else ""
        yield [
            ticket.number,
            ticket.title,
            ticket.category.name(language),
            ticket.unit.name,
            ticket.about_unit.name,
            gettext(language, CHANNELS[ticket.channel]),
            gettext(language, STATE_NAMES[ticket.state]),
            day_text(ticket.received_on),
            day_text(ticket.due_date),
            day_text(ticket.answered_on) if ticket.answered_on else "",
            gettext(language, verdict) if verdict else "",
            ticket.working_days,
        ]


def list_inbox(session: Session, actor: Actor, filters: Mapping[str, str], now: datetime) -> Iterator[Ticket]:
    """Yield the tickets that the inbox shows with these filters, in its order. Raises Invalid for a filter that does
    not exist."""
    reader = read_reader(session, actor, now)
    choices = read_choices(session, reader, filters.get("unit", ""), SOURCE)
    inbox_filter = read_filter(filters, replace(choices, any_handler=True))
    after: Place | None = None
    while True:
        page = list_rows(session, inbox_filter, reader, after, limit=PAGE)
        yield from _whole_tickets(session, [row.ticket.id for row in page.rows])
        after = page.after
        if after is None:
            return


def _whole_tickets(session: Session, ticket_ids: Sequence[int]) -> Iterator[Ticket]:
    """Yield the tickets with what their rows need, in the order of the ids."""
    tickets = session.scalars(select(Ticket).where(Ticket.id.in_(ticket_ids)).options(*SHOWN))
    by_id = {ticket.id: ticket for ticket in tickets}
    yield from (by_id[ticket_id] for ticket_id in ticket_ids if ticket_id in by_id)


def list_ticked(session: Session, actor: Actor, filters: Mapping[str, str]) -> Iterator[Ticket]:
    """Yield the ticked tickets that the reader may see, in the order of ticking. What the reader may not see is not
    there, and is not told. Raises Invalid for none ticked, and for too many."""
    selection = read_selection(session, actor, filters.get("pick", "").split())
    yield from selection.tickets


def list_found(session: Session, actor: Actor, filters: Mapping[str, str], today: date) -> Iterator[Ticket]:
    """Yield the tickets that the search finds with these words and filters, in its order. A sender is not searched."""
    everywhere = actor.role in EVERY_UNIT[Permission.VIEW_TICKET]
    choices = SearchChoices(
        units={unit.id: unit.name for unit in units.list_receiving(session, today)} if everywhere else {},
        categories={category.code: category.name_vi for category in queries.list_categories(session)},
    )
    search_filter = read_search(filters, choices)
    query = read_query(search_filter.words)
    if query is None:
        raise Invalid(_("Hãy gõ ít nhất một chữ hoặc số để tìm."), field="q")
    request = TicketSearchRequest(actor, query, None, search_filter.unit_id, search_filter.conditions())
    after: str | None = ""
    while after is not None:
        found = find_tickets(session, request, after, page=PAGE)
        yield from _whole_tickets(session, found.ticket_ids)
        after = found.after


def list_behind_figure(session: Session, actor: Actor, filters: Mapping[str, str], today: date) -> Iterator[Ticket]:
    """Yield the tickets behind a figure, latest first."""
    chosen = read_filters(session, filters, actor, today, Permission.VIEW_TICKET)
    group = ticket_lists.group_called(filters.get("nhom", ""))
    after = ""
    while True:
        page = ticket_lists.list_tickets(session, chosen, group, actor, today, after, most=PAGE, shown=SHOWN)
        yield from page.tickets
        if page.after is None:
            return
        after = str(page.after)
