"""Second looks for those above a unit: the list, one of them with all that there is to read, and the decision."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.attachments import queries as attachments
from backend.attachments.streaming import photo_response
from backend.db import SessionDep
from backend.desk.supervision.desk_lists import LOOKS, LOOKS_TITLE
from backend.desk.supervision.page_keys import read_day_key, write_key
from backend.errors import DomainError, Invalid, _
from backend.tickets import queries as tickets
from backend.tickets.dossier import read_dossier
from backend.tickets.lifecycle import ANSWERS, Event
from backend.tickets.models import TicketState
from backend.tickets.queries import CourseStep
from backend.tickets.second_looks import look_terms, look_texts, queries, reviewers, service
from backend.tickets.second_looks.look_texts import DayTexts
from backend.tickets.second_looks.models import LookResult, LookStage, SecondLook
from backend.tickets.second_looks.service import LookDecision
from backend.tickets.texts import EVENT_NAMES
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import EMPTY, FormReader, FormView, TypedDep
from backend.web.rendering import choose_language, error_sentence, redirect_to, remember_language, render_page
from backend.worktime.calendar import local_time

DECISIONS = (*ANSWERS, Event.REFUSED)
LETTER = "letter"  # the name of the text field; the service calls it ``text``
LOOK = LOOKS + "/{look_id}"

router = APIRouter()
Reviewer = Annotated[Actor, Depends(allow(Permission.REVIEW_ANSWER))]


@router.get(LOOKS)
def show_looks(request: Request, session: SessionDep, actor: Reviewer, sau: str = "") -> Response:
    """Show the open second looks that the actor may see, soonest due first, and the latest decided ones."""
    page = queries.list_open_looks(session, actor, read_day_key(sau))
    return render_page(
        request,
        "desk/supervision/looks.html",
        title=LOOKS_TITLE,
        looks=page.looks,
        decided=queries.list_decided_looks(session, actor) if not sau else [],
        today=local_time(clock.now()).date(),
        first=LOOKS if sau else None,
        older=f"{LOOKS}?sau={write_key(page.after)}" if page.after else None,
        texts=look_texts,
    )


@router.get(LOOK)
def show_look(request: Request, session: SessionDep, actor: Reviewer, look_id: int) -> Response:
    return _page(request, session, actor, queries.for_reviewer(session, look_id, actor))


@router.post(LOOK + "/xem")
def keep_typed(request: Request, session: SessionDep, actor: Reviewer, look_id: int, form: TypedDep) -> Response:
    """Show the page again with everything typed: in another language if one was chosen."""
    look = queries.for_reviewer(session, look_id, actor)
    choose_language(request, form.raw("lang"))
    return remember_language(request, _page(request, session, actor, look, form=form.form()))


@router.post(LOOK + "/nhan")
def take_look(request: Request, session: SessionDep, actor: Reviewer, look_id: int) -> Response:
    """Take a second look. A refusal shows the page with its sentence."""
    queries.for_reviewer(session, look_id, actor)
    try:
        with session.begin_nested():
            service.take_look(session, look_id, actor, now=clock.now())
    except DomainError as refusal:
        return _refused(request, session, actor, look_id, refusal, EMPTY)
    return redirect_to(request, f"{LOOKS}/{look_id}", flash=_("Bạn đã nhận xem lại phản ánh này."))


@router.post(LOOK + "/tra-lai")
def give_back_look(request: Request, session: SessionDep, actor: Reviewer, look_id: int, form: TypedDep) -> Response:
    """Give a second look back to the list, for somebody else."""
    queries.for_reviewer(session, look_id, actor)
    try:
        with session.begin_nested():
            service.give_back_look(session, look_id, actor, now=clock.now())
    except DomainError as refusal:
        return _refused(request, session, actor, look_id, refusal, form.form())
    return redirect_to(request, LOOKS, flash=_("Đã trả lại để người khác xem lại."))


@router.post(LOOK + "/ket-qua")
def decide_look(request: Request, session: SessionDep, actor: Reviewer, look_id: int, form: TypedDep) -> Response:
    """Decide a second look: the sender gets the letter, the unit reads the result."""
    queries.for_reviewer(session, look_id, actor)
    try:
        with session.begin_nested():
            service.decide_look(session, look_id, actor, _read_decision(form), now=clock.now())
    except DomainError as refusal:
        return _refused(request, session, actor, look_id, refusal, _refused_form(form, refusal))
    return redirect_to(request, f"{LOOKS}/{look_id}", flash=_("Đã ghi kết quả. Người gửi và cơ quan sẽ được báo."))


@router.get(LOOK + "/anh/{place}", include_in_schema=False)
def show_photo(session: SessionDep, actor: Reviewer, look_id: int, place: int) -> Response:
    """Show a photo of the ticket to whoever may see the second look."""
    look = queries.for_reviewer(session, look_id, actor)
    return photo_response(attachments.find_photo(session, look.ticket_id, place), place)


def _last_decision(course: Sequence[CourseStep], look: SecondLook) -> CourseStep | None:
    """Return the answer or refusal that the sender does not accept."""
    steps = [step for step in course if step.event in DECISIONS and step.at <= look.asked_at]
    return steps[-1] if steps else None


def _read_decision(form: FormReader) -> LookDecision:
    typed = form.raw("result")
    result = LookResult(typed) if typed in set(LookResult) else None
    return LookDecision(result, form.raw(LETTER))


def _refused_form(form: FormReader, refusal: DomainError) -> FormView:
    """Return the form as typed, with the refusal at its field."""
    if not isinstance(refusal, Invalid) or refusal.field is None:
        return form.form()
    field = LETTER if refusal.field == "text" else refusal.field
    return FormView(form.form().values, {field: refusal.at(field)})


def _refused(
    request: Request, session: Session, actor: Actor, look_id: int, refusal: DomainError, form: FormView
) -> Response:
    look = queries.for_reviewer(session, look_id, actor)
    return _page(request, session, actor, look, refusal.status, form=form, refusal=refusal)


def _page(
    request: Request,
    session: Session,
    actor: Actor,
    look: SecondLook,
    status: int = 200,
    *,
    form: FormView = EMPTY,
    refusal: DomainError | None = None,
) -> Response:
    """Show what the sender wrote, what the unit did and answered, and the form for the decision."""
    session.refresh(look, ["stage", "reviewer_id", "result"])
    dossier = read_dossier(session, look.ticket, clock.now())
    course = tickets.list_course(session, look.ticket_id, internal=True, entries=dossier.entries)
    letter = queries.for_sender(session, look.ticket_id)
    results = [
        (result.value, look_texts.RESULTS[result], look_texts.RESULT_HINTS[result])
        for result in LookResult
        if result is not LookResult.CORRECTED or look.ticket.state is not TicketState.REFUSED
    ]
    return render_page(
        request,
        "desk/supervision/look.html",
        status,
        secret=True,
        look=look,
        ticket=look.ticket,
        course=course,
        decision=_last_decision(course, look),
        events=EVENT_NAMES,
        letter=letter.letter if letter is not None else "",
        photos=attachments.of_ticket(session, look.ticket_id),
        days=look_terms.stored_term(session, look).days(),
        basis=look_terms.find_basis(session, look),
        words=DayTexts,
        texts=look_texts,
        results=results,
        mine=look.stage is LookStage.TAKEN and look.reviewer_id == actor.user_id,
        had_part=reviewers.had_part(session, actor, look),
        today=local_time(clock.now()).date(),
        form=form,
        notice=error_sentence(request, refusal) if refusal and not form.errors else "",
        keep_at=f"{LOOKS}/{look.id}/xem",
    )
