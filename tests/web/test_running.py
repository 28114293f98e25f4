"""How the site behaves while it is run: away for a moment, checked from outside, writing its log."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from backend.app import create_app


@pytest.fixture
def app() -> FastAPI:
    app = create_app()
    app.state.demonstration = lambda: False  # no database here
    return app


@pytest.fixture
def browser(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, headers={"Accept": "text/html", "Accept-Language": "vi"}) as client:
        yield client


@pytest.mark.parametrize("fault", [OperationalError("SELECT 1", {}, Exception("gone")), PoolExhausted()])
def test_a_database_that_does_not_answer_is_told_as_such(app: FastAPI, browser: TestClient, fault: Exception) -> None:
    @app.get("/t/away")
    def away() -> None:
        raise fault

    answer = browser.get("/t/away")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    assert "Tạm thời chưa phục vụ được" in answer.text


def test_an_uptime_check_may_ask_by_head(browser: TestClient) -> None:
    assert browser.head("/dang-nhap").status_code == 200


def test_each_request_leaves_a_line_without_address_or_form(
    browser: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="langnghe"):
        browser.get("/theo-doi?so=PAKN.20261122.0012")
    assert "GET /theo-doi 200" in caplog.text
    assert "PAKN" not in caplog.text
