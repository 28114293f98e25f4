"""The address at which a sender rates how the feedback was handled."""

from fastapi import APIRouter, Depends, Request, Response

from backend import clock
from backend.db import SessionDep
from backend.errors import DomainError, _
from backend.public.ticket_view import TICKET, ask_secret_again, done_page, find_opened_ticket, ticket_page
from backend.ratings import service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel
from backend.tickets.senders.sender_rights import check_read
from backend.users.guard import allow_everybody
from backend.web.forms import FormReader, TypedDep

router = APIRouter(dependencies=[Depends(allow_everybody)])


@router.post(f"{TICKET}/danh-gia", include_in_schema=False)
def rate_ticket(request: Request, session: SessionDep, typed: TypedDep) -> Response:
    """Store three scores and a remark for the opened ticket. Each answer can be rated once."""
    ticket = find_opened_ticket(request, session)
    if ticket is None:
        return ask_secret_again(request, typed)
    try:
        check_read(ticket, Event.RATED)
        with session.begin_nested():
            service.store_rating(session, ticket.id, _scores(typed), channel=Channel.WEB, now=clock.now())
    except DomainError as refusal:
        return ticket_page(request, session, ticket, typed=typed, refusal=refusal)
    return done_page(request, session, ticket, typed, (*service.ITEMS, "remark"), _("Cảm ơn bạn đã đánh giá."))


def _scores(typed: FormReader) -> service.RatingScores:
    levels = {str(level): level for level in range(1, 6)}
    ease, by_rules, timely = (levels.get(typed.raw(item)) for item in service.ITEMS)
    return service.RatingScores(ease, by_rules, timely, typed.raw("remark"))
