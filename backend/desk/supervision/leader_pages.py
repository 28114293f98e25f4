"""The desk of a unit's leader: approvals with the decision right there, objections, load of officers, late tickets."""

from collections.abc import Callable
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.desk.actions import TicketAction
from backend.desk.supervision import approvals, desk_lists, queries
from backend.desk.supervision.desk_lists import APPROVALS, LATE_OF_UNIT, LEADER, LOAD, LOAD_TITLE, OBJECTIONS, DeskList
from backend.desk.supervision.desk_rows import list_frame, page_links, read_rows, show_list
from backend.desk.supervision.page_keys import read_day_key
from backend.desk.ticket_pages import ActionGuard
from backend.errors import DomainError, NotFound, _
from backend.tickets import queries as tickets
from backend.tickets import service
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import EMPTY, ID_MOST, FormReader, FormView, TypedDep
from backend.web.rendering import choose_language, error_sentence, redirect_to, remember_language, render_page
from backend.worktime.calendar import local_time

SHOWN_APPROVALS = 10  # decisions with their texts on one page
NOBODY = "chua-giao"

router = APIRouter()
Leader = Annotated[Actor, Depends(allow(Permission.LEAD_UNIT))]


@router.get(LEADER)
def show_approvals(request: Request, session: SessionDep, actor: Leader, sau: str = "") -> Response:
    """Show every answer and every extension that waits for the leader, with the forms to decide."""
    return _approvals_page(request, session, actor, sau)


@router.post(f"{LEADER}/xem")
def keep_typed(request: Request, session: SessionDep, actor: Leader, form: TypedDep) -> Response:
    """Show the page again with everything typed: in another language if one was chosen, or after Enter in a field."""
    choose_language(request, form.raw("lang"))
    return remember_language(request, _approvals_page(request, session, actor, "", form=form.form()))


def _list_route(desk_list: DeskList) -> Callable[..., Response]:
    """Return the handler of a list by due date."""

    def show(request: Request, session: SessionDep, actor: Leader, sau: str = "") -> Response:
        today = local_time(clock.now()).date()
        return show_list(request, session, actor, desk_list, desk_lists.leader_tabs, today, sau)

    return show


for _list in (OBJECTIONS, LATE_OF_UNIT):
    router.add_api_route(_list.address, _list_route(_list), methods=["GET"], name=_list.address)


@router.get(LOAD)
def show_load(
    request: Request,
    session: SessionDep,
    actor: Leader,
    officer: Annotated[str, Query(alias="can-bo")] = "",
    sau: str = "",
) -> Response:
    """Show the open tickets of the unit by officer, and those of one officer in full."""
    today = local_time(clock.now()).date()
    load = queries.list_load(session, actor, today)
    chosen = _chosen_load(load, officer) if officer else None
    address = f"{LOAD}?can-bo={officer}" if officer else LOAD
    rows, older = [], None
    if chosen is not None:
        condition = queries.assigned_to(chosen.officer.id if chosen.officer else None)
        page = queries.list_waiting(session, actor, condition, after=read_day_key(sau))
        rows = read_rows(session, page.tickets, today)
        older = page_links(address, page, sau)["older"]
    return render_page(
        request,
        "desk/supervision/load.html",
        load=load,
        chosen=chosen,
        rows=rows,
        first=address if sau else None,
        older=older.replace("?sau=", "&sau=") if older else None,
        load_title=LOAD_TITLE,
        load_address=LOAD,
        nobody=NOBODY,
        **list_frame(APPROVALS, desk_lists.leader_tabs(session, actor, today)),
    )


def _chosen_load(load: list[queries.OfficerLoad], typed: str) -> queries.OfficerLoad:
    """Return the row that the address names. Raises NotFound for an officer without open tickets of this unit."""
    known = typed.isascii() and typed.isdigit() and len(typed) <= 10 and int(typed) <= ID_MOST
    user_id = int(typed) if known else None
    for row in load:
        if row.officer is None and typed == NOBODY:
            return row
        if row.officer is not None and row.officer.id == user_id:
            return row
    raise NotFound(_("Cán bộ này không có phản ánh nào đang mở ở cơ quan bạn."))


def _decision_route(action: TicketAction) -> Callable[..., Response]:
    """Return the handler of a decision in the row of a ticket."""
    permitted = Annotated[Actor, Depends(ActionGuard(action))]

    def decide(request: Request, session: SessionDep, actor: permitted, number: str, form: TypedDep) -> Response:
        return _decide(request, session, actor, number, form, action)

    return decide


for _path, _action in approvals.DECISIONS.items():
    router.add_api_route(
        f"{LEADER}/{{number}}/{_path}", _decision_route(_action), methods=["POST"], name=f"leader-{_path}"
    )


def _decide(
    request: Request, session: Session, actor: Actor, number: str, form: FormReader, action: TicketAction
) -> Response:
    """Carry out a decision; show the page again where it was refused, or where other rows hold typed texts."""
    ticket_id = tickets.for_staff(session, number, actor).id
    try:
        version, decision = approvals.read_decision(form, action, number)
        with session.begin_nested():
            service.apply(session, ticket_id, decision, actor, now=clock.now(), version=version)
    except DomainError as refusal:
        view = approvals.refused_form(form, action, number, refusal)
        return _approvals_page(request, session, actor, "", refusal, view)
    page = queries.list_waiting(session, actor, APPROVALS.condition(_today(), actor), limit=SHOWN_APPROVALS)
    if approvals.texts_left(form, read_rows(session, page.tickets, _today(), approvals.SHOWN)):
        return _approvals_page(request, session, actor, "", form=form.form(), confirmation=action.confirmation)
    return redirect_to(request, LEADER, flash=action.confirmation)


def _approvals_page(
    request: Request,
    session: Session,
    actor: Actor,
    after: str,
    refusal: DomainError | None = None,
    form: FormView = EMPTY,
    confirmation: str = "",
) -> Response:
    today = _today()
    condition = APPROVALS.condition(today, actor)
    page = queries.list_waiting(session, actor, condition, after=read_day_key(after), limit=SHOWN_APPROVALS)
    return render_page(
        request,
        "desk/supervision/approvals.html",
        refusal.status if refusal else 200,
        rows=read_rows(session, page.tickets, today, approvals.SHOWN),
        form=form,
        notice=error_sentence(request, refusal) if refusal and not form.errors else "",
        done=confirmation,
        keep_at=f"{LEADER}/xem",
        decisions=approvals.DECISIONS,
        field_of=approvals.field_of,
        requested_time=approvals.requested_time,
        **list_frame(APPROVALS, desk_lists.leader_tabs(session, actor, today)),
        **page_links(APPROVALS.address, page, after),
    )


def _today() -> date:
    return local_time(clock.now()).date()
