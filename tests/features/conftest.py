"""A ticket whose life a test goes on with."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from backend.tickets import projection
from tests.factories import World
from tests.life import Life, begun


@pytest.fixture
def life(session: Session, world: World) -> Iterator[Life]:
    """A ticket just received. Whatever the test does to it: in the end every stored row follows from its history."""
    yield begun(session, world)
    assert list(projection.check_all(session)) == []
