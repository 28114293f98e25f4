"""What whoever knows a file may say about it, where the file alone does not tell. Pure."""

from dataclasses import dataclass
from typing import Final

from backend.files.dates import DateOrder
from backend.files.numbers import DecimalSign


@dataclass(frozen=True)
class ReadOptions:
    """``dates``: the order of day and month. ``decimal``: the sign before decimals. ``missing``: texts that stand for
    no answer; none where nothing was said of them."""

    dates: DateOrder | None = None
    decimal: DecimalSign | None = None
    missing: frozenset[str] | None = None

    def is_missing(self, text: str) -> bool:
        """Whether a cell was declared to be no answer."""
        return self.missing is not None and text in self.missing


NOTHING_SAID: Final = ReadOptions()


def missing_texts(written: str | None) -> frozenset[str] | None:
    """The texts of an option like ``9,99``; none where the option was not used, empty for an empty one."""
    if written is None:
        return None
    return frozenset(text for text in (part.strip() for part in written.split(",")) if text)
