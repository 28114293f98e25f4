"""What the survey officer states about a file on its page: the same three options as on the command line. Pure."""

from typing import Final
from urllib.parse import parse_qsl, urlencode

from backend.errors import Invalid, _
from backend.files.dates import DateOrder
from backend.files.numbers import DecimalSign
from backend.files.options import ReadOptions, missing_texts

MISSING_MOST: Final = 40  # letters of the codes for "no answer"
BLANK: Final = '""'  # the way to write "no code means no answer"


def read_choices(dates: str, decimal: str, missing: str) -> ReadOptions:
    """Return the options as the fields of the form have them; an empty field leaves it to the file.

    Raises Invalid at the field for an order, a sign or a list of codes that does not exist.
    """
    missing = missing.strip()
    if dates and dates not in set(DateOrder):
        raise Invalid(_("Hãy chọn một trong các mục."), field="dates")
    if decimal and decimal not in set(DecimalSign):
        raise Invalid(_("Hãy chọn một trong các mục."), field="decimal")
    if len(missing) > MISSING_MOST:
        raise Invalid(_("Xin ghi ngắn hơn: nhiều nhất %(most)s chữ."), field="missing", most=MISSING_MOST)
    return ReadOptions(
        DateOrder(dates) if dates else None,
        DecimalSign(decimal) if decimal else None,
        missing_texts(("" if missing == BLANK else missing) if missing else None),
    )


def write_choices(options: ReadOptions) -> str:
    """Return the options as one word without a slash, for the subject of a job: ``dates=mdy&missing=9%2C99``."""
    missing = None if options.missing is None else ",".join(sorted(options.missing)) or BLANK
    pairs = {"dates": options.dates, "decimal": options.decimal, "missing": missing}
    return urlencode({name: value for name, value in pairs.items() if value is not None}, safe="")


def choices_written(text: str) -> ReadOptions:
    """Return the options that ``write_choices`` wrote."""
    pairs = dict(parse_qsl(text))
    return read_choices(pairs.get("dates", ""), pairs.get("decimal", ""), pairs.get("missing", ""))
