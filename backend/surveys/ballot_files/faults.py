"""The faults of a file of ballots and of its rows, each with its sentence. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from backend.errors import Invalid, _
from backend.files.faults import TEXTS as TABLE_TEXTS
from backend.files.faults import FileRefused, RowFinding, TableFault


class BallotFault(StrEnum):
    """Why a row is held, or a whole file is refused."""

    # of a cell
    SCALE_FROM_ZERO = "scale-from-zero"
    OUT_OF_RANGE = "out-of-range"
    DATE_LIKE = "date-like"
    DECIMAL_COMMA = "decimal-comma"
    NOT_WHOLE = "not-whole"
    TEXT_IN_NUMBER = "text-in-number"
    FORMULA = "formula"
    ERROR_CELL = "error-cell"
    NUL = "nul"
    NOT_UTF8 = "not-utf8"
    TOO_LONG = "too-long"
    # of a row
    NUMBER_MISSING = "number-missing"
    NOT_DRAWN = "not-drawn"
    NUMBER_MISTYPED = "number-mistyped"
    DRAW_DIFFERS = "draw-differs"
    DUPLICATE_IN_FILE = "duplicate-in-file"
    DUPLICATE_STORED = "duplicate-stored"
    WRONG_FORM = "wrong-form"
    UNIT_MISSING = "unit-missing"
    UNIT_UNKNOWN = "unit-unknown"
    UNIT_GONE = "unit-gone"
    UNIT_LATER = "unit-later"
    WEIGHT_MISSING = "weight-missing"
    WEIGHT_NOT_POSITIVE = "weight-not-positive"
    WEIGHT_HUGE = "weight-huge"
    LABEL_MISSING = "label-missing"
    DATE_WRONG = "date-wrong"
    DATE_FUTURE = "date-future"
    DATE_BEFORE = "date-before"
    EXACT_AGE = "exact-age"
    BAND_UNKNOWN = "band-unknown"
    BLANK_BALLOT = "blank-ballot"
    SKIP_BROKEN = "skip-broken"
    RAGGED = "ragged"
    QUOTES = "quotes"
    HIDDEN_ROW = "hidden-row"
    MERGED_CELLS = "merged-cells"
    # of the file
    UNKNOWN_COLUMN = "unknown-column"
    MISSING_COLUMN = "missing-column"
    COLUMN_TWICE = "column-twice"
    COLUMN_ORDER = "column-order"
    SHIFTED_SCALE = "shifted-scale"
    DELIMITER = "delimiter"


TEXTS: Mapping[BallotFault, str] = {
    BallotFault.SCALE_FROM_ZERO: _("0 không có trong thang từ %(low)s đến %(high)s; có phải tệp dùng thang từ 0?"),
    BallotFault.OUT_OF_RANGE: _("%(value)s không có trong thang từ %(low)s đến %(high)s."),
    BallotFault.DATE_LIKE: _(
        "%(value)s không có trong thang từ %(low)s đến %(high)s; có phải bảng tính đã đổi điểm thành ngày?"
    ),
    BallotFault.DECIMAL_COMMA: _("“%(value)s” có dấu phẩy thập phân; ở đây cần số nguyên hoặc dấu chấm thập phân."),
    BallotFault.NOT_WHOLE: _("“%(value)s” không phải số nguyên."),
    BallotFault.TEXT_IN_NUMBER: _("“%(value)s” là chữ, ở đây cần số."),
    BallotFault.FORMULA: _("Ô có công thức; hãy dán giá trị."),
    BallotFault.ERROR_CELL: _("Ô có lỗi tính toán %(value)s."),
    BallotFault.NUL: _("Ô có ký tự không in được (như NUL)."),
    BallotFault.NOT_UTF8: _("Dòng có ký tự không phải UTF-8."),
    BallotFault.TOO_LONG: _("Ô dài quá %(most)s ký tự."),
    BallotFault.NUMBER_MISSING: _("Thiếu số phiếu."),
    BallotFault.NOT_DRAWN: _("Số phiếu “%(value)s” không có trong mẫu đã rút của đợt khảo sát."),
    BallotFault.NUMBER_MISTYPED: _("Số phiếu “%(value)s” gõ nhầm: chữ số kiểm tra không khớp."),
    BallotFault.DRAW_DIFFERS: _(
        "“%(value)s” khác với mẫu đã rút (%(drawn)s); hãy xem lại số phiếu hoặc để trống ô này."
    ),
    BallotFault.DUPLICATE_IN_FILE: _("Số phiếu này còn ở dòng %(lines)s; chưa biết dòng nào đúng."),
    BallotFault.DUPLICATE_STORED: _("Số phiếu này đã có trong đợt khảo sát với nội dung khác (lô %(batch)s)."),
    BallotFault.WRONG_FORM: _("Mẫu phiếu “%(value)s” không phải mẫu %(wanted)s của đợt khảo sát."),
    BallotFault.UNIT_MISSING: _("Thiếu mã đơn vị."),
    BallotFault.UNIT_UNKNOWN: _("Không có đơn vị mang mã “%(value)s”."),
    BallotFault.UNIT_GONE: _("%(name)s không còn từ ngày %(day)s; đơn vị kế thừa: %(successors)s."),
    BallotFault.UNIT_LATER: _("%(name)s chưa có vào thời gian khảo sát."),
    BallotFault.WEIGHT_MISSING: _("Thiếu trọng số."),
    BallotFault.WEIGHT_NOT_POSITIVE: _("Trọng số %(value)s không lớn hơn 0."),
    BallotFault.WEIGHT_HUGE: _("Trọng số %(value)s quá lớn (trung vị của tệp: %(median)s)."),
    BallotFault.LABEL_MISSING: _("Thiếu tầng hoặc cụm của mẫu."),
    BallotFault.DATE_WRONG: _("Không có ngày “%(value)s”."),
    BallotFault.DATE_FUTURE: _("Ngày %(value)s ở tương lai."),
    BallotFault.DATE_BEFORE: _("Ngày %(value)s trước khi đợt khảo sát bắt đầu."),
    BallotFault.EXACT_AGE: _("Chỉ nhận nhóm tuổi (%(values)s), không nhận tuổi hay ngày sinh."),
    BallotFault.BAND_UNKNOWN: _("“%(value)s” không phải một trong: %(values)s."),
    BallotFault.BLANK_BALLOT: _("Phiếu không có câu trả lời nào."),
    BallotFault.SKIP_BROKEN: _("Câu này chỉ dành cho người đã chọn “%(values)s” ở câu trước, nên phải để trống."),
    BallotFault.RAGGED: TABLE_TEXTS[TableFault.RAGGED],
    BallotFault.QUOTES: TABLE_TEXTS[TableFault.QUOTES],
    BallotFault.HIDDEN_ROW: TABLE_TEXTS[TableFault.HIDDEN_ROW],
    BallotFault.MERGED_CELLS: TABLE_TEXTS[TableFault.MERGED_CELLS],
    BallotFault.UNKNOWN_COLUMN: _("Tệp có cột không thuộc mẫu phiếu: %(columns)s."),
    BallotFault.MISSING_COLUMN: _("Tệp thiếu cột: %(columns)s."),
    BallotFault.COLUMN_TWICE: _("Tệp có hai cột cùng tên: %(columns)s."),
    BallotFault.COLUMN_ORDER: _(
        "Thứ tự các nội dung khác mẫu: cột %(column)s đứng ở chỗ của %(wanted)s. Nếu tên cột bị dán đè, điểm sẽ vào"
        " nhầm nội dung; hãy dùng đúng thứ tự của tệp mẫu."
    ),
    BallotFault.SHIFTED_SCALE: _(
        "Câu “%(question)s”: có %(zeros)s điểm 0 và không có điểm %(high)s nào, nên cả tệp có lẽ dùng thang từ 0. Hãy"
        " chuyển về thang từ %(low)s đến %(high)s."
    ),
    BallotFault.DELIMITER: _(
        "Dòng đầu không có cột nào của tệp mẫu: dòng đầu phải là dòng tiêu đề; trong CSV các cột cách nhau bằng dấu"
        " phẩy, chấm phẩy hoặc tab."
    ),
}


@dataclass(frozen=True, slots=True)
class BallotFinding:
    """One fault in a row. ``column``: empty where the fault is of the whole row. ``params``: the values of its
    sentence."""

    column: str
    fault: BallotFault
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> Invalid:
        return Invalid(TEXTS[self.fault], **self.params)


def finding_of(row: RowFinding) -> BallotFinding:
    """Return a finding of the table reader as a finding about a ballot."""
    return BallotFinding("", BallotFault(row.fault.value), row.params)


def ballots_refused(fault: BallotFault, **params: object) -> FileRefused:
    """Return the refusal of a whole file for a fault of ballots."""
    return FileRefused(fault, TEXTS[fault], **params)
