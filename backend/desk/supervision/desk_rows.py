"""A page of a desk's list: the tickets with their due status, and the texts that belong to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from fastapi import Request, Response
from sqlalchemy.orm import Session

from backend.desk.supervision import queries
from backend.desk.supervision.desk_lists import TITLES, DeskList, DeskTab
from backend.desk.supervision.page_keys import read_day_key, write_key
from backend.desk.supervision.queries import DeskPage, DeskText
from backend.tickets.due_status import DueStatus, due_statuses
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.texts import STATE_NAMES, STATE_TONES
from backend.users.policy import Actor
from backend.web.rendering import render_page
from backend.worktime import service as worktime

OBJECTIONS: Final = (Event.PAUSE_DISPUTED, Event.DISPUTED, Event.REOPENED)


@dataclass(frozen=True)
class DeskRow:
    """One ticket of a list with its due status, the text that matters here, and how often it was forwarded."""

    ticket: Ticket
    due_status: DueStatus
    text: DeskText | None
    forwardings: int


def read_rows(
    session: Session, tickets: Sequence[Ticket], today: date, events: Sequence[Event] = OBJECTIONS
) -> list[DeskRow]:
    """Return the rows of a page: a handful of statements, however many tickets the page has."""
    ids = [ticket.id for ticket in tickets]
    calendar = worktime.load_calendar(session, worktime.active_id(session))
    texts = queries.latest_texts(session, ids, events) if ids else {}
    forwardings = queries.count_forwardings(session, ids) if ids else {}
    statuses = due_statuses(calendar, today, tickets)
    return [
        DeskRow(ticket, status, texts.get(ticket.id), forwardings.get(ticket.id, 0))
        for ticket, status in zip(tickets, statuses, strict=True)
    ]


def show_list(
    request: Request,
    session: Session,
    actor: Actor,
    desk_list: DeskList,
    tabs: Callable[[Session, Actor, date], list[DeskTab]],
    today: date,
    after: str,
) -> Response:
    """Show a page of a list by due date."""
    page = queries.list_waiting(session, actor, desk_list.condition(today, actor), after=read_day_key(after))
    return render_page(
        request,
        "desk/supervision/list.html",
        rows=read_rows(session, page.tickets, today),
        **list_frame(desk_list, tabs(session, actor, today)),
        **page_links(desk_list.address, page, after),
    )


def list_frame(desk_list: DeskList, tabs: list[DeskTab]) -> dict[str, Any]:
    """Return what every page of a desk shows around its rows."""
    desk = "/" + desk_list.address.strip("/").partition("/")[0]
    return {
        "desk_title": TITLES[desk],
        "desk_list": desk_list,
        "tabs": tabs,
        "most": queries.COUNTED,
        "names": STATE_NAMES,
        "tones": STATE_TONES,
    }


def page_links(address: str, page: DeskPage, after: str) -> dict[str, Any]:
    return {
        "first": address if after else None,
        "older": f"{address}?sau={write_key(page.after)}" if page.after else None,
    }
