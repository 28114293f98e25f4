"""The page of the inbox: the tickets of a unit or of the province, as its address asks for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.db import SessionDep
from backend.desk.bulk.verbs import list_verbs, may_merge
from backend.desk.inbox import choices as inbox_choices
from backend.desk.inbox import counts, rows, tabs, texts, views
from backend.desk.inbox.conditions import InboxReader
from backend.desk.inbox.filters import FIELDS, INBOX, FilterChoices, InboxFilter, InboxSort, read_filter
from backend.desk.inbox.models import SavedView
from backend.desk.inbox.row_texts import RowWriter
from backend.desk.inbox.rows import InboxPage
from backend.desk.inbox.views import InboxSetting
from backend.desk.search.filters import SEARCH, SearchFilter
from backend.errors import Invalid, NotFound
from backend.tickets import queries
from backend.tickets.reception import receipts
from backend.tickets.texts import STATE_NAMES, STATE_TONES, WAIT_NAMES, WAIT_TONES
from backend.users.guard import allow
from backend.users.policy import Actor, Permission, can
from backend.web.forms import ID_MOST, FormView
from backend.web.rendering import language_of, redirect_to, render_page
from backend.worktime.arithmetic import worked_time
from backend.worktime.calendar import ZONE

router = APIRouter()
Reader = Annotated[Actor, Depends(allow(Permission.VIEW_INBOX))]
_NAMES: Final[dict[str, Any]] = {
    "state_names": STATE_NAMES,
    "state_tones": STATE_TONES,
    "wait_names": WAIT_NAMES,
    "wait_tones": WAIT_TONES,
    "texts": texts,
    "row_id": rows.row_id,
}


@dataclass(frozen=True)
class InboxRequest:
    """What an address of the inbox asks for: the saved view that it names or that the reader opens the inbox with, and
    the fields of its filters."""

    view: SavedView | None
    fields: Mapping[str, str]
    after: str = ""


@dataclass(frozen=True)
class InboxDesk:
    """Who reads the inbox, what they have set up and can choose, and what the address asks for."""

    reader: InboxReader
    setting: InboxSetting
    choices: FilterChoices
    asked: InboxRequest


@router.get(INBOX)
def show_inbox(request: Request, session: SessionDep, actor: Reader) -> Response:
    """Show a page of the inbox. The number of a visible ticket in ``q`` leads to that ticket.

    An address that asks for what there is not gets the page with the refusals at their fields (422), one that names an
    unknown view the error page (404).
    """
    typed = request.query_params.get("q", "")
    if typed and (number := _find_number(session, typed, actor)):
        return redirect_to(request, f"{INBOX}/{number}")
    now = clock.now()
    reader, setting = inbox_choices.read_reader(session, actor, now), views.read_setting(session, actor)
    asked = _read_request(request, setting)
    choices = inbox_choices.read_choices(session, reader, asked.fields.get("unit", ""), language_of(request))
    desk = InboxDesk(reader, setting, choices, asked)
    minutes = divmod(_minutes_left(reader, now), 60)
    try:
        inbox_filter = read_filter(asked.fields, choices)
    except Invalid as refusal:
        form = FormView(asked.fields, {error.field: error for error in refusal.errors if error.field})
        return _inbox_page(request, session, desk, form, InboxPage([]), None, minutes, refusal.status)
    after = rows.read_place(asked.after, inbox_filter.order, ID_MOST)
    page = rows.list_rows(session, inbox_filter, reader, after)
    return _inbox_page(request, session, desk, FormView(inbox_filter.form_values()), page, inbox_filter, minutes)


@router.get(INBOX + "/thay-doi")
def show_changes(request: Request, session: SessionDep, actor: Reader) -> Response:
    """Say how many tickets of a list changed since its page was built. The page asks by itself, and its rows stay.

    Nothing new, and a list that cannot be read, get an empty answer (204), after which the page stays as it is.
    """
    fields = {name: request.query_params[name] for name in FIELDS if request.query_params.get(name)}
    since = rows.read_place(request.query_params.get("since", ""), InboxSort.CHANGED, ID_MOST)
    reader = inbox_choices.read_reader(session, actor, clock.now())
    choices = inbox_choices.read_choices(session, reader, fields.get("unit", ""), language_of(request))
    try:
        inbox_filter = read_filter(fields, choices)
    except Invalid:
        return Response(status_code=204)
    if since is None or not inbox_filter.open_only:
        return Response(status_code=204)
    changes = counts.count_changes(session, inbox_filter, reader, since[0])
    if not changes or str(changes) == request.query_params.get("n"):
        return Response(status_code=204)
    address, most = inbox_filter.address(view=None), counts.CHANGES_MOST
    return render_page(
        request, "desk/inbox/_changes.html", block="changes", changes=changes, most=most, list_address=address
    )


def _inbox_page(
    request: Request,
    session: Session,
    desk: InboxDesk,
    form: FormView,
    page: InboxPage,
    inbox_filter: InboxFilter | None,
    left_today: tuple[int, int],
    status: int = 200,
) -> Response:
    """Show a page of the list, or the refused form without a list. ``left_today``: working hours and minutes."""
    reader, setting, view = desk.reader, desk.setting, desk.asked.view
    view_filters = read_views(setting.views, desk.choices)
    numbers = counts.count_inbox(session, reader, inbox_filter.unit if inbox_filter else None, view_filters)
    in_tab = None if view else inbox_filter
    ended = inbox_filter is not None and inbox_filter.ended_only
    language = language_of(request)
    options = texts.filter_options(desk.choices, language, ended=ended)
    writer = RowWriter(language, reader, setting.display, desk.choices.categories, left_today)
    return render_page(
        request,
        "desk/inbox.html",
        status,
        form=form,
        page=page,
        display=setting.display,
        reader=reader,
        choices=desk.choices,
        rows=[(row, writer.write(row)) for row in page.rows],
        numbers=numbers,
        usual_tabs=tabs.usual_tabs(numbers, in_tab, everywhere=reader.everywhere),
        view_tabs=tabs.view_tabs(setting.views, view_filters, numbers, view),
        ended_tabs=tabs.ended_tabs(in_tab),
        view=view,
        may_change=view is not None and views.may_change(reader.actor, view),
        may_share=views.may_share(reader.actor),
        may_lead=can(reader.actor, Permission.LEAD_UNIT),
        verbs=list_verbs(reader.actor),
        may_merge=may_merge(reader.actor),
        ticked_all=request.query_params.get("tick") == "all",
        options=options,
        **_list_links(inbox_filter, options, desk.asked, page),
        **_NAMES,
    )


def read_views(stored: Sequence[SavedView], choices: FilterChoices) -> dict[int, InboxFilter]:
    """Return the filters of saved views by id. A view that names what there is no longer is left out."""
    lenient = replace(choices, any_handler=True)
    filters: dict[int, InboxFilter] = {}
    for view in stored:
        try:
            filters[view.id] = read_filter(dict(parse_qsl(view.query)), lenient)
        except Invalid:
            continue
    return filters


def _read_request(request: Request, setting: InboxSetting) -> InboxRequest:
    """Return what the address asks for. Without any filter it is the view that it names, or else the reader's usual
    one. Raises NotFound for a view that is not there."""
    query = request.query_params
    fields = {name: query[name] for name in FIELDS if query.get(name)}
    view_id = query.get("view", "")
    view = None
    if view_id:
        number = int(view_id) if view_id.isascii() and view_id.isdigit() and len(view_id) <= 9 else None
        view = views.find_view(setting.views, number)
    elif not fields:
        view = next((view for view in setting.views if view.id == setting.display.default_view_id), None)
    if view is not None and not fields:
        fields = dict(parse_qsl(view.query))
    return InboxRequest(view, fields, query.get("after", ""))


def _list_links(
    inbox_filter: InboxFilter | None, options: Mapping[str, texts.Options], asked: InboxRequest, page: InboxPage
) -> dict[str, Any]:
    """Return the addresses of the page: the next and the first page, the list without one of its filters, and the query
    by which a ticket leads back to this place."""
    if inbox_filter is None:
        nothing = {"chips": [], "since": "", "list_query": "", "filter_query": "", "order_refused": False}
        nothing["search_address"] = SEARCH
        return {"next_page": None, "first_page": None, **nothing}
    view_id = asked.view.id if asked.view else None
    chips = [
        (texts.FILTER_LABELS[name], value, inbox_filter.without(name).address(view=view_id))
        for name, value in texts.filter_values(inbox_filter, options)
    ]
    here = {"view": view_id, "after": asked.after}
    more = urlencode({name: value for name, value in here.items() if value})
    return {
        "next_page": inbox_filter.address(view=view_id, after=rows.write_place(page.after)) if page.after else None,
        "first_page": inbox_filter.address(view=view_id) if asked.after else None,
        "chips": chips,
        "since": rows.write_place((clock.now(), 0)) if inbox_filter.open_only and not asked.after else "",
        "list_query": inbox_filter.query() + (f"&{more}" if more else ""),
        "search_address": SearchFilter(words=inbox_filter.words, unit_id=inbox_filter.unit).address(),
        "filter_query": inbox_filter.query(),
        "order_refused": inbox_filter.sort not in (None, inbox_filter.order),
    }


def _minutes_left(reader: InboxReader, now: datetime) -> int:
    """Return the working minutes of today that are left."""
    midnight = datetime.combine(reader.today, time(tzinfo=ZONE)) + timedelta(days=1)
    return int(worked_time(reader.calendar, now, midnight) // timedelta(minutes=1))


def _find_number(session: Session, typed: str, actor: Actor) -> str | None:
    """Return the number of the ticket that was typed, where this actor may see it."""
    try:
        return queries.for_staff(session, receipts.read_number(typed), actor).number
    except NotFound:
        return None
