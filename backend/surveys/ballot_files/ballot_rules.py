"""The rules that make a ballot invalid or mark it for a second look, the limits of weights, and the bands of
particulars: rows of ``data/rules.toml``."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from analytics.methods import BilingualText
from backend.surveys.ballot_files.answers import BLANK, Answers, flagged_same, places_of
from backend.surveys.forms.instruments import Instrument

INVALID, FLAG = "invalid", "flag"


@dataclass(frozen=True)
class BallotRule:
    """One rule: a ballot whose ``measure`` is ``above`` the bound is made invalid or marked (``action``). ``about``:
    the aspects whose answers are looked at. ``least``: the rule applies from so many answers on."""

    code: str
    action: str
    measure: str
    about: tuple[str, ...]
    above: float
    least: int
    text: BilingualText


@dataclass(frozen=True)
class BallotRules:
    """All rules. ``weight_most``: the largest weight; ``weight_times_median``: the largest as a multiple of the median.
    ``bands``: the values of age, sex and ethnicity that are accepted."""

    rows: tuple[BallotRule, ...]
    weight_most: float
    weight_times_median: float
    bands: Mapping[str, tuple[str, ...]]


@lru_cache
def shipped_rules() -> BallotRules:
    """Return the rules of the package. Raises ValueError for an unknown action or measure."""
    raw = tomllib.loads(files("backend.surveys").joinpath("data", "rules.toml").read_text(encoding="utf-8"))
    rows = tuple(
        BallotRule(
            code=row["code"],
            action=row["action"],
            measure=row["measure"],
            about=tuple(row["about"]),
            above=float(row["above"]),
            least=int(row.get("least", 1)),
            text=BilingualText(row["vi"], row["en"]),
        )
        for row in raw["rule"]
    )
    for row in rows:
        if row.action not in (INVALID, FLAG) or row.measure not in ("blank", "same"):
            raise ValueError(f"rule {row.code}: unknown action or measure")
    bands = {name: tuple(entry["values"]) for name, entry in raw["bands"].items()}
    return BallotRules(rows, float(raw["weight"]["most"]), float(raw["weight"]["times_median"]), bands)


def apply_rules(
    rules: BallotRules, instrument: Instrument, answers: Answers
) -> tuple[NDArray[np.bool_], list[list[str]]]:
    """Return for each ballot whether it is valid, and the codes of the rules that it meets."""
    valid = np.ones(len(answers), dtype=bool)
    marks: list[list[str]] = [[] for _ballot in range(len(answers))]
    for rule in rules.rows:
        met = _ballots_meeting(rule, answers[:, places_of(instrument, rule.about)])
        if rule.action == INVALID:
            valid &= ~met
        for ballot in np.flatnonzero(met).tolist():
            marks[ballot].append(rule.code)
    return valid, marks


def _ballots_meeting(rule: BallotRule, answers: Answers) -> NDArray[np.bool_]:
    if answers.shape[1] == 0:
        return np.zeros(len(answers), dtype=bool)
    if rule.measure == "same":
        return flagged_same(answers, rule.least)
    above: NDArray[np.bool_] = (answers == BLANK).mean(axis=1) > rule.above
    return above
