"""Pages of the development mailbox: the mail that would be sent. They do not exist outside development."""

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select

from backend.db import SessionDep
from backend.errors import NotFound
from backend.outbox.models import LocalMail
from backend.settings import get_settings
from backend.users.guard import allow_everybody
from backend.web.rendering import render_page

SHOWN = 50


def in_development() -> None:
    """Raise NotFound outside development, where only the recipient reads a mail."""
    if not get_settings().development:
        raise NotFound


router = APIRouter(dependencies=[Depends(in_development), Depends(allow_everybody)], include_in_schema=False)


@router.get("/hop-thu-thu-nghiem")
def show_mailbox(request: Request, session: SessionDep) -> Response:
    """Show the latest mails, newest first."""
    mails = session.scalars(select(LocalMail).order_by(LocalMail.id.desc()).limit(SHOWN)).all()
    return render_page(request, "notify/mailbox.html", mails=mails, secret=True)


@router.get("/hop-thu-thu-nghiem/{mail_id}")
def show_mail(request: Request, session: SessionDep, mail_id: int) -> Response:
    """Show one mail as its recipient would read it."""
    mail = session.get(LocalMail, mail_id) if mail_id < 1 << 31 else None
    if mail is None:
        raise NotFound
    return render_page(request, "notify/mail.html", mail=mail, secret=True)
