"""The home page."""

from fastapi import APIRouter, Depends, Request, Response

from backend import clock
from backend.db import SessionDep
from backend.deadlines import rules
from backend.public.promise_record import record
from backend.tickets import citizen_texts
from backend.users.guard import public
from backend.web.rendering import page
from backend.worktime.calendar import ZONE

router = APIRouter(dependencies=[Depends(public)])


@router.get("/", include_in_schema=False)
def home(request: Request, session: SessionDep) -> Response:
    """The two things to do, what happens then, the promise and how it was kept."""
    now = clock.now()
    promise = rules.choose(rules.shipped_rules(), "resolve", now.astimezone(ZONE).date()).rule.duration
    return page(request, "public/home.html", promise=promise, record=record(session, now), words=citizen_texts)
