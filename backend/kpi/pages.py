"""The managers' pages: the figures of a unit and a period, what each figure means, and the tickets behind it."""

from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.errors import Invalid
from backend.indicators.definitions import PARTS, definitions, rules_on
from backend.indicators.filters import FIELDS, DashboardFilters, read_filters, sees_all, units_to_choose, usual_period
from backend.indicators.second_look_counts import count_second_looks
from backend.indices.texts import VERDICTS
from backend.kpi import charts, dashboard, ticket_lists
from backend.kpi.borders import outline_units
from backend.kpi.figures import enough
from backend.units.models import UnitKind
from backend.users.guard import allow
from backend.users.policy import Actor, Permission, PolicySubject, can
from backend.web.forms import EMPTY, FormView
from backend.web.rendering import language_of, render_page, translate_for
from backend.worktime.calendar import ZONE

PAGE = "/chi-so"
COMMUNES = (UnitKind.COMMUNE, UnitKind.WARD)

router = APIRouter()
Viewer = Annotated[Actor, Depends(allow(Permission.VIEW_FIGURES))]
Reader = Annotated[Actor, Depends(allow(Permission.VIEW_TICKET))]


@router.get(PAGE)
def manager_page(request: Request, session: SessionDep, actor: Viewer) -> Response:
    """Show the figures that the address asks for. An address that cannot be read gets the page with its refusals
    (422)."""
    today = clock.now().astimezone(ZONE).date()
    frame = _filter_frame(session, actor, today)
    try:
        filters = read_filters(session, request.query_params, actor, today)
    except Invalid as refusal:
        return render_page(request, "kpi/manager.html", 422, form=_typed_form(request, refusal), board=None, **frame)
    board = dashboard.build_dashboard(session, filters, actor, today)
    words = charts.KpiWords(partial(translate_for, request), language_of(request))
    return render_page(
        request,
        "kpi/manager.html",
        form=_filters_form(filters),
        filters=filters,
        board=board,
        enough=enough,
        standings=charts.STANDINGS,
        gap_verdicts=VERDICTS,
        items=list(zip(charts.ITEMS, charts.OPERATIONS, charts.OPERATION_ANCHORS, board.items, strict=True)),
        scores=charts.scores_picture(board, words),
        operations=charts.operations_picture(board, words),
        received=charts.received_picture(board, words),
        on_time=charts.on_time(board, words),
        ranking=charts.ranking_text(board, words),
        axis=charts.common_axis(board),
        map=_map(session, board, filters, today, actor, words),
        may_read=can(actor, Permission.VIEW_TICKET, PolicySubject(filters.unit.id if filters.unit else None)),
        groups=ticket_lists.TicketGroup,
        second_looks=count_second_looks(session, filters, actor),
        **frame,
    )


@router.get(PAGE + "/dinh-nghia", dependencies=[Depends(allow(Permission.VIEW_FIGURES))])
def definitions_page(request: Request, session: SessionDep) -> Response:
    """Explain each figure, from the source of ``docs/indices.md`` and with the terms of the stored rules."""
    ruling = rules_on(session, clock.now().astimezone(ZONE).date())
    return render_page(request, "kpi/definitions.html", definitions=definitions(), parts=PARTS, ruling=ruling)


@router.get(PAGE + "/phan-anh")
def tickets_page(request: Request, session: SessionDep, actor: Reader) -> Response:
    """List the tickets behind a figure, for actors who may read them.

    The page of figures makes the address, so an address that cannot be read gets the error page.
    """
    today = clock.now().astimezone(ZONE).date()
    filters = read_filters(session, request.query_params, actor, today, Permission.VIEW_TICKET)
    group = ticket_lists.group_called(request.query_params.get("nhom", ""))
    page = ticket_lists.list_tickets(session, filters, group, actor, today, after=request.query_params.get("sau", ""))
    return render_page(
        request,
        "kpi/tickets.html",
        filters=filters,
        group=group,
        found=page,
        today=today,
        may_look=can(actor, Permission.VIEW_FIGURES),
    )


def _filter_frame(session: Session, actor: Actor, today: date) -> dict[str, Any]:
    first, last = usual_period(today)
    return {
        "today": today,
        "units": units_to_choose(session, actor, today),
        "sees_all": sees_all(actor),
        "channels": charts.CHANNELS,
        "usual": (first, last),
        "this_year": (today.replace(month=1, day=1), today),
    }


def _typed_form(request: Request, refusal: Invalid) -> FormView:
    values = {name: request.query_params.get(name, "") for name in FIELDS}
    return FormView(values, {error.field: error for error in refusal.errors if error.field})


def _filters_form(filters: DashboardFilters) -> FormView:
    values = {
        "don-vi": filters.unit.code if filters.unit else "",
        "tu": f"{filters.first:%d/%m/%Y}",
        "den": f"{filters.last:%d/%m/%Y}",
        "kenh": filters.channel.value if filters.channel else "",
    }
    return FormView(values, EMPTY.errors)


def _map(
    session: Session,
    board: dashboard.Dashboard,
    filters: DashboardFilters,
    today: date,
    actor: Actor,
    words: charts.KpiWords,
) -> tuple[charts.KpiPicture, str] | None:
    """Return the map and its view box. A single unit has no map."""
    if filters.unit is not None:
        return None
    communes = {unit.id: unit.name for unit in units_to_choose(session, actor, today) if unit.kind in COMMUNES}
    outlines = outline_units(session, tuple(communes))
    return charts.map_of(board.units, outlines, communes, filters, words), outlines.view_box
