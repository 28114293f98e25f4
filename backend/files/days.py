"""Days as people write them. Pure."""

import re
from datetime import date
from typing import Final

WRITTEN: Final = re.compile(
    r"(?P<d>\d{1,2})[/.-](?P<m>\d{1,2})[/.-](?P<y>\d{4})|(?P<Y>\d{4})[/.-](?P<M>\d{1,2})[/.-](?P<D>\d{1,2})", re.ASCII
)


def day_written(text: str) -> date | None:
    """22/11/2026 as people write it (also 22-11-2026, 22.11.2026), 2026-11-22 as machines do; None for anything else
    and where the calendar has no such day."""
    found = WRITTEN.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day = (int(found[name] or found[name.upper()]) for name in ("y", "m", "d"))
    try:
        return date(year, month, day)
    except ValueError:
        return None
