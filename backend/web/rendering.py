"""Pages: templates in the reader's language, their fragments for HTMX, one-time notices, safe redirects.

Each language has its own Jinja environment, so templates and macros need no language argument.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from itsdangerous import BadData, URLSafeTimedSerializer
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from jinja2.ext import Extension

from backend.errors import DomainError, _
from backend.settings import ROOT, get_settings
from backend.web import charts, language
from backend.web.assets import asset_url, compress_body, takes_gzip
from backend.web.forms import EMPTY

TEMPLATES = ROOT / "backend" / "templates"
LANGUAGE_COOKIE = "lang"
FLASH_COOKIE = "flash"
FLASH_SECONDS = 120
BACKGROUND = "x-background"  # header of the requests that a page makes by itself
YEAR = 365 * 24 * 3600
INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)
FLASH_KINDS = {"success", "info", "warning"}


@dataclass(frozen=True)
class NavItem:
    """One entry of the site's navigation. The label is a message of the catalogue."""

    href: str
    label: str


@dataclass(frozen=True)
class Bell:
    """The bell of a member of staff: how many unread notices, None where nobody has counted, and up to how many."""

    count: int | None
    most: int

    @property
    def text(self) -> str:
        """The number as it is displayed: ``99+`` where there are more."""
        return f"{self.most - 1}+" if (self.count or 0) >= self.most else str(self.count or 0)


PUBLIC_NAVIGATION = [NavItem("/gui", _("Gửi phản ánh")), NavItem("/theo-doi", _("Theo dõi phản ánh"))]


class IndentationRemover(Extension):
    """Removes the indentation of templates when they are compiled: a quarter of a large page was spaces.

    Texts that people typed come in later and keep theirs.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return INDENTATION.sub("", source)


@lru_cache
def template_environment(lang: str) -> Environment:
    """Return the templates in one language: escaping is always on, an unknown name is an error, ``ui`` has macros."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=get_settings().development,
        extensions=["jinja2.ext.i18n", IndentationRemover],
    )
    env.policies["ext.i18n.trimmed"] = True

    def gettext(message: str, **params: object) -> str:
        return language.gettext(lang, message, params)

    def ngettext(singular: str, plural: str, n: int, **params: object) -> str:
        return language.ngettext(lang, singular, plural, n, params)

    # Not the new style: the result of `_()` is escaped like any other text, so that a label from the database that
    # passes through it stays text. Only the literal source of {% trans %} may contain markup.
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
    """Return the client's address, only for limits. It is neither stored nor logged."""
    return request.client.host if request.client else ""


def language_of(request: Request) -> str:
    """Return the reader's language for this request. A language chosen in its form has effect at once."""
    form_language: str | None = getattr(request.state, "language", None)
    return form_language or language.preferred_language(
        request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language")
    )


def choose_language(request: Request, code: str) -> None:
    """Use the language chosen beside a form for this answer. An unknown language changes nothing."""
    if code in language.LANGUAGES:
        request.state.language = code


def remember_language(request: Request, response: Response) -> Response:
    """Store the language chosen with this request, if any, in a cookie."""
    form_language: str | None = getattr(request.state, "language", None)
    if form_language:
        set_cookie(response, LANGUAGE_COOKIE, form_language, seconds=YEAR)
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
    """Return a whole page, or with ``block`` only that block of its template, for HTMX.

    ``secret`` is for pages with a secret or personal data: browsers must not store them, and they are not compressed,
    because compression beside injected text could reveal a secret. Pages of signed-in people are always treated so.
    ``is_draft`` is for a form that somebody is filling in: it is not compressed either, but the browser's "back" button
    finds it again.
    """
    lang = language_of(request)
    view = template_environment(lang).get_template(template)
    actor = getattr(request.state, "actor", None)
    flash = None if block else _read_flash(request)
    usual = {"form": EMPTY, "keep_at": "", "enter_at": ""}
    values = {**usual, **_frame(request), **context, "actor": actor, "flash": flash}
    html = _block(view, block, values) if block else view.render(values)
    stored = not secret and actor is None
    response = _html(request, html, status, stored=stored, packed=stored and not is_draft)
    response.headers["Content-Language"] = lang
    if is_draft:
        del response.headers["Vary"]  # "back" must find the page also after a change of the language
    if flash:
        response.delete_cookie(FLASH_COOKIE)
    return response


def _frame(request: Request) -> dict[str, object]:
    """Return the values that base.html needs on every page."""
    state = request.app.state
    navigation: Callable[[Request], list[NavItem]] | None = getattr(state, "navigation", None)
    demonstration: Callable[[], bool] | None = getattr(state, "demonstration", None)
    return {
        "request": request,
        "path": request.url.path,
        "here": current_address(request),
        "navigation": navigation(request) if navigation else PUBLIC_NAVIGATION,
        "demo": bool(demonstration and demonstration()),
        "bell": getattr(request.state, "bell", None),
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


def is_background(request: Request) -> bool:
    """Return whether a page asks by itself, and not its reader. Such a request keeps no session alive."""
    return BACKGROUND in request.headers


def wants_fragment(request: Request) -> bool:
    """Return whether HTMX requests a part of the page, and not a page from the browser's history."""
    headers = request.headers
    return headers.get("hx-request") == "true" and headers.get("hx-history-restore-request") != "true"


def translate_for(request: Request, message: str, **params: object) -> str:
    """Return a message of the catalogue in the reader's language."""
    return language.gettext(language_of(request), message, params)


def redirect_to(
    request: Request, path: str, *, flash: str | None = None, kind: str = "success", **params: object
) -> RedirectResponse:
    """Return a redirect (303, See Other) with a notice for the next page.

    ``flash`` is a message of the catalogue; it must not contain personal data.
    """
    response = RedirectResponse(path, 303)
    if flash:
        text = translate_for(request, flash, **params)
        set_cookie(response, FLASH_COOKIE, _flashes().dumps([kind, text]), seconds=FLASH_SECONDS)
    return response


def set_cookie(response: Response, name: str, value: str, *, seconds: int | None = None, path: str = "/") -> None:
    """Set a cookie that scripts and other sites cannot use, and only over TLS where the site has TLS."""
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
    """Return ``target`` if it is a plain path on this site, else ``default``.

    Browsers read ``//host``, ``/\\host`` and a path with control characters as another site, so all are refused.
    """
    if not target or len(target) > 2000 or not target.startswith("/") or target.startswith("//"):
        return default
    if "\\" in target or any(_is_control(character) for character in target):
        return default
    parts = urlsplit(target)
    return default if parts.scheme or parts.netloc else target


def _is_control(character: str) -> bool:
    """Return whether a character is a control character or a space."""
    return ord(character) <= 0x20 or ord(character) == 0x7F


def current_address(request: Request) -> str:
    """Return the address of this page (path and query), to return to it later."""
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


def error_sentence(request: Request, error: DomainError) -> str:
    """Return the sentence of a refusal in the reader's language."""
    return language.translate_error(error, language_of(request))
