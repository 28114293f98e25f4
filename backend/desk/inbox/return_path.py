"""The way from a list to a ticket and back to the same place and row. Pure.

The link to a ticket carries the query of its list as ``from``. The page of the ticket keeps it in its form, so that it
survives every action there; without JavaScript, and in several windows at the same time.
"""

from typing import Final
from urllib.parse import parse_qsl, urlencode

from fastapi import Request

from backend.desk.inbox.filters import ADDRESS_MOST, FIELDS, INBOX
from backend.web.forms import FormView

FIELD: Final = "from"
_KNOWN: Final = frozenset({*FIELDS, "view", "after"})


def ticket_address(number: str, list_query: str) -> str:
    """Return the address of a ticket that remembers its list."""
    query = clean_query(list_query)
    return f"{INBOX}/{number}" + (f"?{urlencode({FIELD: query})}" if query else "")


def list_address(list_query: str, ticket_id: int | None = None) -> str:
    """Return the address of the list, at the row of a ticket."""
    query = clean_query(list_query)
    return INBOX + (f"?{query}" if query else "") + (f"#{row_id(ticket_id)}" if ticket_id is not None else "")


def list_query_of(request: Request, form: FormView) -> str:
    """Return the query of the list from which a ticket was opened: from its form, or from its address."""
    return clean_query(form.value(FIELD) or request.query_params.get(FIELD, ""))


def clean_query(typed: str) -> str:
    """Return a query with the parameters of a list only. Whoever writes another address leads nowhere else."""
    if len(typed) > ADDRESS_MOST:
        return ""
    return urlencode([(name, value) for name, value in parse_qsl(typed) if name in _KNOWN])


def row_id(ticket_id: int) -> str:
    """Return the id of the row of a ticket in every list."""
    return f"row-{ticket_id}"
