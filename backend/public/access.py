"""What a sender's browser stores after the secret was shown or typed: two signed cookies, each for its own pages.

The receipt cookie lives 15 minutes, so that a reload shows the secret again. The grant cookie opens one ticket for an
hour. Neither the secret nor the grant is ever part of an address.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from fastapi import Request, Response
from itsdangerous import BadData, URLSafeSerializer

from backend import clock
from backend.settings import get_settings
from backend.web.rendering import set_cookie

RECEIPT_COOKIE, RECEIPT_PATH = "bien-nhan", "/bien-nhan"
RECEIPT_FOR = timedelta(minutes=15)
GRANT_COOKIE, GRANT_PATH = "theo-doi", "/theo-doi"
GRANT_FOR = timedelta(minutes=60)


@dataclass(frozen=True)
class ReceiptAccess:
    """A ticket and the secret that its receipt shows."""

    ticket_id: int
    secret: str


def hand_receipt(response: Response, ticket_id: int, secret: str) -> None:
    """Let this browser see the receipt for ``RECEIPT_FOR``."""
    _set(response, RECEIPT_COOKIE, RECEIPT_PATH, RECEIPT_FOR, [ticket_id, secret])


def receipt_of(request: Request) -> ReceiptAccess | None:
    """Return the receipt that this browser may see, if any."""
    match _read(request, RECEIPT_COOKIE):
        case [int(ticket_id), str(secret)]:
            return ReceiptAccess(ticket_id, secret)
    return None


def put_away_receipt(response: Response) -> None:
    response.delete_cookie(RECEIPT_COOKIE, path=RECEIPT_PATH)


def grant_access(response: Response, ticket_id: int) -> None:
    """Let this browser follow a ticket for ``GRANT_FOR``. Call it only after the secret was checked."""
    _set(response, GRANT_COOKIE, GRANT_PATH, GRANT_FOR, ticket_id)


def granted_ticket(request: Request) -> int | None:
    """Return the id of the ticket that this browser may follow, if any."""
    ticket_id = _read(request, GRANT_COOKIE)
    return ticket_id if isinstance(ticket_id, int) else None


def end_access(response: Response) -> None:
    response.delete_cookie(GRANT_COOKIE, path=GRANT_PATH)


@lru_cache
def _signer(purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(get_settings().secret_key.get_secret_value(), salt=purpose)


def _set(response: Response, name: str, path: str, span: timedelta, value: object) -> None:
    until = clock.now() + span
    signed = _signer(name).dumps([value, int(until.timestamp())])
    set_cookie(response, name, signed, seconds=int(span.total_seconds()), path=path)


def _read(request: Request, name: str) -> object:
    """Return the value of one of our cookies, or None if it is missing, forged or too old.

    The server judges the age by the signed end of validity, not by when the browser drops the cookie.
    """
    try:
        value, until = _signer(name).loads(request.cookies.get(name, ""))
    except (BadData, ValueError, TypeError):
        return None
    now = clock.now()
    return value if isinstance(until, int) and now < datetime.fromtimestamp(until, now.tzinfo) else None
