"""Which column of a file holds what: its header against an instrument. Pure."""

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
# Written by us beside held rows, and passed over when they come back mended.
HELD_COLUMNS: Final = ("dong", "cot", "ly_do")


@dataclass(frozen=True)
class ColumnLayout:
    """Places of the columns: ``particulars`` by name where the file has them, ``answers`` in the instrument's order."""

    header: tuple[str, ...]
    particulars: dict[str, int]
    answers: tuple[int, ...]
    columns: tuple[str, ...]


def template_header(instrument: Instrument) -> list[str]:
    """The header of a file that is taken."""
    return [*PARTICULARS, *instrument.columns]


def read_header(header: Sequence[str], instrument: Instrument) -> ColumnLayout:
    """Raises FileRefused for a header that is not the instrument's: nothing is guessed about what an answer belongs to.

    Particulars may stand anywhere and those not required may be missing; the answers stand in the order of the form.
    """
    names = [name.lower() for name in header]
    columns = instrument.columns
    _check_names(names, columns)
    places = {name: place for place, name in enumerate(names)}
    found = [name for name in names if name in set(columns)]
    for name, wanted in zip(found, columns, strict=True):
        if name != wanted:
            raise ballots_refused(BallotFault.COLUMN_ORDER, column=name, wanted=wanted)
    particulars = {name: places[name] for name in PARTICULARS if name in places}
    return ColumnLayout(tuple(names), particulars, tuple(places[name] for name in columns), columns)


def _check_names(names: Sequence[str], columns: Sequence[str]) -> None:
    if not any(names):
        raise FileRefused(TableFault.EMPTY_FILE)
    if len(names) > MOST_COLUMNS:
        raise FileRefused(TableFault.TOO_MANY_COLUMNS, most=MOST_COLUMNS)
    known = {*columns, *PARTICULARS, *HELD_COLUMNS}
    if not known.intersection(names):
        raise ballots_refused(BallotFault.DELIMITER)
    if unknown := [name or "(…)" for name in names if name not in known]:
        raise ballots_refused(BallotFault.UNKNOWN_COLUMN, columns=_shorten_list(unknown))
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ballots_refused(BallotFault.COLUMN_TWICE, columns=_shorten_list(twice))
    if missing := [name for name in (*REQUIRED, *columns) if name not in names]:
        raise ballots_refused(BallotFault.MISSING_COLUMN, columns=_shorten_list(missing))


def _shorten_list(names: Sequence[str]) -> str:
    shown = ", ".join(name[:40] for name in names[:8])
    return f"{shown} …" if len(names) > 8 else shown
