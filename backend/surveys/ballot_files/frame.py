"""What the ballots of a round are judged against: its instrument, its units, its days, its rules and its sample.
Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from backend.surveys.ballot_files.ballot_rules import BallotRules
from backend.surveys.forms.instruments import Instrument
from backend.surveys.samples.unit_codes import UnitCodes


@dataclass(frozen=True, slots=True)
class SamplePlace:
    """The place of a drawn ballot in the sample. ``unit``: the code of its unit; none where the draw names no unit that
    we know."""

    unit_id: int | None
    unit: str | None
    stratum: str | None
    psu: str | None
    weight: float


@dataclass(frozen=True)
class RoundFrame:
    """``units``: statuses of unit codes on the first day of the round. ``sample``: places of the drawn ballots by
    number; none in a round without a drawn sample. ``draw``: SHA-256 of the sample; it changes when the sample is
    replaced."""

    instrument: Instrument
    units: UnitCodes
    first_day: date
    today: date
    rules: BallotRules
    sample: Mapping[str, SamplePlace] | None = None
    draw: str | None = None
