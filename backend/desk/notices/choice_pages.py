"""The page on which each person chooses how to get notices, and binds the own chat with the bot."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.desk.notices.pages import NOTICES
from backend.errors import Conflict, Invalid, _
from backend.outbox.models import Medium
from backend.tickets.notices import queries, service, staff_chats
from backend.tickets.notices.audience import kinds_for
from backend.tickets.notices.kinds import WAYS, NoticeWay
from backend.tickets.notices.texts import KIND_NAMES, WAY_NAMES
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import EMPTY, FormView, TypedDep
from backend.web.rendering import redirect_to, render_page

CHOICES = f"{NOTICES}/cach-nhan"

router = APIRouter()
Own = Annotated[Actor, Depends(allow(Permission.USE_ACCOUNT))]


@router.get(CHOICES)
def show_choices(request: Request, session: SessionDep, actor: Own) -> Response:
    return _page(request, session, actor)


@router.post(CHOICES)
def store_choices(request: Request, session: SessionDep, actor: Own, form: TypedDep) -> Response:
    """Store how the person wants each kind of notice, and by what messages leave."""
    user_id, kinds = actor.user_id or 0, kinds_for(actor.role)
    try:
        ways = {kind: form.choice(kind.value, [way.value for way in WAYS[kind]]) for kind in kinds}
        medium = form.choice("medium", [medium.value for medium in Medium]) if kinds else Medium.EMAIL.value
        form.check()
        staff_chats.choose_medium(session, user_id, Medium(medium))
        service.choose_ways(session, user_id, {kind: NoticeWay(way) for kind, way in ways.items()})
    except (Invalid, Conflict) as refusal:
        return _page(request, session, actor, refusal.status, form=form.refused(refusal, "medium"))
    return redirect_to(request, CHOICES, flash=_("Đã lưu cách nhận thông báo."))


@router.post(f"{CHOICES}/ma-noi")
def give_code(request: Request, session: SessionDep, actor: Own, form: TypedDep) -> Response:
    """Show a new one-time code. Only this answer displays it."""
    code = staff_chats.make_code(session, actor.user_id or 0, clock.now())
    return _page(request, session, actor, form=form.form(), code=code)


@router.post(f"{CHOICES}/bo-noi")
def unbind(request: Request, session: SessionDep, actor: Own) -> Response:
    staff_chats.unbind_chat(session, actor.user_id or 0, clock.now())
    return redirect_to(request, CHOICES, flash=_("Đã bỏ nối Telegram. Tin được gửi qua thư điện tử."))


def _page(
    request: Request, session: Session, actor: Actor, status: int = 200, *, form: FormView = EMPTY, code: str = ""
) -> Response:
    ways, settings = queries.read_ways(session, actor.user_id or 0), queries.find_settings(session, actor.user_id or 0)
    return render_page(
        request,
        "desk/notices/choices.html",
        status,
        form=form,
        kinds=[
            (kind, KIND_NAMES[kind], ways[kind], [(way, WAY_NAMES[way]) for way in WAYS[kind]])
            for kind in kinds_for(actor.role)
        ],
        bound=settings is not None and settings.chat_id is not None,
        medium=settings.medium if settings is not None else Medium.EMAIL,
        code=code,
        command=staff_chats.COMMAND,
        minutes=int(staff_chats.CODE_FOR.total_seconds() // 60),
    )
