"""The page that leads to everything an administrator sets, and the directory of units."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from backend import clock
from backend.administration.texts import UNIT_KIND_NAMES
from backend.db import SessionDep
from backend.errors import Invalid, _
from backend.units import listing
from backend.units.listing import UnitFilter
from backend.units.models import UnitKind
from backend.users.guard import allow
from backend.users.policy import Actor, Permission
from backend.web.forms import ID_MOST, FormView
from backend.web.rendering import render_page
from backend.worktime.calendar import local_time

HOME, DIRECTORY = "/cau-hinh", "/danh-ba-co-quan"
SEARCH_MOST = 100  # characters of a search
PERIODS = {"": None, "nay": True, "cu": False}  # units of today and former ones, as the address writes them

router = APIRouter()
Administrator = Annotated[Actor, Depends(allow(Permission.CONFIGURE))]


@router.get(HOME)
def show_configuration(request: Request, actor: Administrator) -> Response:
    """Show what can be set, each with its page."""
    return render_page(request, "administration/home.html")


@router.get(DIRECTORY)
def show_directory(
    request: Request, session: SessionDep, actor: Administrator, q: str = "", kind: str = "", t: str = "", sau: str = ""
) -> Response:
    """Show units with their dates and successors, a page at a time. They are only read here."""
    typed = {"q": q, "kind": kind, "t": t}
    refusals = _wrong_filter(kind, t)
    wanted = UnitFilter() if refusals else _read_filter(q, kind, t)
    page = listing.list_units(session, wanted, local_time(clock.now()).date(), after=_read_id(sau))
    return render_page(
        request,
        "administration/units.html",
        Invalid.status if refusals else 200,
        form=FormView(typed, {refusal.field or "q": refusal for refusal in refusals}),
        page=page,
        kinds=[(kind.value, name) for kind, name in UNIT_KIND_NAMES.items()],
        kind_names=UNIT_KIND_NAMES,
        **_page_links(typed, page.after, first=not sau),
    )


def _read_filter(q: str, kind: str, period: str) -> UnitFilter:
    return UnitFilter(q[:SEARCH_MOST], UnitKind(kind) if kind else None, PERIODS[period])


def _page_links(typed: Mapping[str, str], after: int | None, *, first: bool) -> dict[str, Any]:
    """Return the addresses of the next and the first page, with what was typed."""
    parameters: dict[str, str | int] = {name: value for name, value in typed.items() if value}
    return {
        "older": f"{DIRECTORY}?{urlencode(parameters | {'sau': after})}" if after else None,
        "newest": None if first else f"{DIRECTORY}?{urlencode(parameters)}",
    }


def _wrong_filter(kind: str, period: str) -> list[Invalid]:
    """Return the refusals of a kind and a period that do not exist, each at its field."""
    wrong = [("kind", bool(kind) and kind not in list(UnitKind)), ("t", period not in PERIODS)]
    return [Invalid(_("Hãy chọn một trong các mục."), field=name) for name, is_wrong in wrong if is_wrong]


def _read_id(typed: str) -> int | None:
    """Return an id as the address has it; None for anything else."""
    is_number = typed.isascii() and typed.isdigit() and len(typed) <= 10
    return int(typed) if is_number and int(typed) <= ID_MOST else None
