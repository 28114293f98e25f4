"""The development mailbox: readable in development, not there elsewhere."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from backend import settings
from backend.app import create_app
from backend.outbox.models import LocalMail


@pytest.fixture
def kept(session: Session, now: datetime) -> LocalMail:
    mail = LocalMail(
        at=now,
        recipient="a@example.vn",
        subject="Đã nhận phản ánh",
        body="Chào <b>bạn</b>.\n\nTrang theo dõi: http://testserver/theo-doi\n",
    )
    session.add(mail)
    session.flush()
    return mail


def test_developer_reads_what_would_have_been_sent(client: TestClient, kept: LocalMail) -> None:
    listed = client.get("/hop-thu-thu-nghiem")
    assert listed.status_code == 200 and "Đã nhận phản ánh" in listed.text and "a@example.vn" in listed.text
    read = client.get(f"/hop-thu-thu-nghiem/{kept.id}")
    assert "Chào &lt;b&gt;bạn&lt;/b&gt;." in read.text
    assert 'href="http://testserver/theo-doi"' in read.text
    assert read.headers["cache-control"] == "no-store"


def test_an_empty_mailbox_says_so(client: TestClient) -> None:
    assert "Chưa có thư nào." in client.get("/hop-thu-thu-nghiem").text


@pytest.mark.parametrize("mail_id", ["0", "999999999999", "-1", "x"])
def test_an_unknown_mail_is_not_found(client: TestClient, mail_id: str) -> None:
    assert client.get(f"/hop-thu-thu-nghiem/{mail_id}").status_code in (404, 422)


@pytest.fixture
def production(session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("LANGNGHE_ENVIRONMENT", "production")
    monkeypatch.setenv("LANGNGHE_SECRET_KEY", "a secret of this test that is long enough")
    monkeypatch.setenv("LANGNGHE_DATABASE_URL", "postgresql+psycopg:///unused")
    monkeypatch.setenv("LANGNGHE_BROKER_URL", "redis://unused")
    settings.get_settings.cache_clear()
    with TestClient(create_app(), follow_redirects=False) as client:
        yield client
    settings.get_settings.cache_clear()


def test_outside_development_there_is_no_mailbox(production: TestClient, kept: LocalMail) -> None:
    for path in ("/hop-thu-thu-nghiem", f"/hop-thu-thu-nghiem/{kept.id}"):
        answer = production.get(path)
        assert answer.status_code == 404 and "a@example.vn" not in answer.text
