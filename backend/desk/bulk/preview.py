"""What an action would do to each of many tickets, before anything is done."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from backend.deadlines.clocks import ClockPreview
from backend.desk.bulk.selection import BulkSelection
from backend.desk.groups.picks_form import pick_value
from backend.errors import DomainError, Invalid
from backend.tickets import service
from backend.tickets.dossier import Dossier
from backend.tickets.groups.queries import read_dossiers
from backend.tickets.models import Ticket
from backend.tickets.service import ActionRequest
from backend.users.policy import Actor


@dataclass(frozen=True)
class BulkRow:
    """A ticked ticket: what the action would do to its clocks, or why it is not possible now.

    ``changed``: something happened to it since it was ticked. ``refused`` is what it said when the person tried.
    """

    ticket: Ticket
    value: str
    ticked: bool
    changed: bool
    preview: ClockPreview | None
    refusal: DomainError | None
    refused: DomainError | None


@dataclass(frozen=True)
class BulkAttempt:
    """The page as it is displayed: the request that the previews count with, whether its choice was ``typed``, which
    numbers are ticked (None: all that are possible), and the refusals of the last try by id."""

    request: ActionRequest
    typed: bool = False
    ticked: Collection[str] | None = None
    refused: Mapping[int, DomainError | None] | None = None


def preview_rows(
    session: Session, selection: BulkSelection, attempt: BulkAttempt, actor: Actor, now: datetime
) -> Sequence[BulkRow]:
    """Preview the action for each ticket, with as few statements as for one."""
    dossiers = read_dossiers(session, selection.tickets, now)
    return [_row(dossiers[ticket.id], selection, attempt, actor) for ticket in selection.tickets]


def _row(dossier: Dossier, selection: BulkSelection, attempt: BulkAttempt, actor: Actor) -> BulkRow:
    ticket, preview = dossier.ticket, None
    refusal: DomainError | None = None
    try:
        preview = service.preview_action(dossier, attempt.request, actor)
    except Invalid as wrong_choice:
        refusal = wrong_choice if attempt.typed else None
    except DomainError as impossible:
        refusal = impossible
    possible = refusal is None
    return BulkRow(
        ticket=ticket,
        value=pick_value(ticket),
        ticked=possible if attempt.ticked is None else ticket.number in attempt.ticked,
        changed=selection.version_of(ticket) not in (None, ticket.version),
        preview=preview,
        refusal=refusal,
        refused=(attempt.refused or {}).get(ticket.id),
    )
