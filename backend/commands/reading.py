"""What commands that read tables share: the options by which a file is explained, and what was read, in a line."""

from datetime import date
from typing import Annotated

import typer

from backend.files.dates import DateOrder
from backend.files.numbers import DecimalSign
from backend.files.tables import TableForm

DatesOption = Annotated[
    DateOrder | None,
    typer.Option(help="Thứ tự ngày tháng trong tệp: dmy (5/10 là 5 tháng 10), mdy (5/10 là 10 tháng 5), ymd."),
]
DecimalOption = Annotated[DecimalSign | None, typer.Option(help="Dấu thập phân trong tệp.")]
MissingOption = Annotated[
    str | None, typer.Option(help="Mã không trả lời, ví dụ 9,99; ghi NA nếu nhãn NA là ô trống, để trống nếu không có.")
]


def what_was_read(form: TableForm, days: tuple[date, date] | None = None, rows: int | None = None) -> str:
    """How the file was read: kind, encoding and separator or sheet, rows, first and last day."""
    parts = [form.sentence()]
    if rows is not None:
        parts.append(f"{rows} dòng")
    if days is not None:
        parts.append(f"từ ngày {days[0]:%d/%m/%Y} đến ngày {days[1]:%d/%m/%Y}")
    return "Tệp: " + "; ".join(parts) + "."
