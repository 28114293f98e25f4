"""Whether the demonstration is loaded. Every page needs the answer, so it is kept in memory."""

import time
from contextlib import suppress

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from backend import db
from backend.devserver.demo.accounts import ACCOUNTS
from backend.users.models import User

ASK_AGAIN_AFTER = 60.0  # seconds, while the answer is no


class DemoFlag:
    """The answer: "yes" stays for ever, "no" is checked again after a minute.

    The query uses an indexed column of the accounts. A search for a demonstration ticket among millions of real ones
    would be slow.
    """

    def __init__(self) -> None:
        self._loaded = False
        self._asked = float("-inf")

    def __call__(self) -> bool:
        if not self._loaded and time.monotonic() - self._asked >= ASK_AGAIN_AFTER:
            self._asked = time.monotonic()
            # The page that reports an unavailable database must not fail because of this query.
            with suppress(SQLAlchemyError), db.transaction() as session:
                self._loaded = session.scalar(select(User.id).where(User.email == ACCOUNTS[0].email)) is not None
        return self._loaded
