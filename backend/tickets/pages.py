"""What officers see: the inbox, a ticket, and the actions on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.attachments import queries as attachments
from backend.db import SessionDep
from backend.errors import Conflict, DomainError, Invalid, NotFound, _
from backend.forms import EMPTY, Form, Typed, TypedDep
from backend.tickets import queries, service
from backend.tickets.lifecycle import Event, Transition, possible
from backend.tickets.models import State, Ticket
from backend.tickets.standing import standings
from backend.tickets.texts import EVENT_NAMES, STATE_NAMES, STATE_TONES
from backend.units import queries as units
from backend.units.models import Unit
from backend.users.guard import allow
from backend.users.policy import EVERY_UNIT, Action, Actor, can
from backend.web import page, redirect
from backend.worktime import service as worktime
from backend.worktime.calendar import local

INBOX = "/hop-thu"
NUMBER_MOST = 40


@dataclass(frozen=True)
class Deed:
    """An action of the page: the event it causes, its address, the name of its text field, what is said afterwards."""

    event: Event
    path: str
    field: str
    done: str


DEEDS: dict[Event, Deed] = {
    deed.event: deed
    for deed in (
        Deed(Event.ACCEPTED, "chap-nhan", "", _("Đã tiếp nhận. Người gửi sẽ được báo.")),
        Deed(Event.ANSWERED, "tra-loi", "answer", _("Đã trả lời. Người gửi sẽ được báo.")),
        Deed(Event.INFO_REQUESTED, "hoi-them", "question", _("Đã gửi đề nghị bổ sung cho người gửi.")),
        Deed(Event.FORWARDED, "chuyen", "reason", _("Đã chuyển. Người gửi sẽ được báo.")),
    )
}

router = APIRouter()
Viewer = Annotated[Actor, Depends(allow(Action.VIEW_TICKET))]
Handler = Annotated[Actor, Depends(allow(Action.HANDLE_TICKET))]


@router.get(INBOX)
def inbox(
    request: Request,
    session: SessionDep,
    actor: Annotated[Actor, Depends(allow(Action.VIEW_INBOX))],
    state: str = "",
    unit: str = "",
    after: str = "",
    number: str = "",
) -> Response:
    """A page of the inbox; a number that is known leads straight to its ticket."""
    if number and (found := _find(session, number, actor)):
        return redirect(request, f"{INBOX}/{found}")
    today = local(clock.now()).date()
    chosen = State(state) if state in set(State) else None
    everywhere = actor.role in EVERY_UNIT[Action.VIEW_INBOX]
    offices = units.receiving(session, today) if everywhere else []
    unit_id = next((office.id for office in offices if str(office.id) == unit), None)
    found_page = queries.inbox(session, actor, unit_id=unit_id, state=chosen, after=_place(after))
    calendar = worktime.calendar(session, worktime.active_id(session))
    here = {"state": chosen.value if chosen else "", "unit": str(unit_id or "")}
    return page(
        request,
        "tickets/inbox.html",
        rows=list(zip(found_page.tickets, standings(calendar, today, found_page.tickets), strict=True)),
        older=_address(here | {"after": _mark(found_page.after)}) if found_page.after else None,
        newest=_address(here) if after else None,
        load=queries.load(session, actor, today, unit_id),
        most=queries.COUNTED,
        states=[(name.value, STATE_NAMES[name], _address(here | {"state": name.value})) for name in State],
        everything=_address(here | {"state": ""}),
        chosen=chosen,
        offices=offices,
        unit_id=unit_id,
        own=session.get(Unit, actor.unit_id) if actor.unit_id and not everywhere else None,
        number=number[:NUMBER_MOST],
        names=STATE_NAMES,
        tones=STATE_TONES,
    )


@router.get(INBOX + "/{number}")
def ticket(request: Request, session: SessionDep, actor: Viewer, number: str) -> Response:
    return _page(request, session, queries.for_staff(session, number, actor), actor)


@router.post(INBOX + "/{number}/chap-nhan")
def accept(request: Request, session: SessionDep, actor: Handler, number: str, form: TypedDep) -> Response:
    return _do(request, session, actor, number, form, Event.ACCEPTED)


@router.post(INBOX + "/{number}/hoi-them")
def ask(request: Request, session: SessionDep, actor: Handler, number: str, form: TypedDep) -> Response:
    return _do(request, session, actor, number, form, Event.INFO_REQUESTED)


@router.post(INBOX + "/{number}/tra-loi")
def answer(request: Request, session: SessionDep, actor: Handler, number: str, form: TypedDep) -> Response:
    return _do(request, session, actor, number, form, Event.ANSWERED)


@router.post(INBOX + "/{number}/chuyen")
def forward(
    request: Request,
    session: SessionDep,
    actor: Annotated[Actor, Depends(allow(Action.FORWARD_TICKET))],
    number: str,
    form: TypedDep,
) -> Response:
    return _do(request, session, actor, number, form, Event.FORWARDED)


@router.post(INBOX + "/{number}/nguoi-gui")
def contact(
    request: Request,
    session: SessionDep,
    actor: Annotated[Actor, Depends(allow(Action.VIEW_CONTACT))],
    number: str,
) -> Response:
    """Show who sent it, after writing down who looked. A POST, for a link must not leave such a trace by itself."""
    shown = queries.for_staff(session, number, actor)
    service.record_contact_read(session, shown, actor, now=clock.now())
    return _page(request, session, shown, actor, with_contact=True)


def _do(request: Request, session: Session, actor: Actor, number: str, form: Typed, event: Event) -> Response:
    """One action: done and back to the ticket, or the ticket with the refusal and what was typed."""
    deed = DEEDS[event]
    ticket = queries.for_staff(session, number, actor)
    try:
        version = form.integer("version")
        change = service.Change(event, form.raw(deed.field) if deed.field else "", form.integer("to_unit"))
        form.check()
        if version is None:
            raise Conflict(_("Trang này đã cũ. Xin xem lại trước khi tiếp tục."))
        with session.begin_nested():  # what was written before a refusal goes with it, the page is read afterwards
            service.apply(session, ticket.id, change, actor, now=clock.now(), version=version)
    except (Invalid, Conflict) as refusal:
        current = queries.for_staff(session, number, actor)
        shown = _shown(form, refusal, deed)
        conflict = refusal if isinstance(refusal, Conflict) else None
        return _page(request, session, current, actor, refusal.status, form=shown, conflict=conflict)
    # Whoever forwards it to another unit may not see it any more.
    back = INBOX if event is Event.FORWARDED else f"{INBOX}/{number}"
    return redirect(request, back, flash=deed.done)


def _shown(form: Typed, refusal: DomainError, deed: Deed) -> Form:
    """The form as typed, the refusal at the field of this action's form."""
    typed = form.form(refusal if isinstance(refusal, Invalid) else None)
    return Form(typed.values, {deed.field if name == "text" else name: error for name, error in typed.errors.items()})


def _page(
    request: Request,
    session: Session,
    ticket: Ticket,
    actor: Actor,
    status: int = 200,
    *,
    form: Form = EMPTY,
    conflict: Conflict | None = None,
    with_contact: bool = False,
) -> Response:
    now = clock.now()
    today = local(now).date()
    moves = _moves(ticket, actor)
    may = {move.event for move in moves}
    calendar = worktime.calendar(session, ticket.calendar_id)
    return page(
        request,
        "tickets/ticket.html",
        status,
        secret=True,
        ticket=ticket,
        form=form,
        conflict=conflict,
        kept=_orphaned(form, moves) if conflict else [],
        deeds={event.value: deed if event in may else None for event, deed in DEEDS.items()},
        idle=not moves,
        offices=_targets(session, ticket, today) if Event.FORWARDED in may else [],
        standing=standings(calendar, today, [ticket])[0],
        counting=queries.counting(session, ticket, now),
        course=queries.course(session, ticket.id, internal=True),
        photos=attachments.of_ticket(session, ticket.id),
        contact=ticket.contact if with_contact else None,
        may_read_contact=ticket.contact is not None and can(actor, Action.VIEW_CONTACT, service.subject(ticket)),
        names=STATE_NAMES,
        tones=STATE_TONES,
        events=EVENT_NAMES,
    )


def _moves(ticket: Ticket, actor: Actor) -> list[Transition]:
    """What this actor may do to the ticket in the state it is in, in the order of the page."""
    subject = service.subject(ticket)
    open_to = {m.event: m for m in possible(ticket.state) if m.right is not None and can(actor, m.right, subject)}
    return [open_to[event] for event in DEEDS if event in open_to]


def _orphaned(form: Form, moves: Sequence[Transition]) -> list[str]:
    """Texts typed for an action that is no longer possible: shown apart, so that they can be copied."""
    open_fields = {DEEDS[move.event].field for move in moves}
    fields = (deed.field for deed in DEEDS.values() if deed.field and deed.field not in open_fields)
    return [text for field in fields if (text := form.value(field))]


def _targets(session: Session, ticket: Ticket, today: date) -> list[tuple[int, str]]:
    hidden = {ticket.unit_id, service.subject(ticket).hidden_from}
    return [(unit.id, unit.name) for unit in units.receiving(session, today) if unit.id not in hidden]


def _find(session: Session, typed: str, actor: Actor) -> str | None:
    """The number of a ticket this actor may see, from what was typed: with or without the letters before it."""
    bare = "".join(typed[:NUMBER_MOST].split()).upper()
    for number in (bare, f"PAKN.{bare}"):
        try:
            return queries.for_staff(session, number, actor).number
        except NotFound:
            continue
    return None


def _place(after: str) -> tuple[date, int] | None:
    """Where a page starts; an address that was tampered with starts at the beginning."""
    day, _comma, row = after.partition(",")
    if not (row.isascii() and row.isdigit() and len(row) <= 10):
        return None
    try:
        return date.fromisoformat(day), int(row)
    except ValueError:
        return None


def _mark(place: tuple[date, int]) -> str:
    return f"{place[0].isoformat()},{place[1]}"


def _address(query: dict[str, str]) -> str:
    shown = {name: value for name, value in query.items() if value}
    return f"{INBOX}?{urlencode(shown)}" if shown else INBOX
