"""The faults of a table from outside, of the whole file or of one row, each with its sentence. Pure."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from backend.errors import Invalid, _


class TableFault(StrEnum):
    """Why a row cannot be read, or why a whole file is refused."""

    # of a row
    TOO_LONG = "too-long"
    RAGGED = "ragged"
    QUOTES = "quotes"
    HIDDEN_ROW = "hidden-row"
    MERGED_CELLS = "merged-cells"
    TOTALS_ROW = "totals-row"
    # of the file
    EMPTY_FILE = "empty-file"
    NO_SHEET = "no-sheet"
    MORE_SHEETS = "more-sheets"
    HIDDEN_COLUMN = "hidden-column"
    MERGED_HEADER = "merged-header"
    BROKEN_HEADER = "broken-header"
    MISSING_HEADING = "missing-heading"
    HEADING_TWICE = "heading-twice"
    SEPARATOR = "separator"
    ENCODING = "encoding"
    TOO_LARGE = "too-large"
    TOO_MANY_ROWS = "too-many-rows"
    TOO_MANY_SHEETS = "too-many-sheets"
    TOO_MANY_COLUMNS = "too-many-columns"
    TOO_MANY_MERGED = "too-many-merged"
    NOT_A_TABLE = "not-a-table"
    ENCRYPTED = "encrypted"
    MACROS = "macros"
    ZIP_BOMB = "zip-bomb"
    UNSAFE_XML = "unsafe-xml"
    # of a column
    MONTH_FIRST = "month-first"
    MIXED_ORDER = "mixed-order"
    DOUBTFUL_ORDER = "doubtful-order"
    SPOILED_DAYS = "spoiled-days"
    DECIMAL_UNKNOWN = "decimal-unknown"
    DECIMAL_MIXED = "decimal-mixed"
    NOT_A_NUMBER = "not-a-number"
    OUTSIDE_SCALE = "outside-scale"
    LABEL_NA = "label-na"
    LABEL_ZEROS = "label-zeros"
    LABEL_KINDS = "label-kinds"


TEXTS: Mapping[TableFault, str] = {
    TableFault.TOO_LONG: _("Dòng dài quá %(most)s ký tự."),
    TableFault.RAGGED: _("Dòng có %(found)s ô, cần %(wanted)s."),
    TableFault.QUOTES: _("Dòng có dấu ngoặc kép không đóng hoặc sai chỗ, hay một ô quá dài."),
    TableFault.HIDDEN_ROW: _("Dòng bị ẩn trong bảng tính."),
    TableFault.MERGED_CELLS: _("Ô bị gộp (%(range)s): không biết giá trị thuộc dòng nào."),
    TableFault.TOTALS_ROW: _("Dòng có chữ “%(value)s” nên có lẽ là dòng tổng; hãy xóa dòng này."),
    TableFault.EMPTY_FILE: _("Tệp trống hoặc không có dòng tiêu đề."),
    TableFault.NO_SHEET: _("Bảng tính không có trang dữ liệu nào đang hiện."),
    TableFault.MORE_SHEETS: _("Trang “%(sheet)s” cũng có dữ liệu; hãy để mọi dòng ở một trang, hoặc xóa trang thừa."),
    TableFault.HIDDEN_COLUMN: _("Tệp có cột bị ẩn: %(columns)s. Hãy hiện ra hoặc xóa đi."),
    TableFault.MERGED_HEADER: _("Dòng tiêu đề có ô bị gộp (%(range)s)."),
    TableFault.BROKEN_HEADER: _("Dòng tiêu đề có dấu ngoặc kép không đóng hoặc sai chỗ."),
    TableFault.MISSING_HEADING: _("Tệp thiếu cột: %(missing)s. Các cột có trong tệp: %(found)s."),
    TableFault.HEADING_TWICE: _("Tệp có hai cột cùng tên: %(twice)s."),
    TableFault.SEPARATOR: _(
        "Không rõ các cột cách nhau bằng dấu nào: dòng tiêu đề có số dấu %(signs)s bằng nhau. Hãy thêm dòng đầu sep=;"
        " (hoặc dấu đúng của tệp)."
    ),
    TableFault.ENCODING: _("Tệp phải ở dạng UTF-8; trong Excel hãy chọn “CSV UTF-8”."),
    TableFault.TOO_LARGE: _("Tệp lớn quá %(most)s MB."),
    TableFault.TOO_MANY_ROWS: _("Tệp có hơn %(most)s dòng; hãy chia nhỏ."),
    TableFault.TOO_MANY_SHEETS: _("Bảng tính có hơn %(most)s trang; hãy chỉ giữ trang có dữ liệu."),
    TableFault.TOO_MANY_COLUMNS: _("Tệp có hơn %(most)s cột."),
    TableFault.TOO_MANY_MERGED: _("Bảng tính có hơn %(most)s chỗ gộp ô; hãy bỏ gộp ô."),
    TableFault.NOT_A_TABLE: _("Đây không phải tệp CSV hay XLSX đọc được."),
    TableFault.ENCRYPTED: _("Bảng tính có mật khẩu hoặc ở dạng cũ (.xls); hãy lưu lại thành .xlsx không mật khẩu."),
    TableFault.MACROS: _("Bảng tính có macro nên không được nhận; hãy lưu lại thành .xlsx."),
    TableFault.ZIP_BOMB: _("Tệp nén phình ra quá lớn (%(size)s MB) nên không được mở."),
    TableFault.UNSAFE_XML: _("Bảng tính có khai báo không an toàn nên không được mở."),
    TableFault.MONTH_FIRST: _(
        "Cột “%(column)s”, dòng %(lines)s: “%(value)s” chỉ đọc được khi tháng đứng trước ngày, nên chưa rõ thứ tự ngày"
        " tháng của cả tệp. Hãy nêu --dates mdy (hoặc dmy nếu các dòng này sai), hay ghi ngày dạng 2026-10-20."
    ),
    TableFault.MIXED_ORDER: _(
        "Ngày tháng của tệp viết theo hai thứ tự: dòng %(lines)s (“%(value)s”) tháng trước, dòng %(other_lines)s"
        " (“%(other)s”) ngày trước. Hãy sửa tệp, hoặc nêu --dates dmy|mdy để các dòng viết khác bị loại."
    ),
    TableFault.DOUBTFUL_ORDER: _(
        "Dòng %(lines)s: đọc “%(value)s” theo ngày/tháng thì ngày ở tương lai hoặc trả lời trước khi nhận; đọc theo"
        " tháng/ngày thì hợp lý. Hãy nêu --dates dmy|mdy."
    ),
    TableFault.SPOILED_DAYS: _(
        "Cột “%(column)s” có cả ô kiểu ngày lẫn ô chữ như “%(value)s” (dòng %(lines)s): bảng tính có lẽ đã đổi chỗ ngày"
        " và tháng ở các ô kiểu ngày. Hãy xuất lại tệp, ghi ngày dạng 2026-10-20."
    ),
    TableFault.DECIMAL_UNKNOWN: _(
        "Cột “%(column)s”, dòng %(lines)s: “%(value)s” có thể là số lẻ hoặc số có dấu phân nhóm nghìn. Hãy nêu dấu"
        " thập phân: --decimal . hoặc --decimal ,"
    ),
    TableFault.DECIMAL_MIXED: _(
        "Cột “%(column)s”: dòng %(lines)s (“%(value)s”) và dòng %(other_lines)s (“%(other)s”) dùng hai dấu thập phân"
        " khác nhau. Hãy sửa tệp cho thống nhất."
    ),
    TableFault.NOT_A_NUMBER: _("Cột “%(column)s”, dòng %(lines)s: “%(value)s” không phải là số."),
    TableFault.OUTSIDE_SCALE: _(
        "Cột “%(column)s”, dòng %(lines)s: %(value)s không có trong thang từ %(low)s đến %(high)s. Nếu là mã không trả"
        " lời, hãy nêu --missing %(value)s; nếu thang khác, hãy nêu --scale."
    ),
    TableFault.LABEL_NA: _(
        "Cột “%(column)s”, dòng %(lines)s: nhãn “%(value)s” là tên thật hay ô trống? Hãy nêu --missing %(value)s nếu là"
        ' ô trống, --missing "" nếu là tên thật.'
    ),
    TableFault.LABEL_ZEROS: _(
        "Cột “%(column)s”: nhãn “%(value)s” và “%(other)s” chỉ khác số 0 ở đầu. Hãy sửa tệp cho thống nhất."
    ),
    TableFault.LABEL_KINDS: _("Cột “%(column)s”: nhãn “%(value)s” có thể là %(other)s. Hãy ghi đủ tên trong tệp."),
}


@dataclass(frozen=True, slots=True)
class RowFinding:
    """A fault in the form of one row. ``params``: the values of its sentence."""

    fault: TableFault
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> Invalid:
        return Invalid(TEXTS[self.fault], **self.params)


class FileRefused(Invalid):
    """The refusal of a whole file; nothing of it is stored. ``message``: the sentence of a fault that another room
    adds. ``file`` and ``sheet``, once they are known, stand before the sentence."""

    def __init__(self, fault: StrEnum, message: str | None = None, **params: object) -> None:
        super().__init__(message or TEXTS[TableFault(fault)], field="file", errors=(), **params)
        self.fault = fault
        self.file = self.sheet = ""

    def at(self, field: str) -> "FileRefused":
        """Return the same refusal at a field of a form."""
        self.field = field
        return self

    def __str__(self) -> str:
        sheet = f"trang “{self.sheet}”" if self.sheet else ""
        place = ", ".join(part for part in (self.file, sheet) if part)
        return f"{place}: {super().__str__()}" if place else super().__str__()


@contextmanager
def file_named(name: str, sheet: str = "") -> Iterator[None]:
    """Add the names of file and sheet to a FileRefused that is raised within the block."""
    try:
        yield
    except FileRefused as refusal:
        refusal.file = refusal.file or name
        refusal.sheet = refusal.sheet or sheet
        raise
