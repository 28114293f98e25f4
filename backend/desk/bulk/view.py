"""The page between: the ticked tickets with what an action would do to each, and the fields that it needs."""

import secrets
from datetime import date

from fastapi import Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.desk.actions import TicketAction
from backend.desk.bulk.models import KEY_MOST
from backend.desk.bulk.preview import BulkAttempt, preview_rows
from backend.desk.bulk.selection import BulkSelection
from backend.desk.ticket_lists import TicketList
from backend.errors import DomainError
from backend.tickets.service import ActionRequest
from backend.tickets.texts import CLOCK_NAMES, STATE_NAMES, STATE_TONES
from backend.units.queries import list_receiving_names
from backend.users.policy import Actor
from backend.users.queries import list_handlers
from backend.web.forms import FormView
from backend.web.rendering import render_page
from backend.worktime.calendar import local_time

Choices = list[tuple[int, str]]


def usual_request(session: Session, action: TicketAction, actor: Actor) -> ActionRequest:
    """Return the action with the first choice of each list, for previews before anything is chosen."""
    units, people = _choices(session, action, actor, _today())
    return ActionRequest(
        action.event,
        to_unit_id=units[0][0] if units else None,
        to_user_id=people[0][0] if people else None,
    )


def bulk_page(
    request: Request,
    session: Session,
    actor: Actor,
    action: TicketAction,
    selection: BulkSelection,
    attempt: BulkAttempt,
    form: FormView,
    refusal: DomainError | None = None,
    status: int = 200,
) -> Response:
    """Show the ticked tickets with the effect on each, and the form."""
    names = {unit.id: unit.name for ticket in selection.tickets for unit in (ticket.unit, ticket.about_unit)}
    rows = preview_rows(session, selection, attempt, actor, clock.now())
    units, people = _choices(session, action, actor, _today())
    return render_page(
        request,
        "desk/bulk/many.html",
        status,
        secret=True,
        action=action,
        rows=rows,
        unknown=selection.unknown,
        units=units,
        people=people,
        typed_choice=attempt.typed,
        form=form,
        refusal=refusal,
        keep_at="/hop-thu/nhieu",
        back=TicketList(form.value("from")).address,
        key=form.value("key") or secrets.token_hex(KEY_MOST // 2),
        unit_names=names,
        names=STATE_NAMES,
        tones=STATE_TONES,
        clock_names=CLOCK_NAMES,
    )


def _choices(session: Session, action: TicketAction, actor: Actor, today: date) -> tuple[Choices, Choices]:
    """Return the units that a ticket can be forwarded to, and the people of the own unit who can get it."""
    units: Choices = []
    people: Choices = []
    if "to_unit" in action.inputs:
        every = list_receiving_names(session, today).items()
        units = [(unit_id, name) for unit_id, name in every if unit_id != actor.unit_id]
    if "to_user" in action.inputs and actor.unit_id is not None:
        people = [(user.id, user.name) for user in list_handlers(session, actor.unit_id)]
    return units, people


def _today() -> date:
    return local_time(clock.now()).date()
