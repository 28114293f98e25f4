"""The desk of the coordinator: what nobody has taken, disputes, conduct, what may be published, who is late."""

from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.desk.supervision import desk_lists, queries
from backend.desk.supervision.desk_lists import COORDINATOR, LATE, LISTED_BY_DUE_DATE, PUBLICATION, DeskList
from backend.desk.supervision.desk_rows import list_frame, read_rows, show_list
from backend.desk.supervision.page_keys import read_day_key, read_moment_key, write_key
from backend.desk.supervision.personal_marks import find_personal_marks
from backend.errors import DomainError, NotFound, _
from backend.tickets import queries as tickets
from backend.tickets import service
from backend.tickets.lifecycle import ANSWERS, Event
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import TypedDep
from backend.web.rendering import error_sentence, redirect_to, render_page
from backend.worktime.calendar import local_time

SHOWN_ANSWERS = 10  # answers with both texts on one page of the moderation list
ANSWER_EVENTS = (*ANSWERS, Event.SECOND_LOOK_CORRECTED)

router = APIRouter()
Coordinator = Annotated[Actor, Depends(allow(Permission.SUPERVISE_UNITS))]
Publisher = Annotated[Actor, Depends(allow(Permission.PUBLISH_ANSWER))]


def _route(desk_list: DeskList) -> Callable[..., Response]:
    """Return the handler of a list by due date."""

    def show(request: Request, session: SessionDep, actor: Coordinator, sau: str = "") -> Response:
        today = local_time(clock.now()).date()
        return show_list(request, session, actor, desk_list, desk_lists.coordinator_tabs, today, sau)

    return show


for _list in LISTED_BY_DUE_DATE:
    router.add_api_route(_list.address, _route(_list), methods=["GET"], name=_list.address)


@router.get(PUBLICATION.address)
def show_publication(request: Request, session: SessionDep, actor: Coordinator, sau: str = "") -> Response:
    """Show answered tickets with both texts as the public will read them."""
    return _publication_page(request, session, actor, sau)


@router.post(f"{COORDINATOR}/cong-khai/{{number}}")
def publish_answer(request: Request, session: SessionDep, actor: Publisher, number: str, form: TypedDep) -> Response:
    """Publish one answer and go back to the list; a refusal shows the list with its sentence."""
    ticket = tickets.for_staff(session, number, actor)
    publication = service.ActionRequest(Event.PUBLISHED)
    try:
        with session.begin_nested():
            version = form.integer("version")
            service.apply(session, ticket.id, publication, actor, now=clock.now(), version=version or 0)
    except DomainError as refusal:
        return _publication_page(request, session, actor, "", refusal)
    return redirect_to(request, PUBLICATION.address, flash=_("Đã công khai trả lời."))


@router.get(LATE.address)
def show_late(
    request: Request,
    session: SessionDep,
    actor: Coordinator,
    unit_code: Annotated[str, Query(alias="don-vi")] = "",
    sau: str = "",
) -> Response:
    """Show which units are late, and the late tickets of all units or of one."""
    today = local_time(clock.now()).date()
    units = queries.list_late_units(session, actor, today)
    chosen = next((row.unit for row in units if row.unit.code == unit_code), None)
    if unit_code and chosen is None:
        raise NotFound(_("Cơ quan này không có phản ánh nào quá hạn mà bạn được xem."))
    unit_id = chosen.id if chosen else None
    after = read_day_key(sau)
    page = queries.list_waiting(session, actor, LATE.condition(today, actor), unit_id=unit_id, after=after)
    address = f"{LATE.address}?don-vi={quote(unit_code)}" if chosen else LATE.address
    return render_page(
        request,
        "desk/supervision/late.html",
        rows=read_rows(session, page.tickets, today),
        late_units=units,
        chosen=chosen,
        first=address if sau else None,
        older=f"{address}{'&' if chosen else '?'}sau={write_key(page.after)}" if page.after else None,
        **list_frame(LATE, desk_lists.coordinator_tabs(session, actor, today)),
    )


def _publication_page(
    request: Request, session: Session, actor: Actor, after: str, refusal: DomainError | None = None
) -> Response:
    today = local_time(clock.now()).date()
    page = queries.list_to_publish(session, actor, read_moment_key(after), SHOWN_ANSWERS)
    rows = read_rows(session, page.tickets, today, ANSWER_EVENTS)
    older = f"{PUBLICATION.address}?sau={quote(write_key(page.after))}" if page.after else None
    marks = {
        row.ticket.id: find_personal_marks(
            [row.ticket.title, row.ticket.content, row.text.body if row.text is not None else ""]
        )
        for row in rows
    }
    return render_page(
        request,
        "desk/supervision/publication.html",
        refusal.status if refusal else 200,
        rows=rows,
        marks=marks,
        notice=error_sentence(request, refusal) if refusal else "",
        first=PUBLICATION.address if after else None,
        older=older,
        **list_frame(PUBLICATION, desk_lists.coordinator_tabs(session, actor, today)),
    )
