"""What the rows of a file are judged against. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from backend.surveys.ballot_files.ballot_rules import BallotRules
from backend.surveys.forms.instruments import Instrument
from backend.surveys.samples.unit_codes import UnitStatus


@dataclass(frozen=True, slots=True)
class SamplePlace:
    """Where a drawn ballot stands in the sample. ``unit``: its code, none where the draw knows no unit of ours."""

    unit_id: int | None
    unit: str | None
    stratum: str | None
    psu: str | None
    weight: float


@dataclass(frozen=True)
class RoundFrame:
    """What rows are judged against. ``units``: how each code stands in the time of the survey. ``sample``: the places
    of the drawn ballots by number, none in a round without a drawn sample; ``draw`` tells one sample from another."""

    instrument: Instrument
    units: Mapping[str, UnitStatus]
    first_day: date
    today: date
    rules: BallotRules
    sample: Mapping[str, SamplePlace] | None = None
    draw: str | None = None
