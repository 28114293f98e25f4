"""What the user may state about a file where the file itself leaves it open. Pure."""

from dataclasses import dataclass
from typing import Final

from backend.files.dates import DateOrder
from backend.files.numbers import DecimalSign


@dataclass(frozen=True)
class ReadOptions:
    """``dates``: the order of day and month. ``decimal``: the sign before decimals. ``missing``: texts that stand for
    no answer; none where the user stated nothing about them."""

    dates: DateOrder | None = None
    decimal: DecimalSign | None = None
    missing: frozenset[str] | None = None

    def is_missing(self, text: str) -> bool:
        """Return whether the user declared this text to be no answer."""
        return self.missing is not None and text in self.missing


NOTHING_SAID: Final = ReadOptions()


def missing_texts(written: str | None) -> frozenset[str] | None:
    """Return the texts of an option like ``9,99``; none where the option was not used, empty for an empty option."""
    if written is None:
        return None
    return frozenset(text for text in (part.strip() for part in written.split(",")) if text)
