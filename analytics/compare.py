"""Decide whether two published figures may be compared: a mark for each pair of methods and code, stored as data."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

from analytics.methods import METHODS, BilingualText, MethodError


class ComparabilityMark(StrEnum):
    """The verdict on a comparison between two methods."""

    COMPARABLE = "comparable"
    FORMULA_CHANGED = "formula-changed"
    ITEM_NOT_ASKED = "item-not-asked"
    WORDING_CHANGED = "wording-changed"
    NOT_COMPARABLE = "not-comparable"


@dataclass(frozen=True, slots=True)
class Comparability:
    """A mark and its reason, shown together."""

    mark: ComparabilityMark
    reason: BilingualText


@dataclass(frozen=True, slots=True)
class _ComparisonRule:
    earlier: str
    later: str
    codes: tuple[str, ...]
    verdict: Comparability

    def applies(self, earlier: str, later: str, code: str) -> bool:
        return (self.earlier, self.later) == (earlier, later) and any(_matches(p, code) for p in self.codes)


SAME_METHOD = Comparability(ComparabilityMark.COMPARABLE, BilingualText("cùng phương pháp", "same method"))
UNLISTED = Comparability(
    ComparabilityMark.NOT_COMPARABLE,
    BilingualText("hai cuộc khảo sát theo hai phương pháp khác nhau", "two surveys by two different methods"),
)


def compare_indices(earlier: str, later: str, code: str) -> Comparability:
    """Return the mark for one code between two methods, in either order. Pairs that no rule names are not
    comparable."""
    if earlier == later:
        return SAME_METHOD
    matching = [
        rule.verdict for rule in _rules() if rule.applies(earlier, later, code) or rule.applies(later, earlier, code)
    ]
    return matching[-1] if matching else UNLISTED


@dataclass(frozen=True, slots=True)
class SeriesBreak:
    """The first year after a break in a series, and what changed with it."""

    year: int
    comparability: Comparability


def since_last_break(series: Sequence[tuple[int, str]], code: str) -> tuple[int, SeriesBreak | None]:
    """Return the index where the last unbroken part of a series begins, and the break before it.

    ``series``: year and method of each figure, ordered by year. A figure belongs to the last part while its method is
    comparable with that of the last figure. An empty series begins at 0.
    """
    for at in range(len(series) - 2, -1, -1):
        verdict = compare_indices(series[at][1], series[-1][1], code)
        if verdict.mark is not ComparabilityMark.COMPARABLE:
            return at + 1, SeriesBreak(series[at + 1][0], verdict)
    return 0, None


@lru_cache
def _rules() -> tuple[_ComparisonRule, ...]:
    raw = tomllib.loads((files("analytics") / "data" / "comparability.toml").read_text(encoding="utf-8"))
    rules = tuple(
        _ComparisonRule(
            entry["earlier"],
            entry["later"],
            tuple(entry["codes"]),
            Comparability(ComparabilityMark(entry["mark"]), BilingualText(entry["reason_vi"], entry["reason_en"])),
        )
        for entry in raw["rule"]
    )
    named = {rule.earlier for rule in rules} | {rule.later for rule in rules}
    if unknown := named - set(METHODS):
        raise MethodError(f"comparability names unknown methods: {', '.join(sorted(unknown))}")
    return rules


def _matches(pattern: str, code: str) -> bool:
    if pattern == "*":
        return True
    if pattern.endswith(".*"):
        return code == pattern[:-2] or code.startswith(pattern[:-1])
    return code == pattern
