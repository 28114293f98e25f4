"""How a sender comes to the page of their ticket."""

from fastapi.testclient import TestClient
from httpx2 import Response

from backend.tickets.models import Ticket

TICKET = "/theo-doi/phan-anh"


def follow(client: TestClient, ticket: Ticket, secret: str) -> Response:
    return client.post("/theo-doi", data={"number": ticket.number, "secret": secret})
