"""The page of one ticket as its sender sees it, and the way back to it when the hour is over."""

from collections.abc import Collection, Iterable

from fastapi import Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.attachments import queries as attachments
from backend.errors import DomainError, Invalid, NotFound
from backend.public import access
from backend.public.due_date_texts import count_days
from backend.public.sender_actions import extension_told, open_wishes, pauses_told, reopening_ends
from backend.ratings import service as ratings
from backend.tickets import citizen_texts, dossier, queries, rulebook
from backend.tickets.due_status import is_overdue
from backend.tickets.lifecycle import INTERNAL, Event
from backend.tickets.models import Ticket
from backend.tickets.queries import CourseStep
from backend.tickets.sender_checks import count_answers
from backend.web.forms import FormReader, FormView
from backend.web.rendering import redirect_to, render_page
from backend.worktime.calendar import local_time

TICKET = "/theo-doi/phan-anh"
TEXTS = ("text", "objection", "wish", "remark")
KEPT = (*TEXTS, "pause", *ratings.ITEMS)  # what a sender may have typed when the hour ended
DECISIONS = (Event.ANSWERED, Event.ANSWERED_TOGETHER, Event.REFUSED, Event.REDIRECTED)
STOPS = (*DECISIONS[1:], Event.WITHDRAWN)  # what ends the term of a ticket without an answer of its own


def find_opened(request: Request, session: Session) -> Ticket | None:
    """The ticket that this browser may follow, if its hour is not over."""
    ticket_id = access.granted_ticket(request)
    if ticket_id is None:
        return None
    try:
        return queries.by_id(session, ticket_id)
    except NotFound:
        return None


def ticket_page(
    request: Request,
    session: Session,
    ticket: Ticket,
    *,
    typed: FormReader | None = None,
    used: Collection[str] = (),
    done: str = "",
    refusal: DomainError | None = None,
) -> Response:
    """State, due date, course, answer, and what the sender can do now, with all that was typed on the page.

    ``used`` are the fields of what was just ``done``; on a refusal everything is still there.
    """
    if typed is not None:  # something was tried, which read the ticket anew and without what the page shows of it
        ticket = queries.by_id(session, ticket.id)
    known = dossier.read_dossier(session, ticket, clock.now())
    clocks = known.clocks
    course = queries.list_course(session, ticket.id, internal=True, entries=known.entries)
    steps = [step for step in course if step.event not in INTERNAL]
    wishes = open_wishes(known)
    field_errors = refusal if isinstance(refusal, Invalid) and refusal.errors else None
    return render_page(
        request,
        "public/ticket.html",
        refusal.status if refusal else 200,
        secret=True,
        form=_form(typed, field_errors, used),
        done=done,
        keep_at=TICKET,
        notice=refusal if not field_errors else None,
        ticket=ticket,
        steps=steps,
        question=_last(steps, Event.INFO_REQUESTED) if "tra-loi" in wishes else None,
        decision=_last(steps, *DECISIONS) if ticket.told_at else None,
        delay=queries.find_delay(session, known.entries) if ticket.open else None,
        stopped=None if ticket.open or ticket.settled else _last(steps, *STOPS),
        wishes=wishes,
        extension=extension_told(clocks, course),
        pauses=pauses_told(known, steps),
        window=reopening_ends(clocks),
        due=clocks.resolve.due,
        overdue=is_overdue(ticket, local_time(clock.now()).date()),
        photos=attachments.of_ticket(session, ticket.id),
        rating=ratings.find_rating(session, ticket.id, count_answers(known.history)) if not ticket.open else None,
        counting=count_days(clocks),
        later_rule=rulebook.rule_of_today(session, ticket, clocks, local_time(clock.now()).date()),
        words=citizen_texts,
    )


def _form(typed: FormReader | None, refusal: Invalid | None, used: Collection[str]) -> FormView:
    if typed is None:
        return FormView()
    return typed.rest(used) if used else typed.form(refusal)


def done_page(
    request: Request, session: Session, ticket: Ticket, typed: FormReader, used: Collection[str], done: str
) -> Response:
    """Back to the ticket after something was done. Where something else was typed on the page, the page answers at once
    with all of it: a redirect would lose it."""
    others = [name for name in KEPT if name not in used and name != "pause"]
    if not any(typed.raw(name).strip() for name in others):
        return redirect_to(request, TICKET, flash=done or None)
    return ticket_page(request, session, ticket, typed=typed, used=used or ("",), done=done)


def follow_page(
    request: Request,
    *,
    number: str = "",
    error: DomainError | None = None,
    kept: FormReader | None = None,
    status: int = 200,
) -> Response:
    """The form for number and secret. ``kept`` carries what was typed in a page whose hour was over."""
    form = FormView({"number": number}, {"number": error} if error else {})
    values = {name: kept.raw(name) for name in KEPT if kept.raw(name)} if kept else {}
    return render_page(request, "public/follow.html", status, secret=True, form=form, kept=values)


def ask_again(request: Request, typed: FormReader) -> Response:
    """The hour was over in mid-form: number and secret once more, and nothing typed is lost."""
    return follow_page(request, kept=typed, status=401)


def _last(steps: Iterable[CourseStep], *events: Event) -> CourseStep | None:
    return next((step for step in reversed(list(steps)) if step.event in events), None)
