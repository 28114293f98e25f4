"""When a sender may ask for a second look, and what they would get."""

from dataclasses import dataclass
from datetime import datetime

from backend.errors import Conflict, DomainError, _
from backend.tickets.checks.episodes import check_window, reopening_end
from backend.tickets.dossier import Dossier
from backend.tickets.models import SETTLED_STATES, TicketState
from backend.tickets.second_looks.look_terms import LookClock, new_clock
from backend.tickets.second_looks.models import find_look

REFUSED_OR_ANSWERED = (*SETTLED_STATES, TicketState.REFUSED, TicketState.MERGED)


@dataclass(frozen=True)
class LookOffer:
    """A second look that the sender may ask for now: its clock, and until when they may ask."""

    clock: LookClock
    window: datetime | None


def check_asking(dossier: Dossier) -> None:
    """Refuse a second look that cannot be asked for now. Raises Conflict.

    There must be an answer or a refusal, which the sender has read; the window for reopening must be open; and the
    sender has not asked before. Guidance to another procedure (khiếu nại, tố cáo) is no answer to look at.
    """
    ticket = dossier.ticket
    if ticket.untold:
        raise Conflict(_("Xin đọc trả lời trước."))
    if ticket.state not in REFUSED_OR_ANSWERED or dossier.clocks.decided is None:
        raise Conflict(_("Phản ánh này chưa có kết quả để xem lại."))
    if find_look(dossier.session, ticket.id) is not None:
        raise Conflict(_("Mỗi phản ánh được cấp trên xem lại một lần, và bạn đã yêu cầu rồi."))
    check_window(dossier.at, reopening_end(dossier.history, dossier.clocks, dossier.book))


def read_offer(dossier: Dossier) -> LookOffer | None:
    """Return the second look that the sender may ask for now; None where it would be refused."""
    try:
        check_asking(dossier)
    except DomainError:
        return None
    clock = new_clock(dossier.session, dossier.ticket, dossier.at)
    return LookOffer(clock, reopening_end(dossier.history, dossier.clocks, dossier.book))
