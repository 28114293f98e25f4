"""The photos of a ticket, for the staff who handle it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from backend.attachments import queries
from backend.attachments.streaming import photo_response
from backend.db import SessionDep
from backend.tickets import queries as tickets
from backend.users.guard import allow
from backend.users.policy import Actor, Permission

router = APIRouter()


@router.get("/phan-anh/{number}/anh/{place}", include_in_schema=False)
def photo_for_staff(
    session: SessionDep, number: str, place: int, actor: Annotated[Actor, Depends(allow(Permission.VIEW_TICKET))]
) -> Response:
    """Show a photo of a ticket. Raises NotFound where the signed-in person may not see the ticket."""
    ticket = tickets.for_staff(session, number, actor)
    return photo_response(queries.find_photo(session, ticket.id, place), place)


@router.get("/phan-anh/{number}/anh/{place}/nho", include_in_schema=False)
def reduced_photo_for_staff(
    session: SessionDep, number: str, place: int, actor: Annotated[Actor, Depends(allow(Permission.VIEW_TICKET))]
) -> Response:
    """Show the reduced copy of a photo, as it stands on the page of its ticket."""
    ticket = tickets.for_staff(session, number, actor)
    return photo_response(queries.find_photo(session, ticket.id, place), place, reduced=True)
