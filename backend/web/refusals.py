"""The handlers that turn a refusal into an answer: a page in the reader's language, or JSON for a machine."""

import logging
import secrets
import traceback
from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.exceptions import HTTPException

from backend.errors import DomainError, Invalid, NotFound, NotSignedIn, TooLarge, TooMany, _
from backend.settings import get_settings
from backend.web.forms import ID_MOST
from backend.web.gate import SAFE
from backend.web.rendering import current_address, error_sentence, is_background, render_page, same_site_path

SIGN_IN = "/dang-nhap"
TITLES = {
    400: _("Yêu cầu không dùng được"),
    401: _("Bạn cần đăng nhập"),
    403: _("Bạn không có quyền"),
    404: _("Không tìm thấy trang"),
    405: _("Trang này không nhận thao tác đó"),
    409: _("Có người vừa làm trước bạn"),
    413: _("Nội dung gửi lên quá lớn"),
    422: _("Có chỗ cần sửa"),
    429: _("Bạn thử quá nhiều lần"),
    500: _("Hệ thống gặp lỗi"),
    503: _("Tạm thời chưa phục vụ được"),
}
SENTENCES = {
    400: _("Máy chủ không đọc được nội dung vừa gửi. Hãy quay lại và gửi lại."),
    404: _("Trang này không có, hoặc đã được chuyển đi nơi khác."),
    405: _("Hãy quay lại trang trước và dùng các nút có trên trang."),
}

Resume = Callable[[Request], Awaitable[Response]]

log = logging.getLogger("langnghe.web")


class UnexpectedError(DomainError):
    """A fault of the system. The parameter ``reference`` identifies the line in the log."""

    status = 500


class ServiceUnavailable(DomainError):
    """The system is out of service for a moment."""

    status = 503


def prefers_json(request: Request) -> bool:
    """Return whether the client accepts JSON and not HTML."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def show_refusal(request: Request, error: DomainError, status: int | None = None) -> Response:
    """Return the refusal as a page or JSON, with ``Retry-After`` where waiting helps."""
    code = status or error.status
    if prefers_json(request):
        response: Response = JSONResponse(_as_json(request, error), code, headers={"Cache-Control": "no-store"})
    else:
        title = TITLES.get(code, TITLES[500 if code >= 500 else 400])
        block = "main" if request.headers.get("hx-request") == "true" else None
        response = render_page(request, "error.html", code, block=block, heading=title, error=error, code=code)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(max(1, error.retry_after))
    return response


def _as_json(request: Request, error: DomainError) -> dict[str, object]:
    body: dict[str, object] = {"error": error_sentence(request, error)}
    if isinstance(error, Invalid) and error.errors:
        body["fields"] = {str(refusal.field): error_sentence(request, refusal) for refusal in error.errors}
    if isinstance(error, UnexpectedError):
        body["reference"] = error.params["reference"]
    return body


async def domain_error(request: Request, error: Exception) -> Response:
    """Answer a refusal of the field. Other errors are raised again."""
    if isinstance(error, NotSignedIn):
        return await _not_signed_in(request, error)
    if isinstance(error, DomainError):
        return show_refusal(request, error)
    raise error


async def _not_signed_in(request: Request, error: NotSignedIn) -> Response:
    """Send the reader to the sign-in page and back. The hook ``app.state.not_signed_in`` keeps a submitted form."""
    if prefers_json(request):
        return show_refusal(request, error)
    if is_background(request):
        return Response(status_code=204)  # nobody asked; what is being typed on the page must stay
    if request.headers.get("hx-request") == "true":
        page_path = same_site_path(urlsplit(request.headers.get("hx-current-url", "")).path)
        return Response(status_code=401, headers={"HX-Redirect": f"{SIGN_IN}?next={quote(page_path, safe='/')}"})
    if request.method in SAFE:
        return RedirectResponse(f"{SIGN_IN}?next={quote(current_address(request), safe='/')}", 303)
    resume: Resume | None = getattr(request.app.state, "not_signed_in", None)
    return await resume(request) if resume else show_refusal(request, error)


async def http_error(request: Request, error: Exception) -> Response:
    """Answer the framework's own refusals (no such page, wrong method, unreadable form) with our texts."""
    if not isinstance(error, HTTPException):
        raise error
    code = error.status_code
    if code == 404 and request.method in SAFE and (bare := _without_slash(request)):
        return RedirectResponse(bare, 307)
    refusal = TooLarge() if code == 413 else NotFound(SENTENCES.get(code, SENTENCES[400]))
    response = show_refusal(request, refusal, code)
    response.headers.update(error.headers or {})
    return response


def _without_slash(request: Request) -> str:
    """Return the address without the slash at its end; empty where there is no such slash."""
    path = quote(request.scope["path"])
    bare = same_site_path(path.rstrip("/"), default="") if path.endswith("/") else ""
    return bare + (f"?{request.url.query}" if bare and request.url.query else "")


async def refuse_unreadable(request: Request, error: Exception) -> Response:
    """Answer values of the wrong type in an address or a form, in place of FastAPI's technical messages.

    An address with letters in place of a number does not exist: 404.
    """
    if isinstance(error, RequestValidationError) and all(detail["loc"][0] == "path" for detail in error.errors()):
        return show_refusal(request, NotFound(SENTENCES[404]))
    return show_refusal(request, Invalid(_("Địa chỉ hoặc nội dung gửi lên không đúng dạng. Hãy kiểm tra và thử lại.")))


async def refuse_unstorable(request: Request, error: Exception) -> Response:
    """Answer a value that passed all checks but cannot be stored: a NUL, a lone surrogate, a too large number.

    An address with a number larger than any id does not exist: 404.
    """
    if any(_beyond_ids(str(value)) for value in request.path_params.values()):
        return show_refusal(request, NotFound(SENTENCES[404]))
    log.warning("unstorable value: %s", type(error).__name__)
    return show_refusal(request, Invalid(_("Nội dung có ký tự hoặc con số không lưu được. Hãy kiểm tra và thử lại.")))


def _beyond_ids(value: str) -> bool:
    digits = value.lstrip("0")
    return digits.isdecimal() and (len(digits) > 10 or int(digits) > ID_MOST)


async def refuse_unavailable(request: Request, error: Exception) -> Response:
    """Answer that the database does not respond or every connection is in use, and ask for another try later."""
    log.error("database unavailable: %s", type(error).__name__)
    response = show_refusal(
        request, ServiceUnavailable(_("Hệ thống đang bận hoặc đang bảo trì. Hãy thử lại sau ít phút."))
    )
    response.headers["Retry-After"] = "10"
    return response


async def refuse_unexpected(request: Request, error: Exception) -> Response:
    """Answer a fault of the system with a reference, and log the frames under this reference.

    Outside development the log does not have the exception's message: messages quote values, which may be personal.
    """
    reference = secrets.token_hex(4)
    frames = (
        traceback.format_exception(error) if get_settings().development else traceback.format_tb(error.__traceback__)
    )
    log.error("unexpected %s %s\n%s", type(error).__name__, reference, "".join(frames[-8:]))
    return show_refusal(
        request,
        UnexpectedError(
            _("Lỗi này là của chúng tôi, không phải của bạn. Hãy thử lại sau ít phút."), reference=reference
        ),
    )


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(DomainError, domain_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, refuse_unreadable)
    app.add_exception_handler(DataError, refuse_unstorable)
    app.add_exception_handler(UnicodeEncodeError, refuse_unstorable)
    app.add_exception_handler(OperationalError, refuse_unavailable)
    app.add_exception_handler(PoolExhausted, refuse_unavailable)
