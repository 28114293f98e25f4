"""What makes a ballot invalid or worth a second look, and which particulars are taken: rows of ``data/rules.toml``."""

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
    """One row: a measure of a ballot above a bound makes it invalid or marks it."""

    code: str
    action: str
    measure: str
    about: tuple[str, ...]
    above: float
    least: int
    text: BilingualText


@dataclass(frozen=True)
class BallotRules:
    """All rows. ``bands``: the values taken, by particular."""

    rows: tuple[BallotRule, ...]
    weight_most: float
    weight_times_median: float
    bands: Mapping[str, tuple[str, ...]]


@lru_cache
def shipped_rules() -> BallotRules:
    """The rules of the package; an unknown action or measure is refused at once."""
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
    """Which ballots count, and the codes of the rules that each ballot meets."""
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
