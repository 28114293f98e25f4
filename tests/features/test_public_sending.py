"""A citizen without JavaScript sends feedback and gets a receipt."""

import html
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import clock
from backend.tickets import receipts
from backend.tickets.models import Contact, Ticket
from tests.factories import World


def form(world: World, **more: Any) -> dict[str, str]:
    """What a browser sends for a filled form."""
    draft = world.draft()
    fields = {
        "key": draft.key,
        "unit": str(draft.unit_id),
        "category": draft.category_code,
        "title": draft.title,
        "content": draft.content,
        "name": draft.name,
        "phone": "",
        "email": draft.email,
        "address": "",
        "consent": "1",
    }
    return fields | more


def tickets(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Ticket)) or 0


def secret_on(page: str) -> str:
    found = re.search(r'class="code secret">([0-9A-Z-]{19})<', page)
    assert found
    return found[1]


def test_sender_gets_a_receipt_whose_secret_opens_the_ticket(
    client: TestClient, session: Session, world: World
) -> None:
    sent = client.post("/gui", data=form(world))
    assert (sent.status_code, sent.headers["location"]) == (303, "/bien-nhan")
    shown = client.get("/bien-nhan")
    ticket = session.scalars(select(Ticket)).one()
    assert shown.status_code == 200 and shown.headers["cache-control"] == "no-store"
    assert ticket.number in shown.text and "Phường Đoàn Kết" in shown.text and "10/12/2026" in shown.text
    assert receipts.matches(ticket.secret_hash, secret_on(shown.text))
    assert "HttpOnly" in sent.headers["set-cookie"] and "Path=/bien-nhan" in sent.headers["set-cookie"]
