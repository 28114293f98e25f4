"""The answers of many ballots at once: texts of a file become levels, each distinct text judged once. Pure.

A chunk of ballots is a matrix of texts; the distinct texts in it are a few dozen whatever its size, so that the cost is
that of telling texts apart, not of judging cells.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final
from unicodedata import normalize

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.files.text import few_marks
from backend.surveys.ballot_files.faults import BallotFault, BallotFinding
from backend.surveys.forms.instruments import AnswerSlot, Aspect, Instrument, QuestionKind

BLANK: Final = -1
MOST_VALUE: Final = 99
WHOLE = re.compile(r"[+-]?[0-9]{1,9}(\.0+)?")
COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
POINT = re.compile(r"[+-]?[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?")
FORMULA = ("=", "＝", "+", "-", "@", "\t", "\r")
LONGEST: Final = 2_000
DAY_NUMBERS: Final = range(30_000, 60_000)  # how a workbook keeps the days of 1982 to 2064

Ints = NDArray[np.int64]
Answers = NDArray[np.int16]


class CellKind(IntEnum):
    """What a text is when a whole number is wanted; the codes index ``FAULT_OF``."""

    NUMBER = 0
    DECIMAL_COMMA = 1
    NOT_WHOLE = 2
    TEXT = 3
    FORMULA = 4
    ERROR = 5
    LONG = 6
    NUL = 7
    NOT_UTF8 = 8


FAULT_OF: Final = {
    CellKind.DECIMAL_COMMA: BallotFault.DECIMAL_COMMA,
    CellKind.NOT_WHOLE: BallotFault.NOT_WHOLE,
    CellKind.TEXT: BallotFault.TEXT_IN_NUMBER,
    CellKind.FORMULA: BallotFault.FORMULA,
    CellKind.ERROR: BallotFault.ERROR_CELL,
    CellKind.LONG: BallotFault.TOO_LONG,
    CellKind.NUL: BallotFault.NUL,
    CellKind.NOT_UTF8: BallotFault.NOT_UTF8,
}


@dataclass(frozen=True)
class JudgedAnswers:
    """``answers`` (ballots x slots), -1 where blank; what is wrong, by ballot; zeros and tops of each slot's scale."""

    answers: Answers
    findings: dict[int, list[BallotFinding]]
    zeros: Ints
    tops: Ints


class AnswerReader:
    """Judges chunks of one instrument. ``columns`` are those of the answers in the instrument's order; ``missing`` are
    texts that stand for no answer."""

    def __init__(self, instrument: Instrument, missing: frozenset[str] = frozenset()) -> None:
        self.instrument = instrument
        self._missing = missing
        self.slots = instrument.slots
        owner = [place for place, slot in enumerate(self.slots) for _column in slot.columns]
        self._owner = np.array(owner)
        self._allowed = np.zeros((len(owner), MOST_VALUE + 1), dtype=bool)
        for column, place in enumerate(owner):
            slot = self.slots[place]
            self._allowed[column, [0, 1] if slot.kind is QuestionKind.MULTIPLE else list(slot.values)] = True
        self._first = np.searchsorted(self._owner, np.arange(len(self.slots)))
        self._top = np.array([slot.values[-1] for slot in self.slots])

    def judge(self, texts: Sequence[Sequence[str]]) -> JudgedAnswers:
        """``texts``: ballots x columns."""
        numbers, kinds = _numbers(texts, len(self._owner), self._missing)
        within = (numbers >= 0) & (numbers <= MOST_VALUE)
        fits = self._allowed[np.arange(len(self._owner)), np.where(within, numbers, 0)] & within
        blank = (kinds == CellKind.NUMBER) & (numbers == BLANK_TEXT)
        wrong = ~blank & (~fits | (kinds != CellKind.NUMBER))
        findings = self._findings(texts, numbers, kinds, wrong)
        answers = self._answers(np.where(blank | wrong, BLANK, numbers), blank)
        self._check_skips(answers, findings)
        zeros, tops = self._ends(numbers, blank)
        return JudgedAnswers(answers, findings, zeros, tops)

    def _answers(self, numbers: Ints, blank: NDArray[np.bool_]) -> Answers:
        """A multiple choice as bits; options left blank beside ticked ones were not chosen."""
        answers = numbers[:, self._first].astype(np.int16)
        for place, slot in enumerate(self.slots):
            if slot.kind is QuestionKind.MULTIPLE:
                first = int(self._first[place])
                ticks = numbers[:, first : first + len(slot.columns)] == 1
                bits = ticks @ (1 << np.arange(len(slot.columns)))
                unanswered = blank[:, first : first + len(slot.columns)].all(axis=1)
                answers[:, place] = np.where(unanswered, BLANK, bits)
        return answers

    def _findings(
        self, texts: Sequence[Sequence[str]], numbers: Ints, kinds: Ints, wrong: NDArray[np.bool_]
    ) -> dict[int, list[BallotFinding]]:
        found: dict[int, list[BallotFinding]] = {}
        columns = self.instrument.columns
        for row, column in np.argwhere(wrong).tolist():
            kind, slot = CellKind(int(kinds[row, column])), self.slots[self._owner[column]]
            if kind is not CellKind.NUMBER:
                one = BallotFinding(
                    columns[column], FAULT_OF[kind], {"value": excerpt_of(texts[row][column]), "most": LONGEST}
                )
            else:
                one = BallotFinding(columns[column], *_outside(slot, int(numbers[row, column])))
            found.setdefault(row, []).append(one)
        return found

    def _check_skips(self, answers: Answers, findings: dict[int, list[BallotFinding]]) -> None:
        """A blank at the question before leaves open who is asked, so that only a told answer forbids."""
        place = {slot.code: number for number, slot in enumerate(self.slots)}
        for question in self.instrument.questions:
            if question.skip is None:
                continue
            gate = answers[:, place[question.skip.slot]]
            own = [place[slot.code] for slot in question.slots]
            broken = (gate != BLANK) & ~np.isin(gate, question.skip.values) & (answers[:, own] != BLANK).any(axis=1)
            labels = self.slots[place[question.skip.slot]].levels
            wanted = ", ".join(level.text.vi for level in labels if level.value in question.skip.values)
            for row in np.flatnonzero(broken).tolist():
                one = BallotFinding(question.slots[0].columns[0], BallotFault.SKIP_BROKEN, {"values": wanted})
                findings.setdefault(row, []).append(one)

    def _ends(self, numbers: Ints, blank: NDArray[np.bool_]) -> tuple[Ints, Ints]:
        """How often each slot has the answer 0, which its scale lacks, and its highest."""
        firsts, empty = numbers[:, self._first], blank[:, self._first]
        zeros = ((firsts == 0) & ~empty).sum(axis=0)
        return zeros, (firsts == self._top).sum(axis=0)


BLANK_TEXT: Final = -(10**9) - 7  # no whole number of the pattern above


def rank_of(text: str) -> tuple[CellKind, int]:
    """What one text is, and its number."""
    if len(text) > LONGEST:
        return CellKind.LONG, 0
    bare = unquote_text(text)
    if not bare:
        return CellKind.NUMBER, BLANK_TEXT
    if WHOLE.fullmatch(bare):
        return CellKind.NUMBER, int(bare.partition(".")[0])
    return _other(bare), 0


def _other(bare: str) -> CellKind:
    if "\x00" in bare:
        return CellKind.NUL
    if not bare.isascii() and any("\udc80" <= c <= "\udcff" for c in bare):
        return CellKind.NOT_UTF8
    if COMMA.fullmatch(bare):
        return CellKind.DECIMAL_COMMA
    if POINT.fullmatch(bare):
        return CellKind.NOT_WHOLE
    if bare.startswith(FORMULA):
        return CellKind.FORMULA
    return CellKind.ERROR if bare.startswith("#") else CellKind.TEXT


def unquote_text(text: str) -> str:
    """Without blanks around it, and without the apostrophe by which tables keep a text from being a formula."""
    bare = text.strip(" \u00a0")
    if not bare.isascii():  # some systems write letters and their marks apart: the same word would be two
        bare = normalize("NFC", few_marks(bare))
    return bare[1:] if bare.startswith("'") else bare


def excerpt_of(text: str) -> str:
    """A text of the file within a sentence: short, and nothing that no reader sees."""
    return "".join(c if c.isprintable() else "�" for c in text[:40])


def flagged_same(answers: Answers, least: int) -> NDArray[np.bool_]:
    """Where at least ``least`` answers are given and all are equal."""
    given = answers != BLANK
    high = np.where(given, answers, -1).max(axis=1, initial=-1)
    low = np.where(given, answers, 10_000).min(axis=1, initial=10_000)
    same: NDArray[np.bool_] = (given.sum(axis=1) >= least) & (high == low)
    return same


def shifted_question(instrument: Instrument, zeros: Ints, tops: Ints, least: int = 20) -> tuple[AnswerSlot, int] | None:
    """The first question of a scale from 1 whose answers hold zeros and never the highest level in the whole file:
    then a file of another scale is the likelier story than a few slips, also for its rows without a zero."""
    slots = instrument.slots
    for question in instrument.questions:
        places = [p for p, slot in enumerate(slots) if slot.question == question.code]
        low = slots[places[0]].values[0]
        few = int(zeros[places].sum())
        if question.kind is QuestionKind.SCALE and low > 0 and few >= least and not tops[places].sum():
            return slots[places[0]], few
    return None


def places_of(instrument: Instrument, aspects: Sequence[str]) -> list[int]:
    """Slots of these aspects."""
    wanted = {Aspect(aspect) for aspect in aspects}
    return [place for place, slot in enumerate(instrument.slots) if slot.aspect in wanted]


def _outside(slot: AnswerSlot, value: int) -> tuple[BallotFault, dict[str, object]]:
    values = (0, 1) if slot.kind is QuestionKind.MULTIPLE else slot.values
    params: dict[str, object] = {"value": value, "low": values[0], "high": values[-1]}
    if value == 0 and slot.kind is QuestionKind.SCALE and values[0] == 1:
        return BallotFault.SCALE_FROM_ZERO, params
    return (BallotFault.DATE_LIKE if value in DAY_NUMBERS else BallotFault.OUT_OF_RANGE), params


def _numbers(texts: Sequence[Sequence[str]], width: int, missing: frozenset[str]) -> tuple[Ints, Ints]:
    """Numbers and kinds (`Cell`), each ballots x columns."""
    block: NDArray[Any] = np.array(texts, dtype=object).reshape(len(texts), width)
    codes, distinct = pd.factorize(block.ravel())
    ranked = [rank_of("" if text.strip() in missing else text) for text in distinct.tolist()]
    kinds = np.array([kind for kind, _number in ranked], dtype=np.int64)
    numbers = np.array([number for _kind, number in ranked], dtype=np.int64)
    return numbers[codes].reshape(block.shape), kinds[codes].reshape(block.shape)
