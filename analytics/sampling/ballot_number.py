"""Numbers of ballots: two digits of the year, five or more of the sequence, one check digit.

Digits only, so that they are typed on a keypad and survive a spreadsheet.
"""

import re

# The quasigroup of order 10 of H. M. Damm's thesis (Total anti-symmetrische Quasigruppen, Marburg 2004): its check
# digit finds every single wrong digit and every swap of neighbours.
DAMM = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)
WRITTEN = re.compile(r"(\d{2})[- ]?(\d{5,7})[- ]?(\d)", re.ASCII)


def ballot_number(year: int, number: int) -> str:
    """The number of the ``number``-th ballot (from 1) of a round: 26-00017-4. ValueError beyond seven digits."""
    if not 0 < number < 10_000_000:
        raise ValueError(number)
    digits = f"{year % 100:02d}{number:05d}"
    return f"{digits[:2]}-{digits[2:]}-{check_digit(digits)}"


def check_digit(digits: str) -> str:
    """The digit that makes the whole number end at 0 in the table."""
    row = 0
    for digit in digits:
        row = int(DAMM[row][int(digit)])
    return str(row)


def read_ballot_number(written: str) -> str | None:
    """The number in its proper form, with or without dashes as typed; None where it is none or mistyped."""
    found = WRITTEN.fullmatch(written.strip())
    if not found or check_digit("".join(found.groups())) != "0":
        return None
    return "-".join(found.groups())
