"""A search answers within its time or is refused in a sentence."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from psycopg.errors import QueryCanceled
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from backend.errors import DomainError, _

# Plans depend on the words, so they are made for each search. A parallel plan, or a join that reads a whole table,
# would not end with the first hits.
SETTINGS: Final = {
    "plan_cache_mode": "force_custom_plan",
    "max_parallel_workers_per_gather": "0",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
TIMEOUT: Final = "statement_timeout"
READ: Final = text("SELECT " + ", ".join(f"current_setting('{name}') AS {name}" for name in (TIMEOUT, *SETTINGS)))
SET: Final = text("SELECT " + ", ".join(f"set_config('{name}', :{name}, true)" for name in (TIMEOUT, *SETTINGS)))
LIMIT: Final = text(f"SELECT set_config('{TIMEOUT}', :{TIMEOUT}, true)")
LITTLE: Final = 0.1  # share of the time after which the limit of the next statement is set anew


class SearchTooSlow(DomainError):
    """The search took longer than it may. Fewer or rarer words help."""

    status = 422

    def __init__(self) -> None:
        super().__init__(
            _("Tìm những chữ này mất quá lâu. Hãy thêm một chữ ít gặp hơn, hoặc chọn cơ quan rồi tìm lại."), field="q"
        )


class TimeLeft:
    """The time that the statements of one search may still take."""

    def __init__(self, session: Session, seconds: float) -> None:
        self.session, self.seconds = session, seconds
        self.began = time.monotonic()

    def limit(self) -> None:
        """Limit the next statement to what is left. Raises SearchTooSlow where nothing is."""
        spent = time.monotonic() - self.began
        if spent >= self.seconds:
            raise SearchTooSlow
        if spent > LITTLE * self.seconds:
            self.session.execute(LIMIT, {TIMEOUT: str(max(int((self.seconds - spent) * 1000), 1))})


@contextmanager
def within(session: Session, seconds: float) -> Iterator[TimeLeft]:
    """Run statements within a time, in a savepoint: the transaction can go on after a refusal."""
    try:
        with session.begin_nested():
            before = dict(session.execute(READ).mappings().one())
            session.execute(SET, {TIMEOUT: str(int(seconds * 1000)), **SETTINGS})
            yield TimeLeft(session, seconds)
            session.execute(SET, before)
    except OperationalError as failure:
        if isinstance(failure.orig, QueryCanceled):
            raise SearchTooSlow from None
        raise
