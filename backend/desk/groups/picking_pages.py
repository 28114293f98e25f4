"""Merging and grouping by picking: look at the picked tickets side by side, then merge them or form a group."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.desk.groups.picking_view import picking_page
from backend.desk.groups.picks_form import PICK, find_tickets, read_picks, ticked_numbers, typed_numbers
from backend.errors import DomainError, Invalid, _
from backend.tickets import queries
from backend.tickets.groups import service as groups
from backend.tickets.groups.picks import TicketPick
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import EMPTY, FormReader, FormView, TypedDep
from backend.web.rendering import redirect_to

GROUPS = "/nhom-phan-anh"

router = APIRouter()
Merger = Annotated[Actor, Depends(allow(Permission.MERGE_TICKET))]


@router.get(GROUPS + "/chon")
def look_side_by_side(
    request: Request,
    session: SessionDep,
    actor: Merger,
    pick: Annotated[list[str] | None, Query()] = None,
    numbers: str = "",
) -> Response:
    """Show the picked tickets side by side. The first one is what the others are merged into."""
    ticked = [match[1] if (match := PICK.fullmatch(value)) else value for value in pick or []]
    typed = FormView({"numbers": numbers})
    try:
        picked = find_tickets(session, actor, [*ticked, *typed_numbers(numbers)])
        picked.check()
        if len(picked.tickets) < 2 and (ticked or numbers):
            raise Invalid(_("Xin chọn hoặc ghi mã số của ít nhất một phản ánh khác."), field="numbers")
    except Invalid as refusal:
        shown = find_tickets(session, actor, ticked[:2]).tickets
        view = FormView(typed.values, {refusal.field or "numbers": refusal})
        return picking_page(request, session, actor, shown, form=view, status=refusal.status)
    return picking_page(request, session, actor, picked.tickets)


@router.post(GROUPS + "/gop")
def merge_picked(request: Request, session: SessionDep, actor: Merger, form: TypedDep) -> Response:
    """Merge the ticked tickets into the first one, all or none."""

    def merge(picks: list[TicketPick]) -> Response:
        into = queries.for_staff(session, form.raw("first").partition("@")[0][:40], actor)
        groups.merge_picks(session, into.id, picks, form.raw("reason"), actor, now=clock.now())
        return redirect_to(request, f"/hop-thu/{into.number}", flash=_("Đã gộp. Người gửi sẽ được báo."))

    return _carry_out(request, session, actor, form, merge, "reason")


@router.post(GROUPS + "/lap")
def form_group(request: Request, session: SessionDep, actor: Merger, form: TypedDep) -> Response:
    """Put the ticked tickets and the first one into a group: its own, or a new one."""

    def put_together(picks: list[TicketPick]) -> Response:
        now = clock.now()
        first = queries.for_staff(session, form.raw("first").partition("@")[0][:40], actor)
        others = [pick for pick in picks if pick.ticket_id != first.id]
        if first.group_id is not None:
            group = groups.add_members(session, first.group_id, others, actor, now=now)
        else:
            version = ticked_numbers([form.raw("first")]).get(first.number, 0)
            whole = [TicketPick(first.id, version), *others]
            group = groups.form_group(session, whole, form.raw("title"), actor, now=now)
        return redirect_to(
            request, f"{GROUPS}/{group.id}", flash=_("Đã lập nhóm. Thời hạn của từng phản ánh giữ nguyên.")
        )

    return _carry_out(request, session, actor, form, put_together, "title")


def _carry_out(
    request: Request,
    session: Session,
    actor: Actor,
    form: FormReader,
    act: Callable[[list[TicketPick]], Response],
    field: str,
) -> Response:
    """Let ``act`` write all of it, or show the page again with the reasons and with what was typed."""
    try:
        if not PICK.fullmatch(form.raw("first")):
            raise Invalid(_("Biểu mẫu đã cũ. Xin tải lại trang rồi gửi."), field="pick")
        with session.begin_nested():
            return act(read_picks(session, actor, form))
    except DomainError as refusal:
        return _show_refused(request, session, actor, form, refusal, field)


def _show_refused(
    request: Request, session: Session, actor: Actor, form: FormReader, refusal: DomainError, field: str
) -> Response:  # fmt: skip
    ticked = list(ticked_numbers(value for value in form.data.getlist("pick") if isinstance(value, str)))
    every = [value for value in form.data.getlist("shown") if isinstance(value, str)]
    numbers = dict.fromkeys([*ticked_numbers([form.raw("first")]), *every, *ticked])
    tickets = find_tickets(session, actor, list(numbers)[:50]).tickets
    view = FormView(form.form().values)
    if isinstance(refusal, Invalid):
        name = {"text": field}.get(refusal.field or "pick", refusal.field or "pick")
        view = FormView(view.values, {name: refusal})
    shown_above = None if view.errors else refusal
    return picking_page(
        request,
        session,
        actor,
        tickets,
        form=view or EMPTY,
        refusal=shown_above,
        status=refusal.status,
        ticked=ticked,
    )
