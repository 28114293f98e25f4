"""The page of one ticket for its sender, and the form for number and secret that opens it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from fastapi import Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.attachments import queries as attachments
from backend.errors import DomainError, Invalid, NotFound
from backend.public import access
from backend.public.due_date_texts import count_days, count_term
from backend.public.sender_actions import list_open_actions, list_pauses, read_extension
from backend.ratings import service as ratings
from backend.ratings.models import Rating
from backend.tickets import citizen_texts, queries, rulebook
from backend.tickets.answers.promises import open_promise
from backend.tickets.answers.queries import latest_decision
from backend.tickets.answers.texts import AnswerTexts, answer_texts
from backend.tickets.dossier import Dossier, read_dossier
from backend.tickets.due_status import is_overdue
from backend.tickets.lifecycle import INTERNAL, Event
from backend.tickets.models import Ticket
from backend.tickets.queries import CourseStep
from backend.tickets.second_looks import asking, look_terms, look_texts
from backend.tickets.second_looks import queries as second_looks
from backend.tickets.second_looks.look_texts import DayTexts
from backend.tickets.senders.sender_checks import decision_number
from backend.tickets.senders.sender_rights import reopening_end
from backend.web.forms import FormReader, FormView
from backend.web.rendering import language_of, redirect_to, render_page
from backend.worktime.calendar import local_time
from backend.worktime.duration import Duration

TICKET = "/theo-doi/phan-anh"
TYPED_FIELDS = (
    "text",
    "objection",
    "reason",
    "look_reason",
    "remark",
    "pause",
    *ratings.ITEMS,
)  # all fields of the page
DECISIONS = (Event.ANSWERED, Event.ANSWERED_TOGETHER, Event.REFUSED, Event.REDIRECTED)
STOPS = (*DECISIONS[1:], Event.WITHDRAWN)  # end the term without an answer of the ticket's own


def find_opened_ticket(request: Request, session: Session) -> Ticket | None:
    """Return the ticket that this browser may follow, or None if its hour is over."""
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
    confirmation: str = "",
    refusal: DomainError | None = None,
) -> Response:
    """Show state, due date, course and answer, what the sender can do now, and everything typed on the page.

    ``used`` are the fields of the action that was just carried out; ``confirmation`` is the sentence about it. After a
    ``refusal`` all fields keep their texts.
    """
    if typed is not None:  # an action read the ticket again, without what the page needs of it
        ticket = queries.by_id(session, ticket.id)
    now = clock.now()
    dossier = read_dossier(session, ticket, now)
    field_errors = refusal if isinstance(refusal, Invalid) and refusal.errors else None
    return render_page(
        request,
        "public/ticket.html",
        refusal.status if refusal else 200,
        secret=True,
        form=_form(typed, field_errors, used),
        done=confirmation,
        keep_at=TICKET,
        notice=refusal if not field_errors else None,
        ticket=ticket,
        **_course_context(session, dossier),
        **_due_date_context(session, dossier, now),
        answer=_answer_texts(session, dossier, language_of(request)),
        **_second_look_context(session, dossier),
        photos=attachments.of_ticket(session, ticket.id),
        rating=_find_rating(session, dossier),
        words=citizen_texts,
    )


def _course_context(session: Session, dossier: Dossier) -> dict[str, Any]:
    """Return the course as its sender sees it, and what the page shows apart: actions, question, decision, delay."""
    ticket = dossier.ticket
    course = queries.list_course(session, ticket.id, internal=True, entries=dossier.entries)
    steps = [step for step in course if step.event not in INTERNAL]
    actions = list_open_actions(dossier)
    stopped = not (ticket.open or ticket.settled)
    return {
        "steps": steps,
        "actions": actions,
        "question": _last(steps, Event.INFO_REQUESTED) if "tra-loi" in actions else None,
        "decision": _last(steps, *DECISIONS) if ticket.told_at else None,
        "promise": open_promise(dossier.history),
        "report": _last(steps, Event.PROMISE_KEPT, Event.PROMISE_EXPLAINED),
        "delay": queries.find_delay(session, dossier.entries) if ticket.open else None,
        "stopped": _last(steps, *STOPS) if stopped else None,
        "extension": read_extension(dossier.clocks, course),
        "pauses": list_pauses(dossier, steps),
    }


def _answer_texts(session: Session, dossier: Dossier, language: str) -> AnswerTexts | None:
    """Return what the latest answer or refusal says beside its text, once its sender has read it."""
    view = latest_decision(session, dossier.history) if dossier.ticket.told_at else None
    return answer_texts(view, language) if view is not None else None


def _due_date_context(session: Session, dossier: Dossier, now: datetime) -> dict[str, Any]:
    """Return the due date, how it was counted, and how long the ticket can be reopened."""
    ticket, clocks = dossier.ticket, dossier.clocks
    today = local_time(now).date()
    return {
        "due": clocks.resolve.due,
        "overdue": is_overdue(ticket, today),
        "window": reopening_end(dossier),
        "counting": count_days(clocks),
        "later_rule": rulebook.rule_of_today(session, ticket, clocks, today),
    }


def _second_look_context(session: Session, dossier: Dossier) -> dict[str, Any]:
    """Return the second look that the sender asked for, with how its due date was counted, or the one on offer."""
    look = second_looks.for_sender(session, dossier.ticket.id)
    counting = None
    if look is not None and look.look.open:
        term = look_terms.stored_term(session, look.look)
        duration = term.duration or Duration.parse(look.look.term)
        counting = count_term(term, duration, look_terms.find_basis(session, look.look))
    return {
        "look": look,
        "look_offer": asking.read_offer(dossier) if look is None else None,
        "look_counting": counting,
        "look_days": DayTexts,
        "look_texts": look_texts,
    }


def _find_rating(session: Session, dossier: Dossier) -> Rating | None:
    """Return the rating of the latest answer, where the ticket is closed and rated."""
    ticket = dossier.ticket
    return None if ticket.open else ratings.find_rating(session, ticket.id, decision_number(dossier.history))


def _form(typed: FormReader | None, refusal: Invalid | None, used: Collection[str]) -> FormView:
    if typed is None:
        return FormView()
    return typed.rest(used) if used else typed.form(refusal)


def done_page(
    request: Request, session: Session, ticket: Ticket, typed: FormReader, used: Collection[str], confirmation: str
) -> Response:
    """Redirect to the ticket after an action, with its ``confirmation``.

    If other fields than the ``used`` ones hold something, answer with the page: a redirect would lose what was typed.
    """
    others = [name for name in TYPED_FIELDS if name not in used and name != "pause"]
    if not any(typed.raw(name).strip() for name in others):
        return redirect_to(request, TICKET, flash=confirmation or None)
    return ticket_page(request, session, ticket, typed=typed, used=used or ("",), confirmation=confirmation)


def follow_page(
    request: Request,
    *,
    number: str = "",
    refusal: DomainError | None = None,
    typed: FormReader | None = None,
    status: int = 200,
) -> Response:
    """Show the form for number and secret. It carries on what was ``typed`` on a page whose hour was over."""
    form = FormView({"number": number}, {"number": refusal} if refusal else {})
    return render_page(request, "public/follow.html", status, secret=True, form=form, kept=typed_values(typed))


def ask_secret_again(request: Request, typed: FormReader) -> Response:
    """Ask for number and secret again when the hour is over, and carry on everything typed. Status 401."""
    return follow_page(request, typed=typed, status=401)


def typed_values(typed: FormReader | None) -> dict[str, str]:
    """Return the fields of the ticket's page that hold something: name -> value."""
    values = {name: typed.raw(name) for name in TYPED_FIELDS} if typed else {}
    return {name: value for name, value in values.items() if value}


def _last(steps: Sequence[CourseStep], *events: Event) -> CourseStep | None:
    return next((step for step in reversed(steps) if step.event in events), None)
