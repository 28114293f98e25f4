"""How somebody of the staff comes to a browser of a test."""

from datetime import datetime

from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from backend.users import service
from backend.users.models import User, UserSession
from tests.factories import PASSWORD


def sign_in(client: TestClient, user: User, **more: str) -> None:
    answer = client.post("/dang-nhap", data={"email": user.email, "password": PASSWORD, **more})
    assert answer.status_code in (200, 303), answer.text


def come_with(client: TestClient, token: str) -> None:
    """The browser brings this token and no other."""
    client.cookies.clear()
    client.cookies.set("session", token)


def signed_in(session: Session, user: User, now: datetime) -> str:
    """The token of a session, without the slow stretching of a password."""
    token = f"token-of-{user.id}"
    lasts = now + service.LASTS
    session.add(
        UserSession(
            token_hash=service.token_hash(token), user_id=user.id, created_at=now, seen_at=now, expires_at=lasts
        )
    )
    session.flush()
    return token
