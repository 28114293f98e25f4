"""Synthetic ballots: 558 made-up ballots whose item means are the published ones of Lai Châu 2023. Pure, with a seed.

The plan is that of 2023: 3 districts x 3 communes x 2 villages x 31 households, with the communes that the source
report names. People of one village give similar answers, so that the design effect shows. Every answer is made up; only
the sums are real.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.files.sheets import Value
from backend.surveys.ballot_files.layout import template_header
from backend.surveys.forms.instruments import AnswerSlot, Aspect, Instrument, QuestionKind, shipped_instrument

N: Final = 558
VILLAGES, HOUSEHOLDS, LISTED = 2, 31, 150
# All weights are equal, so the plain means are the published ones. A household stands for its part of the list of its
# village.
WEIGHT: Final = LISTED / HOUSEHOLDS
MOST_BLANKS: Final = 20
SEED: Final = 20231211
# Shares of the variance of an answer: common to a village, and common to all answers of a person.
VILLAGE, PERSON = 0.03, 0.35
DISTRICTS: Final = {
    "TP Lai Châu": ("03387", "03388", "03386"),
    "Sìn Hồ": ("03514", "03541", "03478"),
    "Mường Tè": ("03467", "03436", "03433"),
}
BANDS: Final = {"age": ("18-24", "25-34", "35-49", "50-59", "60+"), "sex": ("nam", "nữ")}
INTERVIEWED: Final = ("04/12/2023", "05/12/2023", "06/12/2023", "07/12/2023", "08/12/2023")

Floats = NDArray[np.float64]
Scores = NDArray[np.int16]


class UnreachableFigure(ValueError):
    """No sum of whole scores gives this published figure."""


@dataclass(frozen=True)
class AnswerTarget:
    """What the answers to one slot must give: ``n`` answers with the sum ``total``."""

    n: int
    total: int


def synthetic_rows() -> Iterator[Sequence[Value]]:
    """Yield the header of the household instrument, then 558 ballots."""
    instrument = shipped_instrument("household-2023")
    yield template_header(instrument)
    dice = np.random.Generator(np.random.PCG64(SEED))
    sample = list(_sample(dice))
    villages = np.repeat(np.arange(N // HOUSEHOLDS), HOUSEHOLDS)
    columns = list(_columns(instrument, dice, villages))
    for position, particulars in enumerate(sample):
        yield [*particulars, *(column[position] for column in columns)]


def score_target(published: Decimal, levels: int, n: int = N) -> AnswerTarget:
    """Return number and sum of the answers for which 100 x sum / (levels x number), rounded to two decimals, is the
    published figure, with as few blanks as possible. Raises UnreachableFigure. Example: 90.00 of 5 levels and 558
    answers gives a sum of 2511."""
    for answers in range(n, n - MOST_BLANKS - 1, -1):
        nearest = int((published * levels * answers / 100).to_integral_value(ROUND_HALF_UP))
        for total in (nearest, nearest - 1, nearest + 1):
            figure = Decimal(100 * total) / (levels * answers)
            if figure.quantize(Decimal("0.01"), ROUND_HALF_UP) == published:
                return AnswerTarget(answers, total)
    raise UnreachableFigure(f"{published} is no mean of about {n} scores out of {levels}")


def synthetic_scores(lean: Floats, target: AnswerTarget, levels: int) -> Scores:
    """Return scores 1..levels with exactly the target's sum: the higher ``lean`` (n,), the higher the score. Blanks
    (-1) stand where ``lean`` is in the middle."""
    order = np.argsort(lean, kind="stable")
    blanks = lean.size - target.n
    order = np.delete(order, np.s_[lean.size // 2 : lean.size // 2 + blanks])
    counts = _counts(target, levels)
    scores = np.full(lean.size, -1, dtype=np.int16)
    scores[order] = np.repeat(np.arange(1, levels + 1), counts)
    return scores


def _counts(target: AnswerTarget, levels: int) -> list[int]:
    """Return how many answers have each score: fixed small shares of the low scores, and the rest at the two highest,
    so that the sum is the target's."""
    shares = {5: (0.01, 0.035, 0.17), 4: (0.03, 0.12)}[levels]
    counts = [round(share * target.n) for share in shares] + [0, 0]
    while True:
        rest = target.n - sum(counts[:-2])
        high = target.total - sum(score * count for score, count in enumerate(counts[:-2], 1)) - (levels - 1) * rest
        if 0 <= high <= rest:
            counts[-2:] = [rest - high, high]
            return counts
        # Too few points for two high scores: one more at the top of the low ones; too many: one fewer.
        position = len(counts) - 3
        counts[position] += 1 if high < 0 else -1
        if counts[position] < 0 or sum(counts[:-2]) > target.n:
            raise UnreachableFigure(f"{target} with {levels} levels")


def _columns(instrument: Instrument, dice: np.random.Generator, villages: NDArray[np.int64]) -> Iterator[list[Value]]:
    published = _published_shares()
    village = dice.normal(size=villages.max() + 1)[villages] * VILLAGE**0.5
    person = dice.normal(size=N) * PERSON**0.5
    for slot in instrument.slots:
        own = village + person + dice.normal(size=N) * (1 - VILLAGE - PERSON) ** 0.5
        if slot.kind is QuestionKind.MULTIPLE:
            for level in slot.levels:
                own = village + dice.normal(size=N)
                yield _values(_ticks(own, published[f"{slot.code}.{level.value}"]))
        elif slot.kind is QuestionKind.SCALE and slot.aspect is not Aspect.EXPECTATION:
            most = slot.values[-1]
            yield _values(synthetic_scores(own, score_target(published[slot.code], most), most))
        else:
            yield _values(_shares(slot, own, published))


def _values(column: Scores) -> list[Value]:
    return [None if value < 0 else int(value) for value in column]


def _ticks(lean: Floats, percent: Decimal) -> Scores:
    """Return 1 for this percentage of people, those with the highest ``lean``, else 0."""
    count = int((percent * N / 100).to_integral_value(ROUND_HALF_UP))
    ticks = np.zeros(N, dtype=np.int16)
    ticks[np.argsort(-lean, kind="stable")[:count]] = 1
    return ticks


def _shares(slot: AnswerSlot, lean: Floats, published: dict[str, Decimal]) -> Scores:
    """Return answers by published shares: yes or no; one of several options; expectation: the two upper levels together
    (which levels the Ministry counts is not known)."""
    if slot.kind is QuestionKind.YES_NO:
        return _ticks(lean, published[slot.code])
    if slot.kind is QuestionKind.SCALE:
        return (_ticks(lean, published[slot.code]) * 2 + 1 + (lean > np.median(lean))).astype(np.int16)
    answers = np.full(N, slot.values[0], dtype=np.int16)
    order, start = np.argsort(lean, kind="stable"), 0
    for level in reversed(slot.levels[1:]):
        count = int((published[f"{slot.code}.{level.value}"] * N / 100).to_integral_value(ROUND_HALF_UP))
        answers[order[start : start + count]] = level.value
        start += count
    return answers


def _sample(dice: np.random.Generator) -> Iterator[list[Value]]:
    """Yield the particulars of each ballot in the order of the template. All households of a village have the same
    chance."""
    number = 0
    for district, communes in DISTRICTS.items():
        for commune in communes:
            for village in range(1, VILLAGES + 1):
                for _household in range(HOUSEHOLDS):
                    number += 1
                    age, sex = (BANDS[name][dice.integers(len(BANDS[name]))] for name in ("age", "sex"))
                    minority = "dân tộc thiểu số" if dice.random() < 0.8 else "kinh"
                    day = INTERVIEWED[(number - 1) % len(INTERVIEWED)]
                    place: list[Value] = [commune, district, f"{commune}-{village}", WEIGHT, day]
                    yield [f"LC23-{number:04d}", "household-2023", *place, age, sex, minority]


def _published_shares() -> dict[str, Decimal]:
    """Return the published figures of 2023 by the code of the slot, or of slot and option (expectation.3)."""
    folder = files("backend.indices").joinpath("data")

    def read(name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(folder.joinpath(name).read_text(encoding="utf-8-sig").splitlines()))

    figures = {row["code"]: Decimal(row["y2023"]) for row in read("sipas_lai_chau_satisfaction.csv")}
    for row in read("sipas_lai_chau_perception.csv"):
        if row["y2023"]:
            figures[f"{row['question']}.{row['option']}"] = Decimal(row["y2023"])
    for row in read("sipas_lai_chau_expectation.csv"):
        if row["year"] == "2023":
            figures[f"expectation.{row['option']}"] = Decimal(row["percent"])
    return figures
