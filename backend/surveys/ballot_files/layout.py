"""The columns of a file of ballots: its header compared with an instrument. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backend.files.faults import FileRefused, TableFault
from backend.files.tables import MOST_COLUMNS
from backend.surveys.ballot_files.faults import BallotFault, ballots_refused
from backend.surveys.forms.instruments import Instrument

NUMBER, FORM, UNIT, STRATUM, PSU, WEIGHT, DAY = "so_phieu", "mau_phieu", "don_vi", "tang", "cum", "trong_so", "ngay"
AGE, SEX, ETHNICITY = "nhom_tuoi", "gioi_tinh", "dan_toc"
REQUIRED: Final = (NUMBER, FORM)
PARTICULARS: Final = (NUMBER, FORM, UNIT, STRATUM, PSU, WEIGHT, DAY, AGE, SEX, ETHNICITY)
BANDS: Final = {"age": AGE, "sex": SEX, "ethnicity": ETHNICITY}
# Our own columns beside held rows. They are ignored when the corrected file comes back.
HELD_COLUMNS: Final = ("dong", "cot", "ly_do")


@dataclass(frozen=True)
class ColumnLayout:
    """Positions of the columns. ``particulars``: by name, those that the file has. ``answers``: in the order of
    ``columns``, the instrument's columns."""

    header: tuple[str, ...]
    particulars: dict[str, int]
    answers: tuple[int, ...]
    columns: tuple[str, ...]


def template_header(instrument: Instrument) -> list[str]:
    """Return the header of a template."""
    return [*PARTICULARS, *instrument.columns]


def read_header(header: Sequence[str], instrument: Instrument) -> ColumnLayout:
    """Return the layout of a file. Raises FileRefused for a header that does not fit the instrument: the system never
    guesses to which question an answer belongs.

    Particulars may stand anywhere, and only those of ``REQUIRED`` must be there. The answers must stand in the order of
    the instrument.
    """
    names = [name.lower() for name in header]
    columns = instrument.columns
    _check_size(names)
    _check_names(names, columns)
    positions = {name: position for position, name in enumerate(names)}
    own_columns = set(columns)
    answer_names = [name for name in names if name in own_columns]
    for name, wanted in zip(answer_names, columns, strict=True):
        if name != wanted:
            raise ballots_refused(BallotFault.COLUMN_ORDER, column=name, wanted=wanted)
    particulars = {name: positions[name] for name in PARTICULARS if name in positions}
    return ColumnLayout(tuple(names), particulars, tuple(positions[name] for name in columns), columns)


def _check_size(names: Sequence[str]) -> None:
    if not any(names):
        raise FileRefused(TableFault.EMPTY_FILE)
    if len(names) > MOST_COLUMNS:
        raise FileRefused(TableFault.TOO_MANY_COLUMNS, most=MOST_COLUMNS)


def _check_names(names: Sequence[str], columns: Sequence[str]) -> None:
    """Refuse a header without any of our columns, with unknown or repeated ones, or with one missing."""
    own_names = {*columns, *PARTICULARS, *HELD_COLUMNS}
    if not own_names.intersection(names):
        raise ballots_refused(BallotFault.DELIMITER)
    unknown = [name or "(…)" for name in names if name not in own_names]
    _refuse_columns(BallotFault.UNKNOWN_COLUMN, unknown)
    _refuse_columns(BallotFault.COLUMN_TWICE, sorted({name for name in names if names.count(name) > 1}))
    missing = [name for name in (*REQUIRED, *columns) if name not in names]
    _refuse_columns(BallotFault.MISSING_COLUMN, missing)


def _refuse_columns(fault: BallotFault, names: Sequence[str]) -> None:
    if names:
        raise ballots_refused(fault, columns=_shorten_list(names))


def _shorten_list(names: Sequence[str]) -> str:
    listing = ", ".join(name[:40] for name in names[:8])
    return f"{listing} …" if len(names) > 8 else listing
