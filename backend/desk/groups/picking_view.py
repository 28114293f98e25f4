"""The page on which picked tickets stand side by side, with what a merge and a group would do to each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.deadlines.clocks import ClockPreview
from backend.desk.groups.picks_form import pick_value
from backend.errors import DomainError
from backend.tickets import lifecycle, service
from backend.tickets.checks.action_request import ActionRequest, policy_subject
from backend.tickets.checks.grouping import check_joining
from backend.tickets.dossier import Dossier
from backend.tickets.groups.models import MatterGroup
from backend.tickets.groups.picks import PicksRefused
from backend.tickets.groups.queries import find_group, read_dossiers
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.texts import CLOCK_NAMES, STATE_NAMES, STATE_TONES
from backend.units.models import Unit
from backend.users.policy import Actor
from backend.web.forms import EMPTY, FormView
from backend.web.rendering import render_page


@dataclass(frozen=True)
class PickedTicket:
    """A picked ticket beside the first one: what a merge would do to its clocks, and why something is not possible.

    ``answer`` is what an answer right now would do. ``refused`` is what it said when the actor tried.
    """

    ticket: Ticket
    value: str
    ticked: bool
    due: Any
    merge: ClockPreview | None
    merge_refusal: DomainError | None
    group_refusal: DomainError | None
    refused: DomainError | None


def picking_page(
    request: Request,
    session: Session,
    actor: Actor,
    tickets: Sequence[Ticket],
    *,
    form: FormView = EMPTY,
    refusal: DomainError | None = None,
    status: int = 200,
    ticked: Sequence[str] | None = None,
) -> Response:
    """Show the first ticket beside the others. ``ticked`` are the numbers that were ticked, all where it is None."""
    unit_names = _unit_names(tickets)  # first: a preview reads the tickets again, without their units
    dossiers = read_dossiers(session, tickets, clock.now())
    results = {row.ticket_id: row.refusal for row in refusal.results} if isinstance(refusal, PicksRefused) else {}
    group = _target_group(session, tickets[0], actor) if tickets else None
    rows = [
        _picked(dossiers[ticket.id], tickets[0], group, actor, results, ticked)
        for ticket in tickets
        if group is not None
    ]
    return render_page(
        request,
        "desk/groups/picking.html",
        status,
        secret=True,
        rows=rows,
        group=group,
        form=form,
        refusal=refusal,
        keep_at="",
        unit_names=unit_names,
        names=STATE_NAMES,
        tones=STATE_TONES,
        clock_names=CLOCK_NAMES,
    )


def _target_group(session: Session, first: Ticket, actor: Actor) -> MatterGroup:
    """Return the group of the first ticket, or one that is not stored, as it would be formed around it."""
    if first.group_id is not None:
        return find_group(session, first.group_id, actor)
    return MatterGroup(title="", unit_id=first.unit_id, hidden_from_id=policy_subject(first).hidden_from)


def _picked(
    dossier: Dossier,
    first: Ticket,
    group: MatterGroup,
    actor: Actor,
    results: Mapping[int, DomainError | None],
    ticked: Sequence[str] | None,
) -> PickedTicket:
    ticket = dossier.ticket
    merge, merge_refusal = _preview_merge(dossier, first, actor) if ticket.id != first.id else (None, None)
    return PickedTicket(
        ticket=ticket,
        value=pick_value(ticket),
        ticked=ticked is None or ticket.number in ticked,
        due=dossier.clocks.resolve.due.on,
        merge=merge,
        merge_refusal=merge_refusal,
        group_refusal=_refusal_to_join(group, ticket),
        refused=results.get(ticket.id),
    )


def _preview_merge(
    dossier: Dossier, into: Ticket, actor: Actor
) -> tuple[ClockPreview | None, DomainError | None]:  # fmt: skip
    try:
        return service.preview_action(dossier, ActionRequest(Event.MERGED, into_id=into.id), actor), None
    except DomainError as refusal:
        return None, refusal


def _refusal_to_join(group: MatterGroup, ticket: Ticket) -> DomainError | None:
    """Return why a ticket cannot be put into the group; None where it can, or where it is in that group already."""
    if group.id is not None and ticket.group_id == group.id:
        return None
    try:
        lifecycle.find_transition(ticket.state, Event.GROUPED)
        check_joining(group, ticket)
    except DomainError as refusal:
        return refusal
    return None


def _unit_names(tickets: Sequence[Ticket]) -> dict[int, str]:
    units: list[Unit] = [unit for ticket in tickets for unit in (ticket.unit, ticket.about_unit)]
    return {unit.id: unit.name for unit in units}
