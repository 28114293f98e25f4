"""Numbers of ballots, such as 26-00017-4: two digits of the year, five to seven of the sequence, one check digit.

They have only digits, so that people can type them on a keypad and a spreadsheet does not change them.
"""

import re

# The quasigroup of order 10 from H. M. Damm's thesis (Total anti-symmetrische Quasigruppen, Marburg 2004). Its check
# digit detects every single wrong digit and every swap of two neighbours.
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
    """Return the number of the ``number``-th ballot (from 1) of a round: 26-00017-4 for (2026, 17).

    Raises `ValueError` for a number below 1 or with more than seven digits.
    """
    if not 0 < number < 10_000_000:
        raise ValueError(number)
    digits = f"{year % 100:02d}{number:05d}"
    return f"{digits[:2]}-{digits[2:]}-{check_digit(digits)}"


def check_digit(digits: str) -> str:
    """Return the digit that makes the whole number end at 0 in the table; for a number with its check digit, "0"."""
    row = 0
    for digit in digits:
        row = int(DAMM[row][int(digit)])
    return str(row)


def read_ballot_number(written: str) -> str | None:
    """Return a typed number (with or without dashes) in its form 26-00017-4; None where it is mistyped."""
    match = WRITTEN.fullmatch(written.strip())
    if not match or check_digit("".join(match.groups())) != "0":
        return None
    return "-".join(match.groups())
