"""Whether the demonstration is loaded: asked for on every page, answered from memory."""

import time
from contextlib import suppress

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from backend import db
from backend.devserver.demo.accounts import ACCOUNTS
from backend.users.models import User

ASK_AGAIN_AFTER = 60.0  # seconds, while the answer is no


class DemoFlag:
    """Remembers the answer: for good once it is yes, for a minute while it is no. Asks by an indexed column, since
    among millions of real tickets there would be none to find."""

    def __init__(self) -> None:
        self._loaded = False
        self._asked = float("-inf")

    def __call__(self) -> bool:
        if not self._loaded and time.monotonic() - self._asked >= ASK_AGAIN_AFTER:
            self._asked = time.monotonic()
            # The page that tells of a database which does not answer must not ask it.
            with suppress(SQLAlchemyError), db.transaction() as session:
                self._loaded = session.scalar(select(User.id).where(User.email == ACCOUNTS[0].email)) is not None
        return self._loaded
