"""The tickets similar to one: a part of its page that comes after it, or a page of its own without JavaScript."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from backend import clock
from backend.db import SessionDep
from backend.tickets import queries
from backend.tickets.models import OPEN_STATES
from backend.tickets.similar.queries import list_similar
from backend.tickets.similar.scoring import DAYS_MOST
from backend.tickets.texts import STATE_NAMES, STATE_TONES
from backend.users.guard import allow
from backend.users.policy import Actor, Permission, can
from backend.web.rendering import render_page, wants_fragment
from backend.worktime.calendar import local_time

router = APIRouter()


@router.get("/hop-thu/{number}/tuong-tu")
def show_similar(
    request: Request, session: SessionDep, actor: Annotated[Actor, Depends(allow(Permission.VIEW_TICKET))], number: str
) -> Response:
    ticket = queries.for_staff(session, number, actor)
    today = local_time(clock.now()).date()
    return render_page(
        request,
        "desk/groups/similar.html",
        block="similar" if wants_fragment(request) else None,
        secret=True,
        ticket=ticket,
        similar=list_similar(session, ticket, actor, today),
        days_most=DAYS_MOST,
        may_pick=can(actor, Permission.MERGE_TICKET) and ticket.state in OPEN_STATES,
        open_states=OPEN_STATES,
        names=STATE_NAMES,
        tones=STATE_TONES,
    )
