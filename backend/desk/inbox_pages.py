"""The inbox: what waits for an officer, soonest due first."""

from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
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

WORDS_MOST = 100


router = APIRouter()


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
    """A page of the inbox; a number that is known leads straight to its ticket, other words to titles with them."""
    if q and (found := _find(session, q, actor)):
        return redirect_to(request, f"{INBOX}/{found}")
    words = " ".join(q.split())[:WORDS_MOST]
    today = local_time(clock.now()).date()
    chosen = TicketState(state) if state in set(TicketState) else None
    everywhere = actor.role in EVERY_UNIT[Permission.VIEW_INBOX]
    offices = units.list_receiving(session, today) if everywhere else []
    unit_id = next((office.id for office in offices if str(office.id) == unit), None)
    found_page = queries.list_inbox(session, actor, unit_id=unit_id, state=chosen, words=words, after=_place(after))
    calendar = worktime.load_calendar(session, worktime.active_id(session))
    here = {"state": chosen.value if chosen else "", "unit": str(unit_id or ""), "q": words}
    return render_page(
        request,
        "desk/inbox.html",
        rows=list(zip(found_page.tickets, due_statuses(calendar, today, found_page.tickets), strict=True)),
        older=_address(here | {"after": _mark(found_page.after)}) if found_page.after else None,
        newest=_address(here) if after else None,
        load=queries.count_load(session, actor, today, unit_id),
        most=queries.COUNTED,
        states=[(name, STATE_NAMES[name], _address(here | {"state": name.value})) for name in TicketState],
        open_states=OPEN_STATES,
        everything=_address(here | {"state": ""}),
        cleared=_address(here | {"q": ""}),
        chosen=chosen,
        offices=offices,
        unit_id=unit_id,
        own=session.get(Unit, actor.unit_id) if actor.unit_id and not everywhere else None,
        words=words,
        names=STATE_NAMES,
        tones=STATE_TONES,
    )


def _find(session: Session, typed: str, actor: Actor) -> str | None:
    """The number of a ticket this actor may see, from what was typed."""
    try:
        return queries.for_staff(session, receipts.read_number(typed), actor).number
    except NotFound:
        return None


def _place(after: str) -> tuple[date, int] | None:
    """Where a page starts; an address that was tampered with starts at the beginning."""
    day, _comma, row = after.partition(",")
    if not (row.isascii() and row.isdigit() and len(row) <= 10 and int(row) <= ID_MOST):
        return None
    try:
        return date.fromisoformat(day), int(row)
    except ValueError:
        return None


def _mark(place: tuple[date, int]) -> str:
    return f"{place[0].isoformat()},{place[1]}"


def _address(query: dict[str, str]) -> str:
    shown = {name: value for name, value in query.items() if value}
    return f"{INBOX}?{urlencode(shown)}" if shown else INBOX
