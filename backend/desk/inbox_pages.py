"""The page of the inbox: the open tickets of a unit, soonest due first, with search and filters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.desk.search.filters import SearchFilter
from backend.desk.ticket_view import INBOX
from backend.errors import NotFound
from backend.tickets import queries
from backend.tickets.due_status import due_statuses
from backend.tickets.models import OPEN_STATES, TicketState
from backend.tickets.reception import receipts
from backend.tickets.texts import STATE_NAMES, STATE_TONES
from backend.units import queries as units
from backend.units.models import Unit
from backend.users.guard import allow
from backend.users.policy import EVERY_UNIT, Actor, Permission
from backend.web.forms import ID_MOST
from backend.web.rendering import redirect_to, render_page
from backend.worktime import service as worktime
from backend.worktime.calendar import local_time

SEARCH_MOST = 100  # characters of a search

router = APIRouter()


@dataclass(frozen=True)
class InboxFilter:
    """What the address of the inbox asks for: a state, a unit, words of the title, and where the page starts."""

    state: TicketState | None
    unit_id: int | None
    words: str
    after: tuple[date, int] | None = None

    @property
    def address(self) -> str:
        """The address that shows the inbox with this filter, without empty parameters."""
        parameters = {
            "state": self.state.value if self.state else "",
            "unit": str(self.unit_id or ""),
            "q": self.words,
            "after": f"{self.after[0].isoformat()},{self.after[1]}" if self.after else "",
        }
        query = urlencode({name: value for name, value in parameters.items() if value})
        return f"{INBOX}?{query}" if query else INBOX


@router.get(INBOX)
def show_inbox(
    request: Request,
    session: SessionDep,
    actor: Annotated[Actor, Depends(allow(Permission.VIEW_INBOX))],
    state: str = "",
    unit: str = "",
    after: str = "",
    q: str = "",
) -> Response:
    """Show a page of the inbox. The number of a visible ticket in ``q`` leads to that ticket; other words are searched
    in titles."""
    if q and (number := _find_number(session, q, actor)):
        return redirect_to(request, f"{INBOX}/{number}")
    today = local_time(clock.now()).date()
    everywhere = actor.role in EVERY_UNIT[Permission.VIEW_INBOX]
    receiving_units = units.list_receiving(session, today) if everywhere else []
    inbox_filter = InboxFilter(
        state=TicketState(state) if state in set(TicketState) else None,
        unit_id=_unit_id(receiving_units, unit),
        words=" ".join(q.split())[:SEARCH_MOST],
        after=_read_start(after),
    )
    return render_page(
        request,
        "desk/inbox.html",
        **_rows(session, actor, inbox_filter, today),
        **_links(inbox_filter),
        load=queries.count_load(session, actor, today, inbox_filter.unit_id),
        most=queries.COUNTED,
        open_states=OPEN_STATES,
        chosen=inbox_filter.state,
        receiving_units=receiving_units,
        unit_id=inbox_filter.unit_id,
        own=session.get(Unit, actor.unit_id) if actor.unit_id and not everywhere else None,
        words=inbox_filter.words,
        names=STATE_NAMES,
        tones=STATE_TONES,
    )


def _rows(session: Session, actor: Actor, inbox_filter: InboxFilter, today: date) -> dict[str, Any]:
    """Return the tickets of the page, each with its due status, and the address of the next page."""
    page = queries.list_inbox(
        session,
        actor,
        unit_id=inbox_filter.unit_id,
        state=inbox_filter.state,
        words=inbox_filter.words,
        after=inbox_filter.after,
    )
    calendar = worktime.load_calendar(session, worktime.active_id(session))
    return {
        "rows": list(zip(page.tickets, due_statuses(calendar, today, page.tickets), strict=True)),
        "older": replace(inbox_filter, after=page.after).address if page.after else None,
    }


def _links(inbox_filter: InboxFilter) -> dict[str, Any]:
    """Return the addresses with one part of the filter changed. Each starts at the first page again."""
    first_page = replace(inbox_filter, after=None)
    return {
        "newest": first_page.address if inbox_filter.after else None,
        "states": [(state, STATE_NAMES[state], replace(first_page, state=state).address) for state in TicketState],
        "everything": replace(first_page, state=None).address,
        "cleared": replace(first_page, words="").address,
        "search_address": SearchFilter(words=inbox_filter.words, unit_id=inbox_filter.unit_id).address(),
    }


def _find_number(session: Session, typed: str, actor: Actor) -> str | None:
    """Return the number of the ticket that was typed, where this actor may see it."""
    try:
        return queries.for_staff(session, receipts.read_number(typed), actor).number
    except NotFound:
        return None


def _unit_id(receiving_units: Sequence[Unit], typed: str) -> int | None:
    return next((unit.id for unit in receiving_units if str(unit.id) == typed), None)


def _read_start(after: str) -> tuple[date, int] | None:
    """Return the day and the ticket id after which a page starts, such as ``2026-11-22,12``; else None: the first page.
    So an address that somebody changed by hand shows the first page."""
    day, _comma, ticket_id = after.partition(",")
    if not (ticket_id.isascii() and ticket_id.isdigit() and len(ticket_id) <= 10 and int(ticket_id) <= ID_MOST):
        return None
    try:
        return date.fromisoformat(day), int(ticket_id)
    except ValueError:
        return None
