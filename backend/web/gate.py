"""Middleware of every request: refusal of writes from other sites, protection headers, a log line without personal
data.

It is plain ASGI, because every request pays for each layer. Order from outside: HEAD, log, headers, gate.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from fastapi import Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.errors import DomainError, Forbidden, Invalid, TooLarge, _
from backend.settings import Settings

SAFE = {"GET", "HEAD", "OPTIONS"}
GONE = 499  # in the log: the client left before the answer began
Refuse = Callable[[Request, Exception], Awaitable[Response]]

log = logging.getLogger("langnghe.web")


def protection_headers(settings: Settings) -> dict[str, str]:
    """Return the headers of every answer.

    The referrer policy is ``same-origin`` and not ``no-referrer``: with the latter, browsers send ``Origin: null`` with
    a form, and `is_foreign` would refuse our own pages.
    """
    headers = {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
            "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), payment=(), usb=(), geolocation=(self)",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if settings.base_url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    return headers


class ProtectionMiddleware:
    """Adds the protection headers to every answer. A route may set its own value of a header before."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.headers = protection_headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)


def is_foreign(headers: Headers, base_url: str) -> bool:
    """Return whether an unsafe request comes, or may come, from a page of another site.

    ``Sec-Fetch-Site`` decides if the browser sends it; else the host of ``Origin`` must be ours. No present browser
    sends a request without both. Such a request passes only without a cookie, so that it cannot use a session.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is not None:
        host = urlsplit(origin).netloc.lower()
        return not host or host not in (headers.get("host", "").lower(), urlsplit(base_url).netloc.lower())
    return "cookie" in headers


def refusal_of(scope: Scope, base_url: str) -> DomainError | None:
    """Return the refusal of a request at the gate, or None where it may pass."""
    if b"%00" in scope.get("query_string", b"") or "\0" in scope["path"]:
        return Invalid(_("Địa chỉ này có ký tự không dùng được."))
    if scope["method"] not in SAFE and is_foreign(Headers(scope=scope), base_url):
        return Forbidden(
            _("Yêu cầu này không đến từ trang của chúng tôi nên đã bị từ chối. Hãy mở lại trang và thử lại.")
        )
    return None


class GateMiddleware:
    """Refuses writes from other sites before any route, and answers unexpected failures and the plain 413 with pages.

    Exceptions must not reach the server: it would log their messages, which may quote what people typed.
    """

    def __init__(self, app: ASGIApp, settings: Settings, refuse: Refuse, unexpected: Refuse) -> None:
        self.app = app
        self.base_url = settings.base_url
        self.refuse = refuse
        self.unexpected = unexpected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        error = refusal_of(scope, self.base_url)
        if error:
            await self._answer(self.refuse, error, scope, receive, send)
        else:
            await self._let_in(scope, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = too_large = False

        async def watched(message: Message) -> None:
            nonlocal started, too_large
            if message["type"] == "http.response.start":
                too_large = _bare_413(message)
                started = not too_large
            if not too_large:
                await send(message)

        try:
            await self.app(scope, receive, watched)
        except ClientDisconnect:
            return  # the client left during the upload: nobody waits for an answer, and it is no fault of ours
        except Exception as failure:
            if started:
                raise
            await self._answer(self.unexpected, failure, scope, receive, send)
            return
        if too_large:
            await self._answer(self.refuse, TooLarge(), scope, receive, send)

    async def _answer(self, show: Refuse, error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
        response = await show(Request(scope, receive), error)
        await response(scope, receive, send)


def _bare_413(message: Message) -> bool:
    return message["status"] == 413 and MutableHeaders(scope=message).get("content-type", "").startswith("text/plain")


class HeadMiddleware:
    """Answers HEAD like GET; the server leaves out the body. Uptime checks send HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") == "HEAD":
            scope = {**scope, "method": "GET"}
        await self.app(scope, receive, send)


class LogMiddleware:
    """Logs one line for each request: method, route, status, time.

    The route is logged as declared. The address itself may contain personal data.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), GONE

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "-")
            spent = (time.perf_counter() - start) * 1000
            log.info("%s %s %d %.0f ms", scope["method"], route, status, spent)
