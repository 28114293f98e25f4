"""What commands that read tables share: the options that explain a file, and a line that says how it was read."""

from datetime import date
from typing import Annotated

import typer

from backend.commands.output_language import say_text
from backend.errors import _
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
    """Return how the file was read: kind, encoding and separator or sheet, rows, first and last day."""
    parts = [form.sentence()]
    if rows is not None:
        parts.append(say_text(_("%(n)s dòng"), n=rows))
    if days is not None:
        first, last = (f"{day:%d/%m/%Y}" for day in days)
        parts.append(say_text(_("từ ngày %(first)s đến ngày %(last)s"), first=first, last=last))
    return say_text(_("Tệp: %(parts)s."), parts="; ".join(parts))
