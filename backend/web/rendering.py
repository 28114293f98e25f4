"""Pages: templates with the reader's language, fragments of them for HTMX, one-time notices, safe redirects.

There is one Jinja environment for each language, so that a template and its macros know the language without asking.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from itsdangerous import BadData, URLSafeTimedSerializer
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from backend.errors import DomainError, _
from backend.settings import ROOT, get_settings
from backend.web import charts, language
from backend.web.assets import asset_url, compress_body, takes_gzip
from backend.web.forms import EMPTY

TEMPLATES = ROOT / "backend" / "templates"
LANGUAGE_COOKIE = "lang"
FLASH_COOKIE = "flash"
FLASH_SECONDS = 120
YEAR = 365 * 24 * 3600
FLASH_KINDS = {"success", "info", "warning"}


@dataclass(frozen=True)
class NavItem:
    """One entry of the site's navigation; the label is a message of the catalogue."""

    href: str
    label: str


PUBLIC_NAVIGATION = [NavItem("/gui", _("Gửi phản ánh")), NavItem("/theo-doi", _("Theo dõi phản ánh"))]


@lru_cache
def template_environment(lang: str) -> Environment:
    """The templates in one language: escaping always on, an unknown name is an error, ``ui`` holds the macros."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=get_settings().development,
        extensions=["jinja2.ext.i18n"],
    )
    env.policies["ext.i18n.trimmed"] = True

    def gettext(message: str, **params: object) -> str:
        return language.gettext(lang, message, params)

    def ngettext(one: str, many: str, n: int, **params: object) -> str:
        return language.ngettext(lang, one, many, n, params)

    # Old style on purpose: what `_()` returns is escaped like any other text, so that a label from the database
    # which passes through it stays text. Only the literal source of {% trans %} may hold markup.
    env.install_gettext_callables(gettext, ngettext, newstyle=False)  # type: ignore[attr-defined]
    env.globals.update(
        _=gettext, lang=lang, languages=language.LANGUAGES, asset=asset_url, charts=charts, no_form=EMPTY
    )
    env.filters.update(
        day=language.day_text,
        moment=language.moment_text,
        iso=lambda value: value.isoformat(),
        number=lambda value, places=None: language.number_text(value, lang, places),
        percent=lambda value, places=2: language.percent_text(value, lang, places),
        sentence=lambda error: language.translate_error(error, lang),
    )
    env.globals["ui"] = env.get_template("macros.html").module
    return env


def address_of(request: Request) -> str:
    """Where a request comes from, for limits alone; it is stored and logged nowhere."""
    return request.client.host if request.client else ""


def language_of(request: Request) -> str:
    """The reader's language for this request; one chosen in a form counts at once."""
    chosen: str | None = getattr(request.state, "language", None)
    return chosen or language.preferred_language(
        request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language")
    )


def choose_language(request: Request, code: str) -> None:
    """Answer this request in a language that was chosen beside a form; an unknown one changes nothing."""
    if code in language.LANGUAGES:
        request.state.language = code


def remember_language(request: Request, response: Response) -> Response:
    """Let the browser keep the language that was chosen with this request, if one was."""
    chosen: str | None = getattr(request.state, "language", None)
    if chosen:
        set_cookie(response, LANGUAGE_COOKIE, chosen, seconds=YEAR)
    return response


def render_page(
    request: Request,
    template: str,
    status: int = 200,
    *,
    block: str | None = None,
    secret: bool = False,
    is_draft: bool = False,
    **context: object,
) -> HTMLResponse:
    """A whole page, or with ``block`` only that block of its template, which is what HTMX swaps in.

    ``secret`` is for pages that show a secret or personal data: they are never stored by a browser and never compressed
    beside what somebody else could inject. Pages of signed-in people are always treated so. ``is_draft`` is for what
    somebody is about to send: not compressed either, but found again by the browser's own "back".
    """
    lang = language_of(request)
    view = template_environment(lang).get_template(template)
    actor = getattr(request.state, "actor", None)
    flash = None if block else _read_flash(request)
    values = {"form": EMPTY, "keep_at": "", **_frame(request), **context, "actor": actor, "flash": flash}
    html = _block(view, block, values) if block else view.render(values)
    stored = not secret and actor is None
    response = _html(request, html, status, stored=stored, packed=stored and not is_draft)
    response.headers["Content-Language"] = lang
    if is_draft:
        del response.headers["Vary"]  # "back" must find it, also in the language of before
    if flash:
        response.delete_cookie(FLASH_COOKIE)
    return response


def _frame(request: Request) -> dict[str, object]:
    """What base.html needs on every page."""
    state = request.app.state
    navigation: Callable[[Request], list[NavItem]] | None = getattr(state, "navigation", None)
    demonstration: Callable[[], bool] | None = getattr(state, "demonstration", None)
    return {
        "request": request,
        "path": request.url.path,
        "here": current_address(request),
        "navigation": navigation(request) if navigation else PUBLIC_NAVIGATION,
        "demo": bool(demonstration and demonstration()),
    }


def _block(view: Template, name: str, values: Mapping[str, object]) -> str:
    context = view.new_context(dict(values))
    return view.environment.concat(view.blocks[name](context))


def _html(request: Request, html: str, status: int, *, stored: bool, packed: bool) -> HTMLResponse:
    body = html.encode("utf-8", "replace")
    headers = {"Cache-Control": "private, no-cache" if stored else "no-store", "Vary": "Cookie, Accept-Language"}
    if packed and len(body) > 1000 and takes_gzip(request):
        body = compress_body(body)
        headers |= {"Content-Encoding": "gzip", "Vary": "Cookie, Accept-Language, Accept-Encoding"}
    return HTMLResponse(body, status_code=status, headers=headers)


def wants_fragment(request: Request) -> bool:
    """Whether HTMX asks for a part of the page (not for a page out of the history)."""
    headers = request.headers
    return headers.get("hx-request") == "true" and headers.get("hx-history-restore-request") != "true"


def translate_for(request: Request, message: str, **params: object) -> str:
    """A message of the catalogue in the reader's language."""
    return language.gettext(language_of(request), message, params)


def redirect_to(
    request: Request, path: str, *, flash: str | None = None, kind: str = "success", **params: object
) -> RedirectResponse:
    """See other (303), with a notice shown once on the next page. ``flash`` is a message; no personal data in it."""
    response = RedirectResponse(path, 303)
    if flash:
        text = translate_for(request, flash, **params)
        set_cookie(response, FLASH_COOKIE, _flashes().dumps([kind, text]), seconds=FLASH_SECONDS)
    return response


def set_cookie(response: Response, name: str, value: str, *, seconds: int | None = None, path: str = "/") -> None:
    """A cookie of ours: not for scripts, not for other sites, only over TLS where the site has it."""
    secure = get_settings().base_url.startswith("https://")
    response.set_cookie(name, value, max_age=seconds, path=path, httponly=True, samesite="lax", secure=secure)


@lru_cache
def _flashes() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(get_settings().secret_key.get_secret_value(), salt="flash")


def _read_flash(request: Request) -> dict[str, str] | None:
    signed = request.cookies.get(FLASH_COOKIE)
    if not signed:
        return None
    try:
        kind, text = _flashes().loads(signed, max_age=FLASH_SECONDS)
    except (BadData, ValueError, TypeError):
        return None
    return {"kind": kind if kind in FLASH_KINDS else "info", "text": str(text)}


def same_site_path(target: str | None, default: str = "/") -> str:
    """``target`` if it is a plain path on this site, else ``default``.

    Browsers read ``//host``, ``/\\host`` and a path with control characters as another site, so all are refused.
    """
    if not target or not target.startswith("/") or len(target) > 2000:
        return default
    if target.startswith("//") or "\\" in target or any(ord(c) <= 0x20 or ord(c) == 0x7F for c in target):
        return default
    parts = urlsplit(target)
    return default if parts.scheme or parts.netloc else target


def current_address(request: Request) -> str:
    """This page's own address (path and query), to come back to."""
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


def error_sentence(request: Request, error: DomainError) -> str:
    """A refusal in the reader's language."""
    return language.translate_error(error, language_of(request))
