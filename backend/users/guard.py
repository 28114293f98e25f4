"""The dependencies by which a route names its policy. A route without one fails ``tests/test_house.py``."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from backend import clock
from backend.db import transaction
from backend.errors import Forbidden, NotSignedIn
from backend.users.policy import Actor, Permission, can
from backend.users.service import actor_of

COOKIE = "session"


def current_actor(request: Request) -> Actor | None:
    """Who is signed in, if anybody; looked up once a request.

    In a transaction of its own: between this and the route the request may wait, for its body or for a thread. Were a
    connection held meanwhile, a crowd would hold all of them and nobody would come to the end.
    """
    actor = None
    if token := request.cookies.get(COOKIE):
        with transaction() as session:
            actor = actor_of(session, token, clock.now())
    request.state.actor = actor
    return actor


MaybeActor = Annotated[Actor | None, Depends(current_actor)]


def allow(action: Permission) -> Callable[..., Actor | None]:
    """A dependency that lets in whoever may do ``action`` at all; what it is done to is asked where it is loaded."""

    def guarded(actor: MaybeActor) -> Actor | None:
        if can(actor, action):
            return actor
        raise NotSignedIn if actor is None else Forbidden

    guarded.action = action  # type: ignore[attr-defined]  # read by the test that walks over all routes
    return guarded


async def allow_everybody() -> None:
    """Open to everybody, and said so: it asks for no session, so that a citizen's page costs no look-up. A coroutine,
    because it does nothing and a thread for it would cost more than itself."""


allow_everybody.action = Permission.PUBLIC  # type: ignore[attr-defined]  # read by the test that walks over all routes
