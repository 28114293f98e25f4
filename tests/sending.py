"""The form of feedback, filled in."""

from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.factories import World


def application(client: TestClient) -> FastAPI:
    """The application behind a browser of a test."""
    assert isinstance(client.app, FastAPI)
    return client.app


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
