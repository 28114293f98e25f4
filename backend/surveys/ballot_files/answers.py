"""The answers of many ballots at once: texts of a file become levels. Pure. The reading of files and the entry of
single ballots ask here.

A chunk of ballots is a matrix of texts. It holds only a few dozen distinct texts, whatever its size, and each distinct
text is judged once. So the cost is that of sorting texts into equal ones, not of judging cells.
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
DAY_NUMBERS: Final = range(30_000, 60_000)  # a workbook stores the days of 1982 to 2064 as these numbers

Ints = NDArray[np.int64]
Answers = NDArray[np.int16]


class CellKind(IntEnum):
    """What a text is where a whole number is expected. ``FAULT_OF`` gives the fault of each kind but NUMBER."""

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
    """``answers``: ballots x slots, -1 where blank. ``findings``: what is wrong, by position of the ballot. ``zeros``,
    ``tops``: for each slot, how many ballots answer 0 and how many the highest level."""

    answers: Answers
    findings: dict[int, list[BallotFinding]]
    zeros: Ints
    tops: Ints


class AnswerReader:
    """Judges chunks of ballots of one instrument. ``missing``: texts that stand for no answer, as "NA"."""

    def __init__(self, instrument: Instrument, missing: frozenset[str] = frozenset()) -> None:
        self.instrument = instrument
        self._missing = missing
        self.slots = instrument.slots
        # The slot of each column, and the values that each column allows.
        self._owner = np.repeat(np.arange(len(self.slots)), [len(slot.columns) for slot in self.slots])
        self._allowed = np.zeros((len(self._owner), MOST_VALUE + 1), dtype=bool)
        for column, owner in enumerate(self._owner.tolist()):
            self._allowed[column, list(_values_of(self.slots[owner]))] = True
        self._first = np.searchsorted(self._owner, np.arange(len(self.slots)))
        self._top = np.array([slot.values[-1] for slot in self.slots])

    def judge(self, texts: Sequence[Sequence[str]]) -> JudgedAnswers:
        """Judge ``texts``: ballots x columns, the columns in the order of the instrument."""
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
        """Return one answer for each slot. A multiple choice becomes bits, the first option the lowest; a blank option
        beside ticked ones counts as not ticked."""
        answers = numbers[:, self._first].astype(np.int16)
        for position, slot in enumerate(self.slots):
            if slot.kind is QuestionKind.MULTIPLE:
                first = int(self._first[position])
                ticks = numbers[:, first : first + len(slot.columns)] == 1
                bits = ticks @ (1 << np.arange(len(slot.columns)))
                unanswered = blank[:, first : first + len(slot.columns)].all(axis=1)
                answers[:, position] = np.where(unanswered, BLANK, bits)
        return answers

    def _findings(
        self, texts: Sequence[Sequence[str]], numbers: Ints, kinds: Ints, wrong: NDArray[np.bool_]
    ) -> dict[int, list[BallotFinding]]:
        """Return a finding for each wrong cell, by position of the ballot."""
        findings: dict[int, list[BallotFinding]] = {}
        columns = self.instrument.columns
        for row, column in np.argwhere(wrong).tolist():
            kind, slot = CellKind(int(kinds[row, column])), self.slots[self._owner[column]]
            if kind is CellKind.NUMBER:
                finding = BallotFinding(columns[column], *_outside(slot, int(numbers[row, column])))
            else:
                params = {"value": excerpt_of(texts[row][column]), "most": LONGEST}
                finding = BallotFinding(columns[column], FAULT_OF[kind], params)
            findings.setdefault(row, []).append(finding)
        return findings

    def _check_skips(self, answers: Answers, findings: dict[int, list[BallotFinding]]) -> None:
        """Add a finding where a question is answered that its skip rule excludes. Where the gate question is blank, it
        is open who is asked, so there is no finding."""
        positions = {slot.code: position for position, slot in enumerate(self.slots)}
        for question in self.instrument.questions:
            if question.skip is None:
                continue
            gate = answers[:, positions[question.skip.slot]]
            excluded = (gate != BLANK) & ~np.isin(gate, question.skip.values)
            own = [positions[slot.code] for slot in question.slots]
            broken = excluded & (answers[:, own] != BLANK).any(axis=1)
            levels = self.slots[positions[question.skip.slot]].levels
            wanted = ", ".join(level.text.vi for level in levels if level.value in question.skip.values)
            finding = BallotFinding(question.slots[0].columns[0], BallotFault.SKIP_BROKEN, {"values": wanted})
            for row in np.flatnonzero(broken).tolist():
                findings.setdefault(row, []).append(finding)

    def _ends(self, numbers: Ints, blank: NDArray[np.bool_]) -> tuple[Ints, Ints]:
        """Return how often each slot has the answer 0, and how often its highest level."""
        firsts, empty = numbers[:, self._first], blank[:, self._first]
        zeros = ((firsts == 0) & ~empty).sum(axis=0)
        return zeros, (firsts == self._top).sum(axis=0)


BLANK_TEXT: Final = -(10**9) - 7  # stands for a blank; the pattern WHOLE gives no such number


def rank_of(text: str) -> tuple[CellKind, int]:
    """Return what one text is, and its number (``BLANK_TEXT`` for a blank, 0 where it is no whole number)."""
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
    """Return the text without blanks around it and without the leading apostrophe, which marks text in spreadsheets."""
    bare = text.strip(" \u00a0")
    if not bare.isascii():  # some systems write letters and marks separately; equal words must be equal texts
        bare = normalize("NFC", few_marks(bare))
    return bare[1:] if bare.startswith("'") else bare


def excerpt_of(text: str) -> str:
    """Return a text of the file for use in a sentence: at most 40 characters, invisible ones replaced."""
    return "".join(c if c.isprintable() else "�" for c in text[:40])


def flagged_same(answers: Answers, least: int) -> NDArray[np.bool_]:
    """Return for each ballot whether it has at least ``least`` answers and all of them are equal."""
    answered = answers != BLANK
    high = np.where(answered, answers, -1).max(axis=1, initial=-1)
    low = np.where(answered, answers, 10_000).min(axis=1, initial=10_000)
    same: NDArray[np.bool_] = (answered.sum(axis=1) >= least) & (high == low)
    return same


def shifted_question(instrument: Instrument, zeros: Ints, tops: Ints, least: int = 20) -> tuple[AnswerSlot, int] | None:
    """Return the first slot of the first question that the file seems to answer on a scale from 0, and its zeros.

    That is a question on a scale from 1 whose answers have at least ``least`` zeros and never the highest level in the
    whole file. Such a file probably uses another scale, so its rows without a zero are wrong too.
    """
    for question in instrument.questions:
        if question.kind is not QuestionKind.SCALE or question.slots[0].values[0] <= 0:
            continue
        positions = [position for position, slot in enumerate(instrument.slots) if slot.question == question.code]
        zero_answers = int(zeros[positions].sum())
        if zero_answers >= least and not tops[positions].sum():
            return question.slots[0], zero_answers
    return None


def places_of(instrument: Instrument, aspects: Sequence[str]) -> list[int]:
    """Return the positions of the slots of these aspects."""
    wanted = {Aspect(aspect) for aspect in aspects}
    return [position for position, slot in enumerate(instrument.slots) if slot.aspect in wanted]


def _outside(slot: AnswerSlot, value: int) -> tuple[BallotFault, dict[str, object]]:
    """Return the fault of a number that the slot does not allow, and the values for its sentence."""
    values = _values_of(slot)
    params: dict[str, object] = {"value": value, "low": values[0], "high": values[-1]}
    if value == 0 and slot.kind is QuestionKind.SCALE and values[0] == 1:
        return BallotFault.SCALE_FROM_ZERO, params
    return (BallotFault.DATE_LIKE if value in DAY_NUMBERS else BallotFault.OUT_OF_RANGE), params


def _values_of(slot: AnswerSlot) -> Sequence[int]:
    """Return the numbers that a column of the slot allows; an option of a multiple choice is 1 (ticked) or 0."""
    return (0, 1) if slot.kind is QuestionKind.MULTIPLE else slot.values


def _numbers(texts: Sequence[Sequence[str]], width: int, missing: frozenset[str]) -> tuple[Ints, Ints]:
    """Return numbers and kinds (`CellKind`), each ballots x columns."""
    block: NDArray[Any] = np.array(texts, dtype=object).reshape(len(texts), width)
    codes, distinct = pd.factorize(block.ravel())
    ranked = [rank_of("" if text.strip() in missing else text) for text in distinct.tolist()]
    kinds = np.array([kind for kind, _number in ranked], dtype=np.int64)
    numbers = np.array([number for _kind, number in ranked], dtype=np.int64)
    return numbers[codes].reshape(block.shape), kinds[codes].reshape(block.shape)
