"""The particulars of a ballot, that is all besides its answers: number, instrument, unit, place in the sample, weight,
day, and bands of age, sex and ethnicity. Pure.

Most of these texts repeat from row to row, so each distinct text is judged once.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from math import isclose, isfinite
from typing import Any, Final

from analytics.sampling.ballot_number import WRITTEN, read_ballot_number
from backend.files.dates import DateOrder, read_day
from backend.files.numbers import read_number
from backend.files.options import NOTHING_SAID, ReadOptions
from backend.surveys.ballot_files.answers import FAULT_OF, CellKind, excerpt_of, rank_of, unquote_text
from backend.surveys.ballot_files.faults import BallotFault, BallotFinding
from backend.surveys.ballot_files.frame import RoundFrame, SamplePlace
from backend.surveys.ballot_files.layout import AGE, BANDS, DAY, FORM, NUMBER, PSU, STRATUM, UNIT, WEIGHT, ColumnLayout

LABEL_MOST: Final = 60
NUMBER_MOST: Final = 40
ROUNDED: Final = 0.005  # by so much, as a share, a weight in a file may differ from the draw
NUMERIC: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")


@dataclass(frozen=True, slots=True)
class Respondent:
    """The particulars of one row. Bands are none where the row does not give them; ``day`` is none where the file has
    no column of days or the cell is empty."""

    number: str
    unit_id: int | None
    stratum: str | None
    psu: str | None
    weight: float
    day: date | None
    age: str | None
    sex: str | None
    ethnicity: str | None


Judgement = tuple[Any, BallotFinding | None]


class ParticularsReader:
    """Reads the particulars of rows with one layout. ``serial_days``: what is added to the day numbers of a workbook
    (1462 where it counts from 1904); none in CSV."""

    def __init__(
        self, frame: RoundFrame, layout: ColumnLayout, serial_days: int | None, options: ReadOptions = NOTHING_SAID
    ) -> None:
        self._frame, self._serial_days, self._options = frame, serial_days, options
        self._number_place = layout.particulars[NUMBER]
        self._judges: list[tuple[int, dict[str, Judgement], Callable[[str], Judgement]]] = []
        self._names: list[str] = []
        judges: dict[str, Callable[[str], Judgement]] = {
            FORM: self._form,
            UNIT: self._unit,
            STRATUM: lambda text: self._label(STRATUM, text),
            PSU: lambda text: self._label(PSU, text),
            WEIGHT: self._weight,
            DAY: self._day,
        } | {column: self._band(name, column) for name, column in BANDS.items()}
        for name, judge in judges.items():
            if name in layout.particulars:
                self._names.append(name)
                self._judges.append((layout.particulars[name], {}, judge))

    def of(self, cells: list[str], findings: list[BallotFinding]) -> Respondent:
        """Return the particulars of one row, and add what is wrong with them to ``findings``."""
        values: dict[str, Any] = {}
        for name, (place, memory, judge) in zip(self._names, self._judges, strict=True):
            text = cells[place]
            judged = memory.get(text)
            if judged is None:
                judged = memory[text] = judge(text)
            if judged[1] is not None:
                findings.append(judged[1])
            values[name] = judged[0]
        number = self.number(cells)
        if wrong := _wrong_number(number):
            findings.append(wrong)
        elif self._frame.sample is not None:
            values |= self._placed(number, cells, values, findings)
        return Respondent(
            number=number,
            unit_id=values.get(UNIT),
            stratum=values.get(STRATUM),
            psu=values.get(PSU),
            weight=1.0 if values.get(WEIGHT) is None else values[WEIGHT],
            day=values.get(DAY),
            age=values.get(AGE),
            sex=values.get(BANDS["sex"]),
            ethnicity=values.get(BANDS["ethnicity"]),
        )

    def written(self, column: str) -> list[str]:
        """Return the distinct texts that a column has had so far, without blanks around them."""
        memories = {name: memory for name, (_place, memory, _judge) in zip(self._names, self._judges, strict=True)}
        return [unquote_text(text) for text in memories.get(column, ())]

    def number(self, cells: list[str]) -> str:
        """Return the ballot number of a row; empty where the row is too short."""
        text = cells[self._number_place] if len(cells) > self._number_place else ""
        return number_of(text, drawn=self._frame.sample is not None)

    def _placed(
        self, number: str, cells: list[str], values: Mapping[str, Any], findings: list[BallotFinding]
    ) -> dict[str, Any]:
        """Return the place of the ballot from the draw. The row may leave these cells empty; a cell that differs from
        the draw is a finding."""
        place = (self._frame.sample or {}).get(number)
        if place is None:
            mistyped = WRITTEN.fullmatch(number) and read_ballot_number(number) is None
            fault = BallotFault.NUMBER_MISTYPED if mistyped else BallotFault.NOT_DRAWN
            findings.append(BallotFinding(NUMBER, fault, {"value": excerpt_of(number)}))
            return {}
        drawn = {UNIT: place.unit, STRATUM: place.stratum, PSU: place.psu, WEIGHT: f"{place.weight:g}"}
        for name, (column, _memory, _judge) in zip(self._names, self._judges, strict=True):
            if name in drawn and _differs(name, values[name], place):
                params = {"value": excerpt_of(cells[column]), "drawn": drawn[name] or "–"}
                findings.append(BallotFinding(name, BallotFault.DRAW_DIFFERS, params))
        unit_id = values.get(UNIT) if place.unit_id is None else place.unit_id
        return {UNIT: unit_id, STRATUM: place.stratum, PSU: place.psu, WEIGHT: place.weight}

    def _form(self, text: str) -> Judgement:
        wanted = self._frame.instrument.key
        if unquote_text(text).lower() == wanted:
            return wanted, None
        return None, BallotFinding(FORM, BallotFault.WRONG_FORM, {"value": excerpt_of(text), "wanted": wanted})

    def _unit(self, text: str) -> Judgement:
        code = unquote_text(text)
        if not code:
            return None, self._missing(UNIT, BallotFault.UNIT_MISSING)
        status = self._frame.units.status(code)
        if status is None:
            return None, BallotFinding(UNIT, BallotFault.UNIT_UNKNOWN, {"value": excerpt_of(text)})
        if status.unit_id is not None:
            return status.unit_id, None
        if status.ended is None:
            return None, BallotFinding(UNIT, BallotFault.UNIT_LATER, {"name": status.name})
        successors = "; ".join(status.successors) or "–"
        params = {"name": status.name, "day": f"{status.ended:%d/%m/%Y}", "successors": successors}
        return None, BallotFinding(UNIT, BallotFault.UNIT_GONE, params)

    def _label(self, column: str, text: str) -> Judgement:
        bare = unquote_text(text)
        if not bare:
            return None, self._missing(column, BallotFault.LABEL_MISSING)
        return _check_label(column, bare, LABEL_MOST)

    def _missing(self, column: str, fault: BallotFault) -> BallotFinding | None:
        """Return the finding for an empty cell; none in a round with a sample, where the draw gives the value."""
        return None if self._frame.sample is not None else BallotFinding(column, fault)

    def _weight(self, text: str) -> Judgement:
        bare = unquote_text(text)
        if not bare:
            return None, self._missing(WEIGHT, BallotFault.WEIGHT_MISSING)
        if self._options.decimal is not None and (value := read_number(bare, self._options.decimal)) is not None:
            bare = repr(value)
        if not NUMERIC.fullmatch(bare):
            kind = rank_of(text)[0]
            fault = FAULT_OF.get(kind, BallotFault.TEXT_IN_NUMBER)
            return None, BallotFinding(WEIGHT, fault, {"value": excerpt_of(text)})
        weight = float(bare)
        if not weight > 0:
            return None, BallotFinding(WEIGHT, BallotFault.WEIGHT_NOT_POSITIVE, {"value": excerpt_of(bare)})
        if not isfinite(weight) or weight > self._frame.rules.weight_most:
            return None, BallotFinding(WEIGHT, BallotFault.WEIGHT_HUGE, {"value": excerpt_of(bare), "median": "–"})
        return weight, None

    def _day(self, text: str) -> Judgement:
        """Keep the day without its time: the time of day could show who answered."""
        bare = unquote_text(text)
        if not bare or self._options.is_missing(bare):
            return None, None
        day = read_day(bare, self._options.dates or DateOrder.DMY, self._serial_days)
        if day is None:
            return None, BallotFinding(DAY, BallotFault.DATE_WRONG, {"value": excerpt_of(bare)})
        params = {"value": f"{day:%d/%m/%Y}"}
        if day > self._frame.today:
            return None, BallotFinding(DAY, BallotFault.DATE_FUTURE, params)
        if day < self._frame.first_day:
            return None, BallotFinding(DAY, BallotFault.DATE_BEFORE, params)
        return day, None

    def _band(self, name: str, column: str) -> Callable[[str], Judgement]:
        values = self._frame.rules.bands[name]

        def judge(text: str) -> Judgement:
            bare = unquote_text(text).lower().replace("–", "-")
            if not bare or self._options.is_missing(bare):
                return None, None
            if bare in values:
                return bare, None
            params = {"value": excerpt_of(text), "values": ", ".join(values)}
            exact = column == AGE and bare[0].isdigit()
            return None, BallotFinding(column, BallotFault.EXACT_AGE if exact else BallotFault.BAND_UNKNOWN, params)

        return judge


def number_of(text: str, *, drawn: bool) -> str:
    """Return a ballot number. In a round with a sample, a number typed with or without dashes gets its standard form
    (00-00000-0); otherwise it stays as typed."""
    number = unquote_text(text)
    return (read_ballot_number(number) or number) if drawn else number


def _differs(name: str, value: Any, place: SamplePlace) -> bool:
    """Return whether a row names another place than the draw. A rounded weight is no difference."""
    if value is None:
        return False
    if name == WEIGHT:
        return not isclose(value, place.weight, rel_tol=ROUNDED)
    drawn = {UNIT: place.unit_id, STRATUM: place.stratum, PSU: place.psu}[name]
    return value != drawn and not (name == UNIT and drawn is None)


def _wrong_number(number: str) -> BallotFinding | None:
    if not number:
        return BallotFinding(NUMBER, BallotFault.NUMBER_MISSING)
    return _check_label(NUMBER, number, NUMBER_MOST)[1]


def _check_label(column: str, text: str, most: int) -> Judgement:
    """Judge a label: it must be short, no formula, no error value, and without bytes that are not text."""
    if len(text) > most:
        return None, BallotFinding(column, BallotFault.TOO_LONG, {"most": most})
    if text.isalnum() and text.isascii():
        return text, None
    kind = rank_of(text)[0]
    if kind is CellKind.TEXT and not text.isprintable():
        kind = CellKind.NUL
    if kind in (CellKind.NUL, CellKind.NOT_UTF8, CellKind.FORMULA, CellKind.ERROR):
        return None, BallotFinding(column, FAULT_OF[kind], {"value": excerpt_of(text)})
    return text, None
