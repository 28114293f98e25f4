"""Pages to sign in, sign out and change one's own password."""

from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request, Response

from backend import audit, clock
from backend.db import SessionDep
from backend.errors import DomainError, Invalid, NotSignedIn, TooMany, _
from backend.users import resume, service
from backend.users.guard import COOKIE, MaybeActor, allow, allow_everybody
from backend.users.models import Role, User
from backend.users.policy import Actor, Permission
from backend.users.resume import SavedForm
from backend.web import rendering
from backend.web.forms import EMPTY, FormReader, FormView, TypedDep, read_form
from backend.web.rendering import NavItem, language_of, redirect_to, render_page, same_site_path, set_cookie

SIGN_IN = "/dang-nhap"
PASSWORD = "/tai-khoan/mat-khau"  # noqa: S105 - an address
INBOX, FIGURES, REPORTS, SURVEYS, ACCOUNTS = "/hop-thu", "/chi-so", "/bao-cao", "/khao-sat", "/tai-khoan"
CALENDARS, CONFIGURATION = "/lich-lam-viec", "/cau-hinh"
COORDINATION, LEADERSHIP, LOG = "/ban-dieu-phoi", "/ban-lanh-dao", "/nhat-ky"
REPLIES = "/mau-tra-loi"
HOME: dict[Role, str] = {
    Role.OFFICER: INBOX,
    Role.LEADER: INBOX,
    Role.COORDINATOR: INBOX,
    Role.MANAGER: FIGURES,
    Role.SURVEY: SURVEYS,
    Role.ADMINISTRATOR: ACCOUNTS,
    Role.AUDITOR: LOG,
}
LABELS = {
    INBOX: _("Phản ánh cần xử lý"),
    FIGURES: _("Chỉ số"),
    REPORTS: _("Báo cáo"),
    SURVEYS: _("Khảo sát"),
    ACCOUNTS: _("Tài khoản"),
    CALENDARS: _("Lịch làm việc"),
    COORDINATION: _("Bàn điều phối"),
    LEADERSHIP: _("Bàn lãnh đạo"),
    REPLIES: _("Mẫu trả lời"),
    LOG: _("Nhật ký"),
    CONFIGURATION: _("Cấu hình"),
}
NAVIGATION: dict[Role, tuple[str, ...]] = {
    Role.OFFICER: (INBOX, REPLIES),
    Role.LEADER: (INBOX, LEADERSHIP, REPLIES, FIGURES),
    Role.COORDINATOR: (INBOX, COORDINATION, REPLIES, FIGURES, REPORTS),
    Role.MANAGER: (FIGURES, REPORTS, SURVEYS),
    Role.SURVEY: (SURVEYS,),
    Role.ADMINISTRATOR: (ACCOUNTS, CALENDARS, CONFIGURATION),
    Role.AUDITOR: (LOG, FIGURES),
}

router = APIRouter()
Own = Annotated[Actor, Depends(allow(Permission.USE_ACCOUNT))]


@router.get(SIGN_IN, dependencies=[Depends(allow_everybody)])
def sign_in_page(request: Request, actor: MaybeActor, next: str = "") -> Response:  # noqa: A002 - name in the address
    """Display the form. A reader who is signed in already goes to their first page."""
    if actor is not None:
        return redirect_to(request, HOME[actor.role])
    return _sign_in(request, next=next)


@router.post(SIGN_IN, dependencies=[Depends(allow_everybody)])
def sign_in(request: Request, session: SessionDep, form: TypedDep) -> Response:
    """Start a new session, never reuse the browser's old one, and offer a saved form again."""
    now = clock.now()
    saved = resume.from_sign_in(request, form.data)
    try:
        user, token = service.sign_in(
            session, form.raw("email"), form.raw("password"), address=rendering.address_of(request), now=now
        )
    except (Invalid, TooMany) as refusal:
        return _show_refused(request, form, refusal, saved)
    user.language = language_of(request)  # of messages to them from now on
    if old := request.cookies.get(COOKIE):
        service.sign_out(session, old, now)
    response = _after_sign_in(request, user, form, saved)
    set_cookie(response, COOKIE, token)
    return response


@router.post("/dang-xuat", dependencies=[Depends(allow_everybody)])
def sign_out(request: Request, session: SessionDep) -> Response:
    """End the session on the server and delete the cookie."""
    if token := request.cookies.get(COOKIE):
        service.sign_out(session, token, clock.now())
    response = redirect_to(request, SIGN_IN, flash=_("Bạn đã đăng xuất."), kind="info")
    response.delete_cookie(COOKIE)
    return response


@router.get(PASSWORD)
def password_page(request: Request, actor: Own) -> Response:
    return render_page(request, "users/password.html", least=service.PASSWORD_LEAST)


@router.post(PASSWORD)
def change_password(request: Request, session: SessionDep, actor: Own, form: TypedDep) -> Response:
    """Replace the password. Other devices are signed out; this one stays signed in."""
    try:
        if form.raw("new") != form.raw("again"):
            raise Invalid(_("Hai lần nhập mật khẩu mới không giống nhau."), field="again")
        service.change_password(
            session,
            actor.user_id or 0,
            form.raw("current"),
            form.raw("new"),
            token=request.cookies.get(COOKIE),
            now=clock.now(),
        )
    except Invalid as refusal:
        view = FormView({}, form.form(refusal).errors)
        return render_page(request, "users/password.html", refusal.status, form=view, least=service.PASSWORD_LEAST)
    return redirect_to(request, PASSWORD, flash=_("Đã đổi mật khẩu. Các thiết bị khác đã bị đăng xuất."))


def navigation_items(request: Request) -> list[NavItem]:
    """Return the entries that the signed-in person may open; for everybody else, the citizens' pages."""
    actor: Actor | None = getattr(request.state, "actor", None)
    if actor is None:
        return rendering.PUBLIC_NAVIGATION
    return [NavItem(path, LABELS[path]) for path in NAVIGATION[actor.role]]


async def not_signed_in(request: Request) -> Response:
    """Answer a form that was sent without a session with the sign-in page, which saves the form."""
    form: FormReader = await read_form(request)
    saved = resume.from_request(request, form.data)
    lost = saved is None and request.url.path not in resume.NEVER
    return _sign_in(request, NotSignedIn.status, saved=saved, lost=lost)


def install(app: FastAPI) -> None:
    """Set the hooks of ``app.state`` that depend on the signed-in person."""
    app.state.navigation = navigation_items
    app.state.not_signed_in = not_signed_in


def _sign_in(
    request: Request,
    status: int = 200,
    *,
    form: FormView = EMPTY,
    next: str = "",  # noqa: A002 - name in the address
    saved: SavedForm | None = None,
    lost: bool = False,
) -> Response:
    return render_page(
        request,
        "users/sign_in.html",
        status,
        secret=True,
        form=form,
        next=same_site_path(next, default=""),
        kept=saved,
        lost=lost,
        kept_path=resume.PATH,
        kept_prefix=resume.PREFIX,
    )


def _show_refused(request: Request, form: FormReader, refusal: DomainError, saved: SavedForm | None) -> Response:
    """Display the form again with the typed address but without the password; a saved form stays saved."""
    view = FormView({"email": form.raw("email")[:200]}, {"email": refusal})
    response = _sign_in(request, refusal.status, form=view, next=form.raw("next"), saved=saved)
    if isinstance(refusal, TooMany):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _after_sign_in(request: Request, user: User, form: FormReader, saved: SavedForm | None) -> Response:
    if saved is not None:
        request.state.actor = Actor(user.role, user.id, user.unit_id, user.name, audit.user_key(user.id))
        return render_page(request, "users/resume.html", kept=saved, home=HOME[user.role])
    return redirect_to(request, same_site_path(form.raw("next"), default=HOME[user.role]))
