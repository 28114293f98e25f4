"""Where a page of a list starts: a date or a moment, and an id, as the address writes them. Pure.

An address that cannot be read is refused, so that nobody takes another page for the one that they asked for.
"""

from datetime import date, datetime

from backend.errors import Invalid, _
from backend.web.forms import ID_MOST

DayKey = tuple[date, int]
MomentKey = tuple[datetime, int]


def write_key(key: DayKey | MomentKey | None) -> str:
    """Return a key as an address writes it: ``2026-11-22,12``."""
    return f"{key[0].isoformat()},{key[1]}" if key is not None else ""


def read_day_key(typed: str) -> DayKey | None:
    """Return the key of an address; None where it has none. Raises Invalid."""
    if not typed:
        return None
    day, _comma, row_id = typed.partition(",")
    try:
        return date.fromisoformat(day), _row_id(row_id)
    except ValueError:
        raise _unreadable() from None


def read_moment_key(typed: str) -> MomentKey | None:
    """Return the key of an address; None where it has none. Raises Invalid."""
    if not typed:
        return None
    moment, _comma, row_id = typed.replace(" ", "+").partition(",")
    try:
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise _unreadable()
        return at, _row_id(row_id)
    except ValueError:
        raise _unreadable() from None


def read_id_key(typed: str) -> int | None:
    """Return the id after which a page starts; None where the address has none. Raises Invalid."""
    if not typed:
        return None
    try:
        return _row_id(typed)
    except ValueError:
        raise _unreadable() from None


def _row_id(text: str) -> int:
    """Raises ValueError for what is no id."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) <= ID_MOST):
        raise ValueError(text)
    return int(text)


def _unreadable() -> Invalid:
    return Invalid(_("Địa chỉ này không chỉ đúng trang nào. Xin mở lại danh sách từ đầu."))
