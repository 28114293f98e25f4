"""Days as people type them, and the refusals of what is no day. Pure."""

import re
from calendar import monthrange
from datetime import date
from typing import Final

from backend.errors import Invalid, _

QUOTED_MOST: Final = 40  # a refusal repeats so many characters of a wrong text

WRITTEN: Final = re.compile(
    r"(?P<d>\d{1,2})[/.-](?P<m>\d{1,2})[/.-](?P<y>\d{4})|(?P<Y>\d{4})[/.-](?P<M>\d{1,2})[/.-](?P<D>\d{1,2})", re.ASCII
)


def day_written(text: str) -> date | None:
    """Return the day of a text: 22/11/2026 as people write it (also 22-11-2026, 22.11.2026), or 2026-11-22 as programs
    do. None for anything else, and where the calendar has no such day."""
    parts = WRITTEN.fullmatch(text.strip())
    if parts is None:
        return None
    year, month, day = (int(parts[name] or parts[name.upper()]) for name in ("y", "m", "d"))
    try:
        return date(year, month, day)
    except ValueError:
        return None


def refusal_of_day(text: str) -> Invalid:
    """Return why a text that `day_written` does not read is no day, and what would be right."""
    parts = WRITTEN.fullmatch(text.strip())
    value = shortened(text)
    if parts is None:
        return Invalid(_("“%(value)s” không phải là ngày; hãy viết như 28/02/2026."), value=value)
    return refusal_of_date(value, *(int(parts[name] or parts[name.upper()]) for name in ("y", "m")))


def refusal_of_date(value: str, year: int, month: int) -> Invalid:
    """Return why there is no such date in a month. ``value`` is the date as it was written."""
    if not 1 <= month <= 12:
        message = _("“%(value)s” không có trong lịch: tháng viết sau ngày và từ 1 đến 12, như 28/02/2026.")
        return Invalid(message, value=value)
    if year < 1:
        return Invalid(_("“%(value)s” không có trong lịch; hãy viết như 28/02/2026."), value=value)
    days = monthrange(year, month)[1]
    return Invalid(
        _("“%(value)s” không có trong lịch: tháng %(month)s/%(year)s có %(days)s ngày."),
        value=value, month=month, year=year, days=days,
    )  # fmt: skip


def shortened(text: str) -> str:
    """Return a wrong text in the form in which a refusal repeats it: one line, at most 40 characters."""
    text = " ".join(text.split())
    return text if len(text) <= QUOTED_MOST else text[: QUOTED_MOST - 1] + "…"
