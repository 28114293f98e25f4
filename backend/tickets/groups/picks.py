"""Tickets that somebody ticked on a page, locked together, and what an action came to for each of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db import AdvisoryLock, hold_lock
from backend.errors import Conflict, DomainError, _
from backend.tickets.models import Ticket


@dataclass(frozen=True)
class TicketPick:
    """A ticket that was ticked, with its version as the page showed it."""

    ticket_id: int
    version: int


@dataclass(frozen=True)
class PickResult:
    """What an action came to for one ticket: done, or the refusal."""

    ticket_id: int
    refusal: DomainError | None = None


class PicksRefused(Conflict):
    """Some of the picked tickets refused what is done for all or for none. ``results`` has one row for each."""

    def __init__(self, results: Sequence[PickResult]) -> None:
        refusals = sum(1 for result in results if result.refusal is not None)
        super().__init__(
            _("Chưa ghi nhận gì: %(n)s phản ánh đã chọn không làm được việc này. Xin xem lý do ở từng phản ánh."),
            n=refusals,
        )
        self.results = results


def lock_picks(session: Session, picks: Iterable[TicketPick]) -> Mapping[int, int]:
    """Lock the picked tickets for the rest of the transaction; return their versions by id, in order of ids.

    Merges and actions on groups wait for each other, because each of them locks several tickets. A merged ticket is not
    locked here: its sender locks the other ticket before it.
    """
    hold_lock(session, AdvisoryLock.MERGE)
    versions = {pick.ticket_id: pick.version for pick in picks}
    unmerged = select(Ticket.id).where(Ticket.id.in_(versions), Ticket.merged_into_id.is_(None)).order_by(Ticket.id)
    session.execute(unmerged.with_for_update())
    return dict(sorted(versions.items()))


def try_each(
    session: Session, ticket_ids: Iterable[int], act: Callable[[int], object]
) -> list[PickResult]:  # fmt: skip
    """Act on each ticket by itself: a refusal undoes what was written for that ticket alone."""
    results: list[PickResult] = []
    for ticket_id in ticket_ids:
        try:
            with session.begin_nested():
                act(ticket_id)
        except DomainError as refusal:
            results.append(PickResult(ticket_id, refusal))
        else:
            results.append(PickResult(ticket_id))
    return results


def check_all(results: Sequence[PickResult]) -> None:
    """Raise PicksRefused where any ticket refused."""
    if any(result.refusal is not None for result in results):
        raise PicksRefused(results)
