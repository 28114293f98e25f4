"""The lists that can be exported, each with its right, its columns and its rows.

A list is read in pages, as its own page reads it: so it holds what the reader would see there, and however long it is,
only one page of it is in memory.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy.orm import Session

from backend.desk.exports import ticket_rows
from backend.errors import Invalid, _
from backend.files.sheets import Value
from backend.surveys.ballot_files import ballot_templates
from backend.surveys.rounds import queries as rounds
from backend.users import queries as users
from backend.users.policy import Actor, Permission
from backend.users.texts import ROLE_NAMES
from backend.web.language import day_text, gettext
from backend.worktime.calendar import local_time

ID_DIGITS: Final = 9
TICKED: Final = "da-chon"  # the list of ticked rows


@dataclass(frozen=True)
class ListReading:
    """Who reads a list, with which filters of its address, on which day and in which language."""

    session: Session
    actor: Actor
    filters: Mapping[str, str]
    today: date
    language: str
    now: datetime

    def say(self, message: str) -> str:
        return gettext(self.language, message)


Rows = Iterator[Sequence[Value]]


@dataclass(frozen=True)
class ExportedList:
    """A list that can be exported. ``rows`` raises Invalid for filters that the list does not have."""

    title: str
    file_name: str
    permission: Permission
    header: Callable[[ListReading], Sequence[str]]
    rows: Callable[[ListReading], Rows]


def find_list(key: str) -> ExportedList:
    """Return a list by its key. Raises Invalid where there is none."""
    if key not in LISTS:
        raise Invalid(_("Không có danh sách này để xuất."), field="list")
    return LISTS[key]


def table_of_list(exported: ExportedList, reading: ListReading) -> Rows:
    """Yield the header and then the rows of a list."""
    yield [reading.say(head) for head in exported.header(reading)]
    yield from exported.rows(reading)


def _ticket_header(_reading: ListReading) -> Sequence[str]:
    return ticket_rows.HEADER


def _inbox(reading: ListReading) -> Rows:
    tickets = ticket_rows.list_inbox(reading.session, reading.actor, reading.filters, reading.now)
    return ticket_rows.write_rows(tickets, reading.language)


def _ticked(reading: ListReading) -> Rows:
    tickets = ticket_rows.list_ticked(reading.session, reading.actor, reading.filters)
    return ticket_rows.write_rows(tickets, reading.language)


def _search(reading: ListReading) -> Rows:
    tickets = ticket_rows.list_found(reading.session, reading.actor, reading.filters, reading.today)
    return ticket_rows.write_rows(tickets, reading.language)


def _behind_figure(reading: ListReading) -> Rows:
    tickets = ticket_rows.list_behind_figure(reading.session, reading.actor, reading.filters, reading.today)
    return ticket_rows.write_rows(tickets, reading.language)


ACCOUNT_HEADER: Final = (*(_("Họ tên"), _("Thư điện tử"), _("Vai trò"), _("Cơ quan"), _("Trạng thái"), _("Ngày tạo")),)


def _accounts(reading: ListReading) -> Rows:
    for user in users.list_accounts(reading.session):
        state = _("Đang mở") if user.active else _("Đã khóa")
        unit = user.unit.name if user.unit else ""
        created = day_text(local_time(user.created_at).date())
        yield [user.name, user.email, reading.say(ROLE_NAMES[user.role]), unit, reading.say(state), created]


def _batch_id(reading: ListReading) -> int:
    typed = reading.filters.get("batch", "")
    if not (typed.isascii() and typed.isdigit() and len(typed) <= ID_DIGITS):
        raise Invalid(_("Không có lô phiếu này."), field="batch")
    return int(typed)


def _held_header(reading: ListReading) -> Sequence[str]:
    return ballot_templates.held_header(rounds.find_batch(reading.session, _batch_id(reading)).header)


def _held_rows(reading: ListReading) -> Rows:
    batch = rounds.find_batch(reading.session, _batch_id(reading))
    held = ((row.line, row.findings, row.cells) for row in rounds.each_held(reading.session, batch.id))
    return ballot_templates.held_cells(
        batch.header, held, lambda finding: gettext(reading.language, finding.reason.message, finding.params)
    )


LISTS: Final[Mapping[str, ExportedList]] = {
    "hop-thu": ExportedList(_("Phản ánh cần xử lý"), "hop-thu", Permission.VIEW_INBOX, _ticket_header, _inbox),
    TICKED: ExportedList(_("Phản ánh đã chọn"), "phan-anh-da-chon", Permission.VIEW_INBOX, _ticket_header, _ticked),
    "tim": ExportedList(_("Phản ánh tìm được"), "tim-phan-anh", Permission.VIEW_TICKET, _ticket_header, _search),
    "chi-so": ExportedList(
        _("Phản ánh của một con số"), "phan-anh", Permission.VIEW_TICKET, _ticket_header, _behind_figure
    ),
    "tai-khoan": ExportedList(
        _("Tài khoản"), "tai-khoan", Permission.MANAGE_USERS, lambda _reading: ACCOUNT_HEADER, _accounts
    ),
    "dong-bi-giu": ExportedList(_("Dòng bị giữ"), "dong-bi-giu", Permission.RUN_SURVEYS, _held_header, _held_rows),
}
