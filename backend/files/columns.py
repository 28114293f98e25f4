"""A few columns of a large table as arrays: CSV, CSV.GZ, Parquet or XLSX. Only the wanted columns are read.

Labels (strata, units, domains) stay texts, so "01" is not 1; different forms of one name become one label. Refusals
name column, line and value.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analytics.estimation.design import CodedColumn
from backend.errors import Invalid, _
from backend.files.column_readers import ColumnSource, read_columns
from backend.files.faults import FileRefused, TableFault
from backend.files.labels import LabelRefusal, canonical_labels
from backend.files.names import is_not_told, name_key
from backend.files.numbers import DecimalSign, WrittenNumber, decimal_sign, read_number
from backend.files.options import NOTHING_SAID, ReadOptions

SHOWN: Final = 40
HUGE: Final = 1e100  # far beyond any scale; the estimate refuses such values itself


class ColumnFile:
    """The wanted columns of a file, as labels or as numbers. Each becomes an array once. Raises Invalid."""

    def __init__(
        self, path: Path, labels: Iterable[str], numbers: Iterable[str], options: ReadOptions = NOTHING_SAID
    ) -> None:
        self._texts = frozenset(labels)
        self._options = options
        self._source: ColumnSource = read_columns(
            path, list(dict.fromkeys([*self._texts, *numbers])), self._texts, options
        )
        self._columns = self._source.columns
        self._numbers: dict[str, NDArray[Any]] = {}
        self._labels: dict[str, tuple[CodedColumn, Mapping[str, str]]] = {}
        self.n = len(next(iter(self._columns.values()))) if self._columns else 0
        if self.n == 0:
            raise Invalid(_("Tệp “%(file)s” không có phiếu nào."), file=str(path))

    @property
    def sentence(self) -> str:
        """The sentence that says how the file was read."""
        return self._source.sentence

    @property
    def sheet(self) -> str:
        """The sheet of a workbook that was read."""
        return self._source.sheet

    def line(self, row: int) -> int:
        """Return the line of the file in which a row (from 0) stands."""
        return self._source.line(row)

    def labels(self, name: str) -> CodedColumn:
        """Return the column as coded labels, missing where blank. Different forms of one name are one label, spelt like
        the most frequent form."""
        if name not in self._labels:
            self._labels[name] = self._coded(name)
        return self._labels[name][0]

    def spelling(self, name: str, text: str) -> str:
        """Return how the label that a text means is spelt in the column; the text itself where there is no such
        label."""
        self.labels(name)
        return self._labels[name][1].get(name_key(text), text)

    def numbers(self, name: str) -> NDArray[Any]:
        """Return the column as integers, or as floats with NaN for blanks. The copy in the table is released."""
        if name not in self._numbers:
            self._numbers[name] = self._numeric(name, self._columns[name], frozenset())
            if name not in self._texts and not self._options.missing:
                del self._columns[name]
        return self._numbers[name]

    def scores(self, name: str, low: float, high: float) -> NDArray[Any]:
        """Return the column as answers on a scale, with NaN for blanks and for declared codes of no answer. Raises
        FileRefused for the first value outside the scale."""
        values = self._answers(name)
        if low <= np.fmin.reduce(values) and np.fmax.reduce(values) <= high:
            return values
        outside = ((values < low) | (values > high)) & (np.abs(values) < HUGE)
        if outside.any():
            row = int(np.argmax(outside))
            raise FileRefused(
                TableFault.OUTSIDE_SCALE,
                column=name,
                lines=self.line(row),
                value=f"{values[row]:g}",
                low=f"{low:g}",
                high=f"{high:g}",
            )
        return values

    def _answers(self, name: str) -> NDArray[Any]:
        """Return the column as numbers, with NaN for declared codes of no answer."""
        missing = self._options.missing
        if not missing:
            return self.numbers(name)
        values = self._numeric(name, self._columns[name], missing)
        codes = [code for text in missing if (code := read_number(text, DecimalSign.POINT)) is not None]
        return np.where(np.isin(values, codes), np.nan, values) if codes else values

    def _coded(self, name: str) -> tuple[CodedColumn, Mapping[str, str]]:
        column = self._columns[name]
        if pa.types.is_nested(column.type):
            raise Invalid(_("Cột “%(column)s” không dùng làm nhãn được."), column=name)
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_nan(column), None, column)
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        whole = column.unify_dictionaries().combine_chunks()
        codes = pc.fill_null(whole.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
        values = whole.dictionary.to_pylist()
        counts = np.bincount(codes[codes >= 0], minlength=len(values))
        try:
            places, labels = canonical_labels(values, counts.tolist(), self._options)
        except LabelRefusal as refusal:
            lines = self.line(int(np.argmax(codes == refusal.place)))
            raise FileRefused(refusal.fault, column=name, lines=lines, **refusal.params) from None
        spellings = {name_key(label): label for label in labels if isinstance(label, str)}
        coded = CodedColumn(np.array([*places, -1])[codes], np.array([*labels, None], dtype=object)[:-1])
        return coded, spellings

    def _numeric(self, name: str, column: Any, missing: frozenset[str]) -> NDArray[Any]:
        kind = column.type
        if pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return self._of_texts(name, column, missing)
        if pa.types.is_null(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind):
            column = column.cast(pa.int8() if pa.types.is_boolean(kind) else pa.float64())
        elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise Invalid(_("Cột “%(column)s” không phải là số."), column=name)
        return np.asarray(column.to_numpy())

    def _of_texts(self, name: str, column: Any, missing: frozenset[str]) -> NDArray[Any]:
        """Return texts as numbers. Each distinct text is read once."""
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        whole = column.unify_dictionaries().combine_chunks()
        codes = pc.fill_null(whole.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
        texts = ["" if text.strip() in missing else text.strip() for text in whole.dictionary.to_pylist()]
        filled = [place for place, text in enumerate(texts) if not is_not_told(text)]
        first = {int(code): int(row) for code, row in zip(*np.unique(codes, return_index=True), strict=True)}
        written = [WrittenNumber(self.line(first[place]), texts[place]) for place in filled if place in first]
        sign = decimal_sign(name, written, self._source.usual_sign, self._options.decimal)
        values = np.full(len(texts) + 1, np.nan)
        for place in filled:
            number = read_number(texts[place], sign)
            if number is None:
                lines = self.line(first.get(place, 0))
                raise FileRefused(TableFault.NOT_A_NUMBER, column=name, lines=lines, value=texts[place][:SHOWN])
            values[place] = number
        return np.asarray(values[codes])
