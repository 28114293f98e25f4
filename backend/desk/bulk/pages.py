"""Many tickets at once: look at what an action would do to each ticked one, do it, see the result row by row, undo."""

import secrets
from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.desk.action_forms import read_action_request
from backend.desk.actions import TicketAction
from backend.desk.bulk import service
from backend.desk.bulk.models import KEY_MOST
from backend.desk.bulk.preview import BulkAttempt
from backend.desk.bulk.result_view import result_page
from backend.desk.bulk.selection import BulkSelection, read_selection
from backend.desk.bulk.service import BulkOrder
from backend.desk.bulk.verbs import find_verb
from backend.desk.bulk.view import bulk_page, usual_request
from backend.desk.inbox.filters import INBOX
from backend.desk.ticket_lists import TicketList, read_list
from backend.errors import DomainError, Invalid, _
from backend.tickets.groups.picks import PicksRefused
from backend.tickets.service import ActionRequest
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import ID_MOST, FormReader, FormView, TypedDep
from backend.web.rendering import choose_language, redirect_to, remember_language

MANY: Final = INBOX + "/nhieu"
DO: Final = "do"  # value of the field ``step``: carry out; anything else looks again
NO_CHOICE: Final[Mapping[str, str]] = {
    "to_unit": _("Xin chọn cơ quan trong danh sách."),
    "to_user": _("Xin chọn cán bộ của cơ quan đang giữ phản ánh."),
}

router = APIRouter()
Reader = Annotated[Actor, Depends(allow(Permission.VIEW_INBOX))]


@router.get(MANY)
def look_at_many(
    request: Request,
    session: SessionDep,
    actor: Reader,
    pick: Annotated[list[str] | None, Query()] = None,
    act: str = "",
    from_list: Annotated[str, Query(alias="from")] = "",
) -> Response:
    """Show what the action would do to each ticked ticket. ``from``: the query of the list.

    Without any ticked ticket it leads back to the list, with the reason.
    """
    ticket_list = _list_of(from_list)
    try:
        action = find_verb(act, actor)
        selection = read_selection(session, actor, pick or [])
    except Invalid as refusal:
        return redirect_to(request, ticket_list.address, flash=refusal.message, kind="warning", **refusal.params)
    attempt = BulkAttempt(usual_request(session, action, actor))
    return bulk_page(request, session, actor, action, selection, attempt, FormView(_hidden(ticket_list)))


@router.post(MANY)
def act_on_many(request: Request, session: SessionDep, actor: Reader, form: TypedDep) -> Response:
    """Carry out the action for each ticked ticket and show the results; or look again with the choices made so far.

    A refused form shows the page again with everything typed, and the reason of each row.
    """
    action = find_verb(form.raw("act"), actor)
    choose_language(request, form.raw("lang"))
    values = _values(form, "shown") or _values(form, "pick")
    try:
        selection = read_selection(session, actor, values)
    except Invalid as refusal:
        address = _list_of(form.raw("from")).address
        return redirect_to(request, address, flash=refusal.message, kind="warning", **refusal.params)
    if form.raw("step") != DO or form.raw("lang"):
        return remember_language(request, _look_again(request, session, actor, form, action, selection))
    try:
        order = _read_order(session, action, form)
        with session.begin_nested():
            ticked = read_selection(session, actor, _values(form, "pick"))
            step = service.carry_out(session, ticked, order, actor, now=clock.now())
    except DomainError as refusal:
        selection = read_selection(session, actor, values)  # again: what was undone is no longer in memory
        return _look_again(request, session, actor, form, action, selection, refusal)
    return redirect_to(request, f"{MANY}/{step.id}")


@router.get(MANY + "/{step_id}")
def show_results(request: Request, session: SessionDep, actor: Reader, step_id: int) -> Response:
    """Show what a step of one's own came to, row by row. Any other step leads to the inbox, with a notice."""
    step = service.find_step(session, actor, min(step_id, ID_MOST))
    return result_page(request, session, actor, step) if step else _gone(request)


@router.post(MANY + "/{step_id}/hoan-tac")
def undo_many(request: Request, session: SessionDep, actor: Reader, step_id: int) -> Response:
    """Assign the tickets of a step back to whoever had them."""
    step = service.find_step(session, actor, min(step_id, ID_MOST))
    if step is None:
        return _gone(request)
    try:
        with session.begin_nested():
            back = service.undo_step(session, step, actor, secrets.token_hex(KEY_MOST // 2), now=clock.now())
    except DomainError as refusal:
        results = refusal.results if isinstance(refusal, PicksRefused) else ()
        return result_page(request, session, actor, step, refusal=refusal, results=results)
    return redirect_to(request, f"{MANY}/{back.id}", flash=_("Đã giao lại cho người giữ trước đó."))


def _gone(request: Request) -> Response:
    return redirect_to(request, INBOX, flash=_("Kết quả của lần làm này không còn nữa."), kind="warning")


def _look_again(
    request: Request,
    session: Session,
    actor: Actor,
    form: FormReader,
    action: TicketAction,
    selection: BulkSelection,
    refusal: DomainError | None = None,
) -> Response:
    """Show the page with what was typed and ticked, the choices made so far, and the refusal if there is one."""
    action_request = read_action_request(session, action, form)
    typed = _has_choice(action, form)
    results = refusal.results if isinstance(refusal, PicksRefused) else ()
    attempt = BulkAttempt(
        action_request if typed else usual_request(session, action, actor),
        typed,
        [value.partition("@")[0] for value in _values(form, "pick")],
        {row.ticket_id: row.refusal for row in results},
    )
    shown_form = FormView(form.form().values)
    if isinstance(refusal, Invalid):
        shown_form = form.refused(refusal.at(action.field) if refusal.field == "text" else refusal, "pick")
        refusal = None if shown_form.errors else refusal
    status = 200 if refusal is None and not shown_form.errors else refusal.status if refusal else 422
    return bulk_page(request, session, actor, action, selection, attempt, shown_form, refusal, status)


def _read_order(session: Session, action: TicketAction, form: FormReader) -> BulkOrder:
    """Return what the form asks for. Raises Invalid where the text or the choice is missing."""
    action_request: ActionRequest = read_action_request(session, action, form)
    for name in action.inputs:
        if name in NO_CHOICE and not form.raw(name).strip():
            form.refuse(name, NO_CHOICE[name])
    if action.field and not form.raw(action.field).strip():
        form.refuse(action.field, _("Xin ghi nội dung."))
    form.check()
    key = form.raw("key")[:KEY_MOST] or secrets.token_hex(KEY_MOST // 2)
    fields = {name: form.raw(name) for name in (action.field, *action.inputs) if name and form.raw(name)}
    return BulkOrder(action_request, key, fields, _list_of(form.raw("from")).query)


def _has_choice(action: TicketAction, form: FormReader) -> bool:
    return not action.inputs or all(form.raw(name).strip() for name in action.inputs if name in NO_CHOICE)


def _values(form: FormReader, name: str) -> list[str]:
    return [value for value in form.data.getlist(name) if isinstance(value, str)]


def _list_of(query: str) -> TicketList:
    return read_list(f"{INBOX}?{query}")


def _hidden(ticket_list: TicketList) -> dict[str, str]:
    return {"from": ticket_list.query}
