"""The search of staff: words in an address that can be copied; a sender only in a form, because names and telephone
numbers must stand in no address and no log."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.desk.search.filters import FIELDS, SEARCH, SearchChoices, SearchFilter, read_search
from backend.desk.search.hits import show_hits
from backend.errors import DomainError, Invalid
from backend.kpi.charts import CHANNELS
from backend.tickets import queries
from backend.tickets.models import TicketState
from backend.tickets.search.contact_searches import record_contact_search
from backend.tickets.search.find import RANKED_MOST, find_tickets
from backend.tickets.search.search_request import TicketSearchRequest
from backend.tickets.search.time_limit import SearchTooSlow
from backend.tickets.search.typed_query import TypedQuery, read_query
from backend.tickets.search.typed_sender import TypedSender, read_sender
from backend.tickets.texts import STATE_NAMES, STATE_TONES
from backend.units import queries as units
from backend.users.guard import allow
from backend.users.policy import EVERY_UNIT, Actor, Permission, can
from backend.web.forms import FormView, TypedDep
from backend.web.rendering import language_of, redirect_to, render_page
from backend.worktime.calendar import local_time

router = APIRouter()
Reader = Annotated[Actor, Depends(allow(Permission.VIEW_TICKET))]


@router.get(SEARCH)
def search_page(request: Request, session: SessionDep, actor: Reader) -> Response:
    """Show what the words of the address find. An address that cannot be read gets its refusals at the fields (422)."""
    values = dict(request.query_params)
    values.pop("sender", None)
    return _page(request, session, actor, values)


@router.post(SEARCH)
def search_senders(request: Request, session: SessionDep, actor: Reader, form: TypedDep) -> Response:
    """Search by sender and answer with the page itself. Without a sender it is the search of an address."""
    values = {name: form.raw(name) for name in (*FIELDS, "sender", "after")}
    if values["sender"].strip():
        return _page(request, session, actor, values)
    choices = _choices(request, session, actor)
    try:
        search_filter = read_search(values, choices)
    except Invalid as refusal:
        return _render(request, session, actor, choices, refusal.status, form=_refused(values, refusal))
    return redirect_to(request, search_filter.address())


def _page(request: Request, session: Session, actor: Actor, values: Mapping[str, str]) -> Response:
    choices = _choices(request, session, actor)
    try:
        search_filter = read_search(values, choices)
        query, sender = read_query(search_filter.words), read_sender(values.get("sender", ""))
        results = _results(session, actor, search_filter, query, sender) if query or sender else {}
    except (Invalid, SearchTooSlow) as refusal:
        return _render(request, session, actor, choices, refusal.status, form=_refused(values, refusal))
    return _render(request, session, actor, choices, form=FormView(values), search_filter=search_filter, **results)


def _results(
    session: Session, actor: Actor, search_filter: SearchFilter, query: TypedQuery | None, sender: TypedSender | None
) -> dict[str, Any]:
    """Search, record a search by sender, and return what the page shows."""
    request = TicketSearchRequest(actor, query, sender, search_filter.unit_id, search_filter.conditions())
    found = find_tickets(session, request, search_filter.after)
    if sender is not None:
        record_contact_search(session, actor, sender, found, clock.now())
    return {
        "hits": show_hits(session, found.ticket_ids, query, with_senders=sender is not None),
        "found": found,
        "by_sender": sender is not None,
    }


def _refused(values: Mapping[str, str], refusal: DomainError) -> FormView:
    errors = refusal.errors if isinstance(refusal, Invalid) and refusal.errors else (refusal,)
    return FormView(values, {error.field or "q": error for error in errors})


def _choices(request: Request, session: Session, actor: Actor) -> SearchChoices:
    today = local_time(clock.now()).date()
    everywhere = actor.role in EVERY_UNIT[Permission.VIEW_TICKET]
    language = language_of(request)
    return SearchChoices(
        units={unit.id: unit.name for unit in units.list_receiving(session, today)} if everywhere else {},
        categories={category.code: category.name(language) for category in queries.list_categories(session)},
    )


def _render(
    request: Request,
    session: Session,
    actor: Actor,
    choices: SearchChoices,
    status: int = 200,
    *,
    form: FormView,
    search_filter: SearchFilter | None = None,
    **results: Any,
) -> Response:
    values: dict[str, Any] = {"hits": None, "found": None, "by_sender": False, **results}
    return render_page(
        request,
        "desk/search.html",
        status,
        form=form,
        choices=choices,
        search_filter=search_filter or SearchFilter(),
        states=[(state.value, STATE_NAMES[state]) for state in TicketState],
        names=STATE_NAMES,
        tones=STATE_TONES,
        channels=CHANNELS,
        most=RANKED_MOST,
        may_search_senders=can(actor, Permission.VIEW_CONTACT),
        **values,
    )
