"""A form that was sent after the session had ended: it waits inside the sign-in page and is offered again afterwards.

Nothing is stored: the fields travel as hidden inputs in the reader's own browser. Passwords, secrets and files never
do.
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
# Pages whose forms are about the session or a password itself.
NEVER = ("/dang-nhap", "/dang-xuat", "/tai-khoan/mat-khau")
UNSPEAKABLE = ("password", "secret", "current", "new", COOKIE)


@dataclass(frozen=True)
class SavedForm:
    """Where a form was going, and what was in it."""

    path: str
    fields: list[tuple[str, str]] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """What a person typed, to be shown: the fields of several words or lines."""
        return [value for _name, value in self.fields if len(value.split()) > 1]


def from_request(request: Request, data: FormData) -> SavedForm | None:
    """The form of a refused request, or None where it cannot or must not be kept."""
    return keep_form(request, request.url.path, data.multi_items())


def from_sign_in(request: Request, data: FormData) -> SavedForm | None:
    """The form that waited inside the sign-in form. It is checked again: the browser could have sent anything."""
    fields = [(name.removeprefix(PREFIX), value) for name, value in data.multi_items() if name.startswith(PREFIX)]
    path = data.get(PATH)
    return keep_form(request, path, fields) if isinstance(path, str) and path else None


def keep_form(request: Request, path: str, fields: Iterable[tuple[str, object]]) -> SavedForm | None:
    """Only for addresses of ours that take forms, and within limits."""
    if not _takes_forms(request, path):
        return None
    kept = [(name, value) for name, value in fields if isinstance(value, str) and name not in UNSPEAKABLE]
    if len(kept) > MOST_FIELDS or sum(len(value) for _name, value in kept) > MOST_CHARACTERS:
        return None
    return SavedForm(path, kept)


def _takes_forms(request: Request, path: str) -> bool:
    if same_site_path(path, default="") != path or "?" in path or path in NEVER:
        return False
    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "root_path": ""}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)
