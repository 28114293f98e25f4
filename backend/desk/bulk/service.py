"""One action on many tickets: each by itself, so that the rest is done where one refuses; and the way back.

Every change goes through ``tickets.service.apply``, which asks for the right to each ticket.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend.desk.bulk.models import BulkStep
from backend.desk.bulk.selection import BulkSelection
from backend.errors import Conflict, DomainError, NotFound, _
from backend.tickets import queries
from backend.tickets.groups.picks import PickResult, PicksRefused, TicketPick, lock_picks, try_each
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.service import ActionRequest, apply, record_refused
from backend.users.policy import Actor

KEPT_FOR: Final = timedelta(days=7)
STALE: Final = _("Trang này đã cũ. Xin xem lại trước khi tiếp tục.")
NOTHING_BACK: Final = _("Không còn gì để hoàn tác ở lần làm này.")

BulkResult = dict[str, Any]  # see ``BulkStep.results``


@dataclass(frozen=True)
class BulkOrder:
    """A submitted form: what is to happen, its key, the fields as typed, and the query of the list behind it."""

    request: ActionRequest
    key: str
    fields: Mapping[str, str]
    list_query: str = ""


def carry_out(
    session: Session, selection: BulkSelection, order: BulkOrder, actor: Actor, *, now: datetime
) -> BulkStep:  # fmt: skip
    """Let the event happen to each ticked ticket; return the step with the result of each.

    The rest goes on where one ticket refuses. Where all refuse, nothing is written: raises PicksRefused. A form that
    was carried out before returns its step.
    """
    picks = [TicketPick(ticket.id, selection.version_of(ticket) or 0) for ticket in selection.tickets]
    versions = lock_picks(session, picks)
    earlier = _step_with_key(session, actor, order.key)
    if earlier is not None:
        return earlier
    _forget_old(session, actor, now)
    unknown = [_refuse_unknown(session, number, order.request.event, actor, now) for number in selection.unknown]
    before = {ticket.id: ticket.assignee_id for ticket in selection.tickets}
    outcomes = try_each(session, versions, _acting(session, order.request, versions, actor, now))
    _check_any([*outcomes, *(PickResult(0, NotFound()) for _number in unknown)])
    refusals = {outcome.ticket_id: outcome.refusal for outcome in outcomes}
    results = [_result(ticket, refusals[ticket.id], order.request, before) for ticket in selection.tickets]
    return _store_step(session, order, [*results, *unknown], actor, now)


def undo_step(session: Session, step: BulkStep, actor: Actor, key: str, *, now: datetime) -> BulkStep:
    """Assign the tickets of a step back to whoever had them before; return the new step.

    A ticket to which anything happened since keeps what it has, and says so. Raises Conflict where nothing can be taken
    back.
    """
    rows = {int(row["ticket"]): row for row in rows_to_undo(step)}
    versions = lock_picks(session, [TicketPick(ticket_id, row["version"]) for ticket_id, row in rows.items()])
    session.refresh(step)
    if not rows_to_undo(step):
        raise Conflict(NOTHING_BACK)
    tickets = {ticket_id: session.get_one(Ticket, ticket_id) for ticket_id in versions}
    holders = {ticket_id: ticket.assignee_id for ticket_id, ticket in tickets.items()}

    def assign_back(ticket_id: int) -> None:
        request = ActionRequest(Event.ASSIGNED, to_user_id=rows[ticket_id]["before"])
        apply(session, ticket_id, request, actor, now=now, version=versions[ticket_id])

    outcomes = try_each(session, versions, assign_back)
    _check_any(outcomes)
    step.undone_at = now
    order = BulkOrder(ActionRequest(Event.ASSIGNED), key, {}, step.list_query)
    results = [_result(tickets[row.ticket_id], row.refusal, order.request, holders) for row in outcomes]
    return _store_step(session, order, results, actor, now)


def rows_to_undo(step: BulkStep) -> list[BulkResult]:
    """Return the results that the table of moves can take back: tickets that somebody else had before."""
    if step.event != Event.ASSIGNED or step.undone_at is not None:
        return []
    return [row for row in step.results if row.get("before") is not None]


def find_step(session: Session, actor: Actor, step_id: int) -> BulkStep | None:
    """Return a step of this person; None for any other."""
    step = session.get(BulkStep, step_id)
    return step if step is not None and step.user_id == actor.user_id else None


def refusal_of(result: BulkResult) -> DomainError | None:
    """Return why a row was refused; None where it was carried out."""
    return Conflict(result["why"], **result["params"]) if "why" in result else None


def _acting(
    session: Session, request: ActionRequest, versions: Mapping[int, int], actor: Actor, now: datetime
) -> Callable[[int], object]:
    """Return what happens to one ticket. A note fits every version."""

    def act(ticket_id: int) -> Ticket:
        version = versions[ticket_id]
        if request.event is Event.NOTED:
            return apply(session, ticket_id, request, actor, now=now)
        if not version:
            raise Conflict(STALE)
        return apply(session, ticket_id, request, actor, now=now, version=version)

    return act


def _refuse_unknown(session: Session, number: str, event: Event, actor: Actor, now: datetime) -> BulkResult:
    """Record the attempt on a ticket that is not there for this person, and return its result."""
    refusal = NotFound()
    record_refused(actor, event, queries.id_of(session, number), refusal, now)
    return {"number": number, "why": refusal.message, "params": {}}


def _check_any(results: Sequence[PickResult]) -> None:
    if all(result.refusal is not None for result in results):
        raise PicksRefused(results)


def _result(
    ticket: Ticket, refusal: DomainError | None, request: ActionRequest, before: Mapping[int, int | None]
) -> BulkResult:  # fmt: skip
    result: BulkResult = {"number": ticket.number, "ticket": ticket.id}
    if refusal is not None:
        params = {name: str(value) for name, value in refusal.params.items()}
        return result | {"why": refusal.message, "params": params}
    if request.event is Event.ASSIGNED and before[ticket.id] != ticket.assignee_id:
        return result | {"version": ticket.version, "before": before[ticket.id]}
    return result


def _store_step(
    session: Session, order: BulkOrder, results: Sequence[BulkResult], actor: Actor, now: datetime
) -> BulkStep:  # fmt: skip
    refused = any("why" in result for result in results)
    step = BulkStep(
        user_id=actor.user_id,
        key=order.key,
        event=order.request.event.value,
        at=now,
        list_query=order.list_query,
        fields=dict(order.fields) if refused else {},
        results=list(results),
    )
    session.add(step)
    session.flush()
    return step


def _step_with_key(session: Session, actor: Actor, key: str) -> BulkStep | None:
    return session.scalar(select(BulkStep).where(BulkStep.user_id == actor.user_id, BulkStep.key == key))


def _forget_old(session: Session, actor: Actor, now: datetime) -> None:
    session.execute(delete(BulkStep).where(BulkStep.user_id == actor.user_id, BulkStep.at < now - KEPT_FOR))
