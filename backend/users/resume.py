"""Forms that were sent after the session had ended. The sign-in page saves such a form and offers it again later.

The server stores nothing: the fields are hidden inputs in the reader's browser. Passwords, secrets and files are never
among them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import FormData
from starlette.routing import Match

from backend.users.guard import COOKIE
from backend.web.rendering import same_site_path

MOST_FIELDS = 60
MOST_CHARACTERS = 100_000
PREFIX = "kept."
PATH = "kept-path"
# Pages whose own forms are about the session or a password; they are never saved.
NEVER = ("/dang-nhap", "/dang-xuat", "/tai-khoan/mat-khau")
SECRET_FIELDS = ("password", "secret", "current", "new", COOKIE)


@dataclass(frozen=True)
class SavedForm:
    """A saved form: the address it was sent to, and its fields."""

    path: str
    fields: list[tuple[str, str]] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """The texts that a person typed, for display: the fields with several words."""
        return [value for _name, value in self.fields if len(value.split()) > 1]


def from_request(request: Request, data: FormData) -> SavedForm | None:
    """Return the form of a refused request, or None where it cannot or must not be saved."""
    return keep_form(request, request.url.path, data.multi_items())


def from_sign_in(request: Request, data: FormData) -> SavedForm | None:
    """Return the form saved in the sign-in form. It is checked again, because the browser can send anything."""
    fields = [(name.removeprefix(PREFIX), value) for name, value in data.multi_items() if name.startswith(PREFIX)]
    path = data.get(PATH)
    return keep_form(request, path, fields) if isinstance(path, str) and path else None


def keep_form(request: Request, path: str, fields: Iterable[tuple[str, object]]) -> SavedForm | None:
    """Return a form without its secret fields and files.

    Return None where ``path`` is not an address of this site that takes forms, and where the form is too large.
    """
    if not _takes_forms(request, path):
        return None
    texts = [(name, value) for name, value in fields if isinstance(value, str) and name not in SECRET_FIELDS]
    if len(texts) > MOST_FIELDS or sum(len(value) for _name, value in texts) > MOST_CHARACTERS:
        return None
    return SavedForm(path, texts)


def _takes_forms(request: Request, path: str) -> bool:
    if same_site_path(path, default="") != path or "?" in path or path in NEVER:
        return False
    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "root_path": ""}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)
