"""The home page."""

from fastapi import APIRouter, Depends, Request, Response

from backend import clock
from backend.db import SessionDep
from backend.deadlines.rules import RuleSubject
from backend.public.promise_record import answer_record
from backend.tickets import citizen_texts, rulebook
from backend.users.guard import allow_everybody
from backend.web.rendering import render_page
from backend.worktime.calendar import ZONE

router = APIRouter(dependencies=[Depends(allow_everybody)])


@router.get("/", include_in_schema=False)
def show_home(request: Request, session: SessionDep) -> Response:
    """Show how to send and follow feedback, what happens then, the promised term, and how often it was met."""
    now = clock.now()
    promise = rulebook.load_rules(session).ruling(now.astimezone(ZONE).date(), RuleSubject())["resolve"].duration
    return render_page(
        request, "public/home.html", promise=promise, record=answer_record(session, now), words=citizen_texts
    )
