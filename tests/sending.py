"""The form of feedback, filled in."""

from typing import Any

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
