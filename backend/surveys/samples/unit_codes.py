"""The status of a unit's code on the first day of a round: valid, ended with its successors, or not yet in force.

The look-up itself is that of `backend.units.directory`. Files of ballots, typed ballots and drawn samples ask here.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy.orm import Session

from backend.units.directory import UnitDirectory, UnitEntry, unit_directory


@dataclass(frozen=True)
class UnitStatus:
    """``unit_id``: the unit where the code is valid on the day, else none. ``name``: the name that goes with the code.
    ``ended``: the first day without the unit; none where it is valid or begins later. ``successors``: the units that
    took over, as "name (code)"."""

    unit_id: int | None
    name: str
    ended: date | None = None
    successors: tuple[str, ...] = field(default=())


class UnitCodes:
    """Statuses of codes on one day. It holds no session, so it can be sent to a child process."""

    def __init__(self, directory: UnitDirectory, day: date) -> None:
        self._directory, self._day = directory, day

    def status(self, code: str) -> UnitStatus | None:
        """Return the status of a code; none where no unit ever had it. A code is used again over time: the unit that is
        valid on the day comes first, else the one that began last."""
        entries = self._directory.with_code(code)
        if not entries:
            return None
        valid = [entry for entry in entries if entry.valid_on(self._day)]
        if valid:
            return UnitStatus(valid[-1].id, valid[-1].name)
        return self._not_valid(entries[-1])

    def _not_valid(self, entry: UnitEntry) -> UnitStatus:
        if entry.valid_to is None or entry.valid_to >= self._day:
            return UnitStatus(None, entry.name)
        successors = sorted(self._directory.successors_of(entry), key=lambda successor: successor.code)
        names = tuple(f"{successor.name} ({successor.code})" for successor in successors)
        return UnitStatus(None, entry.name, entry.valid_to + timedelta(days=1), names)


def read_unit_codes(session: Session, day: date) -> UnitCodes:
    """Return all codes with their statuses on a day."""
    return UnitCodes(unit_directory(session), day)
