"""The quarantine: every row of a file is accepted, or held with line, column and reason. Pure; nothing is stored here.

Faults of a single row are found chunk by chunk. Faults that need the whole file are found after the last row: a ballot
number twice, merged cells, a weight far from the median, a scale that begins at 0.
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
JOIN: Final = "\x1f"  # between the cells of a packed row
OTHERS_MOST: Final = 40  # a sentence names no more lines than these

RowProgress = Callable[[int], None]  # called with the number of rows read so far


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """A row that was not accepted: its line, its cells as they stood in the file, and every reason."""

    line: int
    cells: list[str]
    findings: list[BallotFinding]


@dataclass(frozen=True)
class BallotReading:
    """A whole file. The accepted ballots are stored by column: the lists ``lines`` to ``marks`` and ``packed`` have the
    same order. ``packed``: the cells of each row, joined by ``JOIN``."""

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
        """The first and the last day among the accepted ballots; none where no ballot has a day."""
        days = [respondent.day for respondent in self.respondents if respondent.day is not None]
        return (min(days), max(days)) if days else None

    def cells_of(self, line: int) -> list[str]:
        """Return the cells of an accepted row as they stood in the file."""
        return self.packed[bisect_left(self.lines, line)].split(JOIN)

    @property
    def rows(self) -> int:
        return len(self.lines) + len(self.held)


@dataclass
class _ReadingBuffer:
    """What is collected while a file is read. ``packed``: the cells of accepted rows, which may still be held later."""

    lines: list[int] = field(default_factory=list)
    respondents: list[Respondent] = field(default_factory=list)
    answers: list[Answers] = field(default_factory=list)
    packed: list[str] = field(default_factory=list)
    held: list[QuarantineRow] = field(default_factory=list)


def read_ballots(
    table: BallotTable, frame: RoundFrame, report: RowProgress = lambda _rows: None, options: ReadOptions = NOTHING_SAID
) -> BallotReading:
    """Read and judge a table; call ``report`` with the number of rows read so far. Raises FileRefused for faults of the
    whole file."""
    layout = read_header(table.header, frame.instrument)
    for title, head in table.heads_elsewhere:
        if NUMBER in [name.strip().lower() for name in head]:
            raise FileRefused(TableFault.MORE_SHEETS, sheet=excerpt_of(title))
    judge = _RowJudge(frame, layout, ParticularsReader(frame, layout, table.serial_days, options), options)
    buffer, rows, rows_read = _ReadingBuffer(), iter(table), 0
    while chunk := list(islice(rows, CHUNK)):
        rows_read += len(chunk)
        if rows_read > MOST_ROWS:
            raise FileRefused(TableFault.TOO_MANY_ROWS, most=MOST_ROWS)
        judge.chunk(chunk, buffer)
        report(rows_read)
    if not rows_read:
        raise FileRefused(TableFault.EMPTY_FILE)
    if not buffer.lines and all(any(map(not_utf8, row.cells)) for row in buffer.held):
        raise FileRefused(TableFault.ENCODING)
    judge.check_scale()
    _check_dates(buffer, table, layout, judge.particulars, options)
    _check_weights(buffer, table, layout, judge.particulars, options)
    late = _late_findings(buffer, table, frame, judge.particulars)
    return _finish_reading(buffer, late, frame, layout, table.form)


def _findings_of(row: TableRow) -> list[BallotFinding]:
    return [finding_of(finding) for finding in row.findings] if row.findings else []


class _RowJudge:
    """Judges rows one by one, and counts zeros and highest levels, from which the scale of the file is checked."""

    def __init__(
        self, frame: RoundFrame, layout: ColumnLayout, particulars: ParticularsReader, options: ReadOptions
    ) -> None:
        self._frame, self._layout = frame, layout
        self._reader = AnswerReader(frame.instrument, options.missing or frozenset())
        self.particulars = particulars
        self._cut = itemgetter(*layout.answers) if len(layout.answers) > 1 else None
        self._zeros = np.zeros(len(frame.instrument.slots), dtype=np.int64)
        self._tops = self._zeros.copy()

    def chunk(self, rows: Sequence[TableRow], buffer: _ReadingBuffer) -> None:
        """Judge rows and add them to the buffer. A row with too many or too few cells is held without a further
        look."""
        width = len(self._layout.header)
        whole = [row for row in rows if len(row.cells) == width]
        buffer.held += [
            QuarantineRow(row.line, row.cells, _findings_of(row)) for row in rows if len(row.cells) != width
        ]
        if not whole:
            return
        judged = self._reader.judge([self._answers_of(row.cells) for row in whole])
        self._zeros += judged.zeros
        self._tops += judged.tops
        blank = (judged.answers == BLANK).all(axis=1)
        accepted: list[int] = []
        for position, row in enumerate(whole):
            findings = _findings_of(row) + judged.findings.get(position, [])
            respondent = self.particulars.of(row.cells, findings)
            if blank[position] and position not in judged.findings:
                findings.append(BallotFinding("", BallotFault.BLANK_BALLOT))
            if findings:
                buffer.held.append(QuarantineRow(row.line, row.cells, findings))
                continue
            accepted.append(position)
            buffer.lines.append(row.line)
            buffer.respondents.append(respondent)
            buffer.packed.append(JOIN.join(row.cells))
        buffer.answers.append(judged.answers[accepted])

    def check_scale(self) -> None:
        """Refuse a file that seems to use a scale from 0."""
        shifted = shifted_question(self._frame.instrument, self._zeros, self._tops)
        if shifted:
            slot, zeros = shifted
            question = next(q for q in self._frame.instrument.questions if q.code == slot.question)
            low, high = slot.values[0], slot.values[-1]
            raise ballots_refused(BallotFault.SHIFTED_SCALE, question=question.text.vi, zeros=zeros, low=low, high=high)

    def _answers_of(self, cells: list[str]) -> Sequence[str]:
        return self._cut(cells) if self._cut else (cells[self._layout.answers[0]],)


def _check_dates(
    buffer: _ReadingBuffer,
    table: BallotTable,
    layout: ColumnLayout,
    particulars: ParticularsReader,
    options: ReadOptions,
) -> None:
    """Refuse a file whose dates contradict the order of day and month by which they were read. Distinct dates are few,
    so they are checked without lines first; lines are looked up only for the refusal."""
    evidence = DateEvidence(table.serial_days)
    for text in particulars.written(DAY):
        evidence.add(0, DAY, text)
    try:
        evidence.order(options.dates)
    except FileRefused:
        with_lines = DateEvidence(table.serial_days)
        for line, text in _column(buffer, layout.particulars[DAY]):
            with_lines.add(line, DAY, text)
        with_lines.order(options.dates)
        raise


def _check_weights(
    buffer: _ReadingBuffer,
    table: BallotTable,
    layout: ColumnLayout,
    particulars: ParticularsReader,
    options: ReadOptions,
) -> None:
    """Refuse a file whose weights may be decimals or thousands, for example 1.234 in a file with semicolons."""
    if WEIGHT not in layout.particulars:
        return
    usual = DecimalSign.POINT if table.serial_days is not None or table.form.separator == "," else None
    distinct = [WrittenNumber(0, text) for text in particulars.written(WEIGHT)]
    try:
        decimal_sign(WEIGHT, distinct, usual, options.decimal)
    except FileRefused as refusal:
        if refusal.fault is not TableFault.DECIMAL_UNKNOWN:
            return  # rows whose weights are written differently are held, each with its reason
        lines = [WrittenNumber(line, text) for line, text in _column(buffer, layout.particulars[WEIGHT])]
        decimal_sign(WEIGHT, lines, usual, options.decimal)


def _column(buffer: _ReadingBuffer, position: int) -> list[tuple[int, str]]:
    """Return line and cell of every row in one column, in the order of the file."""
    accepted = [(line, cells.split(JOIN)[position]) for line, cells in zip(buffer.lines, buffer.packed, strict=True)]
    others = [(row.line, row.cells[position].strip()) for row in buffer.held if len(row.cells) > position]
    return sorted(accepted + others)


def _late_findings(
    buffer: _ReadingBuffer, table: BallotTable, frame: RoundFrame, particulars: ParticularsReader
) -> dict[int, list[BallotFinding]]:
    """Return by line the findings that need the whole file."""
    findings: dict[int, list[BallotFinding]] = defaultdict(list)
    for line, row_finding in table.late().items():
        findings[line].append(finding_of(row_finding))
    for line, finding in _repeated_numbers(buffer, particulars):
        findings[line].append(finding)
    # The weights of a drawn sample come from the draw, however much they differ.
    for line, finding in _heavy(buffer, frame) if frame.sample is None else ():
        findings[line].append(finding)
    return findings


def _repeated_numbers(buffer: _ReadingBuffer, particulars: ParticularsReader) -> Iterator[tuple[int, BallotFinding]]:
    """Yield a finding for every row whose ballot number stands in another row too. Held rows count, and so do numbers
    that differ only in leading zeros. The file does not show which of the rows is right, so all of them are held."""
    lines: dict[str, list[int]] = defaultdict(list)
    for line, respondent in zip(buffer.lines, buffer.respondents, strict=True):
        lines[digits_key(respondent.number) or respondent.number].append(line)
    for row in buffer.held:
        if number := particulars.number(row.cells):
            lines[digits_key(number) or number].append(row.line)
    for same_number in lines.values():
        ordered = sorted(same_number) if len(same_number) > 1 else []
        for line in ordered:
            # A few lines only: with one number in every row, naming all others would cost the square of the rows.
            others = islice((str(other) for other in ordered if other != line), OTHERS_MOST)
            yield line, BallotFinding(NUMBER, BallotFault.DUPLICATE_IN_FILE, {"lines": ", ".join(others)[:80]})


def _heavy(buffer: _ReadingBuffer, frame: RoundFrame) -> Iterator[tuple[int, BallotFinding]]:
    """Yield a finding for every accepted row whose weight is far above the median of the file."""
    if not buffer.respondents:
        return
    middle = median(respondent.weight for respondent in buffer.respondents)
    most = min(frame.rules.weight_most, frame.rules.weight_times_median * middle)
    for line, respondent in zip(buffer.lines, buffer.respondents, strict=True):
        if respondent.weight > most:
            params = {"value": f"{respondent.weight:g}", "median": f"{middle:g}"}
            yield line, BallotFinding(WEIGHT, BallotFault.WEIGHT_HUGE, params)


def _finish_reading(
    buffer: _ReadingBuffer,
    late: dict[int, list[BallotFinding]],
    frame: RoundFrame,
    layout: ColumnLayout,
    form: TableForm,
) -> BallotReading:
    """Return the reading: accepted rows with late findings move to the held rows, the rest is judged by the rules."""
    accepted = [position for position, line in enumerate(buffer.lines) if line not in late]
    held_rows = [QuarantineRow(row.line, row.cells, row.findings + late.pop(row.line, [])) for row in buffer.held]
    for position, line in enumerate(buffer.lines):
        if line in late:
            held_rows.append(QuarantineRow(line, buffer.packed[position].split(JOIN), late[line]))
    slots = len(frame.instrument.slots)
    answers = np.concatenate(buffer.answers)[accepted] if buffer.answers else np.zeros((0, slots), dtype=np.int16)
    valid, marks = rules_.apply_rules(frame.rules, frame.instrument, answers)
    return BallotReading(
        header=layout.header,
        lines=[buffer.lines[position] for position in accepted],
        respondents=[buffer.respondents[position] for position in accepted],
        answers=answers,
        valid=valid.tolist(),
        marks=marks,
        held=sorted(held_rows, key=lambda row: row.line),
        packed=[buffer.packed[position] for position in accepted],
        form=form,
    )
