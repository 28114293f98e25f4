"""The page after: what a step came to, row by row, with the way back and another try for the refused rows."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.desk.bulk import service
from backend.desk.bulk.models import KEY_MOST, BulkStep
from backend.desk.bulk.verbs import VERBS
from backend.desk.ticket_lists import TicketList
from backend.errors import DomainError
from backend.tickets import queries
from backend.tickets.groups.picks import PickResult
from backend.tickets.models import Ticket
from backend.users.policy import Actor, Permission
from backend.web.rendering import render_page


@dataclass(frozen=True)
class BulkOutcome:
    """A row of a step: the number, the title where the reader still sees the ticket, and why it was refused if so."""

    number: str
    ticket_id: int | None
    title: str | None
    refusal: DomainError | None
    can_undo: bool


def result_page(
    request: Request,
    session: Session,
    actor: Actor,
    step: BulkStep,
    *,
    refusal: DomainError | None = None,
    results: Sequence[PickResult] = (),
) -> Response:
    """Show a step. ``refusal`` and ``results``: why it could not be taken back, as a whole and by ticket."""
    outcomes = _outcomes(session, actor, step)
    refused = [outcome for outcome in outcomes if outcome.refusal is not None]
    return render_page(
        request,
        "desk/bulk/results.html",
        refusal.status if refusal else 200,
        secret=True,
        step=step,
        action=next(action for action in VERBS.values() if action.event == step.event),
        outcomes=sorted(outcomes, key=lambda outcome: outcome.refusal is None),
        carried_out=len(outcomes) - len(refused),
        refused=refused,
        undoable=sum(1 for outcome in outcomes if outcome.can_undo),
        refusal=refusal,
        not_undone={row.ticket_id: row.refusal for row in results},
        back=TicketList(step.list_query).address,
        key=secrets.token_hex(KEY_MOST // 2),
    )


def _outcomes(session: Session, actor: Actor, step: BulkStep) -> list[BulkOutcome]:
    ticket_ids = [row["ticket"] for row in step.results if "ticket" in row]
    visible = queries.visible(actor, Permission.VIEW_TICKET)
    rows = session.execute(select(Ticket.id, Ticket.title).where(Ticket.id.in_(ticket_ids), *visible))
    titles = {row.id: row.title for row in rows}
    undoable = {row["ticket"] for row in service.rows_to_undo(step)}
    return [
        BulkOutcome(
            row["number"],
            row.get("ticket"),
            titles.get(row.get("ticket")),
            service.refusal_of(row),
            row.get("ticket") in undoable,
        )
        for row in step.results
    ]
