"""Whether the demonstration is loaded: asked for on every page, answered from memory."""

import time

from sqlalchemy import select

from backend import db
from backend.demo.accounts import ACCOUNTS
from backend.users.models import User

ASK_AGAIN_AFTER = 60.0  # seconds, while the answer is no


class Mark:
    """Remembers the answer: for good once it is yes, for a minute while it is no. Asks by an indexed column, since
    among millions of real tickets there would be none to find."""

    def __init__(self) -> None:
        self._loaded = False
        self._asked = float("-inf")

    def __call__(self) -> bool:
        if not self._loaded and time.monotonic() - self._asked >= ASK_AGAIN_AFTER:
            self._asked = time.monotonic()
            with db.transaction() as session:
                self._loaded = session.scalar(select(User.id).where(User.email == ACCOUNTS[0].email)) is not None
        return self._loaded
