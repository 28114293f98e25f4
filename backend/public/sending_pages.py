"""The pages on which a citizen sends feedback: the form, the review before sending, the receipt."""

from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.attachments import service as attachments
from backend.attachments.decoder_pool import close_decoders
from backend.attachments.picture_header import MOST_BYTES
from backend.db import SessionDep
from backend.errors import DomainError, TooMany, _
from backend.public import access, draft_form
from backend.public.draft_form import MOST_BODY, DraftForm, DraftPhoto, FormPhotosDep
from backend.public.due_date_texts import count_days
from backend.public.qr import qr_path
from backend.settings import get_settings
from backend.tickets import citizen_texts, queries, service
from backend.tickets.models import Category
from backend.tickets.reception import receipts
from backend.tickets.reception.opening import Receipt
from backend.units import queries as units
from backend.units.models import Unit
from backend.users.guard import allow_everybody
from backend.web.forms import EMPTY, FormView, TypedDep
from backend.web.rate_limits import NetworkFlow
from backend.web.rendering import address_of, choose_language, redirect_to, remember_language, render_page
from backend.worktime.calendar import ZONE

MOST_MATCHES = 8

router = APIRouter(dependencies=[Depends(allow_everybody)])


@dataclass(frozen=True)
class SenderFlows:
    """How many tickets and photos one network may send to this process in an hour."""

    tickets: NetworkFlow
    photos: NetworkFlow


def install(app: FastAPI) -> None:
    most = get_settings().tickets_per_hour
    app.state.flows = SenderFlows(NetworkFlow(most), NetworkFlow(most * attachments.MOST))
    app.state.to_close.append(close_decoders)


@router.get("/gui", include_in_schema=False)
def empty_form(request: Request, session: SessionDep) -> Response:
    """Show an empty form. Its key makes sure that sending it twice opens one ticket."""
    return _form_page(request, session, EMPTY, key=receipts.new_key())


@router.get("/don-vi", include_in_schema=False)
def find_unit(request: Request, session: SessionDep, q: str = "", unit: str = "") -> Response:
    """Show the units that match what was typed. HTMX puts this part into the form."""
    choice = _unit_choice(session, q[:100])
    return render_page(request, "public/_unit_choice.html", block="choice", form=FormView({"unit": unit}), **choice)


@router.post("/gui/xem-lai", include_in_schema=False, max_body_size=MOST_BODY)
def review_draft(
    request: Request, session: SessionDep, typed: TypedDep, photos: FormPhotosDep, change: bool = False
) -> Response:
    """Show what will be sent, to which unit, and who will see what.

    Show the form again if the sender searches a unit or presses "change". Both come in the language chosen on the page.
    """
    choose_language(request, typed.raw("lang"))
    form = draft_form.read_draft(request, typed, photos)
    return remember_language(request, _review_page(request, session, form, change))


def _review_page(request: Request, session: Session, form: DraftForm, change: bool) -> Response:
    typed = form.typed
    if typed.raw("find") or typed.raw("change") or change:
        return _show_again(request, session, form)
    refusal: DomainError | None = None
    try:
        draft, unit_id = service.look_over(session, form.draft, now=clock.now())
    except DomainError as error:
        refusal = error
    if refusal or form.status != HTTPStatus.OK:
        return _show_again(request, session, form, refusal)
    context: dict[str, Any] = {
        "draft": draft,
        "photos": form.photos(),
        "about": session.get_one(Unit, draft.unit_id),
        "handling": session.get_one(Unit, unit_id),
        "category": _find_category(session, draft.category_code),
    }
    return render_page(request, "public/look_over.html", is_draft=True, **context)


def _find_category(session: Session, code: str) -> Category:
    return next(category for category in queries.list_categories(session) if category.code == code)


@router.post("/gui", include_in_schema=False, max_body_size=MOST_BODY)
def send_feedback(request: Request, session: SessionDep, typed: TypedDep, photos: FormPhotosDep) -> Response:
    """Open the ticket and hand out its receipt. A double click or a second try gets the same receipt."""
    form = draft_form.read_draft(request, typed, photos)
    if form.status != HTTPStatus.OK:
        return _show_again(request, session, form)
    now = clock.now()
    try:
        request.app.state.flows.tickets.take(address_of(request), now)
        receipt = _open_with_photos(session, form, now)
    except DomainError as refusal:
        return _show_again(request, session, form, refusal)
    response = redirect_to(request, access.RECEIPT_PATH)
    access.hand_receipt(response, receipt.ticket_id, receipt.secret)
    return response


def _open_with_photos(session: Session, form: DraftForm, now: datetime) -> Receipt:
    """Open the ticket with its photos; if a photo fails, there is no ticket either."""
    if not form.waiting_photos:
        return service.open_ticket(session, form.draft, now=now)
    with session.begin_nested():
        receipt = service.open_ticket(session, form.draft, now=now)
        if not receipt.repeated:
            attachments.attach_photos(session, receipt.ticket_id, form.waiting_photos, now)
    return receipt


@router.get(access.RECEIPT_PATH, include_in_schema=False)
def show_receipt(request: Request, session: SessionDep) -> Response:
    """Show number, secret, unit and due date for 15 minutes, only in the browser that sent the feedback."""
    receipt = access.receipt_of(request)
    if receipt is None:
        return render_page(request, "public/receipt_gone.html", 404)
    ticket = queries.by_id(session, receipt.ticket_id)
    follow = f"{get_settings().base_url.rstrip('/')}/theo-doi?so={ticket.number}"
    return render_page(
        request,
        "public/receipt.html",
        secret=True,
        ticket=ticket,
        secret_text=receipts.group_secret(receipt.secret),
        counting=count_days(service.time_ticket(session, ticket, None).clocks),
        qr=qr_path(follow),
        follow=follow,
        words=citizen_texts,
    )


@router.post(f"{access.RECEIPT_PATH}/cat", include_in_schema=False)
def put_receipt_away(request: Request) -> Response:
    """Hide the secret, and the form that "back" would show, from the next user of this browser."""
    response = redirect_to(request, "/", flash=_("Giấy tiếp nhận đã được ẩn."))
    response.headers["Clear-Site-Data"] = '"cache"'
    access.put_away_receipt(response)
    return response


def _show_again(
    request: Request,
    session: Session,
    form: DraftForm,
    refusal: DomainError | None = None,
) -> Response:
    """Show the form as it was typed.

    A refusal without a field (an old form, a key that was used for another text) comes with a new key, so that the
    sender can send again. ``TooMany`` keeps the key: the ticket may have been opened already.
    """
    notice = refusal if refusal and not getattr(refusal, "errors", ()) else None
    if notice and not isinstance(notice, TooMany):
        form = draft_form.renew_draft(form)
    response = _form_page(
        request,
        session,
        form.view(refusal),
        key=form.draft.key,
        photos=form.photos(),
        notice=notice,
        q=form.typed.raw("q")[:100],
        status=max(refusal.status if refusal else 0, form.status),
    )
    retry_after = refusal.retry_after if isinstance(refusal, TooMany) else form.form_photos.retry_after
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _form_page(
    request: Request,
    session: Session,
    form: FormView,
    *,
    key: str,
    photos: list[DraftPhoto] | None = None,
    notice: DomainError | None = None,
    q: str = "",
    status: int = 200,
) -> Response:
    most = {"most_photos": attachments.MOST, "most_megabytes": MOST_BYTES // 1024**2}
    context: dict[str, Any] = {"key": key, "photos": photos or [], "notice": notice, **most}
    choice = _unit_choice(session, q)
    categories = queries.list_categories(session)
    return render_page(
        request, "public/send.html", status, is_draft=True, form=form, categories=categories, **choice, **context
    )


def _unit_choice(session: Session, q: str) -> dict[str, Any]:
    """Return what the choice of a unit shows: the units that match ``q``, or all units by kind if none does.

    A unit also matches by the name of a unit that it took over; that former name stands beside it.
    """
    today: date = clock.now().astimezone(ZONE).date()
    matches = {unit.id: (unit, "") for unit in units.find_units(session, q, today)}
    for former, unit in units.find_former(session, q, today):
        if former.name != unit.name:
            matches.setdefault(unit.id, (unit, former.name))
    groups: dict[str, list[Unit]] = {}
    if not matches:
        for unit in units.list_receiving(session, today):
            groups.setdefault(citizen_texts.KINDS[unit.kind], []).append(unit)
    return {"q": q, "found": list(matches.values())[:MOST_MATCHES], "groups": groups}
