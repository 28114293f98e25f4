"""Groups of tickets about one matter: the list, the page of a group, and one address for each action on its members."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.desk.answer_fields import read_answer
from backend.desk.groups.group_actions import VERBS, GroupVerb
from backend.desk.groups.group_view import group_page, typed_rest
from backend.desk.groups.picks_form import read_picks, ticked_numbers
from backend.errors import DomainError, Invalid, _
from backend.tickets.checks.answering import OUTCOME_MISSING
from backend.tickets.groups import queries
from backend.tickets.groups import service as groups
from backend.tickets.groups.models import MatterGroup
from backend.tickets.groups.service import GroupAction
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import ID_MOST, FormReader, FormView, TypedDep
from backend.web.rendering import choose_language, redirect_to, remember_language, render_page

GROUPS = "/nhom-phan-anh"

router = APIRouter()
Viewer = Annotated[Actor, Depends(allow(Permission.VIEW_TICKET))]
Merger = Annotated[Actor, Depends(allow(Permission.MERGE_TICKET))]


@router.get(GROUPS)
def list_groups(
    request: Request,
    session: SessionDep,
    actor: Annotated[Actor, Depends(allow(Permission.VIEW_INBOX))],
    before: str = "",
) -> Response:
    """Show the latest groups of the unit. ``before`` is the id of the last group of the page before."""
    start = int(before) if before.isascii() and before.isdigit() and len(before) <= 10 else None
    rows = queries.list_groups(session, actor, before=min(start, ID_MOST) if start is not None else None)
    older = f"{GROUPS}?before={rows[-1].group.id}" if len(rows) == queries.GROUPS_MOST else None
    return render_page(request, "desk/groups/groups.html", secret=True, rows=rows, older=older, newest=bool(start))


@router.get(GROUPS + "/{group_id}")
def show_group(request: Request, session: SessionDep, actor: Viewer, group_id: int) -> Response:
    return group_page(request, session, queries.find_group(session, group_id, actor), actor)


@router.post(GROUPS + "/{group_id}/xem")
def look_again(request: Request, session: SessionDep, actor: Viewer, group_id: int, form: TypedDep) -> Response:
    """Show the group again with everything typed: in another language, or with the letter as a sender will read it."""
    group = queries.find_group(session, group_id, actor)
    choose_language(request, form.raw("lang"))
    page = group_page(request, session, group, actor, form=form.form(), ticked=_ticked(form))
    return remember_language(request, page)


def _route(verb: GroupVerb) -> Callable[..., Response]:
    """Return the handler of an action's address."""
    permitted = Annotated[Actor, Depends(allow(verb.permission))]

    def act(request: Request, session: SessionDep, actor: permitted, group_id: int, form: TypedDep) -> Response:
        return _act(request, session, actor, group_id, form, verb)

    return act


for _verb in VERBS.values():
    router.add_api_route(f"{GROUPS}/{{group_id}}/{_verb.path}", _route(_verb), methods=["POST"], name=_verb.path)


def _act(
    request: Request, session: Session, actor: Actor, group_id: int, form: FormReader, verb: GroupVerb
) -> Response:  # fmt: skip
    """Let the event happen to each ticked member, and tell the result row by row."""
    try:
        action = _read_action(form, verb)
        with session.begin_nested():
            picks = read_picks(session, actor, form)
            results = groups.act_on_members(session, group_id, picks, action, actor, now=clock.now())
    except DomainError as refusal:
        return _show_refused(request, session, actor, group_id, form, refusal, verb.field)
    reached = sum(1 for result in results if result.refusal is None)
    rest = typed_rest(form.form(), verb.field)
    if rest.values:
        group = queries.find_group(session, group_id, actor)
        return group_page(request, session, group, actor, form=rest, confirmation=verb.confirmation, counted=reached)
    kind = "success" if reached == len(results) else "warning"
    return redirect_to(request, f"{GROUPS}/{group_id}", flash=verb.confirmation, kind=kind, n=reached)


def _read_action(form: FormReader, verb: GroupVerb) -> GroupAction:
    """Return the action of a submitted form. Raises Invalid for wrong fields of an answer."""
    text, mention = form.raw(verb.field), form.ticked("mention")
    if verb.field != "answer":
        return GroupAction(verb.event, text, mention)
    typed = read_answer(form, verb.field)
    form.check()
    if typed.content.outcome is None and verb.path != "duyet":
        raise Invalid(OUTCOME_MISSING, field="answer_outcome")
    return GroupAction(verb.event, text, mention, typed.content, typed.until, typed.ground, typed.earlier)


@router.post(GROUPS + "/{group_id}/bo-nhom")
def undo_group(request: Request, session: SessionDep, actor: Merger, group_id: int, form: TypedDep) -> Response:
    """Take every member out and end the group."""
    try:
        with session.begin_nested():
            groups.undo_group(session, group_id, form.raw("undo_reason"), actor, now=clock.now())
    except DomainError as refusal:
        return _show_refused(request, session, actor, group_id, form, refusal, "undo_reason")
    message = _("Đã bỏ nhóm. Các phản ánh được xử lý riêng trở lại, thời hạn không thay đổi.")
    return redirect_to(request, GROUPS, flash=message)


@router.post(GROUPS + "/{group_id}/da-doc")
def mark_read(request: Request, session: SessionDep, actor: Merger, group_id: int, form: TypedDep) -> Response:
    """Mark what the senders added as read, up to the last that the page showed."""
    groups.mark_read(session, group_id, actor, form.integer("upto") or 0)
    form.check()
    return redirect_to(request, f"{GROUPS}/{group_id}", flash=_("Đã ghi là đã đọc."))


@router.post(GROUPS + "/{group_id}/phu-trach")
def take_over(request: Request, session: SessionDep, actor: Merger, group_id: int) -> Response:
    """Become the officer who hears what the senders of the group add."""
    groups.become_officer(session, group_id, actor)
    return redirect_to(request, f"{GROUPS}/{group_id}", flash=_("Bạn phụ trách nhóm này."))


def _show_refused(
    request: Request,
    session: Session,
    actor: Actor,
    group_id: int,
    form: FormReader,
    refusal: DomainError,
    field: str,
) -> Response:
    """Show the group as it is now, with the refusal and with everything that was typed and ticked."""
    group: MatterGroup = queries.find_group(session, group_id, actor)
    view = form.form()
    if isinstance(refusal, Invalid):
        errors = {error.field or "pick": error for error in refusal.errors or (refusal,)}
        view = FormView(view.values, {field if name == "text" else name: error for name, error in errors.items()})
    return group_page(request, session, group, actor, refusal.status, form=view, refusal=refusal, ticked=_ticked(form))


def _ticked(form: FormReader) -> set[str]:
    return set(ticked_numbers(value for value in form.data.getlist("pick") if isinstance(value, str)))
