"""The quarantine: every row of a file is accepted, or held with line, column and reason. Pure; nothing is stored here.

What a single row shows is judged chunk by chunk; what only the whole file shows (a number twice, merged cells, a weight
far from the median, a scale that begins at 0) after the last row.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from operator import itemgetter
from statistics import median
from typing import Final

import numpy as np

from backend.files.dates import DateEvidence
from backend.files.faults import FileRefused, TableFault
from backend.files.names import digits_key
from backend.files.numbers import DecimalSign, WrittenNumber, decimal_sign
from backend.files.options import NOTHING_SAID, ReadOptions
from backend.files.tables import MOST_ROWS, BallotTable, TableForm, TableRow, not_utf8
from backend.surveys.ballot_files import ballot_rules as rules_
from backend.surveys.ballot_files.answers import BLANK, AnswerReader, Answers, excerpt_of, shifted_question
from backend.surveys.ballot_files.faults import BallotFault, BallotFinding, ballots_refused, finding_of
from backend.surveys.ballot_files.frame import RoundFrame
from backend.surveys.ballot_files.layout import DAY, NUMBER, WEIGHT, ColumnLayout, read_header
from backend.surveys.ballot_files.particulars import ParticularsReader, Respondent

CHUNK: Final = 5_000
JOIN: Final = "\x1f"
OTHERS_MOST: Final = 40  # lines that a sentence names

Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """A row that was not taken: its line, its cells as they stood, and every reason."""

    line: int
    cells: list[str]
    findings: list[BallotFinding]


@dataclass(frozen=True)
class BallotReading:
    """A whole file read. The accepted ballots stand column by column in the same order."""

    header: tuple[str, ...]
    lines: list[int]
    respondents: list[Respondent]
    answers: Answers
    valid: list[bool]
    marks: list[list[str]]
    held: list[QuarantineRow]
    packed: list[str]
    form: TableForm

    @property
    def days(self) -> tuple[date, date] | None:
        """The first and the last day among the accepted ballots, if they tell their days."""
        days = [one.day for one in self.respondents if one.day is not None]
        return (min(days), max(days)) if days else None

    def cells_of(self, line: int) -> list[str]:
        """The cells of an accepted row as they stood."""
        return self.packed[bisect_left(self.lines, line)].split(JOIN)

    @property
    def rows(self) -> int:
        return len(self.lines) + len(self.held)


@dataclass
class _ReadingBuffer:
    """What is gathered while a file is read; ``packed`` keeps the cells of accepted rows, in case they are held yet."""

    lines: list[int] = field(default_factory=list)
    respondents: list[Respondent] = field(default_factory=list)
    answers: list[Answers] = field(default_factory=list)
    packed: list[str] = field(default_factory=list)
    held: list[QuarantineRow] = field(default_factory=list)


def read_ballots(
    table: BallotTable, frame: RoundFrame, told: Told = lambda _rows: None, options: ReadOptions = NOTHING_SAID
) -> BallotReading:
    """Read and judge a table; ``told`` hears how many rows are done. Raises FileRefused for the file as a whole."""
    layout = read_header(table.header, frame.instrument)
    for title, head in table.heads_elsewhere:
        if NUMBER in [name.strip().lower() for name in head]:
            raise FileRefused(TableFault.MORE_SHEETS, sheet=excerpt_of(title))
    judge = _RowJudge(frame, layout, ParticularsReader(frame, layout, table.serial_days, options), options)
    pile, rows, done = _ReadingBuffer(), iter(table), 0
    while chunk := list(islice(rows, CHUNK)):
        done += len(chunk)
        if done > MOST_ROWS:
            raise FileRefused(TableFault.TOO_MANY_ROWS, most=MOST_ROWS)
        judge.chunk(chunk, pile)
        told(done)
    if not done:
        raise FileRefused(TableFault.EMPTY_FILE)
    if not pile.lines and all(any(map(not_utf8, held.cells)) for held in pile.held):
        raise FileRefused(TableFault.ENCODING)
    judge.check_scale()
    _check_dates(pile, table, layout, judge.particulars, options)
    _check_weights(pile, table, layout, judge.particulars, options)
    late = _late_findings(pile, table, frame, judge.particulars)
    return _finish_reading(pile, late, frame, layout, table.form)


def _findings_of(row: TableRow) -> list[BallotFinding]:
    return [finding_of(finding) for finding in row.findings] if row.findings else []


class _RowJudge:
    """Judges rows by what each shows alone, and counts what tells of the scale."""

    def __init__(
        self, frame: RoundFrame, layout: ColumnLayout, particulars: ParticularsReader, options: ReadOptions
    ) -> None:
        self._frame, self._layout = frame, layout
        self._reader = AnswerReader(frame.instrument, options.missing or frozenset())
        self.particulars = particulars
        self._cut = itemgetter(*layout.answers) if len(layout.answers) > 1 else None
        self._zeros = np.zeros(len(frame.instrument.slots), dtype=np.int64)
        self._tops = self._zeros.copy()

    def chunk(self, rows: Sequence[TableRow], pile: _ReadingBuffer) -> None:
        width = len(self._layout.header)
        whole = [row for row in rows if len(row.cells) == width]
        pile.held += [QuarantineRow(row.line, row.cells, _findings_of(row)) for row in rows if len(row.cells) != width]
        if not whole:
            return
        judged = self._reader.judge([self._answers_of(row.cells) for row in whole])
        self._zeros += judged.zeros
        self._tops += judged.tops
        blank = (judged.answers == BLANK).all(axis=1)
        kept: list[int] = []
        for place, row in enumerate(whole):
            findings = _findings_of(row) + judged.findings.get(place, [])
            respondent = self.particulars.of(row.cells, findings)
            if blank[place] and place not in judged.findings:
                findings.append(BallotFinding("", BallotFault.BLANK_BALLOT))
            if findings:
                pile.held.append(QuarantineRow(row.line, row.cells, findings))
                continue
            kept.append(place)
            pile.lines.append(row.line)
            pile.respondents.append(respondent)
            pile.packed.append(JOIN.join(row.cells))
        pile.answers.append(judged.answers[kept])

    def check_scale(self) -> None:
        found = shifted_question(self._frame.instrument, self._zeros, self._tops)
        if found:
            slot, zeros = found
            question = next(q for q in self._frame.instrument.questions if q.code == slot.question)
            low, high = slot.values[0], slot.values[-1]
            raise ballots_refused(BallotFault.SHIFTED_SCALE, question=question.text.vi, zeros=zeros, low=low, high=high)

    def _answers_of(self, cells: list[str]) -> Sequence[str]:
        return self._cut(cells) if self._cut else (cells[self._layout.answers[0]],)


def _check_dates(
    pile: _ReadingBuffer, table: BallotTable, layout: ColumnLayout, particulars: ParticularsReader, options: ReadOptions
) -> None:
    """Refuse a file whose dates speak against the order they were read by. Distinct dates are few; lines are looked up
    only for the sentence."""
    evidence = DateEvidence(table.serial_days)
    for text in particulars.written(DAY):
        evidence.add(0, DAY, text)
    try:
        evidence.order(options.dates)
    except FileRefused:
        with_lines = DateEvidence(table.serial_days)
        for line, text in _column(pile, layout.particulars[DAY]):
            with_lines.add(line, DAY, text)
        with_lines.order(options.dates)
        raise


def _check_weights(
    pile: _ReadingBuffer, table: BallotTable, layout: ColumnLayout, particulars: ParticularsReader, options: ReadOptions
) -> None:
    """Refuse a file whose weights may be decimals or thousands: 1.234 between semicolons."""
    if WEIGHT not in layout.particulars:
        return
    usual = DecimalSign.POINT if table.serial_days is not None or table.form.separator == "," else None
    distinct = [WrittenNumber(0, text) for text in particulars.written(WEIGHT)]
    try:
        decimal_sign(WEIGHT, distinct, usual, options.decimal)
    except FileRefused as refusal:
        if refusal.fault is not TableFault.DECIMAL_UNKNOWN:
            return  # each row that is written otherwise is held with its reason
        lines = [WrittenNumber(line, text) for line, text in _column(pile, layout.particulars[WEIGHT])]
        decimal_sign(WEIGHT, lines, usual, options.decimal)


def _column(pile: _ReadingBuffer, place: int) -> list[tuple[int, str]]:
    """Line and cell of every row in one column, in the order of the file."""
    accepted = [(line, cells.split(JOIN)[place]) for line, cells in zip(pile.lines, pile.packed, strict=True)]
    held = [(one.line, one.cells[place].strip()) for one in pile.held if len(one.cells) > place]
    return sorted(accepted + held)


def _late_findings(
    pile: _ReadingBuffer, table: BallotTable, frame: RoundFrame, particulars: ParticularsReader
) -> dict[int, list[BallotFinding]]:
    """What only the whole file shows, by line."""
    found: dict[int, list[BallotFinding]] = defaultdict(list)
    for line, of_table in table.late().items():
        found[line].append(finding_of(of_table))
    for line, finding in _repeated_numbers(pile, particulars):
        found[line].append(finding)
    # Weights of a drawn sample follow from the draw, however far apart they are.
    for line, finding in _heavy(pile, frame) if frame.sample is None else ():
        found[line].append(finding)
    return found


def _repeated_numbers(pile: _ReadingBuffer, particulars: ParticularsReader) -> Iterator[tuple[int, BallotFinding]]:
    """Every row whose ballot number stands in another row too, held or not, also with other zeros before it: which one
    is right, nobody knows here."""
    lines: dict[str, list[int]] = defaultdict(list)
    for line, respondent in zip(pile.lines, pile.respondents, strict=True):
        lines[digits_key(respondent.number) or respondent.number].append(line)
    for held in pile.held:
        if number := particulars.number(held.cells):
            lines[digits_key(number) or number].append(held.line)
    for same in lines.values():
        ordered = sorted(same) if len(same) > 1 else []
        for line in ordered:
            # As many as are shown: of a number that stands in every row, all others would be the square of the rows.
            others = islice((str(other) for other in ordered if other != line), OTHERS_MOST)
            yield line, BallotFinding(NUMBER, BallotFault.DUPLICATE_IN_FILE, {"lines": ", ".join(others)[:80]})


def _heavy(pile: _ReadingBuffer, frame: RoundFrame) -> Iterator[tuple[int, BallotFinding]]:
    if not pile.respondents:
        return
    middle = median(respondent.weight for respondent in pile.respondents)
    most = min(frame.rules.weight_most, frame.rules.weight_times_median * middle)
    for line, respondent in zip(pile.lines, pile.respondents, strict=True):
        if respondent.weight > most:
            params = {"value": f"{respondent.weight:g}", "median": f"{middle:g}"}
            yield line, BallotFinding(WEIGHT, BallotFault.WEIGHT_HUGE, params)


def _finish_reading(
    pile: _ReadingBuffer, late: dict[int, list[BallotFinding]], frame: RoundFrame, layout: ColumnLayout, form: TableForm
) -> BallotReading:
    kept = [place for place, line in enumerate(pile.lines) if line not in late]
    held = [QuarantineRow(one.line, one.cells, one.findings + late.pop(one.line, [])) for one in pile.held]
    for place, line in enumerate(pile.lines):
        if line in late:
            held.append(QuarantineRow(line, pile.packed[place].split(JOIN), late[line]))
    slots = len(frame.instrument.slots)
    answers = np.concatenate(pile.answers)[kept] if pile.answers else np.zeros((0, slots), dtype=np.int16)
    valid, marks = rules_.apply_rules(frame.rules, frame.instrument, answers)
    return BallotReading(
        header=layout.header,
        lines=[pile.lines[place] for place in kept],
        respondents=[pile.respondents[place] for place in kept],
        answers=answers,
        valid=valid.tolist(),
        marks=marks,
        held=sorted(held, key=lambda one: one.line),
        packed=[pile.packed[place] for place in kept],
        form=form,
    )
